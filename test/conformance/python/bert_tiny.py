"""Vectors of a tiny BERT with generated weights, as transformers computes them, for test/unit/knowledge/encoder.test.ts.

python bert_tiny.py > test/fixtures/golden/bert-tiny.json
"""
import json
import os
import tempfile

import torch
from transformers import BertConfig, BertModel, BertTokenizer

VOCABULARY = (
    '[PAD] [UNK] [CLS] [SEP] [MASK] ! , . ( ) + - _ \u65e5 \u672c a b c d e f g h i j k l m n o p q r s t u v w x y z 0 1 2 3 '
    '##a ##b ##c ##d ##e ##i ##l ##n ##o ##s ##t ##y ##ing how do undo commit branch file naive cafe the of ab ##cd ##0'
).split(' ')
TEXTS = [
    'how do I undo the commit?',
    'H\u00f6w na\u00efve: caf\u00e9!',
    '\u65e5\u672c branching_file',
    'abcd 10 zz\u00df x\u200by\ttab',
    'the file (of) a branch, ' * 8,
    '',
]


def values(seed, count):
    state, out = seed, []
    for _ in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        out.append((state / 2**32 - 0.5) * 0.5)
    return out


config = BertConfig(
    vocab_size=len(VOCABULARY), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
    max_position_embeddings=24, type_vocab_size=2, hidden_act='gelu', layer_norm_eps=1e-12,
)
model = BertModel(config, add_pooling_layer=False).eval()
names = sorted(name for name, _ in model.named_parameters())
with torch.no_grad():
    for seed, name in enumerate(names):
        tensor = model.get_parameter(name)
        tensor.copy_(torch.tensor(values(seed + 1, tensor.numel())).reshape(tensor.shape))
with tempfile.TemporaryDirectory() as folder:
    with open(os.path.join(folder, 'vocab.txt'), 'w') as file:
        file.write('\n'.join(VOCABULARY) + '\n')
    tokenizer = BertTokenizer(os.path.join(folder, 'vocab.txt'), do_lower_case=True)
cases = []
for text in TEXTS:
    batch = tokenizer([text], truncation=True, max_length=24, return_tensors='pt')
    with torch.no_grad():
        hidden = model(**batch).last_hidden_state[0].mean(0)
    vector = torch.nn.functional.normalize(hidden, dim=0)
    cases.append({'text': text, 'ids': batch['input_ids'][0].tolist(), 'vector': [round(x, 7) for x in vector.tolist()]})
KEYS = (
    'model_type hidden_size num_hidden_layers num_attention_heads intermediate_size max_position_embeddings '
    'type_vocab_size vocab_size hidden_act layer_norm_eps'
).split(' ')
print(json.dumps({'config': {key: config.to_dict()[key] for key in KEYS}, 'vocabulary': VOCABULARY,
                  'tensors': {name: list(model.get_parameter(name).shape) for name in names}, 'cases': cases}))
