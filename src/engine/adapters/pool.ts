// The factors of all adapters that are on the GPU. One buffer a site holds A and B of every adapter there, one after the
// other, so that a dispatch serves rows of different adapters; beside it a table says where each term is. Both are made
// anew when an adapter comes or goes; factors are copied on the GPU. Knows no file, no request and no graph.
import {GemmaError} from '../../errors.ts';
import type {BufferPool} from '../../gpu/buffers.ts';
import {guarded} from '../../gpu/device.ts';
import type {EngineAdapter, LowRankFactors} from '../engine.ts';
import type {Site, SitePart, SiteTerms} from '../graph/low-rank.ts';
import {packTerms, type TermRecord} from './tables.ts';

/** Adapters that may be on the GPU at once. */
export const MAX_ADAPTERS = 32;
/** Bindings begin at multiples of it, on every device. In f32. */
const ALIGNMENT = 64;

/** A term without its values. */
export type TermShape = Omit<LowRankFactors, 'a' | 'b'>;

/** A term's values, as files have them. */
export type Factors = Pick<LowRankFactors, 'a' | 'b'>;

/** A term on the GPU. */
export interface PooledTerm extends TermShape {
  readonly nIn: number;
  readonly nOut: number;
  /**
   * Where A and B are: what a bind group takes, offset a multiple of 256 bytes. Kernels may write there between steps.
   * They hold until `AdapterPool.revision` changes: then ask for the term again.
   */
  readonly a: Required<GPUBufferBinding>;
  readonly b: Required<GPUBufferBinding>;
}

/** An adapter on the GPU. */
export interface PooledAdapter extends EngineAdapter {
  /** What rows are marked with; given to another once this one is removed. */
  readonly slot: number;
  /** Different for every adapter that ever was: keys and values are known by it. */
  readonly uid: number;
  readonly shapes: readonly TermShape[];
}

/** What dispatches of one site bind. */
export interface SiteBuffers extends SiteTerms {
  /** A and B of all terms. */
  readonly factors: GPUBuffer;
  /** shaders/lib/low_rank.wgsl, `Term`, in the order of their columns. */
  readonly terms: GPUBuffer;
}

interface Entry extends PooledAdapter {
  terms: Map<string, PooledTerm>;
  version: number;
}

/**
 * The adapters of one engine. `create` and `remove` change which buffers there are; the holder of bind groups makes them
 * anew when `revision` has changed, and calls `release` once no submitted work uses the old ones.
 */
export class AdapterPool {
  readonly #device: GPUDevice;
  readonly #buffers: BufferPool;
  readonly #sites: ReadonlyMap<string, {site: Site; part: SitePart}>;
  readonly #adapters: (Entry | undefined)[] = [];
  #bySite = new Map<string, SiteBuffers>();
  #old: GPUBuffer[] = [];
  #nextUid = 1;
  #revision = 0;

  constructor(device: GPUDevice, buffers: BufferPool, sites: readonly Site[]) {
    this.#device = device;
    this.#buffers = buffers;
    this.#sites = new Map(sites.flatMap((site) => site.parts.map((part) => [part.tensor, {site, part}] as const)));
  }

  /** Counts changes of buffers. */
  get revision(): number {
    return this.#revision;
  }

  /** The buffers of every site that has a term. */
  get sites(): readonly SiteBuffers[] {
    return [...this.#bySite.values()];
  }

  get adapters(): readonly PooledAdapter[] {
    return this.#adapters.filter((one) => one !== undefined);
  }

  /**
   * Room for an adapter, its factors zero: until they are written it changes nothing.
   * @throws GemmaError `out-of-memory` when there are MAX_ADAPTERS, or the GPU has no room; then nothing has changed
   */
  async create(shapes: readonly TermShape[]): Promise<PooledAdapter> {
    let slot = this.#adapters.indexOf(undefined);
    if (slot < 0) slot = this.#adapters.length;
    if (slot >= MAX_ADAPTERS) {
      throw new GemmaError('out-of-memory', `${MAX_ADAPTERS} adapters are loaded; unload one first`, {
        detail: {adapters: MAX_ADAPTERS},
      });
    }
    const used = shapes.filter(({tensor}) => this.#sites.has(tensor));
    const dropped = shapes.filter((shape) => !used.includes(shape)).map(({tensor}) => tensor);
    const bytes = this.bytesOf(shapes);
    const adapter: Entry = {slot, uid: this.#nextUid++, shapes: used, dropped, bytes, terms: new Map(), version: 0};
    this.#adapters[slot] = adapter;
    try {
      await this.#arrange();
    } catch (error) {
      this.#adapters[slot] = undefined;
      throw error;
    }
    return adapter;
  }

  /** Takes an adapter off the GPU. Its slot is free from then on. */
  async remove(adapter: PooledAdapter): Promise<void> {
    if (this.#adapters[adapter.slot] !== adapter) return;
    this.#adapters[adapter.slot] = undefined;
    await this.#arrange();
  }

  /** What the factors of these terms take on the GPU. */
  bytesOf(shapes: readonly TermShape[]): number {
    return shapes.reduce((sum, {tensor, rank}) => {
      const found = this.#sites.get(tensor);
      return sum + (found ? 4 * rank * (found.site.nIn + found.part.nOut) : 0);
    }, 0);
  }

  /** Where the term of a tensor is now; undefined where the adapter has none. */
  term(adapter: PooledAdapter, tensor: string): PooledTerm | undefined {
    return this.#entry(adapter).terms.get(tensor);
  }

  /** Writes factors from the CPU. Steps that are submitted later see them. */
  write(adapter: PooledAdapter, tensor: string, {a, b}: Factors): void {
    const term = this.term(adapter, tensor);
    if (!term) throw new GemmaError('internal', `the adapter has no term for ${tensor}`);
    if (4 * a.length !== term.a.size || 4 * b.length !== term.b.size) {
      throw new GemmaError('internal', `factors of ${tensor} have ${a.length} and ${b.length} values`);
    }
    this.#device.queue.writeBuffer(term.a.buffer, term.a.offset, a);
    this.#device.queue.writeBuffer(term.b.buffer, term.b.offset, b);
  }

  /** The factors as they are after all work that was submitted so far. */
  async read(adapter: PooledAdapter, tensor: string): Promise<Factors> {
    const term = this.term(adapter, tensor);
    if (!term) throw new GemmaError('internal', `the adapter has no term for ${tensor}`);
    const staging = this.#buffers.createReadback(`${tensor} readback`, term.a.size + term.b.size);
    try {
      const encoder = this.#device.createCommandEncoder();
      encoder.copyBufferToBuffer(term.a.buffer, term.a.offset, staging, 0, term.a.size);
      encoder.copyBufferToBuffer(term.b.buffer, term.b.offset, staging, term.a.size, term.b.size);
      this.#device.queue.submit([encoder.finish()]);
      await staging.mapAsync(GPUMapMode.READ);
      const values = new Float32Array(staging.getMappedRange().slice(0, term.a.size + term.b.size));
      return {a: values.slice(0, term.a.size / 4), b: values.slice(term.a.size / 4)};
    } finally {
      this.#buffers.free(staging);
    }
  }

  /** Says that factors have changed: keys and values that were computed with the old ones are not found any more. */
  changed(adapter: PooledAdapter): void {
    this.#entry(adapter).version++;
  }

  /** What keys and values of this adapter are known by. */
  keyOf(adapter: PooledAdapter): string {
    const {uid, version} = this.#entry(adapter);
    return `${uid}.${version}`;
  }

  /** Frees the buffers that `create` and `remove` have replaced. */
  release(): void {
    for (const buffer of this.#old) this.#buffers.free(buffer);
    this.#old = [];
  }

  #entry(adapter: PooledAdapter): Entry {
    const entry = this.#adapters[adapter.slot];
    if (!entry || entry !== adapter) throw new GemmaError('closed', 'the adapter was unloaded; load it again');
    return entry;
  }

  /** New buffers for all sites, with the factors that the old ones hold. */
  async #arrange(): Promise<void> {
    const made: GPUBuffer[] = [];
    const sites = new Map<string, SiteBuffers>();
    const moved = new Map<Entry, Map<string, PooledTerm>>();
    try {
      await guarded(this.#device, () => {
        for (const [name, group] of this.#bySiteName()) {
          const buffers = this.#siteBuffers(group, moved);
          made.push(buffers.factors, buffers.terms);
          sites.set(name, buffers);
        }
      });
    } catch (error) {
      for (const buffer of made) this.#buffers.free(buffer);
      throw error;
    }
    const encoder = this.#device.createCommandEncoder();
    for (const [adapter, terms] of moved) {
      for (const [tensor, {a, b}] of terms) {
        const before = adapter.terms.get(tensor);
        if (!before) continue;
        encoder.copyBufferToBuffer(before.a.buffer, before.a.offset, a.buffer, a.offset, a.size);
        encoder.copyBufferToBuffer(before.b.buffer, before.b.offset, b.buffer, b.offset, b.size);
      }
    }
    this.#device.queue.submit([encoder.finish()]);
    for (const adapter of this.#adapters) if (adapter) adapter.terms = moved.get(adapter) ?? new Map();
    for (const {factors, terms} of this.#bySite.values()) this.#old.push(factors, terms);
    this.#bySite = sites;
    this.#revision++;
  }

  /** The terms of every site, by slot, then in the order of the site's matrices. */
  #bySiteName(): Map<string, {site: Site; terms: {adapter: Entry; shape: TermShape; part: SitePart}[]}> {
    const groups = new Map<string, {site: Site; terms: {adapter: Entry; shape: TermShape; part: SitePart}[]}>();
    for (const adapter of this.#adapters) {
      for (const shape of adapter?.shapes ?? []) {
        const {site, part} = this.#sites.get(shape.tensor)!;
        const group = groups.get(site.name) ?? {site, terms: []};
        group.terms.push({adapter: adapter!, shape, part});
        groups.set(site.name, group);
      }
    }
    return groups;
  }

  #siteBuffers(
    {site, terms}: {site: Site; terms: readonly {adapter: Entry; shape: TermShape; part: SitePart}[]},
    moved: Map<Entry, Map<string, PooledTerm>>,
  ): SiteBuffers {
    const records: TermRecord[] = [];
    let column = 0;
    let size = 0;
    const place = (values: number): number => {
      const at = size;
      size = Math.ceil((at + values) / ALIGNMENT) * ALIGNMENT;
      return at;
    };
    for (const {adapter, shape, part} of terms) {
      const {rank, scale} = shape;
      const a = place(rank * site.nIn);
      const b = place(rank * part.nOut);
      const {firstOutput, nOut} = part;
      records.push({slot: adapter.slot, rank, column, a, b, firstOutput, nOut, scale: scale * site.factor});
      column += rank;
    }
    const factors = this.#buffers.create(`${site.name} factors`, 'adapters', 4 * size);
    const table = this.#buffers.createFrom(`${site.name} terms`, 'adapters', packTerms(records));
    terms.forEach(({adapter, shape, part: {nOut}}, i) => {
      const binding = (at: number, values: number) => ({buffer: factors, offset: 4 * at, size: 4 * values});
      const of = moved.get(adapter) ?? new Map<string, PooledTerm>();
      of.set(shape.tensor, {
        ...shape,
        nIn: site.nIn,
        nOut,
        a: binding(records[i].a, shape.rank * site.nIn),
        b: binding(records[i].b, shape.rank * nOut),
      });
      moved.set(adapter, of);
    });
    return {site, factors, terms: table, nTerms: terms.length, nColumns: column};
  }
}
