// One end of a port: parses what comes, posts what goes, and closes once. Knows no ids and no meaning.

/** What we use of a MessagePort. */
export interface PortLike {
  postMessage(message: unknown): void;
  addEventListener(type: 'message' | 'messageerror' | 'close', listener: (event: {data?: unknown}) => void): void;
  start?(): void;
  close?(): void;
}

export interface EndpointOptions<In> {
  /** The message, or null for what is none of ours: it is dropped. Must not throw. */
  parse(data: unknown): In | null;
  receive(message: In): void;
  /** The other side has gone, where the browser says so. A hint: its absence means nothing. */
  closed?(): void;
}

/** One end of a port: `Out` is posted, `In` comes. What does not parse is given to `receive` as such. */
export class Endpoint<Out, In> {
  readonly #port: PortLike;
  #open = true;

  constructor(port: PortLike, options: EndpointOptions<In>) {
    this.#port = port;
    port.addEventListener('message', ({data}) => {
      if (!this.#open) return;
      const message = options.parse(data);
      if (message) options.receive(message);
    });
    port.addEventListener('close', () => {
      if (!this.#open) return;
      this.#open = false;
      options.closed?.();
    });
    port.start?.();
  }

  /** Says nothing once closed. @throws DataCloneError for what cannot cross a port. */
  post(message: Out): void {
    if (this.#open) this.#port.postMessage(message);
  }

  /** Idempotent. What was posted before still arrives. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#port.close?.();
  }
}
