"""
Prepares the comparison with llama.cpp (check-llama.mjs) from a finished file:

    python3 scripts/demo-model/check.py [FILE.gguf] [FOLDER]

Writes the file's twin with the same weights as F32, the token ids of every text of the data, rendered conversations,
logits of forced positions, and greedy answers.
"""
import json
import random
import shutil
import sys
from pathlib import Path

import numpy as np
import torch

import evaluate
import gguf_file
from bpe import Tokenizer
from corpus import DATA, Corpus
from network import Config, Network
from quantize import TYPES

AWKWARD = ['', ' ', '  two  spaces ', 'a\n\n\nb', '\n' * 40, ' ' * 40 + 'x', '\ttab', 'über Äpfel ß ñ é', '日本語 한국어', '😀👍🏽',
           '<|turn>user\nhi<turn|>', '<|channel>thought\nx<channel|>', '<0x41>', '<unused5>', '1234567890 3.14', 'e\u0301',
           '\u2581 literal', 'a\r\nb\u00a0c', '<gemma-chat model-src="model.gguf"></gemma-chat>', '```js\n  const x = 1;\n```',
           "I'm you're don't", 'x' * 300, 'GEMMA-CHAT', '<bos>x<eos>', '_a_b__c', '!?!?...', 'ﬀ ½ ™ “quotes” …', '\u0000']


def load(path):
    """(network with the weights that the file stores, tokenizer, metadata)"""
    metadata, tensors = gguf_file.read(path)
    merges = [tuple(merge.split(' ', 1)) for merge in metadata['tokenizer.ggml.merges'][1]]
    tokenizer = Tokenizer(metadata['tokenizer.ggml.tokens'][1], metadata['tokenizer.ggml.token_type'][1], merges)
    network = Network(Config(vocab=len(tokenizer.tokens)))
    values = {name: TYPES[kind].decode(data).reshape(shape) for name, (kind, shape, data) in tensors.items()}
    network.load_stored({name: torch.from_numpy(values[name].copy()) for name, _ in network.named_weights()})
    return network.eval(), tokenizer, metadata, values


def write_twin(path, metadata, values):
    entries = [(key, kind, 0 if key == 'general.file_type' else value) for key, (kind, value) in metadata.items()]
    gguf_file.write(path, entries, [(name, 'F32', array.astype(np.float32)) for name, array in values.items()])


def write(folder, network, corpus, tokenizer, positions=160):
    """check.json and check.bin (f32 [positions, vocab])."""
    rng = random.Random(3)
    texts = list(AWKWARD)
    for file in sorted(DATA.glob('*.txt')):
        texts += file.read_text('utf8').split('\n')
    rendered = []
    for _ in range(200):
        messages, thinking = corpus.conversation(rng)
        ids, _ = tokenizer.render(messages, thinking, generate=messages[-1]['role'] == 'user')
        if thinking:  # a template shows no thoughts, neither old nor new
            messages = [{key: value for key, value in message.items() if key != 'reasoning'} for message in messages]
            ids, _ = tokenizer.render(messages, thinking)
        rendered.append({'messages': messages, 'thinking': thinking, 'ids': ids})
    ids = []
    while len(ids) < positions:
        ids += tokenizer.render(corpus.conversation(rng)[0])[0]
    ids = ids[:positions]
    with torch.no_grad():
        logits = network(torch.tensor([ids]))[0]
    answers = evaluate.generate(network, tokenizer, [[{'role': 'user', 'content': q}] for q in evaluate.TEN], 'cpu')
    (folder / 'check.bin').write_bytes(logits.numpy().tobytes())
    (folder / 'check.json').write_text(json.dumps({
        'texts': [{'text': text, 'plain': tokenizer.encode(text), 'special': tokenizer.encode(text, True)} for text in texts],
        'rendered': rendered, 'ids': ids, 'window': network.config.window,
        'answers': [{'question': question, 'answer': answer} for question, answer in zip(evaluate.TEN, answers)]}), 'utf8')


def main():
    root = Path(__file__).resolve().parents[2]
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else root / 'demo/models/gemma-chat-demo.gguf'
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else Path('/tmp/gemma-chat-demo-check')
    folder.mkdir(parents=True, exist_ok=True)
    network, tokenizer, metadata, values = load(path)
    if path.resolve().parent != folder.resolve():
        shutil.copy(path, folder / 'gemma-chat-demo.gguf')
    write_twin(folder / 'gemma-chat-demo-f32.gguf', metadata, values)
    write(folder, network, Corpus(), tokenizer)
    print(folder)


if __name__ == '__main__':
    main()
