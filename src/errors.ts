// The one error type of the project. Codes are stable: they cross the port, name a text in the element's
// strings, a section of docs/errors.md and a slot. Imports nothing.

export const ERROR_CODES = [
  // the file
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
  // the network
  'network',
  'http-status',
  'cors',
  'range-unsupported',
  'file-changed',
  'integrity-mismatch',
  'knowledge-invalid',
  // the disk
  'storage-full',
  'storage-failed',
  // the device
  'webgpu-missing',
  'adapter-missing',
  'out-of-memory',
  'device-lost',
  'shader-invalid',
  // the request
  'context-overflow',
  'option-unknown',
  'option-invalid',
  'grammar-invalid',
  'closed',
  // the worker
  'model-in-use',
  'worker-failed',
  'protocol-mismatch',
  'internal',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** What an error looks like on the wire and in a report. */
export interface WireError {
  code: ErrorCode;
  message: string;
  detail?: Record<string, unknown>;
}

/** An error with a stable code. The message says what was found, what was expected, and what to do. */
export class GemmaError extends Error {
  override readonly name = 'GemmaError';
  readonly code: ErrorCode;
  /** Facts for a program: names, sizes, status codes. Plain data only. */
  readonly detail: Record<string, unknown>;

  constructor(code: ErrorCode, message: string, options: {detail?: Record<string, unknown>; cause?: unknown} = {}) {
    super(message, options.cause === undefined ? undefined : {cause: options.cause});
    this.code = code;
    this.detail = options.detail ?? {};
  }

  /** Of a checked message (src/protocol/parse-reply.ts): its code is known. */
  static fromWire({code, message, detail}: WireError): GemmaError {
    return new GemmaError(code, message, {detail});
  }

  /** Any thrown value as a GemmaError; an unknown one becomes `internal`. */
  static from(error: unknown): GemmaError {
    if (error instanceof GemmaError) return error;
    const message = error instanceof Error ? error.message : String(error);
    return new GemmaError('internal', message, {cause: error});
  }
}

/** Whether this is one of ours, with that code. */
export function hasCode(error: unknown, code: ErrorCode): boolean {
  return error instanceof GemmaError && error.code === code;
}

/** Stopping is no error of ours: it is the platform's AbortError. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
