// What goes wrong with an index. This folder is fetched by the worker when it is needed and stands by itself, so it has no
// part of the error type that the worker has; the worker makes one of the other.

export type FailureCode = 'network' | 'http-status' | 'integrity-mismatch' | 'knowledge-invalid';

/** A failure with the code of the GemmaError that becomes of it. */
export class KnowledgeFailure extends Error {
  override readonly name = 'KnowledgeFailure';
  readonly code: FailureCode;
  readonly detail: Record<string, unknown>;

  constructor(code: FailureCode, message: string, options: {detail?: Record<string, unknown>; cause?: unknown} = {}) {
    super(message, options.cause === undefined ? undefined : {cause: options.cause});
    this.code = code;
    this.detail = options.detail ?? {};
  }
}
