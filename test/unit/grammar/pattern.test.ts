import {expect} from 'chai';
import {compileFormat} from '../../../src/grammar/compile.ts';
import {randomNumbers, takes} from '../../helpers/grammar.ts';

/** As the specification reads a pattern: code points, no other flag. */
const says = (source: string, text: string): boolean => new RegExp(`^(?:${source})$`, 'u').test(text);

const PATTERNS = [
  'abc',
  'a|bc|',
  '[a-c]+x?',
  '(?:ab){2,3}',
  'a{2,}b{0,2}',
  '[^a-y]*',
  '\\d{3}-\\w\\s\\D',
  '.',
  '[\\]\\-x]',
  'é+|🦖{2}',
  '\\p{Lu}\\p{L}*',
  '\\u00e9|\\u{1f996}|\\x41',
  '^a$|^b',
  '(?=.*\\d)[a-z\\d]{2,5}',
  '(?!ab)[a-c]{2}',
  '(?<year>\\d\\d)x',
  'a.c',
  '(a|b)*?c',
  '(?:(?:a|b)c|d){1,3}',
];
const ALPHABET = [
  'a',
  'b',
  'c',
  'd',
  'x',
  'y',
  'z',
  'A',
  'É',
  'é',
  '0',
  '1',
  '9',
  '-',
  ']',
  ' ',
  '\n',
  '_',
  '🦖',
  '漢',
];

describe('grammar: patterns', () => {
  for (const source of PATTERNS) {
    it(`takes what /${source}/u matches`, () => {
      const grammar = compileFormat({type: 'regex', regex: source});
      const random = randomNumbers(7);
      const texts = [
        '',
        'abc',
        'bc',
        'aab',
        'abab',
        'ababab',
        '12',
        'a1b',
        '1ab',
        'ca',
        'ac',
        '24x',
        '🦖🦖',
        '123-a b',
        'Éa',
      ];
      for (let i = 0; i < 400; i++) {
        const length = Math.floor(random() * 6);
        texts.push(Array.from({length}, () => ALPHABET[Math.floor(random() * ALPHABET.length)]).join(''));
      }
      for (const text of texts) expect(takes(grammar, text), JSON.stringify(text)).to.equal(says(source, text));
    });
  }

  for (const [source, what] of [
    ['(?<=a)b', 'looks behind'],
    ['\\bfoo', 'word boundary'],
    ['(a)\\1', 'refers back'],
    ['a**', 'repeats a repetition'],
    ['[b-a]', 'range'],
    ['(a', 'without a )'],
    ['a)', 'without a ('],
    ['a{3,2}', 'repeats from 3 to 2'],
    ['\\p{Nonsense}', '\\p{}'],
    ['(?:^a)*', 'repeats an anchor'],
    ['a'.repeat(30_000), 'at most'],
    ['('.repeat(500) + ')'.repeat(500), 'nested deeper'],
    ['[]', 'nothing can fulfil'],
  ] as const) {
    it(`refuses ${source.slice(0, 20)}`, () => {
      expect(() => compileFormat({type: 'regex', regex: source})).to.throw(what);
    });
  }
});

describe('grammar: numbers', () => {
  it('takes exactly the numbers within bounds', () => {
    const random = randomNumbers(3);
    const number = (): number =>
      Math.round((random() - 0.5) * 10 ** Math.floor(random() * 5 + 1)) / 10 ** Math.floor(random() * 3);
    for (let i = 0; i < 150; i++) {
      const integer = random() < 0.4;
      const [low, high] = [number(), number()].sort((a, b) => a - b);
      const [min, max] = [
        random() < 0.5 ? 'minimum' : 'exclusiveMinimum',
        random() < 0.5 ? 'maximum' : 'exclusiveMaximum',
      ];
      const schema = {type: integer ? 'integer' : 'number', [min]: low, [max]: high};
      const within = (x: number): boolean =>
        (min === 'minimum' ? x >= low : x > low) &&
        (max === 'maximum' ? x <= high : x < high) &&
        (!integer || Number.isInteger(x));
      const values = [low, high, 0, low + 1, high - 1, (low + high) / 2, -low, -high, Math.ceil(low), Math.floor(high)];
      for (const step of [0.001, 0.1]) values.push(low - step, low + step, high - step, high + step);
      let grammar: ReturnType<typeof compileFormat>;
      try {
        grammar = compileFormat({type: 'json_schema', json_schema: {schema}});
      } catch {
        // No number is within.
        expect(values.map((x) => Number(x.toFixed(3))).filter(within), JSON.stringify(schema)).to.deep.equal([]);
        continue;
      }
      for (const value of values.map((x) => Number(x.toFixed(3)))) {
        expect(takes(grammar, JSON.stringify(value)), `${value} of ${JSON.stringify(schema)}`).to.equal(within(value));
      }
    }
  });
});
