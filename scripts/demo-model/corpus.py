"""The demo model's conversations: reads data/*.txt and draws training examples from them.

Owns the pattern language, the noise that makes questions look typed by people, and the mix of conversations.
Knows no tokens and no model.

A fact in data/*.txt:

    # id                     one entry
    what is [a|the] {thing}  question patterns: `[a|b|]` chooses, `{name}` is a macro's choice; brackets nest
    = answer                 several lines of one sign are joined by newlines
    + more                   what "tell me more" then brings (optional)
    * example                what "show me an example" then brings (optional)
"""
import math
import random
import re
from pathlib import Path

DATA = Path(__file__).parent / 'data'


# ---- patterns -------------------------------------------------------------------------------------------------------

def parse_pattern(text):
    """A pattern as a nested list: strings, ('macro', name), ('choice', [sequence, …])."""
    position = 0

    def sequence(closing):
        nonlocal position
        alternatives, parts, literal = [], [], ''
        while position < len(text):
            char = text[position]
            position += 1
            if char == '[':
                parts.append(literal)
                parts.append(('choice', sequence(True)))
                literal = ''
            elif char == '{':
                end = text.index('}', position)
                parts.append(literal)
                parts.append(('macro', text[position:end]))
                literal = ''
                position = end + 1
            elif closing and char in '|]':
                alternatives.append([*parts, literal])
                parts, literal = [], ''
                if char == ']':
                    return alternatives
            else:
                literal += char
        if closing:
            raise ValueError(f'no closing bracket in: {text}')
        return [*parts, literal]

    return sequence(False)


def tidy(text):
    """Empty choices leave double spaces and spaces before punctuation."""
    return re.sub(r' ([?!.,;:])', r'\1', re.sub(r' +', ' ', text)).strip()


def flatten(pattern):
    for part in pattern:
        yield part
        if part[0:1] == ('choice',):
            for choice in part[1]:
                yield from flatten(choice)


class Grammar:
    def __init__(self, *files):
        self.macros = {}
        for file in files:
            for line in (DATA / file).read_text('utf8').splitlines():
                if line and not line.startswith('//'):
                    name, choices = line.split(': ', 1)
                    self.macros[name] = [parse_pattern(choice) for choice in choices.split('|')]

    def draw(self, pattern, rng, bound=None):
        out = []
        for part in pattern:
            if isinstance(part, str):
                out.append(part)
            elif part[0] == 'choice':
                out.append(self.draw(rng.choice(part[1]), rng, bound))
            elif bound and part[1] in bound:
                out.append(bound[part[1]])
            elif part[1] == 'nonsense':
                out.append(made_up_word(rng))
            else:
                out.append(self.draw(rng.choice(self.macros[part[1]]), rng, bound))
        return ''.join(out)

    def count(self, pattern):
        """How many texts a pattern stands for (repeats counted)."""
        total = 1
        for part in pattern:
            if not isinstance(part, str):
                choices = part[1] if part[0] == 'choice' else self.macros.get(part[1])
                total *= sum(self.count(choice) for choice in choices) if choices else 100
        return total

    def regex(self, pattern):
        """Matches what the pattern stands for, spaces normalised away."""
        out = ''
        for part in pattern:
            if isinstance(part, str):
                out += re.escape(part.replace(' ', '').lower())
            else:
                choices = part[1] if part[0] == 'choice' else self.macros.get(part[1])
                out += '(?:' + '|'.join(self.regex(choice) for choice in choices) + ')' if choices else '[a-z]+'
        return out


def made_up_word(rng):
    starts = 'b c d f g h j k l m n p r s t v w z bl br ch cl cr dr fl fr gl gr pl pr sh sk sl sm sn sp st str th tr tw'.split()
    ends = 'b ck d ft g ll lm m mp n nd ng nk p r rd rk rn s sh sk sp st t x zz'.split()
    word = ''
    for _ in range(rng.choice([1, 1, 2, 2, 3])):
        word += rng.choice(starts) + rng.choice('a e i o u a e i o u ai ea oo ou ee'.split())
    return word + (rng.choice(ends) if rng.random() < 0.7 else '')


# ---- facts ----------------------------------------------------------------------------------------------------------

class Fact:
    def __init__(self, name):
        self.name = name
        self.patterns = []
        self.weights = []
        self.answer = self.more = self.example = None

    def question(self, grammar, rng, bound=None):
        return tidy(grammar.draw(rng.choices(self.patterns, self.weights)[0], rng, bound))


def read_facts(file, grammar):
    facts = {}
    fact = None
    for line in (DATA / file).read_text('utf8').splitlines():
        if line.startswith('# '):
            fact = facts[line[2:]] = Fact(line[2:])
        elif line[:1] in ('=', '+', '*') and line[1:2] in ('', ' '):
            field = {'=': 'answer', '+': 'more', '*': 'example'}[line[0]]
            before = getattr(fact, field)
            setattr(fact, field, line[2:] if before is None else before + '\n' + line[2:])
        elif line and not line.startswith('//'):
            pattern = parse_pattern(line)
            fact.patterns.append(pattern)
            fact.weights.append(1 + math.log(grammar.count(pattern)))
    return facts


# ---- noise ----------------------------------------------------------------------------------------------------------

PREFIXES = ['hi, ', 'hello, ', 'hey, ', 'please ', 'so ', 'ok, ', 'and ', 'well, ', 'sorry, ', 'hi! ', 'quick question: ',
            'question: ', 'i wonder: ', 'tell me: ', 'excuse me, ', 'hello! ', 'now ', 'ok so ', 'one more question: ',
            'thanks. ', 'great. ', 'hmm, ', 'but ', 'could you tell me: ', "i'd like to know: ", 'just curious: ']
SUFFIXES = [' please', ' exactly', ' for me', ' then', ' now', ' again', ' in short', ' pls', ' here', ' really',
            ' actually', ' by the way', ' or not', ', please', ' thanks', ' today']
FILLERS = ['just', 'really', 'actually', 'also', 'simply', 'maybe', 'even', 'please', 'exactly', 'then', 'still', 'only']
DROPPABLE = {'the', 'a', 'an', 'do', 'does', 'is', 'are', 'of', 'to', 'i', 'it', 'me', 'my', 'you', 'this', 'for', 'in'}
SHORT = [('what is', "what's"), ('what is', 'whats'), ('how is', "how's"), ('do not', "don't"), ('does not', 'doesnt'),
         ('cannot', "can't"), ('I am', "I'm"), ('you are', "you're"), ('it is', "it's"), ('are you', 'are u'),
         ('can you', 'can u'), ('do you', 'do u'), ('your', 'ur'), ('please', 'pls'), ('without', 'w/o'), ('with', 'w/'),
         ('and', '&'), ('website', 'site'), ('because', 'cause'), ("don't", 'dont'), ("can't", 'cant')]
SYNONYMS = {'show': ['give', 'display'], 'need': ['require'], 'use': ['employ', 'utilize'], 'big': ['huge'], 'quick': ['fast'],
            'change': ['alter', 'modify', 'adjust'], 'get': ['obtain', 'have'], 'see': ['view', 'notice'], 'make': ['create'],
            'explain': ['clarify', 'describe'], 'possible': ['feasible'], 'allowed': ['permitted'], 'work': ['function', 'run'],
            'works': ['functions', 'runs'], 'happens': ['occurs'], 'start': ['begin'], 'stop': ['halt', 'end'], 'write': ['type'],
            'error': ['message', 'problem'], 'find': ['locate'], 'read': ['look at'], 'set': ['specify', 'define'],
            'page': ['site', 'webpage'], 'support': ['handle', 'accept'], 'model': ['llm'], 'chat': ['chatbot', 'assistant'],
            'computer': ['pc', 'machine', 'laptop'], 'file': ['document'], 'answer': ['reply', 'response'],
            'answers': ['replies', 'responses'], 'messages': ['texts'], 'visitors': ['users', 'people', 'customers']}
QUESTION_WORDS = {'what', 'how', 'who', 'where', 'when', 'why', 'which', 'is', 'are', 'can', 'does', 'do', 'will', 'would',
                  'may', 'could', 'should', "what's", 'whats', "how's", 'was', 'did', 'am'}
NEIGHBOURS = {'a': 'sq', 'b': 'vn', 'c': 'xv', 'd': 'sf', 'e': 'wr', 'f': 'dg', 'g': 'fh', 'h': 'gj', 'i': 'uo', 'j': 'hk',
              'k': 'jl', 'l': 'k', 'm': 'n', 'n': 'bm', 'o': 'ip', 'p': 'o', 'q': 'w', 'r': 'et', 's': 'ad', 't': 'ry',
              'u': 'yi', 'v': 'cb', 'w': 'qe', 'x': 'zc', 'y': 'tu', 'z': 'x'}


def typo(word, rng):
    at = rng.randrange(1, len(word) - 1)
    kind = rng.randrange(4)
    if kind == 0:
        return word[:at] + word[at + 1:]
    if kind == 1:
        return word[:at] + word[at] + word[at:]
    if kind == 2:
        return word[:at] + word[at + 1] + word[at] + word[at + 2:]
    return word[:at] + rng.choice(NEIGHBOURS.get(word[at].lower(), word[at])) + word[at + 1:]


def typed(text, rng):
    """A question as somebody might type it: short forms, fillers, typos, any case, with or without a question mark."""
    first = text.split(' ', 1)[0].lower()
    if rng.random() < 0.25:
        for long, short in rng.sample(SHORT, 4):
            text = re.sub(rf'\b{long}\b', short, text, count=1)
    words = text.split(' ')
    if len(words) > 3 and rng.random() < 0.25:
        words = [rng.choice(SYNONYMS[word]) if word in SYNONYMS and rng.random() < 0.5 else word for word in words]
    if len(words) > 4 and rng.random() < 0.12:
        at = [index for index, word in enumerate(words) if word.lower() in DROPPABLE]
        if at:
            words.pop(rng.choice(at))
    if len(words) > 3 and rng.random() < 0.1:
        words.insert(rng.randrange(2, len(words)), rng.choice(FILLERS))
    if rng.random() < 0.14:
        at = [index for index, word in enumerate(words) if len(word) > 3 and word.isalpha()]
        for index in rng.sample(at, min(len(at), rng.choice([1, 1, 2]))):
            words[index] = typo(words[index], rng)
    text = ' '.join(words)
    if len(words) > 2 and rng.random() < 0.12:
        text = rng.choice(PREFIXES) + text
    if len(words) > 2 and rng.random() < 0.06:
        text += rng.choice(SUFFIXES)
    if not re.search(r'[?!.]$', text):
        asks = first in QUESTION_WORDS
        text += rng.choices(['', '?', '.', '!', '??', ' ?'], [40, 60 if asks else 10, 3, 3, 1, 1])[0]
    case = rng.random()
    if case < 0.5:
        text = text[:1].upper() + text[1:]
    elif case < 0.8:
        text = text.lower()
    elif case < 0.82:
        text = text.upper()
    return text


# ---- conversations --------------------------------------------------------------------------------------------------

class Corpus:
    """Draws conversations: lists of {'role', 'content'[, 'reasoning']}, and whether thinking is on."""

    def __init__(self):
        self.grammar = Grammar('macros.txt', 'macros-offtopic.txt')
        self.facts = {}
        for file in ('product.txt', 'use.txt', 'run.txt'):
            self.facts.update(read_facts(file, self.grammar))
        self.offtopic = read_facts('offtopic.txt', self.grammar)
        self.dialogue = read_facts('dialogue.txt', self.grammar)
        for pattern in self.offtopic.values():
            pattern.weights = [1] * len(pattern.patterns)
        self.names = list(self.facts)

    def answers(self):
        """Every text the model may be asked to say."""
        for fact in [*self.facts.values(), *self.offtopic.values(), *self.dialogue.values()]:
            yield from (text for text in (fact.answer, fact.more, fact.example) if text)

    def say(self, kind, rng, bound=None):
        return typed(self.dialogue[kind].question(self.grammar, rng, bound), rng)

    def plain(self, kind, rng, bound=None):
        return self.dialogue[kind].question(self.grammar, rng, bound)

    def person(self, rng):
        if rng.random() < 0.35:
            return made_up_word(rng).capitalize()
        return self.grammar.draw(rng.choice(self.grammar.macros['name']), rng)

    def turn(self, rng):
        """One question with its answer: (topic, question, answer, fact or None)."""
        kind = rng.random()
        if kind < 0.14:
            fact = self.offtopic['unknown']
            return 'something I do not know', typed(fact.question(self.grammar, rng), rng), fact.answer, None
        if kind < 0.17:
            fact = self.offtopic['foreign']
            return 'another language', typed(fact.question(self.grammar, rng), rng), fact.answer, None
        fact = self.facts[rng.choice(self.names)]
        return fact.name.replace('-', ' '), typed(fact.question(self.grammar, rng), rng), fact.answer, fact

    def conversation(self, rng):
        turns = rng.choices([1, 2, 3, 4, 5, 6, 7], [72, 14, 8, 2, 1, 1, 1])[0]
        thinking = rng.random() < 0.06
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

    def heldout(self, file='heldout.txt'):
        """Questions that are never trained on: (fact's name, question, answer)."""
        for line in (DATA / file).read_text('utf8').splitlines():
            if line and not line.startswith('//'):
                name, question = line.split(': ', 1)
                yield name, question, (self.facts.get(name) or self.offtopic[name]).answer

    def leaks(self):
        """Held-out questions that a pattern of their fact could have produced: must be empty."""
        for name, question, _ in [*self.heldout(), *self.heldout('final.txt')]:
            fact = self.facts.get(name) or self.offtopic[name]
            bare = re.sub(r'[ ?!.,]', '', question).lower()
            for pattern in fact.patterns:
                if ('macro', 'nonsense') in flatten(pattern):  # a made-up word could be any word
                    continue
                if re.fullmatch(re.sub(r'\\[?!.,]', '', self.grammar.regex(pattern)), bare):
                    yield name, question


if __name__ == '__main__':
    corpus = Corpus()
    generator = random.Random(1)
    print(len(corpus.facts), 'facts,', sum(len(f.patterns) for f in corpus.facts.values()), 'patterns,',
          len(list(corpus.heldout())), 'held out')
    for leak in corpus.leaks():
        print('leak:', *leak)
    for _ in range(25):
        print(*corpus.conversation(generator))
