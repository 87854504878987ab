import {expect} from 'chai';
import {Automaton} from '../../../src/grammar/automaton.ts';
import {compileFormat} from '../../../src/grammar/compile.ts';
import {Masks, RunTables} from '../../../src/grammar/masks.ts';
import {Matcher} from '../../../src/grammar/matcher.ts';
import type {TokenTrie} from '../../../src/grammar/token-trie.ts';
import {AWKWARD, idsOf, randomNumbers, randomText, trieOf} from '../../helpers/grammar.ts';

const SCHEMAS: readonly unknown[] = [
  {type: 'object'},
  {type: 'object', properties: {name: {type: 'string'}, id: {type: 'integer'}}, required: ['name']},
  {
    type: 'object',
    properties: {a: {const: 'a"🦖'}, b: {enum: ['aa', 'ab', 1]}},
    required: ['a', 'b'],
    additionalProperties: false,
  },
  {type: 'object', properties: {a: {}}, additionalProperties: {type: 'string', maxLength: 3}},
  {type: 'array', items: {anyOf: [{type: 'string', minLength: 2}, {type: 'null'}]}},
  {type: 'string', pattern: '^(?!ab)[a-zé🦖"]{2,6}$'},
  {type: 'string', minLength: 3, maxLength: 5},
  {type: 'string', format: 'date-time'},
  {$ref: '#/$defs/t', $defs: {t: {type: 'object', properties: {t: {type: 'array', items: {$ref: '#/$defs/t'}}}}}},
];

const encoder = new TextEncoder();
const matcherOf = (schema: unknown, trie: TokenTrie = AWKWARD): Matcher =>
  new Matcher(
    new Masks(new Automaton(compileFormat({type: 'json_schema', json_schema: {schema}})), new RunTables(trie)),
    trie,
  );

describe('grammar: tokens', () => {
  it('allows a token where its bytes are, for every token at every place of random answers', () => {
    const random = randomNumbers(11);
    let places = 0;
    for (const schema of SCHEMAS) {
      const grammar = compileFormat({type: 'json_schema', json_schema: {schema}});
      for (let i = 0; i < 6; i++) {
        randomText(grammar, AWKWARD, random, 60, (matcher, mask) => {
          places++;
          for (let id = 0; id < AWKWARD.vocabSize; id++) {
            const allowed = ((mask[id >> 5] >>> (id & 31)) & 1) === 1;
            if (allowed !== matcher.allows(id))
              expect.fail(`token ${id} (${new TextDecoder().decode(AWKWARD.bytesOf(id))})`);
          }
        });
      }
    }
    expect(places).to.be.above(400);
  });

  it('writes valid UTF-8 and JSON only', () => {
    const random = randomNumbers(5);
    let written = 0;
    for (const schema of SCHEMAS) {
      const grammar = compileFormat({type: 'json_schema', json_schema: {schema}});
      for (let i = 0; i < 20; i++) {
        const text = randomText(grammar, AWKWARD, random, 150);
        if (text === null) continue;
        JSON.parse(text);
        written++;
      }
    }
    expect(written).to.be.above(100);
  });

  it('takes a text cut into tokens at any two places', () => {
    const text = '{"name": "é🦖\\"", "id": -12}';
    const bytes = encoder.encode(text);
    const pieces: Uint8Array[] = [];
    const starts: [number, number, number][] = [];
    for (let a = 1; a < bytes.length; a++) {
      for (let b = a + 1; b < bytes.length; b++) {
        starts.push([pieces.length, pieces.length + 1, pieces.length + 2]);
        pieces.push(bytes.slice(0, a), bytes.slice(a, b), bytes.slice(b));
      }
    }
    const trie = trieOf({size: pieces.length, bytes: (id) => pieces[id], controls: []});
    const masks = new Masks(
      new Automaton(compileFormat({type: 'json_schema', json_schema: {schema: SCHEMAS[1]}})),
      new RunTables(trie),
    );
    for (const ids of starts) {
      const matcher = new Matcher(masks, trie);
      for (const id of ids) {
        expect(matcher.mayEnd).to.equal(false);
        expect((matcher.mask()[id >> 5] >>> (id & 31)) & 1, `token ${id}`).to.equal(1);
        matcher.accept(id);
      }
      expect(matcher.mustEnd).to.equal(true);
    }
  });

  it('knows what has to come, up to the first choice', () => {
    const matcher = matcherOf({
      type: 'object',
      properties: {title: {const: 'x'}, n: {type: 'integer'}},
      required: ['title', 'n'],
    });
    const forced = (): string =>
      matcher
        .forced()
        .parts.map((part) => new TextDecoder().decode(part as Uint8Array))
        .join();
    expect(forced()).to.equal('{');
    const take = (text: string): void => {
      for (const byte of encoder.encode(text)) {
        const id = Array.from({length: AWKWARD.vocabSize}, (_, each) => each).find((each) => {
          const bytes = AWKWARD.bytesOf(each);
          return bytes.length === 1 && bytes[0] === byte;
        })!;
        matcher.accept(id);
      }
    };
    take('{"');
    expect(forced()).to.equal('title":');
    take('title": ');
    expect(forced()).to.equal('"x",');
    take('"x","n":1');
    expect(matcher.forced()).to.deep.equal({parts: [], open: false});
    expect(() => take('x')).to.throw('cannot come here');
    take('}');
    expect([matcher.mustEnd, matcher.mayEnd, idsOf(matcher.mask()).length]).to.deep.equal([true, true, 0]);
  });

  it('goes on where states were forgotten', () => {
    const masks = new Masks(new Automaton(compileFormat({type: 'json_object'})), new RunTables(AWKWARD));
    const long = new Matcher(masks, AWKWARD);
    const idOf = new Map(
      Array.from({length: AWKWARD.vocabSize}, (_, id) => [new TextDecoder().decode(AWKWARD.bytesOf(id)), id]),
    );
    // Each level is a state of its own: more than are kept.
    for (let i = 0; i < 3000; i++) for (const text of ['{', '"', 'a', '"', ':']) long.accept(idOf.get(text)!);
    expect(masks.automaton.generation).to.be.above(0);
    const other = new Matcher(masks, AWKWARD);
    other.accept(idOf.get('{')!);
    expect(idsOf(long.mask())).to.include(idOf.get('1'));
    expect(idsOf(other.mask())).not.to.include(idOf.get('1'));
  });
});
