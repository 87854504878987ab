"""What check-llama.mjs compares llama.cpp with: token ids of every text of the data, and logits of forced positions."""
import json
import random

import torch

from corpus import DATA

AWKWARD = ['', ' ', '  two  spaces ', 'a\n\n\nb', '\n' * 40, ' ' * 40 + 'x', '\ttab', 'über Äpfel ß ñ é', '日本語 한국어', '😀👍🏽',
           '<|turn>user\nhi<turn|>', '<|channel>thought\nx<channel|>', '<0x41>', '<unused5>', '1234567890 3.14', 'e\u0301',
           '\u2581 literal', 'a\r\nb\u00a0c', '<gemma-chat model-src="model.gguf"></gemma-chat>', '```js\n  const x = 1;\n```',
           "I'm you're don't", 'x' * 300, 'GEMMA-CHAT', '<bos>x<eos>', '_a_b__c', '!?!?...', 'ﬀ ½ ™ “quotes” …', '\u0000']


def write(folder, network, corpus, tokenizer, device, positions=160):
    """check.json and check.bin (f32 [positions, vocab]); the network must hold the weights as stored."""
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
    network.eval()
    with torch.no_grad():
        logits = network(torch.tensor([ids], device=device))[0].float().cpu()
    (folder / 'check.bin').write_bytes(logits.numpy().tobytes())
    (folder / 'check.json').write_text(json.dumps({
        'texts': [{'text': text, 'plain': tokenizer.encode(text), 'special': tokenizer.encode(text, True)} for text in texts],
        'rendered': rendered, 'ids': ids, 'window': network.config.window}), 'utf8')
