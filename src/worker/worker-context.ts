// What all sessions of one worker share.
import type {Attention} from '../protocol/messages.ts';
import type {EncoderHost} from './encoder-host.ts';
import type {KnowledgeHost} from './knowledge-host.ts';
import type {ModelHost} from './model-host.ts';
import type {ModelLibrary} from './model-library.ts';

/** What we use of `navigator.locks`. */
export interface Locks {
  request(name: string, options: {signal?: AbortSignal}, held: () => unknown): Promise<unknown>;
}

/** What all sessions of a worker share. */
export interface WorkerContext {
  readonly host: ModelHost;
  readonly library: ModelLibrary;
  readonly knowledge: KnowledgeHost;
  readonly encoders: EncoderHost;
  readonly locks: Locks | undefined;
  /** Name of the lock that says this worker is alive, once it is held. */
  readonly lock: Promise<string | null>;
  readonly webgpu: boolean;
  readonly sessions: Set<{readonly attention: Attention; close(): void}>;
  /** Milliseconds between two questions to a client that no lock proves. Default 10 s. */
  readonly beatMs?: number;
}
