// The adapters of one engine: puts their terms on the GPU and makes the forward pass that has them. The pass is made while
// the one before still runs; the engine changes over between two steps. Knows no file and no request.
import {GemmaError} from '../../errors.ts';
import type {BufferPool} from '../../gpu/buffers.ts';
import {guarded} from '../../gpu/device.ts';
import type {PipelineCache} from '../../gpu/pipelines.ts';
import type {EngineAdapter, LowRankFactors} from '../engine.ts';
import {adaptedPass, adapterSites, type BasePass, type Pass} from '../memory/adapted-pass.ts';
import {AdapterPool, type PooledAdapter, type TermShape} from './pool.ts';
import type {KnownAdapter} from './sequence-adapters.ts';
import {MIX_WORDS, packMix, type Use} from './tables.ts';

/** What the adapters need of their engine. */
export interface AdapterHome {
  device: GPUDevice;
  buffers: BufferPool;
  pipelines: PipelineCache;
  base: BasePass;
  /** What the GPU is assumed to hold, in bytes. */
  budget: number;
  /** Rows of a step. */
  maxRows: number;
  /** Runs from the next step on with this pass; null: without adapters. */
  change(pass: Pass | null): Promise<void>;
}

/** Owns the pool, the mixes of a step and the buffers of the adapted pass. */
export class EngineAdapters {
  readonly pool: AdapterPool;
  readonly #home: AdapterHome;
  readonly #mixData: Uint32Array<ArrayBuffer>;
  readonly #mixFloats: Float32Array<ArrayBuffer>;
  #mixes: GPUBuffer | null = null;
  /** Buffers of the pass that runs. */
  #made: GPUBuffer[] = [];
  /** One change at a time. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(home: AdapterHome) {
    this.#home = home;
    this.pool = new AdapterPool(home.device, home.buffers, adapterSites(home.base));
    // Row 0 is a row without adapters; every row of a step may differ.
    this.#mixData = new Uint32Array(MIX_WORDS * (home.maxRows + 1));
    this.#mixFloats = new Float32Array(this.#mixData.buffer);
  }

  /**
   * Loads an adapter while steps go on. @throws GemmaError `out-of-memory`: then nothing has changed
   */
  load(terms: readonly LowRankFactors[]): Promise<EngineAdapter> {
    return this.create(terms, (adapter) => {
      for (const term of terms) if (this.pool.term(adapter, term.tensor)) this.pool.write(adapter, term.tensor, term);
    });
  }

  /** Room for an adapter; `fill` writes its factors before a step can use it. Zero factors change nothing. */
  create(shapes: readonly TermShape[], fill: (adapter: PooledAdapter) => void = () => {}): Promise<PooledAdapter> {
    return this.#alone(async () => {
      this.#checkBudget(shapes);
      const adapter = await this.pool.create(shapes);
      fill(adapter);
      try {
        await this.#rebuild();
      } catch (error) {
        await this.pool.remove(adapter);
        await this.#rebuild().catch(() => undefined); // the first error says why
        throw error;
      }
      return adapter;
    });
  }

  /** No sequence may use it any more. */
  unload(adapter: EngineAdapter): Promise<void> {
    return this.#alone(async () => {
      await this.pool.remove(adapter as PooledAdapter);
      await this.#rebuild();
    });
  }

  /** @throws GemmaError `closed` where it is not loaded */
  known(adapter: EngineAdapter): KnownAdapter {
    const {slot} = adapter as PooledAdapter;
    return {slot, key: this.pool.keyOf(adapter as PooledAdapter)};
  }

  /** Writes what the rows of a step use: mix i + 1 is `mixes[i]`. Returns the bytes written. */
  writeMixes(mixes: readonly (readonly Use[])[]): number {
    if (!this.#mixes || mixes.length === 0) return 0;
    mixes.forEach((uses, i) => {
      packMix(this.#mixData, this.#mixFloats, i + 1, uses);
    });
    const words = MIX_WORDS * (mixes.length + 1);
    this.#home.device.queue.writeBuffer(this.#mixes, 0, this.#mixData, 0, words);
    return 4 * words;
  }

  #alone<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(run);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  #checkBudget(shapes: readonly TermShape[]): void {
    const {buffers, budget} = this.#home;
    const needed = this.pool.bytesOf(shapes);
    const held = Object.values(buffers.stats().bytes).reduce((sum, bytes) => sum + bytes, 0);
    // Factors are copied to new buffers: for a moment those of all adapters are there twice.
    const peak = held + buffers.stats().bytes.adapters + needed;
    if (peak <= budget) return;
    const size = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
    throw new GemmaError(
      'out-of-memory',
      `the adapter needs ${size(needed)} on the GPU beside the ${size(held)} in use, ${size(peak)} while it is loaded; ` +
        `this GPU is assumed to hold ${size(budget)}. Unload another adapter, or load the model with a shorter context`,
      {detail: {needed, held, peak, budget}},
    );
  }

  /** Makes the pass of what the pool holds now, and gives the buffers of the one before back. */
  async #rebuild(): Promise<void> {
    const {device, buffers, base, change} = this.#home;
    const before = this.#made;
    const sites = new Map(this.pool.sites.map((one) => [one.site.name, one]));
    if (sites.size === 0) {
      await change(null);
      this.#made = [];
    } else {
      // Mixes are not part of a pass: a step may be under way with those of before.
      this.#mixes ??= buffers.create('mixes of adapters', 'adapters', this.#mixData.byteLength);
      const mixes = this.#mixes;
      let made: GPUBuffer[] = [];
      try {
        const pass = await guarded(device, () => {
          const site = (name: string) => sites.get(name)!;
          const result = adaptedPass(base, [...sites.values()], {mixes, site}, buffers);
          made = result.made;
          return result.pass;
        });
        await change(pass);
      } catch (error) {
        for (const buffer of made) buffers.free(buffer);
        throw error;
      }
      this.#made = made;
    }
    for (const buffer of before) buffers.free(buffer);
    this.pool.release();
  }
}
