// The options of <gemma-chat>, each once: its attribute, how that is read, what it begins with, its name in a request. What
// they mean stands on the class.
import type {PropertyDeclaration} from 'lit';
import type {GenerationOptions} from '../protocol/messages.ts';

interface Option extends PropertyDeclaration {
  readonly initial: string | number | boolean | null;
  /** Asked of the model with every message. */
  readonly request?: keyof GenerationOptions;
}

export const OPTIONS = {
  modelSrc: {attribute: 'model-src', initial: null},
  integrity: {initial: null},
  loading: {initial: 'lazy'},
  consent: {initial: null},
  localFiles: {attribute: 'local-files', type: Boolean, initial: false},
  systemPrompt: {attribute: 'system-prompt', initial: null},
  contextLength: {attribute: 'context-length', type: Number, initial: null},
  temperature: {type: Number, initial: 1, request: 'temperature'},
  topK: {attribute: 'top-k', type: Number, initial: 64, request: 'top_k'},
  topP: {attribute: 'top-p', type: Number, initial: 0.95, request: 'top_p'},
  minP: {attribute: 'min-p', type: Number, initial: 0, request: 'min_p'},
  maxTokens: {attribute: 'max-tokens', type: Number, initial: null, request: 'max_tokens'},
  seed: {type: Number, initial: null, request: 'seed'},
  workerSrc: {attribute: 'worker-src', initial: null},
  placeholder: {initial: null},
  label: {initial: null},
  disabled: {type: Boolean, initial: false},
  history: {initial: 'none'},
  historyKey: {attribute: 'history-key', initial: null},
  historyStore: {attribute: false, initial: null},
  display: {reflect: true, initial: 'inline'},
  open: {type: Boolean, reflect: true, initial: false},
  images: {type: Boolean, initial: false},
  feedback: {type: Boolean, initial: false},
  showSpeed: {attribute: 'show-speed', type: Boolean, initial: false},
  showNames: {attribute: 'show-names', type: Boolean, initial: false},
  showTimes: {attribute: 'show-times', type: Boolean, initial: false},
  showAvatars: {attribute: 'show-avatars', type: Boolean, initial: false},
  thinking: {type: Boolean, initial: false},
  contextOverflow: {attribute: 'context-overflow', initial: 'truncate-oldest'},
  starters: {type: Array, initial: null},
  suggestions: {attribute: false, initial: null},
  name: {reflect: true, initial: null},
  valueFormat: {attribute: 'value-format', initial: 'json'},
  shortcuts: {initial: 'on'},
  enterKey: {attribute: 'enter-key', initial: null},
  strings: {attribute: false, initial: null},
  beforeSend: {attribute: false, initial: null},
  knowledgeSrc: {attribute: 'knowledge-src', initial: null},
  knowledgeIntegrity: {attribute: 'knowledge-integrity', initial: null},
  knowledgeSelector: {attribute: 'knowledge-selector', initial: null},
  knowledge: {initial: null},
} as const satisfies Record<string, Option>;

type Element = Partial<Record<keyof typeof OPTIONS, unknown>>;
const ENTRIES = Object.entries(OPTIONS) as [keyof typeof OPTIONS, Option][];

/** An attribute that is there and empty, as templates and forms write one that was not filled in, counts as left out. */
const numberOr = (initial: Option['initial']) => ({
  fromAttribute: (value: string | null) => (value?.trim() ? Number(value) : initial),
});

/** As Lit reads it. */
export const PROPERTIES = Object.fromEntries(
  ENTRIES.map(([name, option]) => [
    name,
    option.type === Number ? {...option, converter: numberOr(option.initial)} : option,
  ]),
) as unknown as Readonly<Record<keyof typeof OPTIONS, PropertyDeclaration>>;

export function initialize(element: object): void {
  for (const [name, {initial}] of ENTRIES) Object.assign(element, {[name]: initial});
}

/** What a request asks for, as far as the page has set it. */
export function generationOptions(element: Element): GenerationOptions {
  const set = ENTRIES.filter(([name, {request}]) => request && element[name] !== null);
  return Object.fromEntries(set.map(([name, {request}]) => [request, element[name]]));
}
