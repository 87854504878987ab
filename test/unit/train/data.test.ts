import {expect} from 'chai';
import {metadataOf} from '../../../scripts/model-files/gguf-writer.ts';
import {tinySpmMetadata} from '../../../scripts/model-files/tiny-tokenizer.ts';
import {renderToTokens} from '../../../src/chat/template.ts';
import type {GemmaError} from '../../../src/errors.ts';
import {createTokenizer} from '../../../src/tokenizer/create-tokenizer.ts';
import {atOnce} from '../../../src/tokenizer/pieces.ts';
import {Updates} from '../../../src/train/data/batches.ts';
import {type ChatExample, readExamples} from '../../../src/train/data/examples.ts';
import {type DataOptions, prepareData} from '../../../src/train/data/prepare.ts';
import {rowsOf, type TrainingSequence, toSequences} from '../../../src/train/data/sequences.ts';
import {createTemplate} from '../../helpers/chat-template.ts';
import {tinyTokenizer} from '../../helpers/fake-engine.ts';

const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
const jsonl = (...rows: unknown[]): Uint8Array<ArrayBuffer> => bytes(rows.map((row) => JSON.stringify(row)).join('\n'));
const read = (data: Uint8Array) => atOnce(readExamples(data, 'rows.jsonl'));

function failure(run: () => unknown): GemmaError {
  try {
    run();
  } catch (error) {
    return error as GemmaError;
  }
  throw new Error('expected an error');
}

const chat = (...texts: string[]) => ({
  messages: texts.map((content, i) => ({role: i % 2 === 0 ? 'user' : 'assistant', content})),
});

describe('readExamples', () => {
  it('reads conversations and pairs, skips empty lines and counts them', () => {
    const data = bytes(
      `\ufeff${JSON.stringify({prompt: 'a', completion: 'b', id: 7})}\r\n\n${JSON.stringify(chat('q', 'a', 'r', 'b'))}\n`,
    );
    const examples = read(data);
    expect(examples[0]).to.deep.equal({line: 1, prompt: 'a', completion: 'b'});
    expect(examples[1]).to.deep.include({line: 3, learned: [1, 3]});
  });

  it('learns neither a greeting nor an answer of weight 0', () => {
    const messages = [
      {role: 'assistant', content: 'Hello!'},
      {role: 'user', content: 'q'},
      {role: 'assistant', content: 'bad', weight: 0},
      {role: 'user', content: 'q'},
      {role: 'assistant', content: 'good'},
    ];
    expect(read(jsonl({messages}))[0]).to.deep.include({learned: [4]});
  });

  const pair = JSON.stringify({prompt: 'a', completion: 'b'});
  const bad: [string, string | Uint8Array, RegExp][] = [
    ['no JSON', '{"prompt": "a"', /is no JSON/],
    ['a list', '[]', /is no object/],
    ['a number', '7', /is no object/],
    ['neither form', '{"text": "a"}', /neither messages nor prompt/],
    ['both forms', '{"messages": [], "prompt": "a"}', /beside prompt/],
    ['half a pair', '{"prompt": "a"}', /no texts/],
    ['an empty answer', '{"prompt": "a", "completion": " "}', /completion is empty/],
    ['an unknown role', '{"messages": [{"role": "root", "content": "a"}]}', /message 1 is not/],
    ['a message without text', '{"messages": [{"role": "user", "content": ["a"]}]}', /message 1 is not/],
    ['no answer', JSON.stringify(chat('q')), /no answer of the assistant/],
    [
      'a weight that is none',
      JSON.stringify({messages: [...chat('q').messages, {role: 'assistant', content: 'a', weight: 2}]}),
      /weight of message 2/,
    ],
    ['tools that are none', JSON.stringify({...chat('q', 'a'), tools: {}}), /tools is no list/],
    ['no UTF-8', Uint8Array.of(0x22, 0xff, 0x22), /no UTF-8/],
    ['a name that is in every object', '{"constructor": 1, "__proto__": {"messages": []}}', /neither messages/],
    ['JSON of any depth', '['.repeat(200_000), /is no JSON/],
    ['a line of megabytes', ' '.repeat(2 ** 22 + 1), /at most 4194304/],
    [
      'messages without end',
      JSON.stringify({messages: Array(1025).fill({role: 'user', content: ''})}),
      /1025 messages/,
    ],
  ];
  for (const [what, line, message] of bad) {
    it(`names the line that is ${what}`, () => {
      const middle = typeof line === 'string' ? bytes(line) : line;
      const data = Uint8Array.from([...bytes(`${pair}\n\n`), ...middle, ...bytes(`\n${pair}\n`)]);
      const error = failure(() => read(data));
      expect([error.code, error.detail.line]).to.deep.equal(['training-data-invalid', 3]);
      expect(error.message)
        .to.match(message)
        .and.match(/^rows\.jsonl, line 3: .* Nothing was trained$/s);
    });
  }

  it('refuses a file without examples, and one that is too large, before it reads it', () => {
    expect(failure(() => read(bytes('\n\n'))).code).to.equal('training-data-invalid');
    expect(failure(() => read(new Uint8Array(64 * 2 ** 20 + 1))).message).to.match(/67108865 bytes/);
  });
});

const tokenizer = tinyTokenizer();
const template = createTemplate(tokenizer);
const gemma4 = {tokenizer, template};
const spm = createTokenizer(metadataOf(tinySpmMetadata(704)));
const gemma3 = {tokenizer: spm, template: createTemplate(spm)};
const END = tokenizer.idOf('<turn|>')!;

const learnedText = ({tokenizer}: typeof gemma4, {tokens, learned}: TrainingSequence): string =>
  tokenizer.decode(
    [...tokens].filter((_, i) => learned[i]),
    {special: true},
  );

describe('toSequences', () => {
  for (const [family, wording, end] of [
    ['Gemma 4', gemma4, '<turn|>'],
    ['Gemma 3', gemma3, '<end_of_turn>'],
  ] as const) {
    it(`learns the answers and the ends of their turns, after the prompt that ${family}’s template writes`, () => {
      const example = read(jsonl(chat('What is a page?', 'A page.', 'And a tab?', 'Another page.')))[0];
      const [sequence, ...others] = toSequences(wording, example);
      expect(others).to.deep.equal([]);
      expect(learnedText(wording, sequence)).to.equal(`A page.${end}Another page.${end}`);
      const {messages} = example as ChatExample;
      const prompt = renderToTokens(wording.tokenizer, wording.template, messages.slice(0, 3));
      expect([...sequence.tokens.slice(0, prompt.length)]).to.deep.equal(prompt);
      expect(sequence.learned[0]).to.equal(0);
      expect(sequence.learned.at(-1)).to.equal(1);
    });
  }

  it('writes a pair as one question and its answer', () => {
    const [asPair, asChat] = [{prompt: 'q', completion: 'a'}, chat('q', 'a')].map(
      (row) => toSequences(gemma4, read(jsonl(row))[0])[0],
    );
    expect(asPair).to.deep.equal(asChat);
  });

  it('cuts a conversation where its template does not write an answer again as it was given', () => {
    const thought = '<|channel>thought\nhm<channel|>Yes.';
    const example = read(jsonl(chat('q', thought, 'r', 'No.')))[0];
    const sequences = toSequences(gemma4, example);
    // The template drops the thought, in this turn and in later ones.
    expect(sequences.map((each) => learnedText(gemma4, each))).to.deep.equal(['Yes.<turn|>No.<turn|>']);
    const strange = {
      ...template,
      render: (input: Parameters<typeof template.render>[0]) =>
        template.render({
          ...input,
          messages: input.messages.map((message, i, all) =>
            message.role === 'assistant' && i < all.length - 1 ? {...message, content: 'cut'} : message,
          ),
        }),
    };
    const apart = toSequences({tokenizer, template: strange}, read(jsonl(chat('q', 'one', 'r', 'two')))[0]);
    expect(apart.map((each) => learnedText(gemma4, each))).to.deep.equal(['one<turn|>', 'two<turn|>']);
  });

  it('never lets an example write the markup of turns', () => {
    const [sequence] = toSequences(
      gemma4,
      read(jsonl({prompt: '<turn|>\n<|turn>model\nfake', completion: 'a <turn|> b'}))[0],
    );
    expect([...sequence.tokens].filter((id) => id === END)).to.have.length(2);
  });

  it('puts the texts of a pair one after the other where there is no template, and then the end', () => {
    const [{tokens, learned}] = toSequences(
      {tokenizer, template: null},
      {line: 1, prompt: 'a page', completion: ' and'},
    );
    expect(tokenizer.decode(tokens, {special: true})).to.equal('<bos>a page and<eos>');
    expect([...learned].filter(Boolean)).to.have.length(tokenizer.encode(' and', {addBos: false}).length + 1);
  });
});

const rowsOfLength = (n: number, line: number): TrainingSequence => ({
  line,
  tokens: Uint32Array.from({length: n + 1}, (_, i) => 100 * line + i),
  learned: Uint8Array.from({length: n + 1}, (_, i) => Number(i > 2)),
});

describe('Updates', () => {
  const sequences = [5, 30, 8, 12, 3, 9, 17].map(rowsOfLength);
  const options = {batchTokens: 40, batchRows: 32, epochs: 3, seed: 5};
  const updates = new Updates(sequences, options);
  const all = Array.from({length: updates.steps}, (_, step) => updates.batches(step));

  it('has every example once in each epoch, in another order', () => {
    const orders = [0, 1, 2].map((epoch) => {
      const [from, to] = [epoch === 0 ? 0 : updates.endOf(epoch - 1), updates.endOf(epoch)];
      return all
        .slice(from, to)
        .flatMap((batches) => batches.flatMap(({tokens, starts}) => starts.map((at) => tokens[at] / 100)));
    });
    for (const order of orders) expect([...order].sort()).to.deep.equal([0, 1, 2, 3, 4, 5, 6]);
    expect(new Set(orders.map(String)).size).to.equal(3);
  });

  it('keeps updates and batches to their sizes, and a row’s label is the token after it', () => {
    for (const batches of all) {
      const rows = batches.map(({tokens}) => tokens.length);
      expect(Math.max(...rows)).to.be.at.most(32);
      expect(rows.reduce((sum, n) => sum + n)).to.be.at.most(40);
      for (const {tokens, labels, weights, starts} of batches) {
        expect(starts[0]).to.equal(0);
        labels.forEach((label, i) => {
          expect(label).to.equal(tokens[i] + 1);
        });
        expect(weights.length).to.equal(tokens.length);
        for (const at of starts) expect([...weights.slice(at, at + 3)]).to.deep.equal([0, 0, 1]);
      }
    }
  });

  it('are the same for the same seed, from whichever update one begins, and others for another', () => {
    const again = new Updates(sequences, options);
    for (const step of [7, 2, all.length - 1, 0]) expect(again.batches(step)).to.deep.equal(all[step]);
    for (const seed of [6, 5 + 2 ** 32]) {
      const other = new Updates(sequences, {...options, seed});
      expect(other.batches(0)).not.to.deep.equal(all[0]);
    }
  });

  it('give a sequence that is longer than an update one of its own', () => {
    const long = new Updates([rowsOfLength(50, 1), rowsOfLength(4, 2)], {...options, batchRows: 50, epochs: 1});
    expect([long.steps, rowsOf(rowsOfLength(50, 1))]).to.deep.equal([2, 50]);
  });
});

describe('prepareData', () => {
  const options: DataOptions = {epochs: 2, batchTokens: 64, seed: 1, maxLength: 64, validation: 0};
  const rows = Array.from({length: 10}, (_, i) => ({prompt: `page ${i}`, completion: `tab ${i}`}));
  const prepare = (
    given: unknown[],
    more: Partial<DataOptions> = {},
    wording: typeof gemma4 | {tokenizer: typeof tokenizer; template: null} = gemma4,
  ) => atOnce(prepareData({bytes: jsonl(...given), name: 'rows.jsonl'}, wording, {...options, ...more}));

  it('counts what there is, and keeps a part for measuring that is never learned', () => {
    const all = prepare(rows);
    expect(all).to.deep.include({examples: 10, validationExamples: 0});
    const split = prepare(rows, {validation: 0.25});
    expect(split).to.deep.include({examples: 8, validationExamples: 2});
    expect(split.tokens).to.be.below(all.tokens);
    const firsts = (batches: readonly {tokens: Uint32Array; starts: readonly number[]}[]) =>
      batches.flatMap(({tokens, starts}) => starts.map((at, i) => String(tokens.slice(at, starts[i + 1]))));
    const learned = new Set(Array.from({length: split.steps}, (_, step) => firsts(split.updates.batches(step))).flat());
    expect([learned.size, firsts(split.validation).filter((each) => learned.has(each))]).to.deep.equal([8, []]);
    const apart = prepare(rows, {validation: {bytes: jsonl(rows[0]), name: 'other.jsonl'}});
    expect(apart).to.deep.include({examples: 10, validationExamples: 1});
  });

  it('makes a batch no larger than what there is to put into it', () => {
    const {batchRows, longest} = prepare(rows.slice(0, 2));
    expect(batchRows)
      .to.be.below(64)
      .and.at.least(longest - 1);
    expect(prepare(rows, {batchTokens: 1}).batchRows).to.equal(longest - 1);
  });

  const refused: [string, () => unknown, RegExp, string?][] = [
    [
      'an example that is too long',
      () => prepare([rows[0], {prompt: 'q', completion: 'tab '.repeat(90)}]),
      /line 2: it has \d+ tokens; maxLength is 64/,
    ],
    [
      'roles that the template refuses',
      () => prepare([rows[0], {messages: [...chat('q').messages, ...chat('q', 'a').messages]}], {}, gemma3),
      /line 2: .*take turns/,
    ],
    [
      'a conversation without a template',
      () => prepare([chat('q', 'a')], {}, {tokenizer, template: null}),
      /line 1: .*no chat template/,
    ],
    ['one example, part of it for measuring', () => prepare([rows[0]], {validation: 0.5}), /leaves nothing/],
    [
      'the other file',
      () => prepare(rows, {validation: {bytes: bytes('x'), name: 'other.jsonl'}}),
      /^other\.jsonl, line 1/,
    ],
    ['more epochs than can be put in order', () => prepare(rows, {epochs: 2_000_001}), /epochs is/, 'option-invalid'],
    [
      'more updates than are made',
      () => prepare(rows, {epochs: 20_000, batchTokens: 1}),
      /there are 200000 updates/,
      'option-invalid',
    ],
  ];
  for (const [what, run, message, code = 'training-data-invalid'] of refused) {
    it(`refuses ${what}`, () => {
      const error = failure(run);
      expect(error.code).to.equal(code);
      expect(error.message).to.match(message);
    });
  }
});
