"""Answers requests, one JSON a line, on standard input: transformers is imported once. Every answer is one JSON line,
{"error"} where it failed. Big results go to the file that the request names.

  {"do": "logits", "model": PATH, "tokens": [ids], "out": PATH}        f32 [tokens, vocabulary]
  {"do": "logprobs", "model": PATH, "tokens": [ids], "positions": [..]} see logprobs
  {"do": "greedy", "model": PATH, "prompt": [ids], "count": N}          {"ids", "margins"}
  {"do": "vectors", "model": PATH, "texts": [[ids]]}                    {"vectors"}: of length one, of an embedding model
  {"do": "tokenize", "tokenizer": PATH, "texts": [..]}                  {"ids": [[..]]}, without bos"""
import json
import os
import sys

os.environ['HF_HUB_OFFLINE'] = '1'

import torch

import gguf_model

last = {}


def model_of(path):
    """The model of the file; the last one asked for is kept."""
    if last.get('path') != path:
        last.clear()
        last.update(path=path, model=gguf_model.load(path))
    return last['model']


@torch.no_grad()
def logits(request):
    values = model_of(request['model'])(torch.tensor([request['tokens']]), use_cache=False).logits[0].float().numpy()
    values.tofile(request['out'])
    return {'shape': list(values.shape)}


@torch.no_grad()
def logprobs(request):
    """At each position p: the log-probability of token p + 1, the first choice, and how far it is above the second."""
    tokens, positions = request['tokens'], request['positions']
    hidden = model_of(request['model']).model(torch.tensor([tokens]), use_cache=False).last_hidden_state[0]
    answer = {'logprobs': [], 'first': [], 'margins': []}
    for start in range(0, len(positions), 64):  # the head of a real vocabulary is 262,144 wide
        some = positions[start : start + 64]
        rows = head(last['model'], hidden[some])
        two = rows.topk(2, dim=1)
        wanted = torch.tensor([tokens[position + 1] for position in some])
        answer['logprobs'] += (rows.gather(1, wanted[:, None])[:, 0] - rows.logsumexp(1)).tolist()
        answer['first'] += two.indices[:, 0].tolist()
        answer['margins'] += (two.values[:, 0] - two.values[:, 1]).tolist()
    return answer


def head(model, hidden):
    rows = model.lm_head(hidden).float()
    cap = model.config.final_logit_softcapping
    return cap * torch.tanh(rows / cap) if cap else rows


@torch.no_grad()
def greedy(request):
    model, ids, margins, past = model_of(request['model']), [], [], None
    step = torch.tensor([request['prompt']])
    for _ in range(request['count']):
        result = model(step, **({'past_key_values': past} if past else {}), use_cache=True, logits_to_keep=1)
        two = result.logits[0, -1].float().topk(2)
        ids.append(int(two.indices[0]))
        margins.append(float(two.values[0] - two.values[1]))
        step, past = torch.tensor([[ids[-1]]]), result.past_key_values
    return {'ids': ids, 'margins': margins}


@torch.no_grad()
def vectors(request):
    model, found = model_of(request['model']), []
    for ids in request['texts']:
        mean = model(torch.tensor([ids])).last_hidden_state[0].mean(0)
        found.append((mean / mean.norm()).tolist())
    return {'vectors': found}


def tokenize(request):
    from tokenizers import Tokenizer

    if last.get('tokenizer path') != request['tokenizer']:
        last.update({'tokenizer path': request['tokenizer'], 'tokenizer': Tokenizer.from_file(request['tokenizer'])})
    encoded = last['tokenizer'].encode_batch(request['texts'], add_special_tokens=False)
    return {'ids': [each.ids for each in encoded]}


ACTIONS = {'logits': logits, 'logprobs': logprobs, 'greedy': greedy, 'vectors': vectors, 'tokenize': tokenize}

for line in sys.stdin:
    try:
        request = json.loads(line)
        answer = ACTIONS[request['do']](request)
    except Exception as error:  # told to the other side, which decides
        answer = {'error': f'{type(error).__name__}: {error}'}
    print(json.dumps(answer), flush=True)
