// An example as tokens, and which of them are learned: the answers', with the end of their turn, as the model would have had to
// write them after its prompt. Knows no file and no batch.
import {type ChatTemplate, renderToTokens} from '../../chat/template.ts';
import type {ChatMessage} from '../../protocol/messages.ts';
import type {Tokenizer} from '../../tokenizer/tokenizer.ts';
import type {ChatExample, Example, PairExample} from './examples.ts';

/** Tokens of one example, or of a part of it that its template does not write as one. */
export interface TrainingSequence {
  readonly line: number;
  /** [n], the last of them learned. */
  readonly tokens: Uint32Array;
  /** [n]: 1 for a token that is learned. */
  readonly learned: Uint8Array;
}

/** How a model's texts become tokens. */
export interface Wording {
  readonly tokenizer: Tokenizer;
  /** Null: the file has none, and pairs are plain texts. */
  readonly template: ChatTemplate | null;
}

/** @throws GemmaError of the template; Error for a conversation without a template */
export function toSequences(wording: Wording, example: Example): TrainingSequence[] {
  const {template} = wording;
  if ('messages' in example) return template ? chat(wording.tokenizer, template, example) : [];
  if (!template) return [plain(wording.tokenizer, example)];
  const {line, prompt, completion} = example;
  const messages: ChatMessage[] = [
    {role: 'user', content: prompt},
    {role: 'assistant', content: completion},
  ];
  return chat(wording.tokenizer, template, {line, messages, learned: [1]});
}

/** Rows that a sequence takes in a batch: each predicts the token after it. */
export const rowsOf = ({tokens}: TrainingSequence): number => tokens.length - 1;

function plain(tokenizer: Tokenizer, {line, prompt, completion}: PairExample): TrainingSequence {
  const before = tokenizer.encode(prompt);
  const answer = tokenizer.encode(completion, {addBos: false});
  const end = tokenizer.idOf('<eos>');
  const stop = end !== undefined && tokenizer.stopIds.has(end) ? end : [...tokenizer.stopIds][0];
  // The first token cannot be predicted: there is nothing before it.
  const start = before.length === 0 ? [tokenizer.bosId] : before;
  return sequence(line, start, [...answer, stop]);
}

/** What an answer's prompt is, and what the model has to write after it. */
interface Answer {
  prompt: number[];
  written: number[];
}

function chat(tokenizer: Tokenizer, template: ChatTemplate, example: ChatExample): TrainingSequence[] {
  const {line, messages, learned, tools} = example;
  const render = (end: number, addGenerationPrompt: boolean) =>
    renderToTokens(tokenizer, template, messages.slice(0, end), {tools, addGenerationPrompt});
  const answers = learned.map((place): Answer => {
    const prompt = render(place, true);
    const whole = render(place + 1, false);
    // Some templates begin an answer with an empty thought that they do not write again later.
    return {prompt, written: upToEnd(tokenizer, whole.slice(commonLength(prompt, whole)))};
  });
  // One sequence, if each answer and its prompt are the beginning of what comes after: templates drop earlier thoughts.
  const sequences: Answer[][] = [];
  for (const answer of answers) {
    const last = sequences.at(-1)?.at(-1);
    const before = last ? [...last.prompt, ...last.written] : [];
    if (last && commonLength(before, answer.prompt) === before.length) sequences.at(-1)!.push(answer);
    else sequences.push([answer]);
  }
  return sequences.map((parts) => {
    const {prompt, written} = parts.at(-1)!;
    const made = sequence(line, prompt, written);
    for (const part of parts) {
      made.learned.fill(1, part.prompt.length, part.prompt.length + part.written.length);
    }
    return made;
  });
}

function sequence(line: number, prompt: readonly number[], written: readonly number[]): TrainingSequence {
  const learned = new Uint8Array(prompt.length + written.length);
  learned.fill(1, prompt.length);
  return {line, tokens: Uint32Array.from([...prompt, ...written]), learned};
}

/** Without what follows the end of the turn: a newline, most often. */
function upToEnd(tokenizer: Tokenizer, tokens: readonly number[]): number[] {
  let end = tokens.length;
  while (end > 0 && !tokenizer.stopIds.has(tokens[end - 1])) end--;
  return tokens.slice(0, end === 0 ? tokens.length : end);
}

function commonLength(one: readonly number[], other: readonly number[]): number {
  const most = Math.min(one.length, other.length);
  let length = 0;
  while (length < most && one[length] === other[length]) length++;
  return length;
}
