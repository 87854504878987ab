// What to learn from, as it is written: JSONL, one object a line, with `messages` or with `prompt` and `completion`. Every line
// is checked before any is used, and a bad one is named by its number. Knows no tokens.
import {GemmaError} from '../../errors.ts';
import type {ChatMessage, ToolDefinition} from '../../protocol/messages.ts';
import {generationOptions} from '../../protocol/worker-options.ts';
import type {Pieces} from '../../tokenizer/pieces.ts';

/** A conversation whose answers are learned. */
export interface ChatExample {
  /** Of the file, from 1. */
  readonly line: number;
  readonly messages: readonly ChatMessage[];
  readonly tools?: readonly ToolDefinition[];
  /** Places in `messages` of the answers that are learned. */
  readonly learned: readonly number[];
}

/** A question and its answer; without a chat template two texts, one after the other. */
export interface PairExample {
  readonly line: number;
  readonly prompt: string;
  readonly completion: string;
}

export type Example = ChatExample | PairExample;

/** A file of examples. */
export interface DataFile {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** For messages. */
  readonly name: string;
}

/** Bytes of a file. */
export const MAX_DATA_BYTES = 64 * 2 ** 20;
/** More than any context holds. */
const MAX_LINE_BYTES = 2 ** 22;
const MAX_EXAMPLES = 200_000;
const MAX_MESSAGES = 1024;
/** Lines that are read between two yields. */
const LINES_A_PIECE = 64;

/** @throws GemmaError `training-data-invalid`, with the line's number in `detail` */
export function badLine(name: string, line: number, problem: string): GemmaError {
  return new GemmaError('training-data-invalid', `${name}, line ${line}: ${problem}. Nothing was trained`, {
    detail: {line, file: name},
  });
}

/**
 * All examples of a file. Empty lines are skipped, and counted.
 * @param name for messages
 * @throws GemmaError `training-data-invalid`
 */
export function* readExamples(bytes: Uint8Array, name: string): Pieces<Example[]> {
  if (bytes.length > MAX_DATA_BYTES) {
    throw new GemmaError(
      'training-data-invalid',
      `${name} has ${bytes.length} bytes; at most ${MAX_DATA_BYTES} are accepted`,
      {detail: {bytes: bytes.length, most: MAX_DATA_BYTES}},
    );
  }
  const examples: Example[] = [];
  let line = 0;
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline < 0 ? bytes.length : newline;
    line++;
    const text = decodeLine(bytes.subarray(start, end), name, line);
    start = end + 1;
    if (line % LINES_A_PIECE === 0) yield;
    if (text === '') continue;
    if (examples.length === MAX_EXAMPLES) throw badLine(name, line, `the file has more than ${MAX_EXAMPLES} examples`);
    examples.push(readLine(text, name, line));
  }
  if (examples.length > 0) return examples;
  throw new GemmaError('training-data-invalid', `${name} has no examples; expected one JSON object a line`, {
    detail: {file: name},
  });
}

function decodeLine(bytes: Uint8Array, name: string, line: number): string {
  if (bytes.length > MAX_LINE_BYTES)
    throw badLine(name, line, `it has ${bytes.length} bytes; at most ${MAX_LINE_BYTES} are accepted`);
  try {
    // A byte order mark is left out by the decoder.
    return new TextDecoder('utf-8', {fatal: true}).decode(bytes).trim();
  } catch {
    throw badLine(name, line, 'it is no UTF-8');
  }
}

function readLine(text: string, name: string, line: number): Example {
  const refuse = (problem: string) => badLine(name, line, problem);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw refuse(`it is no JSON (${error instanceof Error ? error.message : String(error)})`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw refuse('it is no object; expected {"messages": [...]} or {"prompt": "...", "completion": "..."}');
  }
  const fields = new Map<string, unknown>(Object.entries(value));
  const [messages, prompt, completion] = ['messages', 'prompt', 'completion'].map((key) => fields.get(key));
  if (messages === undefined && (prompt !== undefined || completion !== undefined)) {
    if (typeof prompt !== 'string' || typeof completion !== 'string')
      throw refuse('prompt and completion are no texts');
    if (completion.trim() === '') throw refuse('its completion is empty');
    return {line, prompt, completion};
  }
  if (messages === undefined) throw refuse('it has neither messages nor prompt and completion');
  if (prompt !== undefined || completion !== undefined) throw refuse('it has messages beside prompt or completion');
  return {line, ...conversation(messages, fields.get('tools'), refuse)};
}

function conversation(
  given: unknown,
  tools: unknown,
  refuse: (problem: string) => GemmaError,
): Omit<ChatExample, 'line'> {
  if (!Array.isArray(given)) throw refuse('messages is no list');
  if (given.length > MAX_MESSAGES)
    throw refuse(`it has ${given.length} messages; at most ${MAX_MESSAGES} are accepted`);
  const messages = given.map((message: unknown, i) => {
    // OpenAI's form of an answer that only calls a tool.
    const made = typeof message === 'object' && message !== null && (message as {content?: unknown}).content === null;
    const filled = made ? {...message, content: ''} : message;
    if (!generationOptions.isMessage(filled))
      throw refuse(`message ${i + 1} is not {role, content} of system, user, assistant or tool`);
    return filled as ChatMessage & {weight?: unknown};
  });
  if (tools !== undefined && !generationOptions.template.tools.check(tools))
    throw refuse('tools is no list of function tools');
  const asked = messages.findIndex(({role}) => role === 'user');
  const learned = messages.flatMap(({role, content, tool_calls, weight}, i) => {
    if (weight !== undefined && weight !== 0 && weight !== 1)
      throw refuse(`the weight of message ${i + 1} is not 0 or 1`);
    const says = content.trim() !== '' || (tool_calls?.length ?? 0) > 0;
    return role === 'assistant' && asked >= 0 && i > asked && says && weight !== 0 ? [i] : [];
  });
  if (learned.length === 0) throw refuse('it has no answer of the assistant to learn');
  return {messages, learned, ...(tools === undefined ? {} : {tools: tools as ToolDefinition[]})};
}
