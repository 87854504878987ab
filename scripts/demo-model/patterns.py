"""The pattern language of data/*.txt: `[a|b|]` chooses, `{name}` is a macro's choice, brackets nest.

Owns parsing and drawing. Knows no facts and no conversations.
"""
import re
from pathlib import Path

DATA = Path(__file__).parent / 'data'


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
            elif part[1] == 'sentence':  # any words of one foreign language
                words = rng.choice([self.macros[name] for name in self.macros if name.startswith('words-')])
                out.append(' '.join(self.draw(rng.choice(words), rng) for _ in range(rng.choice([2, 3, 3, 4, 4, 5, 6, 7]))))
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


def literals(pattern):
    """The plain texts in a pattern."""
    if isinstance(pattern, str):
        yield pattern
    elif pattern[:1] != ('macro',):
        for part in pattern:
            yield from literals(part)


def made_up_word(rng):
    if rng.random() < 0.12:  # "asdfjk"
        row = rng.choice(['qwertyuiop', 'asdfghjkl', 'zxcvbnm'])
        start = rng.randrange(len(row) - 3)
        return row[start:start + rng.choice([3, 4, 5, 6])] * rng.choice([1, 1, 1, 2])
    starts = 'b c d f g h j k l m n p r s t v w z bl br ch cl cr dr fl fr gl gr pl pr sh sk sl sm sn sp st str th tr tw'.split()
    ends = 'b ck d ft g ll lm m mp n nd ng nk p r rd rk rn s sh sk sp st t x zz'.split()
    word = ''
    for _ in range(rng.choice([1, 1, 2, 2, 3])):
        word += rng.choice(starts) + rng.choice('a e i o u a e i o u ai ea oo ou ee'.split())
    return word + (rng.choice(ends) if rng.random() < 0.7 else '')
