"""The demo model's conversations: reads data/*.txt and draws training examples from them.

Owns facts and the mix of conversations. Knows no tokens and no model.

A fact in data/*.txt:

    # id                     one entry; words.txt adds to entries of other files
    what is [a|the] {thing}  question patterns (patterns.py)
    - phrase|phrase          noun phrases that alone tell what is asked: put into the carriers of macros-carriers.txt
    > phrase|phrase          verb phrases, likewise
    = answer                 several lines of one sign are joined by newlines
    + more                   what "tell me more" then brings (optional)
    * example                what "show me an example" then brings (optional)
"""
import math
import random
from collections import Counter

from noise import PRODUCT, bare, core, emptied, essence, typed
from patterns import DATA, Grammar, literals, made_up_word, parse_pattern, tidy

HELD_OUT = ('heldout.txt', 'final.txt')
# What people ask most is drawn twice as often.
COMMON = {'what', 'who', 'embed', 'privacy', 'needs', 'browsers', 'sharing', 'price', 'models', 'style', 'broken', 'slow',
          'offline', 'server', 'frameworks', 'mobile', 'accessibility', 'stop', 'clear', 'script-only', 'attributes', 'system-prompt',
          'model-src', 'no-gpu', 'headers', 'hello', 'thanks'}


class Fact:
    def __init__(self, name):
        self.name = name
        self.patterns = []
        self.weights = []
        self.phrases = {'noun': [], 'verb': []}
        self.answer = self.more = self.example = None

    def question(self, grammar, rng, bound=None):
        kinds = ['pattern', *(kind for kind, phrases in self.phrases.items() if phrases)]
        kind = rng.choices(kinds, [55, 25, 20][:len(kinds)])[0]
        if kind == 'pattern':
            return tidy(grammar.draw(rng.choices(self.patterns, self.weights)[0], rng, bound))
        phrase = grammar.draw(rng.choice(self.phrases[kind]), rng)
        return tidy(grammar.draw([('macro', kind)], rng, {'x': phrase}))


def read_facts(file, grammar, facts):
    """Adds the file's entries to `facts`, a dict id → Fact."""
    fact = None
    for line in (DATA / file).read_text('utf8').splitlines():
        sign, text = line[:1], line[2:]
        if line.startswith('# '):
            fact = facts.setdefault(text, Fact(text))
        elif sign in ('=', '+', '*') and line[1:2] in ('', ' '):
            field = {'=': 'answer', '+': 'more', '*': 'example'}[sign]
            before = getattr(fact, field)
            setattr(fact, field, text if before is None else before + '\n' + text)
        elif sign in ('-', '>') and line[1:2] == ' ':
            [(_, choices)] = [part for part in parse_pattern(f'[{text}]') if part]
            fact.phrases['noun' if sign == '-' else 'verb'] += choices
        elif line and not line.startswith('//'):
            pattern = parse_pattern(line)
            fact.patterns.append(pattern)
            fact.weights.append(1 + math.log(grammar.count(pattern)))
    return facts


# ---- conversations --------------------------------------------------------------------------------------------------

class Corpus:
    """Draws conversations: lists of {'role', 'content'[, 'reasoning']}, and whether thinking is on."""

    def __init__(self):
        self.grammar = Grammar('macros.txt', 'macros-offtopic.txt', 'macros-carriers.txt')
        self.facts = {}
        for file in ('product.txt', 'use.txt', 'run.txt', 'words.txt'):
            read_facts(file, self.grammar, self.facts)
        self.offtopic = read_facts('offtopic.txt', self.grammar, {})
        self.dialogue = read_facts('dialogue.txt', self.grammar, {})
        for fact in self.offtopic.values():
            fact.weights = [1] * len(fact.patterns)
        self.names = list(self.facts)
        self.shares = [2 if name in COMMON else 1 for name in self.names]
        self.common = self.common_words()
        questions = [question for file in HELD_OUT for _, question, _ in self.heldout(file)]
        self.forbidden = {*map(bare, questions), *map(essence, questions)}

    def common_words(self, facts=12):
        """Words in the wordings of so many facts that they tell little about which one is meant."""
        spread = Counter()
        for fact in self.facts.values():
            wordings = [fact.patterns, *fact.phrases.values()]
            spread.update({core(word) for wording in wordings for text in literals(wording) for word in text.split(' ')})
        return {word for word, count in spread.items() if count >= facts}

    def answers(self):
        """Every text the model may be asked to say."""
        for fact in [*self.facts.values(), *self.offtopic.values(), *self.dialogue.values()]:
            yield from (text for text in (fact.answer, fact.more, fact.example) if text)

    def say(self, kind, rng, bound=None):
        return typed(self.dialogue[kind].question(self.grammar, rng, bound), self.grammar, rng, whole=True)

    def plain(self, kind, rng, bound=None):
        return self.dialogue[kind].question(self.grammar, rng, bound)

    def person(self, rng):
        if rng.random() < 0.35:
            return made_up_word(rng).capitalize()
        return self.grammar.draw(rng.choice(self.grammar.macros['name']), rng)

    def turn(self, rng):
        """One question with its answer: (topic, question, answer, fact or None)."""
        while True:
            topic, clean, answer, fact = self.clean_turn(rng)
            question = typed(clean, self.grammar, rng)
            if self.allowed(clean) and self.allowed(question):
                return topic, question, answer, fact

    def allowed(self, question):
        """Neither a held-out question nor one with the same telling words."""
        return not {bare(question), essence(question)} & self.forbidden

    def clean_turn(self, rng):
        kind = rng.choices(['unknown', 'foreign', 'no-fact', 'emptied', 'fact'], [150, 30, 25, 65, 730])[0]
        if kind in self.offtopic:
            fact = self.offtopic[kind]
            topic = 'another language' if kind == 'foreign' else 'something I do not know'
            return topic, fact.question(self.grammar, rng), fact.answer, None
        fact = self.facts[rng.choices(self.names, self.shares)[0]]
        question = fact.question(self.grammar, rng)
        if kind == 'emptied':
            empty = emptied(question, self.common, self.grammar, rng)
            if empty:
                wanted = self.offtopic['no-fact' if PRODUCT.search(empty.lower()) else 'unknown']
                return 'something I do not know', empty, wanted.answer, None
        return fact.name.replace('-', ' '), question, fact.answer, fact

    def conversation(self, rng):
        turns = rng.choices([1, 2, 3, 4, 5, 6, 7], [72, 14, 8, 2, 1, 1, 1])[0]
        thinking = rng.random() < 0.08
        messages = []
        own_name = user_name = None
        if rng.random() < 0.04:
            own_name = self.person(rng)
            messages.append({'role': 'system', 'content': self.plain('system-name', rng, {'name': own_name})})
        elif rng.random() < 0.15:
            messages.append({'role': 'system', 'content': self.plain('system', rng)})

        def add(topic, question, answer):
            messages.append({'role': 'user', 'content': question})
            message = {'role': 'assistant', 'content': answer}
            if thinking:
                message['reasoning'] = self.plain('thought', rng, {'topic': topic})
            messages.append(message)

        fact, said = None, set()
        for index in range(turns):
            if own_name and (index == turns - 1 and turns > 1 or rng.random() < 0.6):
                answer = self.dialogue['named'].answer.replace('{name}', own_name)
                add('my name', self.say('named', rng), answer)
                fact = None
                continue
            draw = rng.random()
            if fact and draw < 0.4:
                open_kinds = [kind for kind in ('more', 'example') if getattr(fact, kind) and kind not in said]
                if open_kinds:
                    kind = rng.choice(open_kinds)
                    said.add(kind)
                    add(fact.name.replace('-', ' '), self.say(kind, rng), getattr(fact, kind))
                    continue
                if not (fact.more or fact.example) and draw < 0.08:
                    add(fact.name.replace('-', ' '), self.say('enough', rng), self.dialogue['enough'].answer)
                    fact = None
                    continue
            if not own_name and draw > 0.985 - 0.02 * (user_name is not None or index > 0):
                if user_name is None and rng.random() < 0.25:
                    add('the name of the user', self.say('no-name', rng), self.dialogue['no-name'].answer)
                elif user_name is None:
                    user_name = self.person(rng)
                    question = self.plain('my-name', rng, {'name': user_name})
                    question = question if rng.random() < 0.6 else question[:1].upper() + question[1:]
                    add('a greeting', question, self.dialogue['my-name'].answer.replace('{name}', user_name))
                else:
                    answer = self.dialogue['recall-name'].answer.replace('{name}', user_name)
                    add('the name of the user', self.say('recall-name', rng), answer)
                fact = None
                continue
            topic, question, answer, fact = self.turn(rng)
            said = set()
            add(topic, question, answer)
        if user_name and messages[-1]['content'].startswith('Hello ' + user_name) and rng.random() < 0.7:
            answer = self.dialogue['recall-name'].answer.replace('{name}', user_name)
            add('the name of the user', self.say('recall-name', rng), answer)
        return messages, thinking

    def size(self):
        facts = self.facts.values()
        return (f'{len(facts)} facts, {sum(len(fact.patterns) for fact in facts)} patterns, '
                f'{sum(len(phrases) for fact in facts for phrases in fact.phrases.values())} phrases')

    def heldout(self, file='heldout.txt'):
        """Questions that are never trained on: (fact's name, question, answer)."""
        for line in (DATA / file).read_text('utf8').splitlines():
            if line and not line.startswith('//'):
                name, question = line.split(': ', 1)
                yield name, question, (self.facts.get(name) or self.offtopic[name]).answer


if __name__ == '__main__':
    corpus = Corpus()
    generator = random.Random(1)
    print(corpus.size())
    for _ in range(25):
        print(*corpus.conversation(generator))
