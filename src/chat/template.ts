// From messages to a prompt: renders the file's own Jinja template, or the family's built-in form, and tokenizes the
// result so that no message can open or close a turn. Knows no model and no conversation.
import {GemmaError} from '../errors.ts';
import type {ChatMessage, ToolDefinition} from '../protocol/messages.ts';
import {SpecialTokens} from '../tokenizer/special-tokens.ts';
import type {Tokenizer} from '../tokenizer/tokenizer.ts';
import {BoundedTemplate} from './bounded-jinja.ts';
import {renderGemma3} from './gemma3-template.ts';
import {renderGemma4, withoutThoughts} from './gemma4-template.ts';
import {type TemplateInput, templateMessage, templateTool} from './template-input.ts';
import {type Segment, UntrustedText} from './untrusted-text.ts';

export interface TemplateOptions {
  tools?: readonly ToolDefinition[];
  /** Default false. */
  thinking?: boolean;
  /** Whether the prompt ends where the model's answer begins. Default true. */
  addGenerationPrompt?: boolean;
}

export interface ChatTemplate {
  /** Where the form comes from. */
  readonly origin: 'file' | 'gemma4' | 'gemma3';
  /** Whether the template drops thoughts from the texts of earlier answers. */
  readonly stripsThoughts: boolean;
  /** The prompt with all texts in place: for reading, not for tokenizing. */
  render(input: TemplateInput): string;
}

/**
 * The template of a model: the file's (`tokenizer.chat_template`), else the form that its vocabulary belongs to.
 * @param options.large Gemma 4 without a template: the form of the 12B, 26B and 31B models.
 * @throws GemmaError `template-invalid`
 */
export function createTemplate(tokenizer: Tokenizer, options: {large?: boolean} = {}): ChatTemplate {
  if (tokenizer.chatTemplate !== null) return fileTemplate(tokenizer.chatTemplate);
  if (tokenizer.idOf('<|turn>') !== undefined) {
    const large = options.large ?? false;
    return {origin: 'gemma4', stripsThoughts: true, render: (input) => renderGemma4(input, large)};
  }
  if (tokenizer.idOf('<start_of_turn>') !== undefined) {
    return {origin: 'gemma3', stripsThoughts: false, render: renderGemma3};
  }
  throw new GemmaError(
    'template-invalid',
    'the file has no tokenizer.chat_template, and its vocabulary has neither <|turn> (Gemma 4) nor <start_of_turn> ' +
      '(Gemma 3); expected an instruction-tuned Gemma. Use text completions, or another file',
  );
}

function fileTemplate(source: string): ChatTemplate {
  const template = attempt(() => new BoundedTemplate(source), 'cannot be read');
  return {
    origin: 'file',
    stripsThoughts: source.includes('<channel|>'),
    render: ({messages, tools, thinking, addGenerationPrompt, bosToken}) =>
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
      ),
  };
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

/** The prompt as text, bos token included. */
export function renderToText(
  tokenizer: Tokenizer,
  template: ChatTemplate,
  messages: readonly ChatMessage[],
  options: TemplateOptions = {},
): string {
  return renderSegments(tokenizer, template, messages, options)
    .map(({text}) => text)
    .join('');
}

/**
 * The prompt as token ids, with exactly one bos token. Control tokens come from the template alone: in messages, names
 * and tools they are spelled out like any text.
 */
export function renderToTokens(
  tokenizer: Tokenizer,
  template: ChatTemplate,
  messages: readonly ChatMessage[],
  options: TemplateOptions = {},
): number[] {
  const markup = markupOf(tokenizer);
  const ids: number[] = [];
  // Template's plain text and messages' text are encoded as one where they meet, as in plain rendering.
  let plain = '';
  const flush = () => {
    for (const piece of breakMarkup(plain, markup.texts)) {
      for (const id of tokenizer.encode(piece, {addBos: false})) ids.push(id);
    }
    plain = '';
  };
  for (const {text, isMarkup} of renderSegments(tokenizer, template, messages, options)) {
    for (const fragment of isMarkup ? markup.tokens.split(text) : [text]) {
      if (typeof fragment === 'string') {
        plain += fragment;
        continue;
      }
      flush();
      ids.push(fragment);
    }
  }
  flush();
  let start = 0;
  while (ids[start] === tokenizer.bosId) start++;
  return [tokenizer.bosId, ...ids.slice(start)];
}

function renderSegments(
  tokenizer: Tokenizer,
  template: ChatTemplate,
  messages: readonly ChatMessage[],
  {tools = [], thinking = false, addGenerationPrompt = true}: TemplateOptions,
): Segment[] {
  if (messages.length === 0) {
    throw new GemmaError('option-invalid', 'messages is empty; a chat needs at least one');
  }
  const untrusted = new UntrustedText(markupOf(tokenizer).isRisky);
  const input = untrusted.hideIn({
    messages: messages.map((message, i) => {
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
  return untrusted.segments(template.render(input));
}

interface Markup {
  tokens: SpecialTokens;
  /** Of tokens that any text would be cut at: typed user-defined in files, yet markup. */
  texts: readonly string[];
  isRisky(text: string): boolean;
}

const markupCache = new WeakMap<Tokenizer, Markup>();

function markupOf(tokenizer: Tokenizer): Markup {
  const known = markupCache.get(tokenizer);
  if (known) return known;
  const tokens = [];
  const texts = [];
  for (let id = 0; id < tokenizer.vocabSize; id++) {
    const type = tokenizer.tokenType(id);
    if (type !== 'control' && type !== 'unknown' && type !== 'user') continue;
    const text = tokenizer.tokenText(id);
    // Other user-defined tokens are runs of white space and HTML tags: text.
    if (type === 'user' && !/^<\|.*>$|^<.*\|>$/.test(text)) continue;
    tokens.push({id, text});
    if (type === 'user') texts.push(text);
  }
  // A text takes part in a control token only if it has the first or the last character of one.
  const edges = new Set(tokens.flatMap(({text}) => [text[0], text[text.length - 1]]));
  const isRisky = (text: string) => Array.from(text).some((character) => edges.has(character));
  const markup = {tokens: new SpecialTokens(tokens), texts, isRisky};
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
