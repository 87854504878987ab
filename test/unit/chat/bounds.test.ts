// What a model, a page or a file can make the chat's parsers do: their time follows the size of what they are given, over
// shapes that are generated. A worker answers all tabs, and stands still meanwhile.
import {expect} from 'chai';
import {metadataOf} from '../../../scripts/model-files/gguf-writer.ts';
import {seededRandom} from '../../../scripts/model-files/random.ts';
import {tinyTokenizerMetadata} from '../../../scripts/model-files/tiny-tokenizer.ts';
import {BoundedTemplate} from '../../../src/chat/bounded-jinja.ts';
import {OutputParser} from '../../../src/chat/output-parser.ts';
import {StopStrings} from '../../../src/chat/stop-strings.ts';
import {
  renderToText,
  renderToTextInPieces,
  renderToTokens,
  renderToTokensInPieces,
} from '../../../src/chat/template.ts';
import {parseToolCall} from '../../../src/chat/tool-call-syntax.ts';
import {plainParameters} from '../../../src/chat/tool-schema.ts';
import {createTokenizer} from '../../../src/tokenizer/create-tokenizer.ts';
import type {Pieces} from '../../../src/tokenizer/pieces.ts';
import {createTemplate} from '../../helpers/chat-template.ts';
import {cpu, shape} from '../../helpers/cpu-time.ts';

/** A worker must not stand still for longer, in milliseconds. */
const STILL = 200;
/** What is this quick may grow as it likes; what is slower must not grow faster than what it is given. */
const QUICK = 20;

/** Holds `run` to STILL, and to a straight line: `make(size)` is what it is given. */
function expectLinear<T>(make: (size: number) => T, size: number, run: (given: T) => void, what: string): void {
  const all = make(size);
  const whole = cpu(() => run(all), QUICK);
  if (whole <= QUICK) return;
  expect(whole, what).to.be.below(STILL);
  const half = make(size / 2);
  expect(whole / cpu(() => run(half)), what).to.be.below(4);
}

describe('the time of what models and pages write', () => {
  it('follows the length of a tool call', () => {
    const next = seededRandom(21).uniform;
    const marks = ['{', '}', '[', ']', ':', ',', 'a', 'a:', '1', '-', '"', "'", ' ', '\n', 'true', '{a:', '[[', '\\'];
    for (let i = 0; i < 200; i++) {
      const make = shape(next, marks);
      const partsOf = shape(next, marks);
      // With strings between, and without.
      const calls = (size: number) => {
        const strings = Array.from({length: Math.floor(size / 400)}, () => partsOf(20));
        return i % 2 === 0 ? [`call:f{${make(size)}`] : [`call:f{${make(20)}`, ...strings, make(size / 2)];
      };
      expectLinear(calls, 40_000, parseToolCall, make(30));
    }
  });

  it('follows the length of an answer with stop strings', () => {
    const next = seededRandom(22).uniform;
    for (let i = 0; i < 60; i++) {
      const [text, stop] = [shape(next, ['a', 'b', 'aa', 'ab', ' ']), shape(next, ['a', 'b', 'aa', 'ab', ' '])];
      const stops = Array.from({length: 4}, (_, n) => `${stop(100 + 300 * n)}!`);
      expectLinear(
        (size) => text(size),
        40_000,
        (given) => {
          const strings = new StopStrings(stops);
          for (let at = 0; at < given.length; at += 3) strings.push(given.slice(at, at + 3));
          strings.flush();
        },
        `${text(10)} until ${stop(10)}`,
      );
    }
  });

  it('follows the tokens of an answer, tags and white space in any order', () => {
    const tokenizer = createTokenizer(metadataOf(tinyTokenizerMetadata(1024)));
    const next = seededRandom(23).uniform;
    const marks = [
      '<|channel>',
      '<channel|>',
      '<|tool_call>',
      '<tool_call|>',
      '<|"|>',
      ' ',
      '\n',
      'a',
      'call:f{',
      'thought\n',
    ];
    for (let i = 0; i < 40; i++) {
      const make = shape(next, i % 4 === 0 ? [' ', '\n', '  '] : marks);
      const given = (size: number) =>
        tokenizer.encode(make(4 * size), {addBos: false, parseSpecial: true}).slice(0, size);
      expectLinear(
        given,
        4000,
        (ids) => {
          const parser = new OutputParser(tokenizer, {callId: String});
          for (const id of ids) parser.push(id);
          parser.flush();
        },
        make(20),
      );
    }
  });

  it('is bounded for white space without end, which is shown', () => {
    const tokenizer = createTokenizer(metadataOf(tinyTokenizerMetadata(1024)));
    const parser = new OutputParser(tokenizer);
    const space = tokenizer.encode('a a', {addBos: false}).at(-1)!;
    let shown = parser.push(tokenizer.idOf('a') ?? space).length;
    const newline = tokenizer.idOf('<0x0A>')!;
    for (let i = 0; i < 3000; i++) shown += parser.push(newline).length;
    expect(shown).to.be.above(2);
    expect(parser.held.length).to.be.at.most(1024);
  });

  it('is bounded for the schema of a tool, whatever refers to whatever', () => {
    const random = seededRandom(24);
    const below = (n: number) => random.u32() % n;
    const names = ['a', 'b', 'c', 'd'];
    const node = (depth: number): unknown => {
      const some = () => Array.from({length: 1 + below(4)}, () => node(depth - 1));
      if (depth === 0 || below(6) === 0) return {$ref: `#/$defs/${names[below(4)]}`};
      const kinds = ['allOf', 'anyOf', 'oneOf', 'items', 'properties', 'enum', 'prefixItems'];
      const kind = kinds[below(kinds.length)];
      if (kind === 'properties') return {properties: Object.fromEntries(some().map((each, n) => [names[n % 4], each]))};
      return {[kind]: kind === 'items' ? node(depth - 1) : some(), required: names, description: 'x'.repeat(below(50))};
    };
    for (let i = 0; i < 100; i++) {
      const $defs = Object.fromEntries(names.map((name) => [name, node(4)]));
      const schema = {...(node(5) as object), $defs};
      const read = () => {
        try {
          plainParameters(schema);
        } catch (error) {
          expect((error as {code?: string}).code).to.equal('option-invalid');
        }
      };
      expect(cpu(read, STILL), JSON.stringify(schema).slice(0, 60)).to.be.below(STILL);
    }
  });

  it('is bounded for a schema of many parts that are merged', () => {
    const part = (n: number) => ({
      properties: Object.fromEntries(Array.from({length: 190}, (_, i) => [`p${n}_${i}`, {type: 'string'}])),
      required: Array.from({length: 190}, (_, i) => `p${n}_${i}`),
    });
    const schema = {allOf: Array.from({length: 100}, (_, n) => part(n))};
    const read = () => expect(() => plainParameters(schema)).to.throw('more than 20000 values');
    expect(cpu(read, STILL)).to.be.below(STILL);
    // As many as a person writes.
    const few = plainParameters({allOf: [part(1), part(2), part(3)]});
    expect(Object.keys(few.properties as object)).to.have.length(570);
  });

  it('can be left in the middle of a long chat, of a prompt that is written out, and of a list of tokens', () => {
    const tokenizer = createTokenizer(metadataOf(tinyTokenizerMetadata(1024)));
    const template = createTemplate(tokenizer);
    const long = [{role: 'user' as const, content: 'a '.repeat(100_000) + '<|"|>'.repeat(20_000)}];
    const many = Array.from({length: 1000}, (_, i) => ({
      role: i % 2 === 0 ? ('user' as const) : ('assistant' as const),
      content: 'hello',
    }));
    const ids = tokenizer.encode(long[0].content);
    const longest = <T>(work: () => Pieces<T>, pieces: number, whole: T) => {
      let most = 0;
      const read = () => {
        const running = work();
        most = 0;
        for (let n = 1; ; n++) {
          const start = process.cpuUsage();
          const {done, value} = running.next();
          const {user, system} = process.cpuUsage(start);
          most = Math.max(most, (user + system) / 1000);
          if (!done) continue;
          expect(value).to.deep.equal(whole);
          expect(n).to.be.above(pieces);
          return;
        }
      };
      for (let tries = 0; tries < 4 && (tries === 0 || most > STILL); tries++) read();
      expect(most).to.be.below(STILL);
    };
    longest(() => renderToTokensInPieces(tokenizer, template, long), 10, renderToTokens(tokenizer, template, long));
    longest(() => renderToTextInPieces(tokenizer, template, many), 1, renderToText(tokenizer, template, many));
    longest(() => tokenizer.decodeInPieces(ids), 10, tokenizer.decode(ids));
  });
});

describe('the time of a file’s template', () => {
  const marks = [
    ...[
      '{{',
      '}}',
      '{%',
      '%}',
      '{#',
      '#}',
      '{{-',
      '-%}',
      ' ',
      '\n',
      'a',
      '"',
      "'",
      '(',
      ')',
      '[',
      ']',
      '|',
      '~',
      '+',
      '.',
    ],
    ...[
      '{% for a in b %}',
      '{% endfor %}',
      '{% if a %}',
      '{% endif %}',
      '{{ a }}',
      '{{ b | trim }}',
      '{% set a = b %}',
    ],
    ...[
      '{% macro a(b) %}',
      '{% endmacro %}',
      '0',
      'not ',
      'in ',
      'is ',
      '\\',
      '{{ "a" * 9 }}',
      'range(9)',
      '{{ b[::-1] }}',
    ],
  ];

  /** Reads it and renders it; what it says is its own. */
  function render(source: string): void {
    try {
      new BoundedTemplate(source).render({
        a: 'x'.repeat(1000),
        b: ['y', 'z'],
        messages: [{role: 'user', content: 'hi'}],
      });
    } catch (error) {
      expect(error).to.be.instanceOf(Error);
    }
  }

  it('is bounded for any text of the longest size, over shapes that are generated', function () {
    this.timeout(60_000);
    const next = seededRandom(25).uniform;
    for (let i = 0; i < 120; i++) {
      const source = shape(next, marks)(60_000).slice(0, 2 ** 16);
      // To read it, and its deadline to render it.
      expect(
        cpu(() => render(source), 2 * STILL),
        JSON.stringify(source.slice(0, 40)),
      ).to.be.below(2 * STILL);
    }
  });

  it('is bounded for loops within loops over what they make', () => {
    const next = seededRandom(26).uniform;
    const bodies = [
      '{{ a }}',
      '{% set b = b + b %}',
      '{{ b | join(a) }}',
      '{{ a | replace("x", a) }}',
      '{{ b | tojson }}',
    ];
    for (let i = 0; i < 40; i++) {
      const depth = 1 + Math.floor(next() * 5);
      const body = shape(next, bodies)(60);
      const source = `${'{% for i in range(99) %}'.repeat(depth)}${body}${'{% endfor %}'.repeat(depth)}`;
      expect(
        cpu(() => render(source), 1.5 * STILL),
        source.slice(0, 90),
      ).to.be.below(1.5 * STILL);
    }
  });
});
