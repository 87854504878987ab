"""
Makes the demo model from nothing: tokenizer, training, GGUF, evaluation. One command, no network:

    python3 scripts/demo-model/train.py

Needs PyTorch and NumPy; uses CUDA where there is one. Writes gemma-chat-demo.gguf, evaluation.md and train.log into
demo/models/ (or $OUT). Deterministic up to the arithmetic of the machine.
"""
import argparse
import json
import math
import multiprocessing
import os
import random
import sys
import time
from pathlib import Path

import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).parent))
import evaluate  # noqa: E402
import export  # noqa: E402
from bpe import Tokenizer, learn  # noqa: E402
from corpus import Corpus  # noqa: E402
from network import Config, Network  # noqa: E402

SHARES = 16  # of the data, drawn in parallel; fixed, so that every machine draws the same
ROOT = Path(__file__).resolve().parents[2]


def arguments():
    parser = argparse.ArgumentParser(description='Trains the demo model.')
    parser.add_argument('--out', default=os.environ.get('OUT') or ROOT / 'demo/models', type=Path)
    parser.add_argument('--tokens', default=22_000_000, type=int, help='training tokens, padding included')
    parser.add_argument('--batch', default=8_000, type=int, help='tokens a step')
    parser.add_argument('--rate', default=2e-3, type=float, help='peak learning rate')
    parser.add_argument('--dropout', default=0.2, type=float)
    parser.add_argument('--decay', default=0.1, type=float, help='weight decay of matrices')
    parser.add_argument('--broken', default=0.25, type=float, help='share of conversations whose merges are partly left out')
    parser.add_argument('--seed', default=1, type=int)
    parser.add_argument('--threads', default=0, type=int)
    return parser.parse_args()


def make_tokenizer(corpus, config, rng):
    """Learned from every answer and from many clean questions."""
    texts = {}
    for answer in corpus.answers():
        texts[answer] = texts.get(answer, 0) + 40
    for facts in (corpus.facts, corpus.offtopic, corpus.dialogue):
        for fact in facts.values():
            draws = {'unknown': 6_000, 'no-fact': 1_000, 'foreign': 1}.get(fact.name, 120)
            for _ in range(draws if fact.patterns else 0):
                question = fact.question(corpus.grammar, rng)
                for text in (question, question[:1].upper() + question[1:]):
                    texts[text] = texts.get(text, 0) + 1
    texts['system\nuser\nmodel\nthought\n'] = 100
    return Tokenizer(*learn(texts, config.vocab))


def draw_rows(job):
    """One worker's share of the training data: rows (ids, mask)."""
    corpus, tokenizer, longest, tokens, broken, seed = job
    rng = random.Random(seed)
    rows, total = [], 0
    while total < tokens:
        share = 0.15 if rng.random() < broken else 0
        ids, mask = tokenizer.render(*corpus.conversation(rng), broken=share, rng=rng)
        if len(ids) <= longest:
            rows.append((ids, mask))
            total += len(ids)
    return rows


def batches(corpus, tokenizer, config, options, rng):
    """About `tokens` tokens as batches of about `batch`: (ids, targets), targets −1 where the model does not speak."""
    jobs = [(corpus, tokenizer, config.context // 2, options.tokens / SHARES, options.broken, rng.random())
            for _ in range(SHARES)]
    with multiprocessing.Pool(min(SHARES, options.threads or os.cpu_count())) as pool:
        rows = [row for share in pool.imap(draw_rows, jobs) for row in share]
    size = options.batch
    # Similar lengths together, so that little is padding; lengths jittered, so that batches differ.
    rows.sort(key=lambda row: len(row[0]) * (1 + 0.15 * rng.random()))
    out, start = [], 0
    while start < len(rows):
        end, width = start, 0
        while end < len(rows) and max(width, len(rows[end][0])) * (end - start + 1) <= size:
            width = max(width, len(rows[end][0]))
            end += 1
        end = max(end, start + 1)
        ids = torch.zeros(end - start, width, dtype=torch.long)
        targets = torch.full((end - start, width), -1, dtype=torch.long)
        for index, (row, mask) in enumerate(rows[start:end]):
            ids[index, :len(row)] = torch.tensor(row)
            spoken = torch.tensor(mask, dtype=torch.bool)[1:]
            targets[index, :len(row) - 1][spoken] = torch.tensor(row)[1:][spoken]
        out.append((ids, targets))
        start = end
    rng.shuffle(out)
    return out


def train(network, data, options, device, log):
    matrices = [p for name, p in network.named_weights() if p.ndim == 2 and 'token_embd' not in name]
    others = [p for name, p in network.named_weights() if p.ndim != 2 or 'token_embd' in name]
    optimizer = torch.optim.AdamW([{'params': matrices, 'weight_decay': options.decay}, {'params': others, 'weight_decay': 0.0}],
                                  lr=options.rate, betas=(0.9, 0.98), **({'fused': True} if device == 'cuda' else {}))
    steps = len(data)
    network.train()
    started, seen, smooth = time.time(), 0, None
    for step, (ids, targets) in enumerate(data):
        warm = min(1, (step + 1) / 100)
        rate = options.rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps)))
        for group in optimizer.param_groups:
            group['lr'] = rate
        ids, targets = ids.to(device), targets.to(device)
        spoken = targets >= 0
        loss = F.cross_entropy(network.head(network.hidden(ids)[spoken]), targets[spoken])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        seen += ids.numel()
        if step % 50 == 0 or step == steps - 1:
            smooth = loss.item() if smooth is None else 0.7 * smooth + 0.3 * loss.item()
            speed = seen / (time.time() - started)
            log(f'step {step + 1}/{steps}  loss {loss.item():.4f} (smooth {smooth:.4f})  {seen} tokens  {speed:.0f} tokens/s')
    network.eval()
    return {'steps': steps, 'tokens': seen, 'seconds': time.time() - started, 'loss': smooth}


def main():
    options = arguments()
    if options.threads:
        torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    torch.manual_seed(options.seed)
    torch.backends.cuda.matmul.allow_tf32 = True
    logfile = open(options.out / 'train.log', 'w', encoding='utf8')

    def log(text):
        print(text, flush=True)
        logfile.write(text + '\n')
        logfile.flush()

    began = time.time()
    rng = random.Random(options.seed)
    config = Config()
    corpus = Corpus()
    tokenizer = make_tokenizer(corpus, config, rng)
    tokenized = time.time() - began
    data = batches(corpus, tokenizer, config, options, rng)
    network = Network(config, options.seed, options.dropout).to(device)
    parameters = sum(p.numel() for p in network.parameters())
    log(f'torch {torch.__version__} on {torch.cuda.get_device_name() if device == "cuda" else "cpu"}, seed {options.seed}')
    log(f'{corpus.size()}; {parameters} parameters, {len(data)} batches; '
        f'tokenizer in {tokenized:.0f} s, everything prepared in {time.time() - began:.0f} s')

    figures = train(network, data, options, device, log)
    figures['parameters'] = parameters
    log(json.dumps(figures))
    if device == 'cuda':
        torch.backends.cuda.matmul.allow_tf32 = False  # from here on only measurements
    evaluate.measure_heldout('held out, before quantization', network, corpus, tokenizer, device, log)

    path = options.out / 'gemma-chat-demo.gguf'
    importance = export.gather_importance(network, [ids for ids, _ in data[:40]])
    stored = export.export(path, network, tokenizer, importance)
    log(f'{path.name}: {path.stat().st_size} bytes')
    network.load_stored(stored)
    report = evaluate.evaluate(network, corpus, tokenizer, device, log)
    (options.out / 'evaluation.md').write_text(report, encoding='utf8')
    log(f'done in {time.time() - began:.0f} s')


if __name__ == '__main__':
    main()
