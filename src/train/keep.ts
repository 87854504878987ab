// Trainings on the disk: a folder each, with what was asked, the data and the last state. Every file is written whole or not at
// all. Knows no training.
import {GemmaError} from '../errors.ts';
import type {TrainingPlan, TrainingSettings} from '../protocol/training.ts';
import type {BlockStore} from '../store/blocks/block-store.ts';
import {decodeState, encodeState, type KeptState} from './state-file.ts';

/** What a run was begun with. */
export interface KeptRun {
  readonly id: string;
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly created: number;
  /** Of the model that it trains on. */
  readonly model: string;
  /** All of them. */
  readonly settings: Required<Omit<TrainingSettings, 'memoryBudget'>>;
  readonly plan: TrainingPlan;
  /** Rows of a batch: another number would round sums otherwise. */
  readonly batchRows: number;
  /** Whether it goes on from an adapter: then only its state has the first factors. */
  readonly from: boolean;
}

/** Files of examples. */
export interface KeptData {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly validation: Uint8Array<ArrayBuffer> | null;
}

const RUN = 'run.json';
const DATA = 'data.jsonl';
const VALIDATION = 'validation.jsonl';
const STATE = 'state';
const VERSION = 1;
const ID = /^[0-9a-f]{32}$/;

/** The runs that are kept. */
export class Keep {
  readonly #blocks: Promise<BlockStore>;

  constructor(blocks: Promise<BlockStore>) {
    this.#blocks = blocks;
  }

  /** Those that are whole, the newest first. */
  async list(): Promise<KeptRun[]> {
    const folders = (await (await this.#blocks).folders()).filter((name) => ID.test(name));
    const runs = await Promise.all(folders.map((id) => this.run(id)));
    return runs.filter((run) => run !== null).sort((a, b) => b.created - a.created);
  }

  /** Null where there is none, or of another version. @throws GemmaError `storage-failed` */
  async run(id: string): Promise<KeptRun | null> {
    const bytes = await this.#read(id, RUN);
    if (!bytes) return null;
    try {
      const {version, ...run} = JSON.parse(new TextDecoder().decode(bytes));
      return version === VERSION && run.id === id ? run : null;
    } catch {
      return null;
    }
  }

  /** @throws GemmaError `storage-failed`: something else has taken it away */
  async data(id: string): Promise<KeptData> {
    const [data, validation] = await Promise.all([this.#read(id, DATA), this.#read(id, VALIDATION)]);
    if (data) return {data, validation};
    throw new GemmaError('storage-failed', 'the data of this training is no longer stored; begin it again', {
      detail: {run: id},
    });
  }

  /** Null where there is none that is whole. */
  async state(id: string): Promise<KeptState | null> {
    const bytes = await this.#read(id, STATE);
    return bytes ? decodeState(bytes) : null;
  }

  /** The description last: a folder without one is no run. @throws GemmaError `storage-full`, `storage-failed` */
  async begin(run: KeptRun, {data, validation}: KeptData): Promise<void> {
    const blocks = await this.#blocks;
    await blocks.put(run.id, DATA, data);
    if (validation) await blocks.put(run.id, VALIDATION, validation);
    const text = JSON.stringify({version: VERSION, ...run});
    await blocks.put(run.id, RUN, new TextEncoder().encode(text));
  }

  /** @throws GemmaError `storage-full`, `storage-failed`: the state before stays */
  async putState(id: string, state: KeptState): Promise<void> {
    await (await this.#blocks).put(id, STATE, await encodeState(state));
  }

  /** Nothing stays of it. */
  async remove(id: string): Promise<void> {
    if (ID.test(id)) await (await this.#blocks).deleteFolder(id);
  }

  async #read(id: string, name: string): Promise<Uint8Array<ArrayBuffer> | null> {
    if (!ID.test(id)) return null;
    const blob = await (await this.#blocks).get(id, name);
    return blob && new Uint8Array(await blob.arrayBuffer());
  }
}
