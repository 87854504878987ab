import {expect} from 'chai';
import {metadataOf} from '../../../scripts/model-files/gguf-writer.ts';
import {tinyTokenizerMetadata} from '../../../scripts/model-files/tiny-tokenizer.ts';
import {createTokenizer} from '../../../src/tokenizer/create-tokenizer.ts';
import type {Tokenizer} from '../../../src/tokenizer/tokenizer.ts';
import {BYTES, mergeNaively, randomTexts, SPECIALS, smallMetadata} from './vocabularies.ts';

const texts = (tokenizer: Tokenizer, text: string) =>
  tokenizer.encode(text, {addBos: false}).map((id) => tokenizer.tokenText(id));

describe('BPE (Gemma 4)', () => {
  const tokens = [...SPECIALS, ...BYTES, ...[...'abcdef▁\n'].map((text): [string] => [text])];
  const withMerges = (merges: string[], more: string[] = []) =>
    createTokenizer(
      smallMetadata({
        tokens: [
          ...tokens,
          ...[...new Set([...merges.map((merge) => merge.replace(' ', '')), ...more])].map((text): [string] => [text]),
        ],
        merges,
      }),
    );

  const cases: [name: string, merges: string[], text: string, expected: string[]][] = [
    ['takes the earliest merge first, wherever it stands', ['b c', 'a b'], 'abc', ['a', 'bc']],
    ['takes the leftmost of equals', ['a a'], 'aaa', ['aa', 'a']],
    ['merges what merging made', ['a b', 'c d', 'ab cd'], 'abcd', ['abcd']],
    ['does not merge a pair that has gone', ['a b', 'b c', 'c d'], 'abcd', ['ab', 'cd']],
    ['writes a space as the mark and merges over it', ['▁ a', 'b ▁a'], 'b a', ['b▁a']],
    ['keeps newlines apart from the rest', ['a b'], 'a\nb', ['a', '\n', 'b']],
    ['merges a run of newlines that is no token', ['\n \n'], '\n\n\n', ['\n\n', '\n']],
    ['spells what it does not know', ['a b'], 'aé', ['a', '<0xC3>', '<0xA9>']],
    ['spells characters outside the BMP', ['a b'], '😀', ['<0xF0>', '<0x9F>', '<0x98>', '<0x80>']],
    ['takes a byte token for its text too', ['a b'], '<', ['<0x3C>']],
    ['reads a lone surrogate as U+FFFD', ['a b'], 'a\ud800b', ['a', '<0xEF>', '<0xBF>', '<0xBD>', 'b']],
    ['reads a lone low surrogate so, too', ['a b'], '\udc00', ['<0xEF>', '<0xBF>', '<0xBD>']],
    ['has nothing for nothing', ['a b'], '', []],
  ];
  for (const [name, merges, text, expected] of cases) {
    it(name, () => expect(texts(withMerges(merges), text)).to.deep.equal(expected));
  }

  it('takes a run of newlines whole if it is a token, whatever the merges say', () => {
    expect(texts(withMerges(['\n \n'], ['\n\n\n']), 'a\n\n\nb')).to.deep.equal(['a', '\n\n\n', 'b']);
  });

  it('splits a merge at the first space that leaves a left part', () => {
    expect(texts(withMerges(['\n\n \n', '\n \n']), '\n\n\n')).to.deep.equal(['\n\n\n']);
  });

  it('never merges text into a control token', () => {
    const tokenizer = createTokenizer(
      smallMetadata({tokens: [...tokens, ['ab', 'control'], ['abc']], merges: ['a b', 'ab c']}),
    );
    expect(texts(tokenizer, 'abc')).to.deep.equal(['a', 'b', 'c']);
  });

  it('is known by the pre-tokenizer or by its merges, too: some files call it llama', () => {
    for (const keys of [
      {'tokenizer.ggml.model': 'llama', 'tokenizer.ggml.pre': 'gemma4'},
      {'tokenizer.ggml.model': 'llama'},
    ]) {
      const made = smallMetadata({tokens: [...tokens, ['ab'], ['bc']], merges: ['b c', 'a b'], keys});
      expect(texts(createTokenizer(made), 'abc')).to.deep.equal(['a', 'bc']);
    }
  });

  it('does as the rule says, pair by pair, on random text', () => {
    const metadata = tinyTokenizerMetadata(1024);
    const tokenizer = createTokenizer(metadataOf(metadata));
    const ranks = new Map((metadata['tokenizer.ggml.merges'] as string[]).map((merge, i) => [merge, i]));
    const naive = (text: string) =>
      (text.replaceAll(' ', '▁').match(/[^\n]+|\n+/g) ?? []).flatMap((part) =>
        /^\n/.test(part) && tokenizer.idOf(part) !== undefined
          ? [part]
          : mergeNaively([...part], (left, right) => ranks.get(`${left} ${right}`)),
      );
    for (const text of randomTexts([...'theinaros   \n.,mdl', 'the ', ' token', 'thin'], 300, 60)) {
      expect(texts(tokenizer, text), JSON.stringify(text)).to.deep.equal(naive(text));
    }
  });
});

describe('SentencePiece-style (Gemma 3)', () => {
  const letters = [...'abcd▁\n'].map((text): [string] => [text]);
  const withScores = (scores: Record<string, number>) =>
    createTokenizer(
      smallMetadata({
        tokens: [
          ...SPECIALS,
          ...BYTES,
          ...letters,
          ...Object.entries(scores).map(([text, score]): [string, 'normal', number] => [text, 'normal', score]),
        ],
      }),
    );

  const cases: [name: string, scores: Record<string, number>, text: string, expected: string[]][] = [
    ['takes the best score first', {ab: -2, bc: -1}, 'abc', ['a', 'bc']],
    ['takes the leftmost of equal scores', {ab: -1, bc: -1}, 'abc', ['ab', 'c']],
    ['cannot reach a token whose parts are none', {abc: -1}, 'abc', ['a', 'b', 'c']],
    ['merges what it does not know with its neighbour', {aé: -1}, 'aéb', ['aé', 'b']],
    ['writes a space as the mark', {'▁a': -1}, 'b a', ['b', '▁a']],
    ['adds no space of its own', {'▁a': -1}, 'a', ['a']],
    ['spells what it does not know', {ab: -1}, 'ñ', ['<0xC3>', '<0xB1>']],
  ];
  for (const [name, scores, text, expected] of cases) {
    it(name, () => expect(texts(withScores(scores), text)).to.deep.equal(expected));
  }

  it('takes a mark in text for a space where user-defined tokens are runs of spaces', () => {
    const runs: [string, 'user'][] = [
      ['  ', 'user'],
      ['   ', 'user'],
    ];
    const tokenizer = createTokenizer(smallMetadata({tokens: [...SPECIALS, ...letters, ...runs]}));
    for (const text of ['a   b', 'a ▁ b', 'a▁▁▁b', 'a▁  b'])
      expect(texts(tokenizer, text)).to.deep.equal(['a', '   ', 'b']);
    expect(texts(tokenizer, 'a▁b')).to.deep.equal(['a', '▁', 'b']);
  });

  it('adds a space before text where the file asks for it', () => {
    const tokenizer = createTokenizer(
      smallMetadata({tokens: [...SPECIALS, ...letters], keys: {'tokenizer.ggml.add_space_prefix': true}}),
    );
    expect(texts(tokenizer, 'ab')).to.deep.equal(['▁', 'a', 'b']);
  });

  it('never merges text into a control token', () => {
    const tokenizer = createTokenizer(smallMetadata({tokens: [...SPECIALS, ...letters, ['ab', 'control', 5]]}));
    expect(texts(tokenizer, 'ab')).to.deep.equal(['a', 'b']);
  });

  it('has the unknown token for a byte that has none', () => {
    const tokenizer = createTokenizer(smallMetadata({tokens: [...SPECIALS, ...letters]}));
    expect(texts(tokenizer, 'aéb')).to.deep.equal(['a', '<unk>', '<unk>', 'b']);
  });

  it('does as the rule says, pair by pair, on random text', () => {
    const pieces = [
      'ab',
      'abc',
      'bc',
      'ba',
      'aa',
      'aaa',
      'aaaa',
      'cd',
      'dcd',
      '▁a',
      '▁ab',
      '▁▁',
      'a▁',
      'bcd',
      'abcd',
      'dd',
    ];
    const scores = new Map(pieces.map((piece, i) => [piece, -((i * 7) % 11)]));
    const tokenizer = withScores(Object.fromEntries(scores));
    for (const text of randomTexts([...'aabbccdd '], 300, 40)) {
      const naive = mergeNaively([...text.replaceAll(' ', '▁')], (left, right) => {
        const score = scores.get(left + right);
        return score === undefined ? undefined : -score;
      });
      expect(texts(tokenizer, text), JSON.stringify(text)).to.deep.equal(naive);
    }
  });
});

describe('special tokens', () => {
  const tokenizer = createTokenizer(
    smallMetadata({
      tokens: [
        ...SPECIALS,
        ...[...new Set('<|turn>abcdxy▁')].map((text): [string] => [text]),
        ['<|turn>', 'control'],
        ['abc', 'user'],
        ['bcdx', 'user'],
        ['cd', 'user'],
        ['xy', 'user'],
        ['<|'],
      ],
      merges: ['< |'],
    }),
  );
  const encode = (text: string, parseSpecial: boolean) =>
    tokenizer.encode(text, {addBos: false, parseSpecial}).map((id) => tokenizer.tokenText(id));

  it('are text for a user and tokens in markup', () => {
    expect(encode('<|turn>a', false)).to.deep.equal(['<|', 't', 'u', 'r', 'n', '>', 'a']);
    expect(encode('<|turn>a', true)).to.deep.equal(['<|turn>', 'a']);
    expect(encode('<unk>', true)).to.deep.equal(['<unk>']);
  });

  it('are always found where user-defined', () => {
    expect(encode('aabcb', false)).to.deep.equal(['a', 'abc', 'b']);
  });

  it('are taken longest first over the whole text, then what still fits', () => {
    expect(encode('abcdxy', false)).to.deep.equal(['a', 'bcdx', 'y']);
    expect(encode('abcdabcdx', false)).to.deep.equal(['abc', 'd', 'a', 'bcdx']);
    expect(encode('cdxyabc', false)).to.deep.equal(['cd', 'xy', 'abc']);
  });

  it('touch each other and fill the text', () => {
    expect(encode('<|turn><|turn>', true)).to.deep.equal(['<|turn>', '<|turn>']);
    expect(encode('', true)).to.deep.equal([]);
  });
});

describe('a vocabulary made so that its tokens collide', () => {
  it('is refused', () => {
    const tokens: [string][] = collidingTokens(600, 2048).map((text) => [text]);
    expect(() => createTokenizer(smallMetadata({tokens: [...SPECIALS, ...tokens]})))
      .to.throw(/same place in a table/)
      .with.property('code', 'tokenizer-invalid');
  });
});

/** Texts whose hash (that of vocabulary.ts) begins a search at the same place of a table of this size. */
function collidingTokens(count: number, tableSize: number): string[] {
  const found: string[] = [];
  for (let n = 0; found.length < count; n++) {
    const text = n.toString(36);
    let hash = 0x811c9dc5;
    for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    if (((hash ^ (hash >>> 13)) & (tableSize - 1)) === 7) found.push(text);
  }
  return found;
}

describe('bos', () => {
  const tokens = [...SPECIALS, ...BYTES, ['a'], ['b'], ['ab']] as [string][];
  const tokenizer = createTokenizer(smallMetadata({tokens, merges: ['a b']}));

  it('comes before every text unless told otherwise', () => {
    expect(tokenizer.encode('ab')).to.deep.equal([2, tokenizer.idOf('ab')]);
    expect(tokenizer.encode('ab', {addBos: false})).to.deep.equal([tokenizer.idOf('ab')]);
    expect(tokenizer.encode('')).to.deep.equal([2]);
  });

  it('is not doubled', () => {
    expect(tokenizer.encode('<bos>ab', {parseSpecial: true})).to.deep.equal([2, tokenizer.idOf('ab')]);
  });

  it('is added whatever a Gemma 4 file says, and as a Gemma 3 file says', () => {
    const keys = {'tokenizer.ggml.add_bos_token': false};
    expect(createTokenizer(smallMetadata({tokens, merges: ['a b'], keys})).addBos).to.equal(true);
    expect(createTokenizer(smallMetadata({tokens, keys})).addBos).to.equal(false);
    expect(createTokenizer(smallMetadata({tokens})).addBos).to.equal(true);
  });
});

describe('long inputs', function () {
  // A quadratic algorithm would take hours; n log n takes about a second.
  this.timeout(60_000);
  const bpe = createTokenizer(metadataOf(tinyTokenizerMetadata(1024)));
  const {'tokenizer.ggml.merges': _, 'tokenizer.ggml.pre': __, ...rest} = tinyTokenizerMetadata(1024);
  const count = (rest['tokenizer.ggml.tokens'] as string[]).length;
  const spm = createTokenizer(
    metadataOf({
      ...rest,
      'tokenizer.ggml.model': 'llama',
      'tokenizer.ggml.scores': Float32Array.from({length: count}, (_each, id) => -id),
    }),
  );
  const MEGABYTE = 2 ** 20;

  for (const [name, text] of [
    ['one letter', 't'.repeat(MEGABYTE)],
    ['one line', 'the thin token thinks '.repeat(MEGABYTE / 22)],
    ['newlines', '\n'.repeat(MEGABYTE)],
    ['spaces', ' '.repeat(MEGABYTE)],
    ['unknown characters', 'ϡ'.repeat(MEGABYTE / 2)],
    ['control tokens', '<|turn>'.repeat(MEGABYTE / 7)],
  ] as const) {
    it(`come back whole: a megabyte of ${name}`, () => {
      for (const tokenizer of [bpe, spm]) {
        const ids = tokenizer.encode(text, {addBos: false, parseSpecial: true});
        expect(tokenizer.decode(ids, {special: true}) === text).to.equal(true);
      }
    });

    it(`are left in between, or refused at once: a megabyte of ${name}`, () => {
      for (const tokenizer of [bpe, spm]) {
        const work = tokenizer.encodeInPieces(text, {addBos: false, parseSpecial: true});
        let longest = 0;
        try {
          let step: IteratorResult<void, number[]>;
          do {
            const before = process.cpuUsage();
            step = work.next();
            const {user, system} = process.cpuUsage(before);
            longest = Math.max(longest, (user + system) / 1000);
          } while (!step.done);
          expect(step.value).to.deep.equal(tokenizer.encode(text, {addBos: false, parseSpecial: true}));
          // A piece may meet a collection.
          expect(longest).to.be.below(200);
        } catch (error) {
          expect((error as {code?: string}).code).to.equal('option-invalid');
        }
      }
    });
  }
});
