// English: every text that the element shows or says, and so the list of what each language has. Part of the bundle;
// the other languages are loaded when they are needed.
import type {ErrorCode} from '../../errors.ts';
import type {Text} from './text.ts';

/** What a visitor reads for each code; the technical message stands beneath it, folded. */
const errors = {
  'error-not-gguf': 'The file behind this chat is not a GGUF model.',
  'error-gguf-truncated': 'The model file ends too early. It was probably not uploaded or downloaded in full.',
  'error-gguf-version': 'The model file uses a version of the GGUF format that this chat cannot read.',
  'error-gguf-invalid': 'The model file is damaged or not well formed.',
  'error-gguf-split': 'The model file is one part of several, and this chat needs it in one piece.',
  'error-architecture-unsupported': 'This kind of model is not supported. Gemma models are.',
  'error-quant-unsupported': 'The model file stores its weights in a format that this chat cannot use.',
  'error-tensor-missing': 'The model file lacks a part that its kind of model needs.',
  'error-tensor-shape': 'A part of the model file does not have the size it should have.',
  'error-config-invalid': 'The description inside the model file does not fit together.',
  'error-tokenizer-invalid': 'The vocabulary inside the model file cannot be used.',
  'error-template-invalid': 'The chat template inside the model file cannot be used.',
  'error-network': 'The model could not be fetched. Check your connection, then try again.',
  'error-http-status': 'The server that holds the model refused to hand it out.',
  'error-cors': 'The server that holds the model does not let this page read it.',
  'error-range-unsupported': 'The server that holds the model cannot send it in pieces.',
  'error-file-changed': 'The model file changed while it was being loaded. Try again.',
  'error-integrity-mismatch': 'The model file is not the one this page asks for. Nothing of it was kept.',
  'error-storage-full':
    'There is not enough space on this device for the model. Free some, then try again; what was downloaded so far is kept.',
  'error-storage-failed': 'The browser could not store or read the model on this device. Try again.',
  'error-webgpu-missing':
    'This browser has no WebGPU, which the model needs. Current versions of Chrome, Edge, Safari (26 and later) and Firefox have it.',
  'error-adapter-missing':
    'No usable GPU was found. Turn on hardware acceleration in the browser’s settings, then restart the browser.',
  'error-out-of-memory': 'There is not enough memory for this model. Close other tabs and programs, then try again.',
  'error-device-lost': 'The connection to the GPU was lost. Try again to load the model anew; the conversation stays.',
  'error-shader-invalid': 'The GPU’s driver refused the model’s program. A newer browser or driver may help.',
  'error-context-overflow':
    'The conversation no longer fits into the model’s memory. Start a new one or send a shorter message.',
  'error-option-unknown': 'This chat was set up with an option that does not exist.',
  'error-option-invalid': 'This chat was set up with a value that is not allowed.',
  'error-closed': 'The connection to the model was closed. Try again to load it anew.',
  'error-worker-failed': 'The part of the chat that runs in the background stopped. Try again to restart it.',
  'error-protocol-mismatch': 'The page and its background worker are of different versions. Reload the page.',
  'error-model-in-use': 'Another chat on this site is using a different model. Close it, then try again.',
  'error-internal': 'Something went wrong inside the chat.',
} as const satisfies Record<`error-${ErrorCode}`, Text>;

export const en = {
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
  offlinePoster: 'You are offline. If the model was loaded here before, it can still be used.',

  downloading: 'Loading the model',
  downloadingBytes: 'Loading the model: {loaded} of {total}',
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

  statusReady: 'On your device',
  statusReadyModel: '{model}, on your device',
  statusQueued: 'Waiting for another chat to finish…',
  statusReading: 'Reading: {done} of {total} tokens',
  statusGenerating: 'Answering…',
  statusStopped: 'Stopped.',
  statusLength: 'The answer reached its length limit.',

  announceLoading: 'Loading the model.',
  announceReady: 'The model is ready.',
  announceStopped: 'Stopped.',
  announceCleared: 'Conversation cleared.',

  openChat: 'Open the chat',
  closeChat: 'Close the chat',
  launcherFailed: 'The chat could not be loaded. Check your connection, then try again.',

  history: 'Conversations',
  historyBack: 'Back to the chat',
  historyNew: 'New conversation',
  historyNone: 'No conversation is kept yet.',
  historyUntitled: 'Untitled',
  historyMessages: {one: '{count} message', other: '{count} messages'},
  historyRename: 'Rename',
  historyRenameInput: 'Title of the conversation',
  historySave: 'Save',
  historyDelete: 'Delete',
  historyDeleteAsk: 'Delete this conversation?',
  historyExport: 'Export',
  historyExportMarkdown: 'Export as Markdown',
  historyExportAll: 'Export all',
  historyImport: 'Import',
  historyImported: {one: '{count} conversation imported.', other: '{count} conversations imported.'},
  historyImportFailed: 'This file holds no conversation that can be read.',
  historyDeleted: 'Conversation deleted.',
  historyRenamed: 'Conversation renamed.',
  historyOpened: 'Conversation opened.',
  historyFailed: 'Conversations cannot be kept in this browser. This one lasts until the page is closed.',

  errorTitleFile: 'The model cannot be used',
  errorTitleNetwork: 'The model could not be fetched',
  errorTitleDevice: 'This device cannot run the model',
  errorTitleSetup: 'This chat is not set up correctly',
  errorTitleAnswer: 'This could not be answered',
  errorTitleStopped: 'The chat had to stop',
  errorOwner: 'Only the owner of this site can change that.',
  errorOffline: 'You are offline. Connect to the internet, then try again.',
  errorSpace: 'Needed: {needed}. Free: {free}.',
  errorDetails: 'Details',
  retry: 'Try again',
  reloadPage: 'Reload the page',
  copyReport: 'Copy a report',
  reportCopied: 'Report copied.',
  reportFailed: 'The report could not be copied.',

  ...errors,
} as const satisfies Record<string, Text>;

export type StringKey = keyof typeof en;
/** A whole language. */
export type Strings = Readonly<Record<StringKey, Text>>;
