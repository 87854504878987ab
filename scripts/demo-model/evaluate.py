"""Measures a trained model: held-out questions, noisy training questions, dialogues; writes the report of the model card."""
import math
import random

import torch
import torch.nn.functional as F

TEN = [
    'How do I put you on my page?',
    'What is gemma-chat?',
    'Is my data sent to a server?',
    'Which models can you run?',
    'What does a visitor need?',
    'Do all tabs share one model?',
    'How can I change the colours of the widget?',
    'how do i use it from javascript without the element',
    'What does it cost?',
    'What is the capital of Denmark?',
]

# All by the author of the patterns, who had read the first three before the last change of the patterns.
SETS = [('Questions held out', 'heldout.txt'), ('Questions kept for the end of the first version', 'final.txt'),
        ('Questions that decided between two trainings', 'chosen-by.txt'), ('Questions written last, measured once', 'fresh.txt')]


def pad(rows, device):
    width = max(map(len, rows))
    return torch.tensor([row + [0] * (width - len(row)) for row in rows], device=device)


@torch.no_grad()
def score(network, tokenizer, cases, device):
    """
    For each (messages, thinking) whose last message is the answer: (would greedy decoding say exactly it, the
    probability of sampling exactly it at temperature 1).
    """
    out = []
    for start in range(0, len(cases), 32):
        rows, spans = [], []
        for messages, thinking in cases[start:start + 32]:
            ids, _ = tokenizer.render(messages, thinking)
            prompt, _ = tokenizer.render(messages[:-1], thinking, generate=True)
            rows.append(ids[:-1])  # without the newline after the turn
            spans.append(len(prompt))
        logits = network(pad(rows, device)).float()
        for row, length, line in zip(rows, spans, logits):
            want = torch.tensor(row[length:], device=device)
            line = line[length - 1:len(row) - 1]
            log_probability = F.log_softmax(line, -1).gather(1, want[:, None]).sum().item()
            out.append((bool((line.argmax(-1) == want).all()), math.exp(log_probability)))
    return out


@torch.no_grad()
def generate(network, tokenizer, conversations, device, limit=160, thinking=False):
    """Greedy answers to conversations that end with a user's message."""
    rows = [tokenizer.render(messages, thinking, generate=True)[0] for messages in conversations]
    starts = list(map(len, rows))
    open_rows = list(range(len(rows)))
    for _ in range(limit):
        if not open_rows:
            break
        part = [rows[index] for index in open_rows]
        hidden = network.hidden(pad(part, device))
        last = hidden[torch.arange(len(part)), torch.tensor([len(row) - 1 for row in part])]
        for index, token in zip(list(open_rows), network.head(last).argmax(-1).tolist()):
            rows[index].append(token)
            if token in (tokenizer.END_OF_TURN, tokenizer.EOS):
                open_rows.remove(index)
    return [tokenizer.decode(row[start:]) for row, start in zip(rows, starts)]


def share(results):
    right = sum(exact for exact, _ in results)
    return f'{right} of {len(results)} ({100 * right / len(results):.1f} %)', sum(p for _, p in results) / len(results)


def single_turn(question, answer):
    return [{'role': 'user', 'content': question}, {'role': 'assistant', 'content': answer}], False


def measure_heldout(title, network, corpus, tokenizer, device, log):
    network.eval()
    cases = [single_turn(question, answer) for _, question, answer in corpus.heldout()]
    log(title + ': %s, probability %.3f' % share(score(network, tokenizer, cases, device)))


def evaluate(network, corpus, tokenizer, device, log):
    """The report as Markdown; the network must hold the weights as stored."""
    network.eval()
    lines = ['# Evaluation', '', 'Made by train.py with the weights as the GGUF stores them; greedy decoding. An answer counts when it',
             'is word for word the one in the data; the probability is that of exactly this answer at temperature 1.', '']
    lines += ['| | right | mean probability |', '|---|---|---|']

    def row(title, results):
        counted, probability = share(results)
        lines.append(f'| {title} | {counted} | {probability:.2f} |')
        log(f'{title}: {counted}, probability {probability:.2f}')

    honest = {fact.answer for fact in corpus.offtopic.values()} | {corpus.facts['sorry'].answer}
    wrong = []
    for title, file in SETS:
        heldout = list(corpus.heldout(file))
        results = score(network, tokenizer, [single_turn(question, answer) for _, question, answer in heldout], device)
        row(title, results)
        for part, other in (('about gemma-chat', False), ('about anything else', True)):
            row(f'… {part}', [result for result, (name, _, _) in zip(results, heldout) if (name in corpus.offtopic) == other])
        missed = [(name, question) for (name, question, _), (exact, _) in zip(heldout, results) if not exact]
        said = generate(network, tokenizer, [[{'role': 'user', 'content': question}] for _, question in missed], device)
        unsure = sum(answer in honest for answer in said)
        for part, count in (('wrong: says that it does not know', unsure), ('wrong: gives another answer', len(said) - unsure)):
            lines.append(f'| … {part} | {count} of {len(heldout)} ({100 * count / len(heldout):.1f} %) | |')
            log(f'… {part}: {count}')
        wrong += [(*case, answer) for case, answer in zip(missed, said)]
    rng = random.Random(2)
    fresh = [corpus.conversation(rng) for _ in range(600)]
    row('Fresh single turns from the training patterns, with noise',
        score(network, tokenizer, [case for case in fresh if len(case[0]) == 2 and not case[1]], device))
    row('Fresh last turns of dialogues',
        score(network, tokenizer, [case for case in fresh if len(case[0]) > 3 and not case[1]], device))
    row('Fresh conversations with thinking on, thought and answer', score(network, tokenizer, [case for case in fresh if case[1]], device))

    lines += ['', '## What went wrong in these sets', '']
    for name, question, answer in wrong:
        lines.append(f'- {question} (wanted: {name})\n  > ' + answer.replace('\n', '\n  > '))
        log(f'wrong: {name}: {question} -> {answer!r}')
    lines += ['', '## Ten questions', '']
    for question, answer in zip(TEN, generate(network, tokenizer, [[{'role': 'user', 'content': q}] for q in TEN], device)):
        lines.append(f'**{question}**\n\n{answer}\n')
        log(f'{question} -> {answer!r}')
    return '\n'.join(lines) + '\n'
