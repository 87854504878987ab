// A chunk of its own: what a site's owner can do about an error, for the console. Visitors never read it.
import type {ErrorCode} from '../../errors.ts';

const NOT_A_MODEL =
  'Look at the file behind model-src: a GGUF file begins with the four letters "GGUF"; an error page does not.';
const ANOTHER_FILE = 'Use another GGUF file of a Gemma model: docs/models.md lists what is supported.';
const SETTINGS = 'Look at the attributes of <gemma-chat>: docs/element.md says what each takes.';

const REMEDIES: Partial<Record<ErrorCode, string>> = {
  'not-gguf': NOT_A_MODEL,
  'gguf-truncated': 'Upload the file again: its size on the server must be that of the original.',
  'gguf-version': ANOTHER_FILE,
  'gguf-invalid': 'Upload the file again; if that does not help, the file itself is damaged.',
  'gguf-split': 'Put all parts of the model beside each other, under the names that they were given when it was split.',
  'architecture-unsupported': ANOTHER_FILE,
  'quant-unsupported': ANOTHER_FILE,
  'tensor-missing': ANOTHER_FILE,
  'tensor-shape': ANOTHER_FILE,
  'config-invalid': ANOTHER_FILE,
  'tokenizer-invalid': ANOTHER_FILE,
  'template-invalid': ANOTHER_FILE,
  'integrity-mismatch': 'Bring the integrity attribute up to date, or the file: its SHA-256 is another one.',
  'http-status': 'Look at the address in model-src, and whether the server hands the file out to everybody.',
  cors: 'The server has to answer with "Access-Control-Allow-Origin" for this page, or the file has to be on this site: docs/hosting.md.',
  'range-unsupported': 'The server has to answer range requests with 206: docs/hosting.md.',
  'option-unknown': SETTINGS,
  'option-invalid': SETTINGS,
  'webgpu-missing': 'Serve the page over https, or open it as localhost: browsers have WebGPU on such pages only.',
  'worker-failed': 'Copy gemma-chat.worker.js beside the script, or name its address in worker-src: docs/hosting.md.',
  'protocol-mismatch': 'Copy all files of one release: the script and gemma-chat.worker.js are of different ones.',
};

/** One sentence for the console. */
export const remedyOf = (code: ErrorCode): string => REMEDIES[code] ?? 'docs/errors.md says more.';
