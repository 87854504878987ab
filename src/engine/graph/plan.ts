// The words a forward pass is written in: each adds one dispatch (one a slice, for tensors that are cut) to a recording
// whose pipelines, bind groups and grids are then fixed. Owns the step's buffers and the scratch rows. Knows no
// architecture: what follows what is model/*/forward.ts.
import {GemmaError} from '../../errors.ts';
import type {Buffers} from '../../gpu/buffers.ts';
import type {Recorder, Recording} from '../../gpu/recorder.ts';
import {
  addScaled,
  altupCorrect,
  altupPredict,
  attention,
  copyRows,
  gaussianTopk,
  geglu,
  getRows,
  kvWrite,
  matchRms,
  mulMat,
  mulMatId,
  rmsNorm,
  rope,
  softcap,
  sumExperts,
  topExperts,
} from '../kernels/kernels.ts';
import {PAGE_SIZE, type PageGroup} from '../kv/kv-cache.ts';
import type {Weight} from '../memory/weights.ts';

/** What changes from step to step about the work itself. */
export interface StepShape {
  nRows: number;
  /** Rows that go through the head. */
  nOutputs: number;
}

/** f32[n][width] in a buffer for `maxRows`: a step's activations. */
export interface Rows {
  readonly buffer: GPUBuffer;
  readonly width: number;
}

/** What the engine writes before a step. */
export interface StepBuffers {
  /** uniform {n_rows, n_outputs, 0, 0} */
  step: GPUBuffer;
  /** {token, position, page_table, 0}[n_rows] */
  rows: GPUBuffer;
  /** {slot, 0, 0, 0}[chunkSize], each row's own number: only with a table whose rows the engine brings. */
  slots: GPUBuffer | null;
  /** u32[maxSequences][tableLength] a group of layers */
  pageTables: Readonly<Record<PageGroup, GPUBuffer>>;
  /** u32[n_outputs] */
  outputRows: GPUBuffer;
}

/** One layer's keys or values: f32[pages · PAGE_SIZE][width]. */
export interface CacheRows {
  readonly buffer: GPUBuffer;
  readonly width: number;
  /** The page tables of its group of layers. */
  readonly pageTables: GPUBuffer;
}

export interface AttentionConstants {
  nHead: number;
  nHeadKv: number;
  headDim: number;
  window: number;
  scale: number;
  /** Scores are bent into ±softcap; 0: they are not. */
  softcap: number;
}

/** Where dispatches are added: a Recorder, or something that leaves them out. */
export type DispatchList = Pick<Recorder<StepShape>, 'add' | 'finish'>;

/** The experts that each row uses, [n][used], and their weights, [n][used]. */
export interface ChosenExperts {
  readonly used: number;
  /** u32 */
  readonly experts: GPUBuffer;
  /** f32 */
  readonly weights: GPUBuffer;
}

/** The rows of each expert that a product takes: `nOut` of its `rows`, from `offset` on. */
export interface ExpertPart {
  rows: number;
  offset: number;
  nOut: number;
}

/** How many rows a dispatch covers in a step. */
export type RowCount = (step: StepShape) => number;

export class Plan {
  readonly step: StepBuffers;
  readonly #newRecorder: () => DispatchList;
  readonly #pool: Buffers;
  readonly #maxRows: number;
  readonly #scratch = new Map<string, Rows>();
  readonly #constants = new Map<string, GPUBuffer>();
  #recorder: DispatchList;
  #count: RowCount = ({nRows}) => nRows;
  #overOutputs = false;

  constructor(newRecorder: () => DispatchList, pool: Buffers, step: StepBuffers, maxRows: number) {
    this.#newRecorder = newRecorder;
    this.#pool = pool;
    this.#maxRows = maxRows;
    this.step = step;
    this.#recorder = newRecorder();
  }

  /**
   * Scratch of this name, made on first use for `maxRows` rows (default: of a step). Its contents live until the name
   * is written again; the same name has the same width everywhere it is used at one time.
   */
  rows(name: string, width: number, maxRows = this.#maxRows): Rows {
    const known = this.#scratch.get(`${name} ${width}`);
    if (known) return known;
    const rows = {buffer: this.#pool.create(`${name} [${maxRows}][${width}]`, 'scratch', 4 * maxRows * width), width};
    this.#scratch.set(`${name} ${width}`, rows);
    return rows;
  }

  /** A small constant buffer, made on first use of this label; numbers are f32. */
  constant(label: string, values: readonly number[] | ArrayBufferView): GPUBuffer {
    let buffer = this.#constants.get(label);
    if (!buffer) {
      buffer = this.#pool.createFrom(label, 'scratch', ArrayBuffer.isView(values) ? values : Float32Array.from(values));
      this.#constants.set(label, buffer);
    }
    return buffer;
  }

  /** What follows is skipped in steps that ask for no logits. */
  onlyForOutputs(): void {
    this.#count = ({nRows, nOutputs}) => (nOutputs > 0 ? nRows : 0);
  }

  /** What follows covers the rows that go through the head, not the step's. */
  overOutputs(): void {
    this.#count = ({nOutputs}) => nOutputs;
    this.#overOutputs = true;
  }

  /** Ends a recording; what follows is a new one, over the step's rows. */
  finish(): Promise<Recording<StepShape>> {
    const recording = this.#recorder.finish();
    this.#recorder = this.#newRecorder();
    this.#count = ({nRows}) => nRows;
    this.#overOutputs = false;
    return recording;
  }

  /** y[r] = scale · table[token of r]. */
  getRows(table: Weight, y: Rows, scale: number): void {
    // Of a hosted table the GPU has the rows of this step, in its order.
    const rows = table.hosted ? this.step.slots : this.step.rows;
    if (!rows) throw new GemmaError('internal', `${table.name} stays in the file, and nothing numbers a step's rows`);
    for (const {buffer, firstRow, nRows} of table.slices) {
      this.#recorder.add(
        getRows[table.type],
        {
          N: table.nIn,
          ROW_STRIDE_WORDS: table.strideWords,
          FIRST_ROW: firstRow,
          N_SLICE_ROWS: nRows,
          SCALE: Math.fround(scale),
        },
        {step: this.step.step, rows, weight: buffer, y: y.buffer},
        this.#rowsOf(),
      );
    }
  }

  /** y[r] = W · x[r]. */
  mulMat(weight: Weight, x: Rows, y: Rows): void {
    for (const {buffer, firstRow, nRows} of weight.slices) {
      this.#recorder.add(
        mulMat[weight.type],
        {
          N_IN: weight.nIn,
          N_SLICE_ROWS: nRows,
          FIRST_ROW: firstRow,
          N_OUT: weight.nOut,
          ROW_STRIDE_WORDS: weight.strideWords,
          ROWS_FROM: this.#overOutputs ? 1 : 0,
        },
        {step: this.step.step, x: x.buffer, weight: buffer, y: y.buffer},
        this.#rowsOf(),
      );
    }
  }

  /** The `used` experts of each row with the largest logits; their weights are softmax(factor · logits) · scale. */
  topExperts(logits: Rows, used: number, factor: number, scale: Weight | null): ChosenExperts {
    const experts = this.rows('chosen experts', used).buffer;
    const weights = this.rows('expert weights', used).buffer;
    this.#recorder.add(
      topExperts,
      {N_EXPERT: logits.width, USED: used, SCALE: Math.fround(factor), HAS_SCALE: scale ? 1 : 0},
      {
        step: this.step.step,
        logits: logits.buffer,
        expert_scale: scale?.slices[0].buffer ?? logits.buffer,
        experts,
        weights,
      },
      this.#rowsOf(),
    );
    return {used, experts, weights};
  }

  /** y[r][s] = W_e · x[r] for the experts e of r, or · x[r][s] where x has a vector for each. */
  mulMatId(weight: Weight, part: ExpertPart, x: Rows, {experts, used}: ChosenExperts, y: Rows): void {
    for (const {buffer, firstRow, nRows} of weight.slices) {
      this.#recorder.add(
        mulMatId[weight.type],
        {
          N_IN: weight.nIn,
          N_OUT: part.nOut,
          USED: used,
          EXPERT_ROWS: part.rows,
          EXPERT_OFFSET: part.offset,
          X_PER_EXPERT: x.width === used * weight.nIn && used > 1 ? 1 : 0,
          FIRST_ROW: firstRow,
          N_SLICE_ROWS: nRows,
          ROW_STRIDE_WORDS: weight.strideWords,
        },
        {step: this.step.step, x: x.buffer, experts, weight: buffer, y: y.buffer},
        this.#rowsOf(),
      );
    }
  }

  /** All matrices of a stack of `count` in order, for every row and with weight 1: for `mulMatId` and `sumExperts`. */
  stack(count: number): ChosenExperts {
    const length = count * this.#maxRows;
    return {
      used: count,
      experts: this.constant(
        `0 … ${count - 1}`,
        Uint32Array.from({length}, (_, i) => i % count),
      ),
      weights: this.constant(`${count} ones`, new Float32Array(length).fill(1)),
    };
  }

  /** y[r] = Σ_s weight of s · x[r][s]. */
  sumExperts(x: Rows, {weights, used}: ChosenExperts, y: Rows): void {
    this.#recorder.add(
      sumExperts,
      {N: y.width, USED: used},
      {step: this.step.step, x: x.buffer, weights, y: y.buffer},
      this.#rowsOf(),
    );
  }

  /** y = RMS(x) · weight over vectors of `size`: whole rows, or heads of them. Without a weight, · 1. */
  rmsNorm(x: Rows, weight: Weight | null, y: Rows, eps: number, size = x.width): void {
    this.#recorder.add(
      rmsNorm,
      {N: size, EPS: eps, HAS_WEIGHT: weight ? 1 : 0},
      {x: x.buffer, weight: weight?.slices[0].buffer ?? x.buffer, y: y.buffer},
      this.#rowsOf(x.width / size),
    );
  }

  /** y = x with each head turned by its row's position. */
  rope(x: Rows, headDim: number, frequencies: GPUBuffer, y: Rows): void {
    this.#recorder.add(
      rope,
      {N_HEAD: x.width / headDim, HEAD_DIM: headDim},
      {rows: this.step.rows, frequencies, x: x.buffer, y: y.buffer},
      this.#rowsOf(),
    );
  }

  /** cache[slot of r] = x[r]. */
  kvWrite(x: Rows, cache: CacheRows): void {
    this.#recorder.add(
      kvWrite,
      {WIDTH: x.width, PAGE_SIZE},
      {
        step: this.step.step,
        rows: this.step.rows,
        page_tables: cache.pageTables,
        src: x.buffer,
        cache: cache.buffer,
      },
      this.#rowsOf(),
    );
  }

  /** y[r] = softmax(scale · q[r] · keys) · values over what r may see. */
  attention(q: Rows, keys: CacheRows, values: CacheRows, y: Rows, constants: AttentionConstants): void {
    const {nHead, nHeadKv, headDim, window, scale, softcap: cap} = constants;
    this.#recorder.add(
      attention,
      {
        N_HEAD: nHead,
        N_HEAD_KV: nHeadKv,
        HEAD_DIM: headDim,
        SCALE: Math.fround(scale),
        WINDOW: window,
        SOFTCAP: cap,
        PAGE_SIZE,
      },
      {
        step: this.step.step,
        rows: this.step.rows,
        page_tables: keys.pageTables,
        q: q.buffer,
        k: keys.buffer,
        v: values.buffer,
        y: y.buffer,
      },
      this.#rowsOf(),
    );
  }

  /** y = (a + b) · scale[0]. A narrower b is added to each of the vectors of its width that a row of a holds. */
  addScaled(a: Rows, b: Rows, scale: GPUBuffer, y: Rows): void {
    const narrower = b.width === a.width ? 0 : b.width;
    this.#recorder.add(
      addScaled,
      {N: a.width, B_N: narrower},
      {a: a.buffer, b: b.buffer, scale, y: y.buffer},
      this.#rowsOf(),
    );
  }

  /** y = gelu(gate) ⊙ up[upOffset … upOffset + width of gate). */
  geglu(gate: Rows, up: Rows, y: Rows, upOffset = 0): void {
    this.#recorder.add(
      geglu,
      {N: gate.width, UP_STRIDE: up.width},
      {gate: gate.buffer, up: up.buffer, up_offset: this.constant(`offset ${upOffset}`, [upOffset]), y: y.buffer},
      this.#rowsOf(),
    );
  }

  /** y[o] = x[output_rows[o]]: from the step's rows to those that go through the head. */
  copyOutputRows(x: Rows, y: Rows): void {
    this.#recorder.add(
      copyRows,
      {N: x.width},
      {step: this.step.step, output_rows: this.step.outputRows, x: x.buffer, y: y.buffer},
      this.#rowsOf(),
    );
  }

  /** y = cap · tanh(x / cap). */
  softcap(x: Rows, cap: number, y: Rows): void {
    this.#recorder.add(softcap, {N: x.width, CAP: cap}, {x: x.buffer, y: y.buffer}, this.#rowsOf());
  }

  /** y = max(x − (mean + kappa · std), 0), mean and standard deviation of each row. */
  gaussianTopk(x: Rows, kappa: number, y: Rows): void {
    const buffers = {x: x.buffer, y: y.buffer};
    this.#recorder.add(gaussianTopk, {N: x.width, KAPPA: Math.fround(kappa)}, buffers, this.#rowsOf());
  }

  /** y = each vector of x scaled to the root mean square of its row's target. */
  matchRms(x: Rows, target: Rows, eps: number, y: Rows): void {
    this.#recorder.add(
      matchRms,
      {N: target.width, PER_TARGET: x.width / target.width, EPS: eps},
      {x: x.buffer, target_rows: target.buffer, y: y.buffer},
      this.#rowsOf(),
    );
  }

  /** Adds to each of four streams, in place, a mixture of all: factor · coefs[4i + j] of stream j to stream i. */
  altupPredict(coefs: Rows, factor: number, active: Rows, others: Rows): void {
    this.#recorder.add(
      altupPredict,
      {N: active.width, COEF_SCALE: Math.fround(factor)},
      {coefs: coefs.buffer, active_stream: active.buffer, others: others.buffer},
      this.#rowsOf(),
    );
  }

  /** Moves four streams, in place, by (1 + factor · coefs) · (activated − active); scaled = the active one ⊙ scale. */
  altupCorrect(
    activated: Rows,
    coefs: Rows,
    factor: number,
    scale: Weight,
    active: Rows,
    others: Rows,
    scaled: Rows,
  ): void {
    this.#recorder.add(
      altupCorrect,
      {N: active.width, COEF_SCALE: Math.fround(factor)},
      {
        activated: activated.buffer,
        coefs: coefs.buffer,
        scale: scale.slices[0].buffer,
        active_stream: active.buffer,
        others: others.buffer,
        scaled: scaled.buffer,
      },
      this.#rowsOf(),
    );
  }

  #rowsOf(perRow = 1): (step: StepShape) => {nRows: number} {
    const count = this.#count;
    return (step) => ({nRows: perRow * count(step)});
  }
}
