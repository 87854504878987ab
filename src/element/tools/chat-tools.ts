// What a page gives the model to use, and what is said of its use.

import type {ToolStep} from '../../protocol/messages.ts';

/** A function of the page's that the model may call. */
export interface ChatTool {
  /** As the model calls it. */
  readonly name: string;
  /** When to use it and what it gives, in words for the model. */
  readonly description?: string;
  /** A JSON Schema of its arguments. */
  readonly parameters?: Record<string, unknown>;
  /** Asks the visitor before every call. */
  readonly confirm?: boolean;
  /**
   * Runs it. The arguments are a model's words: check them as any input. A text is what the model reads; any other value
   * is read as JSON. What it throws is read as the failure.
   */
  execute(args: Record<string, unknown>, context: {signal: AbortSignal}): unknown;
}

/** Asks the visitor whether a step may run. */
export type AskVisitor = (step: ToolStep, signal: AbortSignal) => Promise<boolean>;
