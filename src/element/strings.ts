// Every word the element shows or says, in one place. Knows no state and no markup.
import type {ErrorCode} from '../errors.ts';

const NUMBER = new Intl.NumberFormat('en', {maximumFractionDigits: 1});
const UNITS = ['bytes', 'kB', 'MB', 'GB'] as const;

/** `11800000` → `11.8 MB`; decimal units, as file managers and model hosts use them. */
export function formatBytes(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.95 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${NUMBER.format(value)} ${UNITS[unit]}`;
}

export const strings = {
  label: 'Chat with Gemma',
  conversation: 'Conversation',
  clear: 'Clear',

  posterTitle: 'A chat that runs on your device',
  posterText: 'The model is loaded into this browser and answers here. What you write is not sent anywhere.',
  factFile: 'Model',
  factSize: 'Size',
  factHost: 'From',
  sizeAsking: '…',
  sizeUnknown: 'size unknown',
  hostDevice: 'this device',
  load: 'Load the model',
  noModel: 'No model is set for this chat.',

  downloading: 'Loading the model',
  downloadingBytes: (loaded: number, total: number) =>
    `Loading the model: ${formatBytes(loaded)} of ${formatBytes(total)}`,
  preparing: 'Preparing the model on your GPU',
  cancel: 'Cancel',

  empty: 'Ask something. The answer is worked out on your device.',
  authorUser: 'You',
  authorAssistant: 'Gemma',
  waiting: 'Gemma is reading',
  noAnswer: 'The model gave no answer.',
  thinkingNow: 'Thinking…',
  thinkingDone: 'Thoughts',
  regenerate: 'Answer again',

  input: 'Message',
  placeholder: 'Write a message',
  send: 'Send',
  stop: 'Stop',

  statusReady: (model: string) => (model ? `${model}, on your device` : 'On your device'),
  statusQueued: 'Waiting for another chat to finish…',
  statusReading: (done: number, total: number) => `Reading: ${done} of ${total} tokens`,
  statusGenerating: 'Answering…',
  statusStopped: 'Stopped.',
  statusLength: 'The answer reached its length limit.',

  announceLoading: 'Loading the model.',
  announceReady: 'The model is ready.',
  announceStopped: 'Stopped.',
  announceCleared: 'Conversation cleared.',

  errorDetails: 'Details',
  retry: 'Try again',
} as const;

/** What a visitor reads for each code; the technical message stands beneath it, folded. */
export const errorTexts: Readonly<Record<ErrorCode, string>> = {
  'not-gguf': 'The file behind this chat is not a GGUF model.',
  'gguf-truncated': 'The model file ends too early. It was probably not uploaded or downloaded in full.',
  'gguf-version': 'The model file uses a version of the GGUF format that this chat cannot read.',
  'gguf-invalid': 'The model file is damaged or not well formed.',
  'gguf-split': 'The model file is one part of several, and this chat needs it in one piece.',
  'architecture-unsupported': 'This kind of model is not supported. Gemma models are.',
  'quant-unsupported': 'The model file stores its weights in a format that this chat cannot use.',
  'tensor-missing': 'The model file lacks a part that its kind of model needs.',
  'tensor-shape': 'A part of the model file does not have the size it should have.',
  'config-invalid': 'The description inside the model file does not fit together.',
  'tokenizer-invalid': 'The vocabulary inside the model file cannot be used.',
  'template-invalid': 'The chat template inside the model file cannot be used.',
  network: 'The model could not be fetched. Check your connection, then try again.',
  'http-status': 'The server that holds the model refused to hand it out.',
  cors: 'The server that holds the model does not let this page read it.',
  'range-unsupported': 'The server that holds the model cannot send it in pieces.',
  'file-changed': 'The model file changed while it was being loaded. Try again.',
  'integrity-mismatch': 'The model file is not the one this page asks for. Nothing of it was kept.',
  'storage-full': 'There is not enough space for this model. What was downloaded so far is kept.',
  'storage-failed': 'The browser could not store or read the model on this device. Try again.',
  'webgpu-missing':
    'This browser has no WebGPU, which the model needs. A current Chrome, Edge, Safari or Firefox has it.',
  'adapter-missing': 'No usable GPU was found. Hardware acceleration may be turned off in the browser’s settings.',
  'out-of-memory': 'There is not enough memory for this model. Closing other tabs and programs may help.',
  'device-lost': 'The connection to the GPU was lost. Try again to reload the model.',
  'shader-invalid': 'The GPU’s driver refused the model’s program. A newer browser or driver may help.',
  'context-overflow': 'The conversation no longer fits into the model’s memory. Clear it or send a shorter message.',
  'option-unknown': 'This chat was set up with an option that does not exist.',
  'option-invalid': 'This chat was set up with a value that is not allowed.',
  closed: 'The connection to the model was closed. Try again to reload it.',
  'worker-failed': 'The model’s background worker stopped. Try again to restart it.',
  'protocol-mismatch': 'The page and its background worker are of different versions. Reload the page.',
  'model-in-use': 'Another chat on this site is using a different model. Close it, then try again.',
  internal: 'Something went wrong inside the chat.',
};
