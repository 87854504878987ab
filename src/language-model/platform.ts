// What the browser's own interfaces do before any step of theirs runs: convert values as Web IDL does, throw the
// exceptions of the platform, fire its events. Knows no model.

/** @throws TypeError for what is no dictionary. Null and undefined are an empty one. */
export function dictionary<T extends object>(value: unknown, what: string): Partial<T> {
  if (value === undefined || value === null) return {};
  if (typeof value !== 'object' && typeof value !== 'function') throw new TypeError(`${what} is not an object`);
  return value as Partial<T>;
}

/** @throws TypeError for what is not iterable, or has more than `MAX_ITEMS` */
export function sequence(value: unknown, what: string): unknown[] {
  if (!isIterable(value)) throw new TypeError(`${what} is not a sequence`);
  const items: unknown[] = [];
  for (const item of value) {
    if (items.length === MAX_ITEMS) throw new TypeError(`${what} has more than ${MAX_ITEMS} items`);
    items.push(item);
  }
  return items;
}

/** An iterator need not end. */
const MAX_ITEMS = 100_000;

/** Objects only: a string is iterable too, and is no sequence. */
export function isIterable(value: unknown): value is Iterable<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as Iterable<unknown>)[Symbol.iterator] === 'function'
  );
}

/** @throws TypeError for what is none of `values` */
export function enumeration<T extends string>(value: unknown, values: readonly T[], what: string): T {
  const text = String(value);
  if (!(values as readonly string[]).includes(text)) {
    throw new TypeError(`${what} is ${JSON.stringify(text.slice(0, 40))}; expected ${values.join(', ')}`);
  }
  return text as T;
}

/** @throws TypeError for what is no AbortSignal */
export function abortSignal(value: unknown): AbortSignal | undefined {
  if (value === undefined) return undefined;
  if (value instanceof AbortSignal) return value;
  throw new TypeError('signal is not an AbortSignal');
}

/** Names of DOMExceptions that these interfaces throw. */
export type ExceptionName =
  | 'AbortError'
  | 'DataError'
  | 'InvalidStateError'
  | 'NetworkError'
  | 'NotAllowedError'
  | 'NotSupportedError'
  | 'OperationError'
  | 'SyntaxError'
  | 'UnknownError';

export function exception(name: ExceptionName, message: string, cause?: unknown): DOMException {
  const error = new DOMException(message, name);
  if (cause !== undefined) Object.defineProperty(error, 'cause', {value: cause, configurable: true, writable: true});
  return error;
}

interface QuotaOptions {
  requested: number;
  quota: number;
}

/** Too much for the context. `requested` and `quota` in tokens; the browser's own class where it has one. */
export function quotaExceeded(message: string, options: QuotaOptions): DOMException {
  type Native = new (message: string, options: QuotaOptions) => DOMException;
  const {QuotaExceededError: native} = globalThis as {QuotaExceededError?: Native};
  if (native) return new native(message, options);
  const error = new DOMException(message, 'QuotaExceededError');
  for (const [name, value] of Object.entries(options)) Object.defineProperty(error, name, {value, enumerable: true});
  return error;
}

/** A frame that was removed, or a page that was left, begins nothing new. */
export function checkActive(): void {
  if (typeof document !== 'undefined' && document.defaultView === null) {
    throw exception('InvalidStateError', 'the document is not fully active');
  }
}

/** Whether the visitor has done something on this page; true where the browser does not say. */
export function visitorActed(): boolean {
  return globalThis.navigator?.userActivation?.hasBeenActive ?? true;
}

/** In a task of its own: what events set going has come to its end by then. No timer, which a hidden page would hold back. */
export function nextTask(): Promise<void> {
  const {port1, port2} = new MessageChannel();
  return new Promise((resolve) => {
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/**
 * `promise`, unless one of `signals` is aborted first: then rejects at once with its reason. What goes on behind a rejected
 * one is the caller's to stop.
 */
export function unlessAborted<T>(signals: readonly (AbortSignal | undefined)[], start: () => Promise<T>): Promise<T> {
  const present = signals.filter((signal) => signal !== undefined);
  return new Promise((resolve, reject) => {
    for (const signal of present) signal.throwIfAborted();
    const stops = present.map((signal) => {
      const stop = (): void => reject(signal.reason);
      signal.addEventListener('abort', stop);
      return () => signal.removeEventListener('abort', stop);
    });
    start()
      .then(resolve, reject)
      .finally(() => {
        for (const stop of stops) stop();
      });
  });
}

/** An attribute `on…`: one listener that is assigned. Null when there is none. */
export class EventHandler {
  #handler: ((event: Event) => unknown) | null = null;

  constructor(target: EventTarget, type: string) {
    target.addEventListener(type, (event) => this.#handler?.call(target, event));
  }

  get value(): ((event: Event) => unknown) | null {
    return this.#handler;
  }

  set value(value: unknown) {
    this.#handler = typeof value === 'function' ? (value as (event: Event) => unknown) : null;
  }
}

/**
 * Language tags in their canonical form, each once.
 * @throws RangeError for what is no tag
 */
export function languageTags(value: unknown, what: string): string[] {
  return Intl.getCanonicalLocales(sequence(value, what).map(String));
}
