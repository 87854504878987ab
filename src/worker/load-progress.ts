// How far a load is: one fraction from what the store and the engine report, each in bytes of its own. Loads nothing.
import type {LoadPhase, LoadProgress, ModelStorage} from '../protocol/messages.ts';
import type {StoreProgress} from '../store/model-store.ts';

/** Fraction of the whole at which each phase ends. `waiting` and `retry` keep the current fraction. */
const ENDS: Readonly<Record<Exclude<LoadPhase, 'waiting' | 'retry'>, number>> = {
  connect: 0,
  header: 0.02,
  download: 0.95,
  upload: 0.95,
  compile: 0.97,
  verify: 1,
  ready: 1,
};

/** Reports one load, from the header to the model that is ready. */
export class LoadProgressReport {
  readonly #report: (progress: LoadProgress) => void;
  #storage: ModelStorage | undefined;
  #fraction = 0;
  /** What the store did last; null before it has done anything. */
  #storePhase: StoreProgress['phase'] | null = null;
  #wholeFileIsHere = false;
  /** Null until the header is read. */
  #headerBytes: number | null = null;

  constructor(report: (progress: LoadProgress) => void) {
    this.#report = report;
  }

  /** The header is asked for. */
  begin(): void {
    this.#tell('header', ENDS.connect);
  }

  /** The files are open. */
  opened(storage: ModelStorage, wholeFileIsHere: boolean): void {
    this.#storage = storage;
    this.#wholeFileIsHere = wholeFileIsHere;
  }

  /** What the store does, in bytes of all files. */
  store({phase, loadedBytes, totalBytes}: StoreProgress): void {
    this.#storePhase = phase;
    const share = totalBytes > 0 ? loadedBytes / totalBytes : 0;
    if (phase === 'waiting' || phase === 'retry') this.#tell(phase, this.#fraction, loadedBytes, totalBytes);
    // The header's own bytes count: a vocabulary has megabytes.
    if (phase === 'download' && this.#headerBytes === null && totalBytes > 0) {
      this.#tell('header', Math.min(ENDS.header, share), loadedBytes, totalBytes);
    }
    if (phase === 'verify') this.#tell(phase, between(ENDS.compile, ENDS.verify, share), loadedBytes, totalBytes);
  }

  /** The header is read, and weights are asked for. */
  headerRead(headerBytes: number, fileBytes: number): void {
    this.#headerBytes = headerBytes;
    this.#tell(this.#arrival, ENDS.header, headerBytes, fileBytes);
  }

  /** What the engine has of the weights. It leaves out what no load reads, such as a tower for pictures. */
  weights(loadedBytes: number, totalBytes: number): void {
    const header = this.#headerBytes ?? 0;
    const share = totalBytes > 0 ? loadedBytes / totalBytes : 1;
    const phase = loadedBytes >= totalBytes ? 'compile' : this.#arrival;
    this.#tell(phase, between(ENDS.header, ENDS.download, share), header + loadedBytes, header + totalBytes);
  }

  /** The model is on the GPU, and its file is as it should be. */
  ready(fileBytes: number): void {
    this.#tell('ready', ENDS.ready, fileBytes, fileBytes);
  }

  /** How weights arrive at present. */
  get #arrival(): 'upload' | 'download' {
    const fromDisk = this.#storePhase === null ? this.#wholeFileIsHere : this.#storePhase === 'read';
    return fromDisk ? 'upload' : 'download';
  }

  #tell(phase: LoadPhase, fraction: number, loadedBytes = 0, totalBytes = 0): void {
    this.#fraction = fraction;
    this.#report({phase, fraction, loadedBytes, totalBytes, ...(this.#storage && {storage: this.#storage})});
  }
}

/** @param share 0 to 1 */
function between(from: number, to: number, share: number): number {
  return from + share * (to - from);
}
