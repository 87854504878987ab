"""Byte pair encoding as Gemma 4 stores it: spaces as ▁, merges by rank, bytes <0x00>… as fallback.

Owns training, encoding, decoding and the token list with Gemma 4's special ids. Knows no model and no corpus.
"""
import re
from collections import Counter, defaultdict

NORMAL, UNKNOWN, CONTROL, USER, UNUSED, BYTE = 1, 2, 3, 4, 5, 6
SPACE = '\u2581'
RUN = 31  # the longest run of newlines or spaces that is one token
FIRST_LEARNED = 494

CONTROL_TOKENS = {0: '<pad>', 1: '<eos>', 2: '<bos>', 3: '<unk>', 4: '<mask>', 46: '<|tool>', 47: '<tool|>', 98: '<|think|>',
                  105: '<|turn>', 106: '<turn|>'}
# llama.cpp's converter makes these user-defined, so that a parser of the output can see them.
USER_TOKENS = {48: '<|tool_call>', 49: '<tool_call|>', 50: '<|tool_response>', 51: '<tool_response|>', 52: '<|"|>',
               100: '<|channel>', 101: '<channel|>'}


def base_tokens():
    """Ids 0…493 as in Gemma 4: specials, newline runs from 107, space runs from 138, bytes from 238; the rest unused."""
    tokens = [f'<unused{index}>' for index in range(FIRST_LEARNED)]
    types = [NORMAL] * FIRST_LEARNED  # as in Gemma 4's own files
    for places, kind in ((CONTROL_TOKENS, CONTROL), (USER_TOKENS, USER)):
        for index, text in places.items():
            tokens[index], types[index] = text, kind
    for length in range(1, RUN + 1):
        tokens[106 + length] = '\n' * length
        if length > 1:
            tokens[136 + length] = SPACE * length
    for byte in range(256):
        tokens[238 + byte], types[238 + byte] = f'<0x{byte:02X}>', BYTE
    return tokens, types


def run_merges():
    """The merges that build runs of newlines and spaces, longest first, as Gemma 4's file has them."""
    for length in range(RUN, 1, -1):
        for left in range(length - 1, 0, -1):
            for char in ('\n', SPACE):
                yield char * left, char * (length - left)


def pieces(text):
    """Words that merges are learned in: letters with the space before them, single digits, punctuation."""
    return re.findall(rf'{SPACE}?[^\W\d_]+|\d|{SPACE}?[^\w{SPACE}\n]+|_|{SPACE}+|\n+', text.replace(' ', SPACE))


def learn(texts, size):
    """
    The vocabulary of `size` tokens that byte pair encoding finds in `texts` (a dict text → weight):
    (tokens, types, merges as pairs).
    """
    tokens, types = base_tokens()
    counts = Counter()
    for text, weight in texts.items():
        for piece in pieces(text):
            counts[piece] += weight
    printable = [chr(code) for code in range(33, 127)] + [SPACE]
    # Other characters only where they are used: the rest falls back to bytes.
    extra = Counter()
    for piece, count in counts.items():
        for char in piece:
            if ord(char) > 126 and char != SPACE:
                extra[char] += count
    chars = printable + sorted(char for char, count in extra.items() if '\u00a0' < char < '\u0180' or char in '—…“”’')
    known = set(chars)

    words = [[list(piece), count] for piece, count in counts.items()
             if len(piece) > 1 and '\n' not in piece and set(piece) <= known and set(piece) != {SPACE}]
    where = defaultdict(set)
    frequency = Counter()
    for index, (symbols, count) in enumerate(words):
        for pair in zip(symbols, symbols[1:]):
            frequency[pair] += count
            where[pair].add(index)
    learned = []
    have = set(tokens) | known
    room = size - FIRST_LEARNED - len(chars)
    new_tokens = []
    while len(new_tokens) < room:
        # The most frequent pair; the alphabet decides ties, so that every run learns the same.
        pair = max(frequency, key=lambda item: (frequency[item], item), default=None)
        if pair is None or frequency[pair] < 2:
            break
        joined = pair[0] + pair[1]
        learned.append(pair)
        if joined not in have:
            have.add(joined)
            new_tokens.append(joined)
        for index in list(where[pair]):
            symbols, count = words[index]
            for old in zip(symbols, symbols[1:]):
                frequency[old] -= count
                if frequency[old] <= 0:
                    del frequency[old]
                where[old].discard(index)
            merged = []
            for symbol in symbols:
                if merged and merged[-1] == pair[0] and symbol == pair[1]:
                    merged[-1] = joined
                else:
                    merged.append(symbol)
            words[index][0] = merged
            for new in zip(merged, merged[1:]):
                frequency[new] += count
                where[new].add(index)
    # As in Gemma 4, merged tokens come first and single characters last.
    tokens += new_tokens + chars
    types += [NORMAL] * (len(new_tokens) + len(chars))
    while len(tokens) < size:
        tokens.append(f'<unused{len(tokens)}>')
        types.append(NORMAL)
    return tokens, types, [*run_merges(), *learned]


class Tokenizer:
    BOS, EOS, TURN, END_OF_TURN, THINK, CHANNEL, END_OF_CHANNEL = 2, 1, 105, 106, 98, 100, 101

    def __init__(self, tokens, types, merges):
        self.tokens, self.types, self.merges = tokens, types, merges
        self.ids = {}
        for index, token in enumerate(tokens):
            self.ids.setdefault(token, index)
        self.ranks = {pair: rank for rank, pair in reversed(list(enumerate(merges)))}
        self.cache = {}
        specials = sorted((tokens[i] for i in range(len(tokens)) if types[i] in (CONTROL, USER)), key=len, reverse=True)
        self.special_pattern = re.compile('|'.join(map(re.escape, specials)))
        users = [tokens[i] for i in range(len(tokens)) if types[i] == USER]
        self.user_pattern = re.compile('|'.join(map(re.escape, sorted(users, key=len, reverse=True))))

    def encode(self, text, parse_special=False):
        """Token ids, without bos. Control tokens in the text are only read as such when `parse_special`."""
        pattern = self.special_pattern if parse_special else self.user_pattern
        out, at = [], 0
        for match in pattern.finditer(text):
            out += self.encode_plain(text[at:match.start()])
            out.append(self.ids[match.group()])
            at = match.end()
        return out + self.encode_plain(text[at:])

    def encode_plain(self, text):
        out = []
        # No merge joins a word to a following space, so words may be encoded (and cached) one by one.
        for piece in re.findall(rf'\n+|{SPACE}*[^{SPACE}\n]+|{SPACE}+', text.replace(' ', SPACE)):
            ids = self.cache.get(piece)
            if ids is None:
                ids = self.cache[piece] = self.encode_piece(piece)
            out += ids
        return out

    def encode_broken(self, text, share, rng):
        """Token ids as if each merge were forgotten with this probability: teaches what the pieces of words mean."""
        out = []
        for piece in re.findall(rf'\n+|{SPACE}*[^{SPACE}\n]+|{SPACE}+', text.replace(' ', SPACE)):
            out += self.encode_piece(piece, lambda: rng.random() < share)
        return out

    def encode_piece(self, piece, forgets=None):
        if piece[0] == '\n' and piece in self.ids:
            return [self.ids[piece]]
        symbols = list(piece)
        while len(symbols) > 1:
            ranks = [1 << 30 if forgets and forgets() else self.ranks.get(pair, 1 << 30) for pair in zip(symbols, symbols[1:])]
            best = min(ranks)
            if best == 1 << 30:
                break
            at = ranks.index(best)
            symbols[at:at + 2] = [symbols[at] + symbols[at + 1]]
        out = []
        for symbol in symbols:
            if symbol in self.ids:
                out.append(self.ids[symbol])
            else:
                out += [238 + byte for byte in symbol.encode('utf8')]
        return out

    def decode(self, ids, special=False):
        data = b''
        for index in ids:
            kind = self.types[index]
            if kind == BYTE:
                data += bytes([index - 238])
            elif kind != CONTROL or special:
                data += self.tokens[index].replace(SPACE, ' ').encode('utf8')
        return data.decode('utf8', 'replace')

    def render(self, messages, thinking=False, generate=False, broken=0, rng=None):
        """
        The conversation in Gemma 4's chat format, as the file's Jinja template writes it: (ids, mask).
        The mask is 1 where the model speaks: its words and the end of its turn.
        `broken`: with this probability a merge in a user's message is left out.
        """
        ids, mask = [self.BOS], [0]

        def put(new, spoken):
            ids.extend(new)
            mask.extend([int(spoken)] * len(new))

        def turn(role, text_ids, spoken):
            put([self.TURN, *self.encode_plain(role + '\n')], False)
            put([*text_ids, self.END_OF_TURN], spoken)
            put(self.encode_plain('\n'), False)

        messages = list(messages)
        if thinking or messages[0]['role'] == 'system':
            text = messages.pop(0)['content'].strip() if messages[0]['role'] == 'system' else ''
            start = [self.THINK, *self.encode_plain('\n')] if thinking else []
            turn('system', [*start, *self.encode(text)], False)
        last_user = max(index for index, message in enumerate(messages) if message['role'] == 'user')
        for index, message in enumerate(messages):
            content = message['content'].strip()
            if message['role'] == 'user':
                turn('user', self.encode_broken(content, broken, rng) if broken else self.encode(content), False)
            else:
                text = self.encode(content)
                thought = []
                # Thoughts of earlier turns are not shown again, so only the last one is trained.
                if message.get('reasoning') and index > last_user:
                    thought = [self.CHANNEL, *self.encode_plain('thought\n' + message['reasoning'] + '\n'), self.END_OF_CHANNEL]
                turn('model', [*thought, *text], not thinking or index > last_user)
        if generate:
            put([self.TURN, *self.encode_plain('model\n')], False)
        return ids, mask
