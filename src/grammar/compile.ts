// From what a request asks of an answer to grammars: of its text, and of its calls of tools. Knows no tokens but the few that
// open, close and quote a call.
import type {ResponseFormat} from '../protocol/messages.ts';
import {ascii, plainText} from './code-points.ts';
import {gbnfBody} from './gbnf.ts';
import {call, choice, type Expression, type Grammar, GrammarBuilder, lexeme, many, sequence} from './grammar.ts';
import {schemaRule} from './json-schema.ts';
import {patternRegex} from './pattern.ts';
import {bounded, refuse} from './refusal.ts';
import {Regexes} from './regexes.ts';
import {callSyntax, jsonSyntax} from './syntax.ts';
import {controlBytes} from './token-trie.ts';

/** A tool, and whether its arguments are generated under its schema. */
export interface ToolRules {
  name: string;
  /** JSON Schema of its arguments. Default: none. */
  parameters?: unknown;
  strict: boolean;
}

/** What an answer has to be. */
export interface AnswerRules {
  /** Of its text. Null: any. */
  format: Exclude<ResponseFormat, {type: 'text'}> | null;
  /** Those that it may call. */
  tools: readonly ToolRules[];
  /** It is calls, and no text. */
  mustCall: boolean;
  /** It may have several calls. */
  parallel: boolean;
}

/** Token ids of a model's form for calls. */
export interface CallTokens {
  readonly open: number;
  readonly close: number;
  readonly quote: number;
}

/** Grammars of one answer. */
export interface AnswerGrammars {
  /** Of the whole answer. Null: its text is free. */
  readonly whole: Grammar | null;
  /** With a free text: of what follows the token that opens a call, up to the one that closes it. */
  readonly call: Grammar | null;
}

/** @throws GemmaError `grammar-invalid` for what cannot be enforced */
export function compileAnswer(rules: AnswerRules, tokens: CallTokens | null): AnswerGrammars {
  return bounded(() => compile(rules, tokens));
}

function compile({format, tools, mustCall, parallel}: AnswerRules, tokens: CallTokens | null): AnswerGrammars {
  const isOpen = format === null && !mustCall;
  if (!tokens && mustCall) throw refuse('the model has no form for calls');
  const called = tokens ? tools : [];
  if (isOpen) return {whole: null, call: called.some(({strict}) => strict) ? callGrammar(called, tokens!) : null};
  const builder = new GrammarBuilder(new Regexes());
  const root = builder.declare('root');
  const kinds: Expression[] = [];
  if (format && !mustCall) kinds.push(formatBody(builder, format));
  if (called.length > 0 && tokens) {
    const each = sequence(control(builder, tokens.open), callBody(builder, called, tokens));
    kinds.push(parallel ? many(each) : each);
  }
  builder.define(root, choice(...kinds));
  return {whole: builder.finish(), call: null};
}

/** @throws GemmaError `grammar-invalid` */
export function compileFormat(format: Exclude<ResponseFormat, {type: 'text'}>): Grammar {
  return compileAnswer({format, tools: [], mustCall: false, parallel: false}, null).whole!;
}

function callGrammar(tools: readonly ToolRules[], tokens: CallTokens): Grammar {
  const builder = new GrammarBuilder(new Regexes());
  const root = builder.declare('root');
  builder.define(root, callBody(builder, tools, tokens));
  return builder.finish();
}

function formatBody(builder: GrammarBuilder, format: Exclude<ResponseFormat, {type: 'text'}>): Expression {
  const {regexes} = builder;
  switch (format.type) {
    case 'json_object':
      return call(schemaRule(builder, jsonSyntax(regexes), {type: 'object'}));
    case 'json_schema':
      return call(schemaRule(builder, jsonSyntax(regexes), format.json_schema.schema));
    case 'regex':
      return lexeme(patternRegex(regexes, format.regex, 'whole', plainText));
    case 'gbnf':
      return gbnfBody(builder, format.gbnf);
  }
}

/** `call:NAME{…}` and the token that closes it. */
function callBody(builder: GrammarBuilder, tools: readonly ToolRules[], {close, quote}: CallTokens): Expression {
  const {regexes} = builder;
  const syntax = callSyntax(regexes, quote);
  const calls = tools.map(({name, parameters, strict}) => {
    const schema = strict
      ? {allOf: [{type: 'object'}, parameters ?? {properties: {}, additionalProperties: false}]}
      : {type: 'object'};
    return sequence(lexeme(ascii(regexes, name)), call(schemaRule(builder, syntax, schema, true)));
  });
  return sequence(lexeme(ascii(regexes, 'call:')), choice(...calls), control(builder, close));
}

function control({regexes}: GrammarBuilder, id: number): Expression {
  return lexeme(regexes.bytes(controlBytes(id)));
}
