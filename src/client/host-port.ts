// A port to the worker of whichever tab is host. Knows how that worker is found, and nothing of an election.
import type {PortLike} from '../protocol/endpoint.ts';
import type {HostMessage} from '../protocol/messages.ts';

type Channel = Pick<BroadcastChannel, 'postMessage' | 'addEventListener' | 'close'>;
export type Channels = new (name: string) => Channel;
type Listener = (event: {data?: unknown}) => void;

/**
 * A port to the host's worker, over a channel of its own: a MessagePort cannot be sent to another tab. A host that has not
 * been answered yet greets the next host as well; later, the next host's coming is the end of the port.
 */
export class HostPort implements PortLike {
  readonly #Channel: Channels;
  readonly #listeners: {type: string; listener: Listener}[] = [];
  /** Where hosts and those who look for one hear each other. */
  readonly #forum: Channel;
  #host: string | null = null;
  #channel: Channel | null = null;
  /** What was posted before the first answer. */
  readonly #greeting: unknown[] = [];
  #answered = false;

  constructor(name: string, Channel: Channels) {
    this.#Channel = Channel;
    this.#forum = new Channel(name);
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.push({type, listener});
  }

  /** Looks for the host. One that is elected later makes itself known: no one is asked twice. */
  start(): void {
    this.#forum.addEventListener('message', ({data}) => this.#heard(data as HostMessage));
    this.#forum.postMessage({type: 'seek'} satisfies HostMessage);
  }

  postMessage(message: unknown): void {
    if (this.#answered) {
      this.#channel?.postMessage(message);
      return;
    }
    this.#greeting.push(message);
    if (this.#host && !this.#channel) this.#open(this.#host);
  }

  close(): void {
    this.#forum.close();
    this.#channel?.close();
  }

  #heard(message: HostMessage | null): void {
    if (message?.type !== 'host' || message.host === this.#host) return;
    this.#host = message.host;
    if (this.#answered) this.#emit('close');
    else if (this.#greeting.length > 0) this.#open(message.host);
  }

  #open(host: string): void {
    const port = `gemma-chat-port-${crypto.randomUUID()}`;
    this.#channel?.close();
    this.#channel = new this.#Channel(port);
    this.#channel.addEventListener('message', ({data}) => {
      this.#answered = true;
      this.#emit('message', data);
    });
    this.#forum.postMessage({type: 'open', host, port, greeting: this.#greeting} satisfies HostMessage);
  }

  #emit(type: string, data?: unknown): void {
    for (const each of this.#listeners) if (each.type === type) each.listener({data});
  }
}
