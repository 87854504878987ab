import {expect} from 'chai';
import {parseToolCall} from '../../../src/chat/tool-call-syntax.ts';

/** Cuts at quote tokens as the parser does. */
const parse = (body: string) => parseToolCall(body.split('<|"|>'));

describe('tool call syntax', () => {
  const cases: [name: string, body: string, expected: unknown][] = [
    ['no arguments', 'call:now{}', {}],
    ['no braces', 'call:now', null],
    [
      'every kind of value',
      'call:f{a:<|"|>x<|"|>,b:-1.5e3,c:true,d:false,e:null,f:[1,<|"|>y<|"|>,{z:2}],g:{h:{}}}',
      {
        a: 'x',
        b: -1500,
        c: true,
        d: false,
        e: null,
        f: [1, 'y', {z: 2}],
        g: {h: {}},
      },
    ],
    ['strings with the syntax in them', 'call:f{a:<|"|>{x:[1,2]},"q"\n\\<|"|>}', {a: '{x:[1,2]},"q"\n\\'}],
    ['keys with other characters', 'call:f{a-b_c.d:1,ключ:2}', {'a-b_c.d': 1, ключ: 2}],
    ['keys in quotes of both kinds', 'call:f{<|"|>a b<|"|>:1,"c":2}', {'a b': 1, c: 2}],
    ['white space', 'call:f { a : 1 , b : [ 1 , 2 ] }\n', {a: 1, b: [1, 2]}],
    [
      'a key that objects have by nature',
      'call:f{__proto__:1,constructor:2}',
      JSON.parse('{"__proto__":1,"constructor":2}'),
    ],
    [
      'quote tokens inside a string',
      'call:run{code:<|"|>r = sql(<|"|><|"|><|"|>SELECT 1<|"|><|"|><|"|>)<|"|>,n:1}',
      {code: 'r = sql("""SELECT 1""")', n: 1},
    ],
    ['a quotation', 'call:w{c:<|"|>She said <|"|>hi<|"|> loudly<|"|>}', {c: 'She said "hi" loudly'}],
    ['empty strings', 'call:w{a:<|"|><|"|>,b:[<|"|><|"|>],<|"|>c<|"|> : <|"|><|"|> }', {a: '', b: [''], c: ''}],
    ['a quotation at the end', 'call:w{c:<|"|><|"|>hi<|"|><|"|>}', {c: '"hi"'}],
    ['the words of Python', 'call:f{x:True,y:[False],z:None}', {x: true, y: [false], z: null}],
    ['repair: the last quote is missing', 'call:f{a:<|"|>Rome}', {a: 'Rome'}],
    ['repair: the last brace is missing', 'call:f{a:{b:1}', {a: {b: 1}}],
    ['repair: plain quotes', `call:f{a:"x \\"y\\"",b:'it\\'s'}`, {a: 'x "y"', b: "it's"}],
    ['repair: a bare word', 'call:f{a:New York,b:1}', {a: 'New York', b: 1}],
    ['repair: a number that JSON has not', 'call:f{a:007}', {a: '007'}],
  ];
  for (const [name, body, expected] of cases) {
    it(name, () => expect(parse(body)?.arguments ?? null).to.deep.equal(expected));
  }

  it('takes time in proportion to the body, whatever is in it', () => {
    for (const piece of ['}', ' ', '<|"|>', '{', '[', '"', "'", '\\\\', ',', 'a:', '} ']) {
      for (const end of ['', 'x', '}']) {
        const start = performance.now();
        parse(`call:f{a:<|"|>${piece.repeat(200_000)}${end}`);
        parse(`call:f{a:${piece.repeat(200_000)}${end}`);
        expect(performance.now() - start, `${piece} ${end}`).to.be.below(4000); // minutes if it were quadratic
      }
    }
  });

  it('reads the name', () => expect(parse('call: get_weather.now {}')?.name).to.equal('get_weather.now'));

  for (const body of [
    '',
    'hello',
    'call:',
    'call:f{a}',
    'call:f{a:}',
    'call:f{:1}',
    'call:f{a:[1 {}]}',
    `call:f{a:${'['.repeat(5000)}`,
  ]) {
    it(`finds no call in ${JSON.stringify(body.slice(0, 20))}`, () => expect(parse(body)).to.equal(null));
  }
});
