// What the rest of the worker asks of the store: models by their address, inspected, opened, listed and removed. The
// contract only; create-model-store.ts fulfils it. Knows no GGUF, no GPU and no one who is asked for consent.
import type {ByteSource} from '../gguf/byte-source.ts';
import type {FileIdentity} from './http/http-answer.ts';

/** A file on a web server. A model is stored under its URL; wherever it redirects to is no part of its name. */
export interface ModelAddress {
  /** Absolute, or relative to the worker. The fragment is ignored, the query is not. */
  readonly url: string;
  /**
   * SHA-256 of the whole file: `sha256-…` or `sha256:…`, in base64 or hex (see integrity.ts). A file that is stored
   * under another URL with this hash is the same file.
   */
  readonly integrity?: string;
}

/**
 * Where bytes stay. `opfs` and `cache` survive a restart of the browser (as far as `persist` was granted); with `memory`
 * nothing is stored: every load fetches the file again, and rows that are read later come from the network.
 */
export type StorageKind = 'opfs' | 'cache' | 'memory';

/** What is known of a model before it is loaded. */
export interface Inspection {
  readonly address: ModelAddress;
  /** For messages: the URL without its query. */
  readonly name: string;
  /** Bytes of the file. */
  readonly size: number;
  /** Bytes of it that need not be fetched again; `size` if it is stored completely. */
  readonly storedBytes: number;
  /** ETag, Last-Modified and size as the server gives them now, or as they were stored if it cannot be reached. */
  readonly identity: FileIdentity;
  /** SHA-256 (hex) that the server or the address gives for the file; null where no one says. */
  readonly sha256: string | null;
  /** The first bytes of the file, 64 KiB or less: a GGUF's `general.*` keys are usually among them. */
  readonly head: Uint8Array;
  /** False if the server could not be asked and everything here is from the store. */
  readonly online: boolean;
  /** False if the server sends no ranges: a broken download then begins again at the first byte. */
  readonly ranges: boolean;
  /** Where its bytes will stay. */
  readonly storage: StorageKind;
}

/** What a load is doing with the file's bytes. `loadedBytes` never goes back within one phase. */
export interface StoreProgress {
  /**
   * `waiting`: another worker is writing this model; `download`: bytes come from the network; `read`: all that was
   * wanted lately was stored; `verify`: the whole file's hash is being completed; `retry`: the connection failed and is
   * tried again in `retryInMs`.
   */
  readonly phase: 'waiting' | 'download' | 'read' | 'verify' | 'retry';
  /** Bytes that are here: stored ones and those that have come since. For `verify`: bytes hashed. */
  readonly loadedBytes: number;
  /** Bytes that came over the network since `open`. */
  readonly fetchedBytes: number;
  /** Bytes of the file. */
  readonly totalBytes: number;
  readonly retryInMs?: number;
}

export interface OpenOptions {
  /** Stops the opening, not what is read later: each read and stream has a signal of its own. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: StoreProgress) => void;
  /** False: store nothing, whatever could be stored. A model that is stored completely is used all the same. */
  readonly keep?: boolean;
}

/**
 * A model's bytes: from the disk what is there, from the network what is missing, and that is written to the disk in the
 * same pass. Ranges no one asks for are not fetched, but for the rest of a block (4 MiB) they begin or end in.
 *
 * Pause: abort the signals of what is being read, and `close`; whole blocks stay. Resume: open it again. Cancel: pause,
 * then `ModelStore.remove`.
 *
 * `read` and `stream` throw, besides what ByteSource says: GemmaError `network`, `cors`, `http-status`,
 * `range-unsupported`, `storage-full`, `storage-failed`, `file-changed` (the old blocks have been dropped: open it again
 * and begin anew), `closed`.
 */
export interface ModelSource extends ByteSource {
  readonly storage: StorageKind;
  readonly identity: FileIdentity;
  /** Bytes of the file that are stored by now. */
  readonly storedBytes: number;
  /** SHA-256 (hex) the whole has to have; null where no one says. */
  readonly sha256: string | null;
  /**
   * Completes the check of the whole file against `sha256`, fetching what is missing. At once where there is none or it
   * was done when the file was stored. Call it after the weights were streamed: their bytes are hashed on the way.
   * @throws GemmaError `integrity-mismatch`: nothing of the file is stored any more
   */
  verify(signal?: AbortSignal): Promise<void>;
  /**
   * The load is over, rows may be read later: lets other workers write the model. Memory that only a load needs is let
   * go of.
   */
  settle(): Promise<void>;
  /** The file is of no use: closes, and deletes what is stored of it. */
  discard(): Promise<void>;
  /** Ends all transfers at once; resolves when whole blocks are stored and others may write. Idempotent; never rejects. */
  close(): Promise<void>;
}

/** A model on the disk, complete or not. */
export interface StoredModel {
  /** Name of its folder. */
  readonly id: string;
  readonly url: string;
  readonly size: number;
  readonly storedBytes: number;
  readonly complete: boolean;
  /** Milliseconds since 1970. */
  readonly lastUsed: number;
  /** SHA-256 (hex) the whole was found to have; null where it was never asked for. */
  readonly sha256: string | null;
}

/** Bytes of this site's storage, as `navigator.storage.estimate` says; null where the browser does not say. */
export interface StorageEstimate {
  readonly usage: number | null;
  readonly quota: number | null;
  readonly free: number | null;
  /** Whether the browser promised not to clear it when space is short. */
  readonly persisted: boolean;
}

export interface ModelStore {
  readonly storage: StorageKind;
  /**
   * Asks the server for the file's first 64 KiB or, where they are stored, for one byte; nothing is written.
   * @throws GemmaError as `open`; AbortError
   */
  inspect(address: ModelAddress, signal?: AbortSignal): Promise<Inspection>;
  /**
   * Asks the server which file it has now. One that is stored completely opens without a server too, and with no request
   * at all if `integrity` names the hash it was found to have.
   * @throws GemmaError `option-invalid` (no usable URL or integrity), `network`, `cors`, `http-status`,
   *   `range-unsupported`, `gguf-truncated`, `storage-full` (what is missing will not fit), `integrity-mismatch` (the
   *   server itself names another hash than `integrity`); AbortError
   */
  open(address: ModelAddress, options?: OpenOptions): Promise<ModelSource>;
  /** All models that are stored, the last used first. */
  list(): Promise<StoredModel[]>;
  /**
   * Unknown ids are removed already.
   * @throws GemmaError `model-in-use` while a worker writes it
   */
  remove(id: string): Promise<void>;
  removeAll(): Promise<void>;
  /** The folder's name for an address, as in `StoredModel`. */
  idOf(address: ModelAddress): Promise<string>;
  estimate(): Promise<StorageEstimate>;
  /**
   * Which models to remove so that `bytes` more fit: least recently used first, none of `except` (ids). Empty if they
   * fit already or the browser does not say; all candidates if even that is not enough.
   */
  suggestRemoval(bytes: number, except?: readonly string[]): Promise<StoredModel[]>;
  /** Asks the browser to keep this site's storage when space is short. False if it will not, or cannot. */
  persist(): Promise<boolean>;
}
