// Tools of a session: what a page declares, the calls that a model makes, and the answers that a page gives back. Checks
// all of it; runs nothing.
import type {ToolDefinition} from '../client/index.ts';
import {dictionary, exception, sequence} from './platform.ts';

/** A function of the page's that the model may call. */
export interface LanguageModelTool {
  name: string;
  description: string;
  /** JSON Schema of an object. */
  inputSchema: object;
  /** Where all tools that an answer calls have one, they are called and the model goes on with what they give. */
  execute?: (input: never) => unknown;
}

export interface LanguageModelToolCallInit {
  callID: string;
  name: string;
  arguments?: object;
}

export interface LanguageModelToolResult {
  type: 'text' | 'object' | 'image' | 'audio';
  value: unknown;
}

export interface LanguageModelToolSuccessInit {
  callID: string;
  name: string;
  result: readonly LanguageModelToolResult[];
}

export interface LanguageModelToolErrorInit {
  callID: string;
  name: string;
  errorMessage: string;
}

/** A call that the model made, or that a page says it made. */
export class LanguageModelToolCall {
  readonly callID: string;
  readonly name: string;
  readonly arguments: object;

  constructor(init: LanguageModelToolCallInit) {
    const given = dictionary<LanguageModelToolCallInit>(init, 'a tool call');
    this.callID = required(given.callID, 'callID');
    this.name = required(given.name, 'name');
    this.arguments = given.arguments ?? {};
    if (typeof this.arguments !== 'object') throw new TypeError('arguments of a tool call is not an object');
  }
}

/** What a call gave. */
export class LanguageModelToolSuccess {
  readonly callID: string;
  readonly name: string;
  readonly result: readonly LanguageModelToolResult[];

  constructor(init: LanguageModelToolSuccessInit) {
    const given = dictionary<LanguageModelToolSuccessInit>(init, 'a tool response');
    this.callID = required(given.callID, 'callID');
    this.name = required(given.name, 'name');
    this.result = sequence(given.result, 'result').map((item) => {
      const {type, value} = dictionary<LanguageModelToolResult>(item, 'a result of a tool');
      return {type: required(type, 'type') as LanguageModelToolResult['type'], value};
    });
  }
}

/** That a call failed, and why. */
export class LanguageModelToolError {
  readonly callID: string;
  readonly name: string;
  readonly errorMessage: string;

  constructor(init: LanguageModelToolErrorInit) {
    const given = dictionary<LanguageModelToolErrorInit>(init, 'a tool response');
    this.callID = required(given.callID, 'callID');
    this.name = required(given.name, 'name');
    this.errorMessage = required(given.errorMessage, 'errorMessage');
  }
}

function required(value: unknown, name: string): string {
  if (value === undefined) throw new TypeError(`${name} is missing`);
  return `${value as string}`;
}

/** A session's tools, as the client takes them, and what of them can be run. */
export interface SessionTools {
  definitions: ToolDefinition[];
  execute: ReadonlyMap<string, (input: never) => unknown>;
}

/**
 * @param callsExpected whether the page said that answers may hold calls
 * @throws TypeError; and what a getter or a toJSON of the page's throws
 */
export function sessionTools(value: unknown, callsExpected: boolean): SessionTools {
  const execute = new Map<string, (input: never) => unknown>();
  const names = new Set<string>();
  const definitions = (value === undefined ? [] : sequence(value, 'tools')).map((item): ToolDefinition => {
    const tool = dictionary<LanguageModelTool>(item, 'a tool');
    const name = required(tool.name, 'the name of a tool');
    const description = required(tool.description, `the description of ${name}`);
    if (name === '' || description === '') throw new TypeError('a tool needs a name and a description');
    if (names.has(name)) throw new TypeError(`two tools have the name ${name}`);
    names.add(name);
    if (tool.execute !== undefined) {
      if (typeof tool.execute !== 'function') throw new TypeError(`execute of ${name} is not a function`);
      execute.set(name, tool.execute);
    }
    return {type: 'function', function: {name, description, parameters: schema(tool.inputSchema, name)}};
  });
  if (definitions.length > execute.size && !callsExpected) {
    throw new TypeError("tools without execute need {type: 'tool-call'} among expectedOutputs");
  }
  return {definitions, execute};
}

function schema(value: unknown, name: string): Record<string, unknown> {
  const wrong = (what: string): TypeError => new TypeError(`inputSchema of ${name}: ${what}`);
  if (typeof value !== 'object' || value === null) throw wrong('not an object');
  const {type, properties, required: needed} = value as Record<string, unknown>;
  if (type !== 'object') throw wrong('its type is not "object"');
  if (properties !== undefined && (typeof properties !== 'object' || properties === null)) {
    throw wrong('properties is not an object');
  }
  if (needed !== undefined && !Array.isArray(needed)) throw wrong('required is not an array');
  // Written down now: what the page changes later changes nothing. A circle is a TypeError of its own.
  return JSON.parse(JSON.stringify(value));
}

/** @throws DataError for what JSON cannot say: circles, functions, BigInt, objects of the browser */
export function callArguments(call: LanguageModelToolCall): string {
  if (Array.isArray(call.arguments))
    throw exception('DataError', 'arguments of a tool call are a dictionary, not a list');
  return plainJson(call.arguments);
}

/**
 * What the model reads of a tool's answer.
 * @throws NotSupportedError for images and audio, DataError for what JSON cannot say
 */
export function responseText(response: LanguageModelToolSuccess | LanguageModelToolError): string {
  if ('errorMessage' in response) return JSON.stringify({error: response.errorMessage});
  return response.result
    .map(({type, value}) => {
      if (type === 'image' || type === 'audio') throw exception('NotSupportedError', `a tool's answer has ${type}`);
      if (type !== 'text' && type !== 'object') throw new TypeError(`a tool's answer has an item of type ${type}`);
      return typeof value === 'string' ? value : plainJson(value);
    })
    .join('\n');
}

const MAX_DEPTH = 100;

function plainJson(value: unknown): string {
  try {
    checkPlain(value, 0);
    return JSON.stringify(value);
  } catch (error) {
    throw exception('DataError', 'a value cannot be written as JSON', error);
  }
}

function checkPlain(value: unknown, depth: number): void {
  if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) return;
  const plain = Array.isArray(value) || Object.prototype.toString.call(value) === '[object Object]';
  if (typeof value !== 'object' || !plain || depth > MAX_DEPTH) throw new TypeError('neither plain nor flat');
  for (const item of Object.values(value)) if (item !== undefined) checkPlain(item, depth + 1);
}
