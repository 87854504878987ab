import {expect} from 'chai';
import {compileFormat} from '../../../src/grammar/compile.ts';
import {AWKWARD, randomNumbers, randomText, takes} from '../../helpers/grammar.ts';

const grammarOf = (gbnf: string) => compileFormat({type: 'gbnf', gbnf});

const JSON_GRAMMAR = String.raw`
# JSON, after llama.cpp's grammars/json.gbnf
root   ::= object
value  ::= object | array | string | number | ("true" | "false" | "null") ws
object ::=
  "{" ws (
            string ":" ws value
    ("," ws string ":" ws value)*
  )? "}" ws
array  ::= "[" ws ( value ("," ws value)* )? "]" ws
string ::= "\"" ( [^"\\\x7F\x00-\x1F] | "\\" (["\\bfnrt] | "u" [0-9a-fA-F]{4}) )* "\"" ws
number ::= ("-"? ([0-9] | [1-9] [0-9]{0,15})) ("." [0-9]+)? ([eE] [-+]? [0-9] [1-9]{0,15})? ws
ws ::= | " " | "\n" [ \t]{0,20}
`;

describe('grammar: GBNF', () => {
  it('takes what llama.cpp’s grammar of JSON takes', () => {
    const grammar = grammarOf(JSON_GRAMMAR);
    for (const text of ['{}', '{"a": [1, 2.5e-1, "x\\u00e9\\n🦖"], "b":{"c":null}}\n', '{"a":\n  true}']) {
      expect(takes(grammar, text), text).to.equal(true);
    }
    for (const text of ['[]', '{"a"}', '{"a": 1,}', '{"a": "\\x"}', '{"a":   1}', '{"a": "\u007f"}']) {
      expect(takes(grammar, text), text).to.equal(false);
    }
    const random = randomNumbers(3);
    let written = 0;
    for (let i = 0; i < 10; i++) {
      const text = randomText(grammar, AWKWARD, random, 200, (matcher, mask) => {
        for (let id = 0; id < AWKWARD.vocabSize; id += 7) {
          expect(((mask[id >> 5] >>> (id & 31)) & 1) === 1).to.equal(matcher.allows(id));
        }
      });
      if (text === null) continue;
      JSON.parse(text);
      written++;
    }
    expect(written).to.be.above(3);
  });

  const CASES: readonly [gbnf: string, fulfil: string[], others: string[]][] = [
    ['root ::= "a" | "b" "c"?', ['a', 'b', 'bc'], ['', 'c', 'ab']],
    ['root ::= ("a" | b){2,3}\nb ::= [x-z]+', ['aa', 'axy', 'zzzz', 'aaa'], ['a', 'aaaa']],
    ['root ::= "(" root ")" | ""', ['', '()', '((()))'], ['(', '())']],
    ['root ::= item{2} item*\nitem ::= "<" item? ">"', ['<><>', '<<>><><>'], ['<>', '<<>>']],
    ['root ::= p{0,2}\np ::= "a" p? "b"', ['', 'ab', 'aabbab'], ['ababab']],
    ['root ::= . [^\\n] [\\u00e9\\U0001F996-] "\\x41\\t\\"" # end', ['xyéA\t"', '\n🦖-A\t"'], ['x\néA\t"']],
    ['root ::= "move " [1-9] ("," " " # and\n [1-9])*\n', ['move 1', 'move 1, 2'], ['move 0', 'move 1,2']],
  ];
  for (const [gbnf, fulfil, others] of CASES) {
    it(`takes what ${JSON.stringify(gbnf)} says`, () => {
      const grammar = grammarOf(gbnf);
      for (const text of fulfil) expect(takes(grammar, text), text).to.equal(true);
      for (const text of others) expect(takes(grammar, text), text).to.equal(false);
    });
  }

  for (const [gbnf, says] of [
    ['a ::= "x"', 'no rule root'],
    ['root ::= a', 'line 1 of the grammar: there is no rule a'],
    ['root ::= "a"\nroot ::= "b"', 'line 2 of the grammar: root is there twice'],
    ['root ::= root "a" | "a"', 'begins with itself'],
    ['root ::= "a', 'no " at its end'],
    ['root ::= [a', 'no ] at its end'],
    ['root ::= ("a"', 'without a )'],
    ['root ::= "a" )', 'is nothing here'],
    ['root = "a"', 'expected ::='],
    ['root ::= <think> "a"', 'tokens by name'],
    ['root ::= "a" root', 'no end'],
    ['root ::= a{5000}\na ::= "x" a? "y"', '1000 repetitions'],
    ['root ::= "\\q"', 'no escape'],
    [`root ::= ${'('.repeat(300)}"a"${')'.repeat(300)}`, 'nested deeper'],
    [
      `root ::= a0\n${Array.from({length: 40}, (_, i) => `a${i} ::= a${i + 1} a${i + 1}\n`).join('')}a40 ::= "x"`,
      'make it smaller',
    ],
  ] as const) {
    it(`refuses ${JSON.stringify(gbnf.slice(0, 30))}`, () => expect(() => grammarOf(gbnf)).to.throw(says));
  }
});
