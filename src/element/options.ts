// The options of <gemma-chat>, each written once: what it means, its type, how its attribute is read, its initial value,
// its name in a request.
import type {PropertyDeclaration} from 'lit';
import type {ModelSrc} from '../client/model-src.ts';
import type {GenerationOptions} from '../protocol/messages.ts';
import type {BeforeSend} from './chat/chat-state.ts';
import type {HistoryKind} from './history/scope.ts';
import type {HistoryStore} from './history/store.ts';
import type {KnowledgeFunction} from './knowledge/own-passages.ts';
import type {Strings} from './languages/index.ts';
import type {ChatTool} from './tools/chat-tools.ts';
import type {Prompt} from './views/message-list.ts';

/** The shapes of a chat. */
export type Display = 'inline' | 'panel' | 'launcher';

interface Option<T> extends PropertyDeclaration {
  readonly initial: T;
  /** Asked of the model with every message. */
  readonly request?: keyof GenerationOptions;
}

/** An attribute is the property's name in kebab case. */
const option = <T>(option: Option<T>): Option<T> => option;

function listOrAuto(value: string | null): unknown {
  if (value === 'auto') return value;
  try {
    return JSON.parse(value ?? 'null');
  } catch {
    return null;
  }
}

export const OPTIONS = {
  /**
   * URL of a GGUF file, or `hf:owner/repo/file.gguf[@revision]`; of a split model its first part. The property also takes
   * a `File` or `Blob`, or an array with all files of a split model.
   */
  modelSrc: option<ModelSrc | null>({initial: null}),
  /** SHA-256 that the file must have, as `sha256-…` in base64 or hex; for a split model one a part, with spaces between. */
  integrity: option<string | null>({initial: null}),
  /**
   * When to load it: `lazy` shows what it is and waits until the visitor agrees; `eager` loads at once if it is stored
   * already or `consent` is `given`, and otherwise asks too.
   */
  loading: option<'lazy' | 'eager'>({initial: 'lazy'}),
  /** `given`: the site has asked the visitor itself, and `eager` need not. */
  consent: option<'given' | null>({initial: null}),
  /** Lets the visitor choose or drop a model file of their own, also where the page names a model. */
  localFiles: option<boolean>({type: Boolean, initial: false}),
  /** What the model is told before the conversation. Read at every message. */
  systemPrompt: option<string | null>({initial: null}),
  /** Tokens a conversation may have; null leaves it to the model. Read when the model is loaded. */
  contextLength: option<number | null>({type: Number, initial: null}),
  /** How freely tokens are drawn; 0 always takes the likeliest. */
  temperature: option<number | null>({type: Number, initial: 1, request: 'temperature'}),
  /** Draw among this many of the likeliest tokens; 0 for all. */
  topK: option<number | null>({type: Number, initial: 64, request: 'top_k'}),
  /** Draw among the likeliest tokens that together have this probability. */
  topP: option<number | null>({type: Number, initial: 0.95, request: 'top_p'}),
  /** Leave out tokens less likely than this share of the likeliest one's probability. */
  minP: option<number | null>({type: Number, initial: 0, request: 'min_p'}),
  /** Tokens an answer may have; null for as many as fit. */
  maxTokens: option<number | null>({type: Number, initial: null, request: 'max_tokens'}),
  /** A number makes the same conversation give the same answer. */
  seed: option<number | null>({type: Number, initial: null, request: 'seed'}),
  /**
   * URL of a LoRA adapter that answers are given with: a GGUF file or `adapter_model.safetensors`; the property also takes a
   * `File`. Read at every message.
   */
  adapterSrc: option<string | File | null>({initial: null}),
  /** Multiplies the adapter's effect. */
  adapterScale: option<number | null>({type: Number, initial: 1}),
  /** URL of `gemma-chat.worker.js` where it is not beside the script. Read when the model is loaded. */
  workerSrc: option<string | null>({initial: null}),
  /** Text in the empty text field. */
  placeholder: option<string | null>({initial: null}),
  /** Title and accessible name of the chat. */
  label: option<string | null>({initial: null}),
  /** Whether the visitor can act; the methods work all the same. */
  disabled: option<boolean>({type: Boolean, initial: false}),
  /** Where conversations are kept: `none`, `session` for this tab, or `local` for good. */
  history: option<HistoryKind>({initial: 'none'}),
  /** Which chats see them: those of the `origin`, those of the same `path`, or those with the same key of any other name. */
  historyKey: option<string | null>({initial: null}),
  /** What keeps them in the place of IndexedDB. Set it before `history`. */
  historyStore: option<HistoryStore | null>({attribute: false, initial: null}),
  /** Its shape: `inline` in the page's flow, `panel` fills its parent, `launcher` is a floating button that opens it. */
  display: option<Display>({reflect: true, initial: 'inline'}),
  /** Whether the launcher's panel is open. */
  open: option<boolean>({type: Boolean, reflect: true, initial: false}),
  /** Whether pictures in answers are fetched and shown; a link stands in their place otherwise. */
  images: option<boolean>({type: Boolean, initial: false}),
  /** Whether the visitor can rate answers: `gemma-chat-feedback`. */
  feedback: option<boolean>({type: Boolean, initial: false}),
  /** Whether the line beneath the text field tells the tokens a second. */
  showSpeed: option<boolean>({type: Boolean, initial: false}),
  /** Whether each message says who wrote it. */
  showNames: option<boolean>({type: Boolean, initial: false}),
  /** Whether each message says when it was written. */
  showTimes: option<boolean>({type: Boolean, initial: false}),
  /** Whether there are pictures beside messages where the page has slotted none. */
  showAvatars: option<boolean>({type: Boolean, initial: false}),
  /** Has the model think before it answers, where its template can: `client.model.capabilities`. Folded in the list. */
  thinking: option<boolean>({type: Boolean, initial: false}),
  /**
   * When the conversation no longer fits into the model's context: `truncate-oldest` leaves the oldest turns out, with a
   * line in the list where the model begins to read; `stop` shows the error `context-overflow`.
   */
  contextOverflow: option<'truncate-oldest' | 'stop'>({initial: 'truncate-oldest'}),
  /**
   * What a visitor may begin with at one press: texts, or `{label, text}`. The attribute is a JSON array, or `auto`: headings of
   * the site's index or of the page, where the chat answers from it.
   */
  starters: option<readonly Prompt[] | 'auto' | null>({initial: null, converter: listOrAuto}),
  /** What a visitor may say next; emptied with every message. */
  suggestions: option<readonly Prompt[] | null>({attribute: false, initial: null}),
  /** The name under which a form sends the conversation. */
  name: option<string | null>({reflect: true, initial: null}),
  /** What a form sends: `json`, a list of `{role, content}`, or `text`. */
  valueFormat: option<'json' | 'text'>({initial: 'json'}),
  /** `off` leaves all keys but Enter, Tab and those of the browser to the page. */
  shortcuts: option<'on' | 'off'>({initial: 'on'}),
  /** What Enter does in the text field: `send`, or `newline`. By default it sends, but for a keyboard on the screen. */
  enterKey: option<'send' | 'newline' | null>({initial: null}),
  /** The page's own texts in the place of the element's, by key; the others stay as they are. */
  strings: option<Partial<Strings> | null>({attribute: false, initial: null}),
  /** Runs before the model is asked, after `gemma-chat-send`; may change the messages, and be async. */
  beforeSend: option<BeforeSend | null>({attribute: false, initial: null}),
  /** Functions of the page's that the model may call, where its template can. What they did is shown in the list. */
  tools: option<readonly ChatTool[] | null>({attribute: false, initial: null}),
  /** Folder of the index of the site's pages that `npx gemma-chat index` made: answers come from it, with sources. */
  knowledgeSrc: option<string | null>({initial: null}),
  /** SHA-256 of the index's manifest, as the command prints it. */
  knowledgeIntegrity: option<string | null>({initial: null}),
  /** Which part of the page `knowledge="page"` reads; null for its main content. */
  knowledgeSelector: option<string | null>({initial: null}),
  /** `page`: answers come from the page the chat stands on. A function gives the passages of a question itself. */
  knowledge: option<'page' | KnowledgeFunction | null>({initial: null}),
};

/** The options as properties of the element. */
export type Options = {-readonly [Name in keyof typeof OPTIONS]: (typeof OPTIONS)[Name]['initial']};

const ENTRIES = Object.entries(OPTIONS) as [keyof Options, Option<unknown>][];

/** `modelSrc` → `model-src` */
const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** An empty attribute counts as left out: templates and forms write one for a value that is not set. */
const numberOr = (initial: unknown) => ({
  fromAttribute: (value: string | null) => (value?.trim() ? Number(value) : initial),
});

/** As Lit reads it. */
export const PROPERTIES = Object.fromEntries(
  ENTRIES.map(([name, option]) => [
    name,
    {attribute: kebab(name), ...(option.type === Number ? {converter: numberOr(option.initial)} : {}), ...option},
  ]),
) as unknown as Readonly<Record<keyof Options, PropertyDeclaration>>;

/** Gives every option its initial value. */
export function initialize(element: Options): void {
  for (const [name, {initial}] of ENTRIES) Object.assign(element, {[name]: initial});
}

/** What a request asks for: the options that the page has set. */
export function generationOptions(element: Options): GenerationOptions {
  const set = ENTRIES.filter(([name, {request}]) => request && element[name] !== null);
  return Object.fromEntries(set.map(([name, {request}]) => [request, element[name]]));
}
