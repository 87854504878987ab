// From messages to a prompt: renders the file's own Jinja template, or the family's built-in form, and tokenizes the
// result so that no message can open or close a turn. Knows no model and no conversation.
import {GemmaError} from '../errors.ts';
import type {ChatMessage, ModelInfo, ToolDefinition} from '../protocol/messages.ts';
import {atOnce, PIECE, type Pieces} from '../tokenizer/pieces.ts';
import {SpecialTokens} from '../tokenizer/special-tokens.ts';
import type {Tokenizer} from '../tokenizer/tokenizer.ts';
import type {BoundedTemplate} from './bounded-jinja.ts';
import {renderGemma3} from './gemma3-template.ts';
import type {renderGemma4} from './gemma4-template.ts';
import {
  type TemplateInput,
  type TemplateMessage,
  type TemplateTool,
  templateMessage,
  templateTool,
} from './template-input.ts';
import {type Segment, UntrustedText} from './untrusted-text.ts';

export interface TemplateOptions {
  tools?: readonly ToolDefinition[];
  /** Default false. */
  thinking?: boolean;
  /** Whether the prompt ends where the model's answer begins. Default true. */
  addGenerationPrompt?: boolean;
  /**
   * Tokens that the prompt may have: a chat that must have more, by its characters and the longest token, is refused before
   * it is tokenized. One that may fit is not counted here. Default: no limit.
   */
  maxTokens?: number;
}

/** What a prompt is made of. */
type Chat = [tokenizer: Tokenizer, template: ChatTemplate, messages: readonly ChatMessage[], options?: TemplateOptions];

/** What writes prompts and is fetched where a file needs it; null where it does not. */
export interface PromptWriters {
  /** For a file with a template: bounded-jinja.ts. */
  jinja: typeof BoundedTemplate | null;
  /** For a Gemma 4 without one: gemma4-template.ts. */
  gemma4: typeof renderGemma4 | null;
}

/** Whether the file has a template. Some have the key with nothing in it. */
export const hasTemplate = ({chatTemplate}: Tokenizer): boolean => Boolean(chatTemplate?.trim());

/** Whether its vocabulary is Gemma 4's. */
export const hasGemma4Turns = (tokenizer: Tokenizer): boolean => tokenizer.idOf('<|turn>') !== undefined;

export interface TemplateForm {
  /** Gemma 4 without a template: the form of the 12B, 26B and 31B models. */
  large?: boolean;
}

/** Of a template: whether it writes that the model should think first, and the tools it is given. */
export type Capabilities = ModelInfo['capabilities'];

export interface ChatTemplate {
  /** Where the form comes from. */
  readonly origin: 'file' | 'gemma4' | 'gemma3';
  /** Whether the template drops thoughts from the texts of earlier answers. */
  readonly stripsThoughts: boolean;
  /** Whether it has a place for a system's text before the first turn. Finding out renders a chat, once. */
  takesSystem(): boolean;
  /** Whether the first turn may be the assistant's. Finding out renders a chat, once. */
  takesGreeting(): boolean;
  /** What it has a place for. Finding out renders a chat, once. */
  can(): Capabilities;
  /** The prompt with all texts in place: for reading, not for tokenizing. */
  render(input: TemplateInput): string;
}

/**
 * The template of a model: the file's (`tokenizer.chat_template`), else the form that its vocabulary belongs to.
 * @throws GemmaError `template-invalid`
 */
export function createTemplate(
  tokenizer: Tokenizer,
  {jinja, gemma4}: PromptWriters,
  options: TemplateForm = {},
): ChatTemplate {
  if (hasTemplate(tokenizer) && jinja) return fileTemplate(tokenizer.chatTemplate!, jinja);
  const yes = () => true;
  if (hasGemma4Turns(tokenizer) && gemma4) {
    const large = options.large ?? false;
    const render = (input: TemplateInput) => gemma4(input, large);
    return {
      origin: 'gemma4',
      stripsThoughts: true,
      takesSystem: yes,
      takesGreeting: yes,
      can: () => ({thinking: true, tools: true}),
      render,
    };
  }
  if (tokenizer.idOf('<start_of_turn>') !== undefined) {
    const no = () => false;
    const can = () => ({thinking: false, tools: false});
    return {origin: 'gemma3', stripsThoughts: false, takesSystem: yes, takesGreeting: no, can, render: renderGemma3};
  }
  throw new GemmaError(
    'template-invalid',
    'the file has no tokenizer.chat_template, and its vocabulary has neither <|turn> (Gemma 4) nor <start_of_turn> ' +
      '(Gemma 3); expected an instruction-tuned Gemma. Use text completions, or another file',
  );
}

function fileTemplate(source: string, Template: NonNullable<PromptWriters['jinja']>): ChatTemplate {
  const template = attempt(() => new Template(source), 'cannot be read');
  const render = ({messages, tools, thinking, addGenerationPrompt, bosToken}: TemplateInput): string =>
    attempt(
      () =>
        template.render({
          messages,
          tools: tools.length > 0 ? tools : null,
          enable_thinking: thinking,
          add_generation_prompt: addGenerationPrompt,
          bos_token: bosToken,
        }),
      'cannot render these messages',
    );
  return {
    origin: 'file',
    stripsThoughts: source.includes('<channel|>'),
    takesSystem: once(() => !refuses(render, 'system')),
    takesGreeting: once(() => !refuses(render, 'assistant')),
    can: once(() => capabilities(render)),
    render,
  };
}

/** Whether a template throws for, or leaves out, a first message of that role before a user's, which alone it takes. */
function refuses(render: ChatTemplate['render'], role: 'system' | 'assistant'): boolean {
  const [first, question] = ['the first text', 'the question'];
  const writes = (...messages: TemplateMessage[]): boolean => {
    try {
      const text = render({messages, tools: [], thinking: false, addGenerationPrompt: true, bosToken: ''});
      return messages.every(({content}) => text.includes(content));
    } catch {
      return false;
    }
  };
  const user = {role: 'user', content: question};
  return !writes({role, content: first}, user) && writes(user);
}

const PROBE = 'a_tool_to_look_for';

function capabilities(render: ChatTemplate['render']): Capabilities {
  const write = (thinking: boolean, tools: TemplateTool[]): string | null => {
    try {
      const messages = [{role: 'user', content: 'the question'}];
      return render({messages, tools, thinking, addGenerationPrompt: true, bosToken: ''});
    } catch {
      return null;
    }
  };
  const plain = write(false, []);
  const thoughtful = write(true, []);
  const tool = templateTool({type: 'function', function: {name: PROBE, parameters: {type: 'object', properties: {}}}});
  return {
    thinking: thoughtful !== null && thoughtful !== plain,
    tools: write(false, [tool])?.includes(PROBE) ?? false,
  };
}

/** What a template cannot say is not left out without a word. */
function refuseUnable(template: ChatTemplate, asked: {tools: boolean; thinking: boolean}): void {
  for (const option of ['tools', 'thinking'] as const) {
    if (!asked[option] || template.can()[option]) continue;
    throw new GemmaError(
      'option-invalid',
      `${option} is asked for, but this model's chat template has no place for it; leave it out, or use another model`,
      {detail: {option}},
    );
  }
}

function once<T>(find: () => T): () => T {
  let found: {value: T} | undefined;
  return () => {
    found ??= {value: find()};
    return found.value;
  };
}

/**
 * The messages as the template takes them: where it has no place for a system's text, that goes before the first user's
 * as in Gemma's own form; where a user has to begin, greetings of the assistant are left out.
 */
function fitted(template: ChatTemplate, messages: readonly ChatMessage[]): readonly ChatMessage[] {
  const isSystem = ({role}: ChatMessage) => role === 'system' || (role as string) === 'developer';
  const start = messages.findIndex((message) => !isSystem(message));
  const first = messages.findIndex(({role}) => role === 'user');
  if (first < 0) return messages;
  let system = messages.slice(0, start);
  let turns = messages.slice(start);
  const greetings = messages.slice(start, first);
  if (greetings.some(({role}) => role === 'assistant') && !template.takesGreeting()) {
    turns = [...greetings.filter(({role}) => role !== 'assistant'), ...messages.slice(first)];
  }
  if (system.length > 0 && turns[0].role === 'user' && !template.takesSystem()) {
    const content = [...system, turns[0]].map((message) => message.content).join('\n\n');
    turns = [{...turns[0], content}, ...turns.slice(1)];
    system = [];
  }
  return [...system, ...turns];
}

function attempt<T>(action: () => T, what: string): T {
  try {
    return action();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new GemmaError(
      'template-invalid',
      `the model's chat template ${what}: ${reason}. Check the roles and their order; if they are right, the file's ` +
        'tokenizer.chat_template is at fault',
      {detail: {reason}, cause: error},
    );
  }
}

/**
 * The template of a model that can chat, found out once: a file whose template cannot write the plainest question is
 * refused when it is loaded, and not at a visitor's first message.
 * @returns a function that gives the template, or throws GemmaError `template-invalid` each time
 */
export function readTemplate(
  tokenizer: Tokenizer,
  writers: PromptWriters,
  options: TemplateForm = {},
): () => ChatTemplate {
  try {
    const template = createTemplate(tokenizer, writers, options);
    atOnce(renderSegments(tokenizer, template, [{role: 'user', content: 'Hello'}], {}));
    return () => template;
  } catch (error) {
    return () => {
      throw GemmaError.from(error);
    };
  }
}

/** The prompt as text, bos token included. */
export function renderToText(...chat: Chat): string {
  return atOnce(renderToTextInPieces(...chat));
}

/** The same, for long chats: the template runs in one piece. */
export function* renderToTextInPieces(...[tokenizer, template, messages, options = {}]: Chat): Pieces<string> {
  const segments = yield* renderSegments(tokenizer, template, messages, options);
  return segments.map(({text}) => text).join('');
}

/**
 * The prompt as token ids, with exactly one bos token. Control tokens come from the template alone: in messages, names
 * and tools they are spelled out like any text.
 * @throws GemmaError `template-invalid`, `option-invalid`, `context-overflow`
 */
export function renderToTokens(...[tokenizer, template, messages, options = {}]: Chat): number[] {
  return atOnce(tokensOf(tokenizer, template, messages, options, (piece) => tokenizer.encode(piece, {addBos: false})));
}

/**
 * The same, for long chats: the template runs in one piece.
 * @throws GemmaError as `renderToTokens`, and as `Tokenizer.encodeInPieces`
 */
export function renderToTokensInPieces(...[tokenizer, template, messages, options = {}]: Chat): Pieces<number[]> {
  const encode = (piece: string) => tokenizer.encodeInPieces(piece, {addBos: false});
  return tokensOf(tokenizer, template, messages, options, encode);
}

function* tokensOf(
  tokenizer: Tokenizer,
  template: ChatTemplate,
  messages: readonly ChatMessage[],
  options: TemplateOptions,
  encode: (text: string) => number[] | Pieces<number[]>,
): Pieces<number[]> {
  const markup = markupOf(tokenizer);
  const {maxTokens = Number.POSITIVE_INFINITY} = options;
  // Each message is a token at least.
  refuseLonger(messages.length, maxTokens);
  const segments = yield* renderSegments(tokenizer, template, messages, options);
  const characters = segments.reduce((sum, {text}) => sum + text.length, 0);
  refuseLonger(Math.ceil(characters / markup.longestToken), maxTokens);
  const ids: number[] = [];
  // Template's plain text and messages' text are encoded as one where they meet, as in plain rendering.
  let plain = '';
  let rested = 0;
  function* flush(): Pieces<void> {
    for (const piece of breakMarkup(plain, markup.texts)) {
      const encoded = encode(piece);
      for (const id of Array.isArray(encoded) ? encoded : yield* encoded) ids.push(id);
      if (ids.length - rested < PIECE) continue;
      yield;
      rested = ids.length;
    }
    plain = '';
  }
  for (const {text, isMarkup} of segments) {
    for (const fragment of isMarkup ? markup.tokens.split(text) : [text]) {
      if (typeof fragment === 'string') {
        plain += fragment;
        continue;
      }
      yield* flush();
      ids.push(fragment);
    }
  }
  yield* flush();
  let start = 0;
  while (ids[start] === tokenizer.bosId) start++;
  return [tokenizer.bosId, ...ids.slice(start)];
}

/** So many tokens are counted at ease, and an exact number helps more. */
const COUNTED_TOKENS = 4096;

function refuseLonger(atLeast: number, maxTokens: number): void {
  if (atLeast <= Math.max(maxTokens, COUNTED_TOKENS)) return;
  throw new GemmaError(
    'context-overflow',
    `the chat has at least ${atLeast} tokens; there is room for ${maxTokens}. Shorten it, or load the model with a larger contextLength`,
    {detail: {promptTokens: atLeast, contextLength: maxTokens}},
  );
}

function* renderSegments(
  tokenizer: Tokenizer,
  template: ChatTemplate,
  messages: readonly ChatMessage[],
  {tools = [], thinking = false, addGenerationPrompt = true}: TemplateOptions,
): Pieces<Segment[]> {
  if (messages.length === 0) {
    throw new GemmaError('option-invalid', 'messages is empty; a chat needs at least one');
  }
  refuseUnable(template, {tools: tools.length > 0, thinking});
  const untrusted = new UntrustedText(markupOf(tokenizer).isRisky);
  const input = yield* untrusted.hideIn({
    messages: fitted(template, messages).map((message, i) => {
      const made = templateMessage(message, i);
      // The template cannot look into a hidden text, so what it would drop is dropped before.
      const strips = template.stripsThoughts && made.role === 'assistant' && made.content.includes('<channel|>');
      return strips ? {...made, content: withoutThoughts(made.content)} : made;
    }),
    tools: tools.map(templateTool),
    thinking,
    addGenerationPrompt,
    bosToken: tokenizer.tokenText(tokenizer.bosId),
  });
  yield;
  const rendered = template.render(input);
  yield;
  return untrusted.segments(rendered);
}

interface Markup {
  /** In UTF-16 units; 1 or more. */
  longestToken: number;
  tokens: SpecialTokens;
  /** Of tokens that any text would be cut at: typed user-defined in files, yet markup. */
  texts: readonly string[];
  isRisky(text: string): boolean;
}

/** Markup of Gemma 4 and FunctionGemma that files type as user-defined. */
const MARKUP = /^<\|.*>$|^<.*\|>$|^<(start|end)_function_\w+>$|^<escape>$/s;

const markupCache = new WeakMap<Tokenizer, Markup>();

function markupOf(tokenizer: Tokenizer): Markup {
  const known = markupCache.get(tokenizer);
  if (known) return known;
  const tokens = [];
  const texts = [];
  let longestToken = 1;
  for (let id = 0; id < tokenizer.vocabSize; id++) {
    const type = tokenizer.tokenType(id);
    longestToken = Math.max(longestToken, tokenizer.tokenText(id).length);
    if (type !== 'control' && type !== 'unknown' && type !== 'user') continue;
    const text = tokenizer.tokenText(id);
    // Other user-defined tokens are runs of white space and HTML tags: text.
    if (type === 'user' && !MARKUP.test(text)) continue;
    tokens.push({id, text});
    if (type === 'user') texts.push(text);
  }
  // A text takes part in a control token only if it has the first or the last character of one.
  const edges = new Set(tokens.flatMap(({text}) => [text[0], text[text.length - 1]]));
  const isRisky = (text: string) => Array.from(text).some((character) => edges.has(character));
  const markup = {longestToken, tokens: new SpecialTokens(tokens), texts, isRisky};
  markupCache.set(tokenizer, markup);
  return markup;
}

/** Cuts a text inside every occurrence of a markup token, so that none is left whole. */
function breakMarkup(text: string, markup: readonly string[]): string[] {
  const cuts = new Set<number>();
  for (const token of markup) {
    for (let at = text.indexOf(token); at >= 0; at = text.indexOf(token, at + 1)) cuts.add(at + 1);
  }
  const bounds = [0, ...[...cuts].sort((a, b) => a - b), text.length];
  return bounds
    .slice(1)
    .map((end, i) => text.slice(bounds[i], end))
    .filter((piece) => piece !== '');
}

/** What a Gemma 4's answer says without what it thought. */
function withoutThoughts(text: string): string {
  return text
    .split('<channel|>')
    .map((part) => part.split('<|channel>')[0])
    .join('')
    .trim();
}
