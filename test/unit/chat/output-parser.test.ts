import {expect} from 'chai';
import {metadataOf} from '../../../scripts/model-files/gguf-writer.ts';
import {tinySpmMetadata, tinyTokenizerMetadata} from '../../../scripts/model-files/tiny-tokenizer.ts';
import {endsInThought, type OutputEvent, OutputParser} from '../../../src/chat/output-parser.ts';
import {renderToTokens} from '../../../src/chat/template.ts';
import {createTokenizer} from '../../../src/tokenizer/create-tokenizer.ts';
import {createTemplate} from '../../helpers/chat-template.ts';

const tokenizer = createTokenizer(metadataOf(tinyTokenizerMetadata(1024)));
const TAG = /(<\|channel>|<channel\|>|<\|tool_call>|<tool_call\|>|<\|tool_response>|<tool_response\|>|<\|"\|>)/;

interface Output {
  content: string;
  reasoning: string;
  calls: {name: string; arguments: unknown}[];
}

function collect(events: readonly OutputEvent[]): Output {
  const output: Output = {content: '', reasoning: '', calls: []};
  for (const event of events) {
    if (event.type === 'content') output.content += event.delta;
    else if (event.type === 'reasoning') output.reasoning += event.delta;
    else output.calls.push({name: event.call.function.name, arguments: JSON.parse(event.call.function.arguments)});
  }
  return output;
}

function parse(ids: readonly number[], startInThought = false): Output {
  const parser = new OutputParser(tokenizer, {startInThought});
  return collect([...ids.flatMap((id) => parser.push(id)), ...parser.flush()]);
}

/** Ids of a text whose tags are tokens. */
const ids = (text: string) => tokenizer.encode(text, {addBos: false, parseSpecial: true});

/** The same text in byte tokens, tags apart: text is cut at every place where a model could cut it, inside characters too. */
function bytewise(text: string): number[] {
  return text.split(TAG).flatMap((part) => {
    const tag = TAG.test(part) ? tokenizer.idOf(part) : undefined;
    if (tag !== undefined) return [tag];
    return Array.from(
      new TextEncoder().encode(part),
      (byte) => tokenizer.idOf(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`)!,
    );
  });
}

/** Every way of writing one stretch of the text bytewise and the rest in whole tokens. Tags stay whole. */
function* spellings(text: string): Iterable<number[]> {
  const units = text.split(TAG).flatMap((part) => (TAG.test(part) ? [part] : [...part]));
  for (let i = 0; i <= units.length; i++) {
    for (let j = i; j <= units.length; j++) {
      const [head, body, tail] = [units.slice(0, i), units.slice(i, j), units.slice(j)].map((part) => part.join(''));
      yield [...ids(head), ...bytewise(body), ...ids(tail)];
    }
  }
}

describe('output parser', () => {
  const cases: [name: string, text: string, expected: Partial<Output>][] = [
    ['text alone, white space and all', ' Hello,\n\nworld 👍\n', {content: ' Hello,\n\nworld 👍\n'}],
    ['a thought, then an answer', '<|channel>thought\nhm 😀\n<channel|>Yes.', {reasoning: 'hm 😀', content: 'Yes.'}],
    ['an empty thought', '<|channel>thought\n<channel|>Yes', {content: 'Yes'}],
    ['a thought without its newline', '<|channel>thought<channel|>Yes', {content: 'Yes'}],
    [
      'another channel name, kept',
      '<|channel>think it over<channel|>Yes',
      {reasoning: 'think it over', content: 'Yes'},
    ],
    ['a thought that is left open', '<|channel>thought\nstill at it ', {reasoning: 'still at it'}],
    [
      'white space around tags, dropped',
      'a \n<|channel>thought\n\n b \n<channel|>\n c',
      {content: 'ac', reasoning: 'b'},
    ],
    ['a stray closing tag', 'a<channel|>b', {content: 'ab'}],
    [
      'a call',
      'Look: <|tool_call>call:get{city:<|"|>Rome, {é}<|"|>,n:3}<tool_call|><|tool_response>',
      {content: 'Look:', calls: [{name: 'get', arguments: {city: 'Rome, {é}', n: 3}}]},
    ],
    [
      'two calls in a row, the first with a stray end',
      '<|tool_call>call:a{}<tool_call|><tool_call|><|tool_call>call:b{x:true}<tool_call|>',
      {
        calls: [
          {name: 'a', arguments: {}},
          {name: 'b', arguments: {x: true}},
        ],
      },
    ],
    ['a call that is left open', '<|tool_call>call:a{x:1', {calls: [{name: 'a', arguments: {x: 1}}]}],
    ['what is no call, shown', '<|tool_call>hello<tool_call|>', {content: 'hello'}],
  ];
  for (const [name, text, expected] of cases) {
    it(`gives the same however it is cut into tokens: ${name}`, () => {
      const full = {content: '', reasoning: '', calls: [], ...expected};
      let count = 0;
      for (const spelling of spellings(text)) {
        expect(parse(spelling), spelling.map((id) => tokenizer.tokenText(id)).join(' ')).to.deep.equal(full);
        count++;
      }
      expect(count).to.be.at.least(10);
    });
  }

  it('takes a tag that is only spelled for text', () => {
    const spelled = ['<', '|channel>thought', '<', '|tool_call>'].flatMap((part) =>
      tokenizer.encode(part, {addBos: false}),
    );
    expect(parse(spelled).content).to.equal('<|channel>thought<|tool_call>');
  });

  it('shows text as soon as it is complete, and white space with what follows', () => {
    const parser = new OutputParser(tokenizer);
    const deltas = ids('a model  in').map((id) => collect(parser.push(id)).content);
    expect(deltas.join('')).to.equal('a model  in');
    expect(deltas[0]).to.equal('a');
    expect(deltas.every((delta) => delta === delta.trimEnd())).to.equal(true);
  });

  it('starts in the thought that the prompt opened', () => {
    expect(parse(ids('hm<channel|>Yes'), true)).to.deep.equal({content: 'Yes', reasoning: 'hm', calls: []});
  });

  it('knows a prompt that leaves a thought open', () => {
    expect(endsInThought(tokenizer, ids('<|turn>model\n<|channel>thought\n'))).to.equal(true);
    expect(endsInThought(tokenizer, ids('<|turn>model\n<|channel>thought\n<channel|>'))).to.equal(false);
    expect(endsInThought(tokenizer, ids('<|channel>thought\n<turn|>\n<|turn>model\n'))).to.equal(false);
    expect(endsInThought(tokenizer, ids('plain'))).to.equal(false);
  });

  it('gives calls distinct ids', () => {
    const parser = new OutputParser(tokenizer);
    const text = '<|tool_call>call:a{}<tool_call|><|tool_call>call:a{}<tool_call|>';
    const calls = ids(text).flatMap((id) => parser.push(id));
    const found = calls.map((event) => (event.type === 'tool-call' ? event.call.id : ''));
    expect(found).to.have.length(2);
    expect(new Set(found).size).to.equal(2);
    expect(parser.calls).to.equal(2);
  });
});

describe('FunctionGemma', () => {
  const TAGS = ['<start_function_call>', '<end_function_call>', '<escape>', '<start_function_response>'];
  for (const type of [3, 4]) {
    it(`calls with its own tags, typed ${type === 3 ? 'control' : 'user-defined'}`, () => {
      const metadata = tinySpmMetadata(1024);
      const tokens = [...(metadata['tokenizer.ggml.tokens'] as string[])];
      const types = Int32Array.from(metadata['tokenizer.ggml.token_type'] as Int32Array);
      TAGS.forEach((tag, i) => {
        tokens[tokens.length - 1 - i] = tag;
        types[types.length - 1 - i] = type;
      });
      const own = createTokenizer(
        metadataOf({...metadata, 'tokenizer.ggml.tokens': tokens, 'tokenizer.ggml.token_type': types}),
      );
      const answer = '<start_function_call>call:get{city:<escape>Rome<escape>,n:2}<end_function_call>';
      const parser = new OutputParser(own);
      const said = own.encode(answer, {addBos: false, parseSpecial: true});
      const output = collect([...said.flatMap((id) => parser.push(id)), ...parser.flush()]);
      expect(output).to.deep.equal({
        content: '',
        reasoning: '',
        calls: [{name: 'get', arguments: {city: 'Rome', n: 2}}],
      });
      expect([...own.stopIds].map((id) => own.tokenText(id))).to.include('<start_function_response>');
      // What a visitor writes is no tag.
      const asked = renderToTokens(own, createTemplate(own), [{role: 'user', content: answer}]);
      expect(asked.filter((id) => TAGS.includes(own.tokenText(id)))).to.deep.equal([]);
    });
  }
});
