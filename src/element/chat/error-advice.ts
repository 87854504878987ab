// What a visitor can do about an error: which heading its view has, which buttons, and whether only the site's owner can
// help. Pure.
import type {ErrorCode, GemmaError} from '../../errors.ts';
import type {Language, StringKey} from '../languages/index.ts';

/** `fresh` begins a new conversation, `reload` loads the page again. */
export type Remedy = 'retry' | 'reload' | 'fresh';

export interface Advice {
  title: string;
  text: string;
  /** Facts and hints beneath the text. */
  notes: string[];
  remedies: readonly Remedy[];
  /** Nothing of the chat can run here: the page's own fallback is shown. */
  hopeless: boolean;
}

export interface Situation {
  /** The model is loaded and stays so: it is an answer that failed. */
  loaded: boolean;
  /** The model is a file of the visitor's own. */
  ownFile: boolean;
  online: boolean;
  /** The page has a context that browsers call secure; only such a page has WebGPU. */
  secure: boolean;
}

type Title = Extract<StringKey, `errorTitle${string}`>;

/** Which heading. Only the codes that are no fault of the file. */
const TITLES: Partial<Record<ErrorCode, Title>> = {
  network: 'errorTitleNetwork',
  'http-status': 'errorTitleNetwork',
  cors: 'errorTitleNetwork',
  'range-unsupported': 'errorTitleNetwork',
  'file-changed': 'errorTitleNetwork',
  'storage-full': 'errorTitleStorage',
  'storage-failed': 'errorTitleStorage',
  'webgpu-missing': 'errorTitleDevice',
  'adapter-missing': 'errorTitleDevice',
  'out-of-memory': 'errorTitleDevice',
  'shader-invalid': 'errorTitleDevice',
  'device-lost': 'errorTitleStopped',
  'worker-failed': 'errorTitleStopped',
  'protocol-mismatch': 'errorTitleStopped',
  closed: 'errorTitleStopped',
  internal: 'errorTitleStopped',
  'context-overflow': 'errorTitleAnswer',
  'option-unknown': 'errorTitleSetup',
  'option-invalid': 'errorTitleSetup',
};

const REMEDIES: Partial<Record<ErrorCode, readonly Remedy[]>> = {
  // Another browser is the way; this one will say the same again.
  'webgpu-missing': [],
  'protocol-mismatch': ['reload'],
  'context-overflow': ['fresh', 'retry'],
};

/** These a visitor cannot change, even by waiting. */
const OWNERS = new Set<ErrorCode>([
  'not-gguf',
  'gguf-truncated',
  'gguf-version',
  'gguf-invalid',
  'gguf-split',
  'architecture-unsupported',
  'quant-unsupported',
  'tensor-missing',
  'tensor-shape',
  'config-invalid',
  'tokenizer-invalid',
  'template-invalid',
  'adapter-invalid',
  'training-data-invalid',
  'integrity-mismatch',
  'knowledge-invalid',
  'http-status',
  'cors',
  'range-unsupported',
  'option-unknown',
  'option-invalid',
]);

/** Whether the site's owner should hear of it, who may not be the one before the screen. */
export function concernsOwner({code}: GemmaError, {ownFile, secure}: Pick<Situation, 'ownFile' | 'secure'>): boolean {
  if (code === 'worker-failed' || code === 'protocol-mismatch') return true;
  return !ownFile && (OWNERS.has(code) || (code === 'webgpu-missing' && !secure));
}

const HOPELESS = new Set<ErrorCode>(['webgpu-missing', 'adapter-missing', 'shader-invalid', 'out-of-memory']);

/** What the error's view says and offers. */
export function advise(error: GemmaError, {loaded, ownFile, online, secure}: Situation, language: Language): Advice {
  const {code, detail} = error;
  const title = TITLES[code] ?? 'errorTitleFile';
  const offline = code === 'network' && !online;
  const insecure = code === 'webgpu-missing' && !secure;
  const notes: string[] = [];
  const {needed, free} = detail;
  if (typeof needed === 'number' && typeof free === 'number') {
    notes.push(language.text('errorSpace', {needed: language.bytes(needed), free: language.bytes(free)}));
  }
  if ((OWNERS.has(code) || insecure) && !ownFile) notes.push(language.text('errorOwner'));
  return {
    title: language.text(loaded && title === 'errorTitleDevice' ? 'errorTitleAnswer' : title),
    text: language.text(offline ? 'errorOffline' : insecure ? 'errorInsecure' : `error-${code}`),
    notes,
    remedies: REMEDIES[code] ?? ['retry'],
    hopeless: !loaded && HOPELESS.has(code),
  };
}
