import {expect} from 'chai';
import {createTokenizer} from '../../../src/tokenizer/create-tokenizer.ts';
import {BYTES, SPECIALS, smallMetadata} from './vocabularies.ts';

const tokenizer = createTokenizer(
  smallMetadata({
    tokens: [...SPECIALS, ...BYTES, ['▁Hello▁▁'], ['é'], ['<|"|>', 'user'], ['▁▁', 'user'], ['<unused0>', 'unused']],
    merges: [],
  }),
);
const id = (text: string) => tokenizer.idOf(text)!;
const byte = (value: number) => id(`<0x${value.toString(16).toUpperCase().padStart(2, '0')}>`);

describe('decoding', () => {
  const cases: [name: string, ids: number[], text: string, special?: string][] = [
    ['marks become spaces, the first too', [id('▁Hello▁▁'), id('é')], ' Hello  é'],
    [
      'control, unknown and unused tokens are silent unless asked for',
      [2, 3, id('<unused0>'), id('é')],
      'é',
      '<bos><unk><unused0>é',
    ],
    ['user-defined tokens are text, marks in them spaces', [id('<|"|>'), id('▁▁')], '<|"|>  '],
    ['bytes join into characters', [0xf0, 0x9f, 0x98, 0x80].map(byte), '😀'],
    ['bytes that are no UTF-8 become U+FFFD', [byte(0xff), byte(0x41), byte(0xc3)], '\ufffdA\ufffd'],
    ['a byte order mark is kept', [0xef, 0xbb, 0xbf].map(byte), '\ufeff'],
    ['nothing is nothing', [], ''],
  ];
  for (const [name, ids, text, special] of cases) {
    it(name, () => {
      expect(tokenizer.decode(ids)).to.equal(text);
      expect(tokenizer.decode(ids, {special: true})).to.equal(special ?? text);
      const streaming = tokenizer.detokenizer();
      expect(ids.map((each) => streaming.push(each)).join('') + streaming.flush()).to.equal(text);
    });
  }

  it('streams whole characters only', () => {
    const streaming = tokenizer.detokenizer();
    const bytes = [...new TextEncoder().encode('aé€😀')];
    expect(bytes.map((value) => streaming.push(byte(value)))).to.deep.equal([
      'a',
      '',
      'é',
      '',
      '',
      '€',
      '',
      '',
      '',
      '😀',
    ]);
    expect(streaming.flush()).to.equal('');
  });

  it('shows an incomplete character at the end', () => {
    const streaming = tokenizer.detokenizer();
    expect(streaming.push(byte(0xe2))).to.equal('');
    expect(streaming.flush()).to.equal('\ufffd');
  });

  it('keeps streams apart', () => {
    const [one, two] = [tokenizer.detokenizer(), tokenizer.detokenizer()];
    one.push(byte(0xc3));
    expect(two.push(byte(0xa9))).to.equal('\ufffd');
    expect(one.push(byte(0xa9))).to.equal('é');
  });

  it('knows tokens by text, type and bytes', () => {
    expect(tokenizer.tokenText(id('▁Hello▁▁'))).to.equal('▁Hello▁▁');
    expect(
      [0, 3, id('é'), byte(0), id('<|"|>'), id('<unused0>')].map((each) => tokenizer.tokenType(each)),
    ).to.deep.equal(['control', 'unknown', 'normal', 'byte', 'user', 'unused']);
    expect([...tokenizer.tokenBytes(byte(0xab))]).to.deep.equal([0xab]);
    expect(tokenizer.idOf('no such token')).to.equal(undefined);
  });

  for (const bad of [-1, 1e9, 0.5, Number.NaN]) {
    it(`refuses the id ${bad}`, () => {
      for (const action of [
        () => tokenizer.decode([bad]),
        () => tokenizer.tokenText(bad),
        () => tokenizer.tokenType(bad),
      ]) {
        expect(action).to.throw().with.property('code', 'option-invalid');
      }
    });
  }
});
