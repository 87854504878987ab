"""Makes a clean question look as if somebody had typed it: other words around it, words left out, typos, any case.

The point is that the model finds the words that matter among words it has never seen. Knows no facts.
"""
import re

from patterns import DATA, made_up_word, tidy

# Words that say nothing about what is asked: pronouns, articles, auxiliaries, prepositions …
FUNCTION = set("""a about all also an and any are as at be been but by can could did do does for from had has have here how i
if im i'm i'd in into is isn't it its it's just let like may me might must my of on one or our out please shall should so some
than that the their them then there they this to up us was we what what's whats when where which who why will with would you
your""".split())
# … and general verbs and the names of the product, which most facts share.
GENERAL = FUNCTION | set("""answer ask become begin best call chat come describe element exactly exist explain find fully
gemma gemma-chat gemmachat <gemma-chat> get give go good happen happens have help idea inside kind know library look make mean
means meaning model need needs now offer ok possible project put question really say see set show software something support
supports take tell thing tool try understand use used using want way widget without work works write""".split())
PRODUCT = re.compile(r'gemma|widget|element|client|\btag\b|attribute|component|\bchat\b|assistant')
FILLERS = ['just', 'really', 'actually', 'also', 'simply', 'maybe', 'even', 'please', 'exactly', 'then', 'still', 'only']
SHORT = [('what is', "what's"), ('what is', 'whats'), ('how is', "how's"), ('do not', "don't"), ('does not', 'doesnt'),
         ('cannot', "can't"), ('I am', "I'm"), ('you are', "you're"), ('it is', "it's"), ('are you', 'are u'),
         ('can you', 'can u'), ('do you', 'do u'), ('your', 'ur'), ('please', 'pls'), ('without', 'w/o'), ('with', 'w/'),
         ('and', '&'), ('website', 'site'), ('because', 'cause'), ("don't", 'dont'), ("can't", 'cant')]
SYNONYMS = {}  # word → words and phrases that may stand for it in a question
for line in (DATA / 'synonyms.txt').read_text('utf8').splitlines():
    if line and not line.startswith('//'):
        name, others = line.split(': ')
        SYNONYMS[name] = others.split('|')
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


def bare(text):
    """A question without spaces, punctuation and case."""
    return re.sub(r'[ ?!.,:]', '', text).lower()


def core(word):
    return re.sub(r'^[^\w<]+|[^\w>]+$', '', word.lower())


def telling(words):
    """Indices of the words that tell what is asked."""
    return [index for index, word in enumerate(words) if core(word) and core(word) not in GENERAL]


def essence(text):
    """What two questions must not have in common if one is to test what the other taught: the telling words."""
    words = text.split(' ')
    keys = frozenset(core(words[index]) for index in telling(words))
    return keys if len(keys) > 1 else bare(text)


def filler(grammar, rng):
    """A word or two that say nothing about gemma-chat."""
    name = rng.choices(['word', 'nonsense', 'animal', 'food', 'city', 'topic', 'foreign-thing'], [40, 25, 8, 8, 7, 7, 5])[0]
    return grammar.draw([('macro', name)], rng)


def emptied(text, common, grammar, rng):
    """
    The question with its telling words replaced by fillers: it sounds like ours, but asks nothing we know. Or None.
    Some words that many facts have in common (`common`) stay.
    """
    words = text.split(' ')
    at = {index for index in telling(words) if core(words[index]) not in common or rng.random() < 0.5}
    if not any(core(words[index]) not in common for index in at) or len(at) == len(words):
        return None
    out = []
    for index, word in enumerate(words):
        if index not in at:
            out.append(word)
        elif index - 1 not in at or rng.random() < 0.3:
            out.append(filler(grammar, rng))
    return tidy(' '.join(out))


def reworded(text, grammar, rng):
    """Other words around and between the telling ones, or hardly any besides them."""
    words = text.split(' ')
    keys = telling(words)
    if len(keys) > 1 and len(words) > 3 and rng.random() < 0.14:  # "users widget blind"
        words = [word for word in words if core(word) not in FUNCTION]
        if rng.random() < 0.4:
            rng.shuffle(words)
    elif keys and len(words) > 3:
        if rng.random() < 0.15:
            for _ in range(rng.choice([1, 1, 2, 3])):
                at = [index for index, word in enumerate(words) if core(word) in FUNCTION]
                if at and len(words) > 2:
                    words.pop(rng.choice(at))
        if len(words) > 3 and rng.random() < 0.06:
            at = rng.randrange(len(words) - 1)
            words[at], words[at + 1] = words[at + 1], words[at]
    if rng.random() < 0.08:
        words.insert(rng.randrange(len(words) + 1), filler(grammar, rng) if rng.random() < 0.6 else made_up_word(rng))
    text = ' '.join(words)
    if rng.random() < 0.2:
        text = grammar.draw([('macro', 'before')], rng) + text
    if rng.random() < 0.12:
        text += grammar.draw([('macro', 'after')], rng)
    return tidy(text)


def typed(text, grammar, rng, whole=False):
    """
    A question as somebody might type it: short forms, fillers, typos, any case, with or without a question mark.
    `whole` keeps its words as they are.
    """
    first = text.split(' ', 1)[0].lower()
    if rng.random() < 0.25:
        for long, short in rng.sample(SHORT, 4):
            text = re.sub(rf'\b{long}\b', short, text, count=1)
    words = text.split(' ')
    if len(words) > 2 and rng.random() < 0.4:
        words = [rng.choice(SYNONYMS[word]) if word in SYNONYMS and rng.random() < 0.5 else word for word in words]
    if len(words) > 3 and rng.random() < 0.1:
        words.insert(rng.randrange(2, len(words)), rng.choice(FILLERS))
    text = ' '.join(words)
    words = (text if whole else reworded(text, grammar, rng)).split(' ')
    if rng.random() < 0.14:
        at = [index for index, word in enumerate(words) if len(word) > 3 and word.isalpha()]
        for index in rng.sample(at, min(len(at), rng.choice([1, 1, 2]))):
            words[index] = typo(words[index], rng)
    text = ' '.join(words)
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
