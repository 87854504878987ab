// What starting a worker needs of the page, and what it gives back.
import type {GemmaError} from '../errors.ts';
import type {PortLike} from '../protocol/endpoint.ts';
import type {WorkerMessage} from '../protocol/messages.ts';
import type {Channels} from './host-port.ts';

/** What reports that a script did not load, or failed. */
export type ErrorSource = Pick<EventTarget, 'addEventListener'>;
export type SharedWorkerLike = ErrorSource & {readonly port: MessagePort};
export type WorkerLike = ErrorSource & {
  postMessage(message: WorkerMessage, transfer?: Transferable[]): void;
  terminate(): void;
};

/** What we use of `navigator.locks`. */
export interface Locks {
  request(name: string, options: {signal?: AbortSignal}, held: () => unknown): Promise<unknown>;
}

export interface WorkerPlatform {
  /** The page's origin. */
  readonly origin: string;
  readonly SharedWorker?: new (url: string, options: {type: 'module'}) => SharedWorkerLike;
  readonly Worker?: new (url: string, options: {type: 'module'}) => WorkerLike;
  readonly locks?: Locks;
  readonly BroadcastChannel?: Channels;
  /** Milliseconds between two looks at whether a worker answers. */
  readonly beatMs?: number;
  /** Where tabs tell each other which worker hangs. */
  readonly memory?: Pick<Storage, 'getItem' | 'setItem'>;
  /** Calls back when the page goes or is frozen; returns how to stop listening. */
  onPageStops?(listener: () => void): () => void;
}

export interface OpenPort {
  readonly port: PortLike;
  /** Resolves with `worker-failed` if the script does not load or start. */
  readonly failed: Promise<GemmaError>;
  /** The port is no longer needed. Called once. */
  release(): void;
  /** The worker hangs: a port that is opened from now on leads to another one. */
  retire(): void;
}

export interface StartedWorker {
  readonly worker: WorkerLike;
  /** Resolves with the reason when its script does not load, or fails. */
  readonly failed: Promise<GemmaError>;
}
