// Trains on an engine's weights: a batch becomes a few written bytes and slices of a recorded list of dispatches; an update is
// one dispatch a bank of factors. Owns the GPU's memory of a training. Knows no architecture and no text.
import {GemmaError} from '../../errors.ts';
import type {BufferPool} from '../../gpu/buffers.ts';
import type {PipelineCache} from '../../gpu/pipelines.ts';
import type {KernelTime, Profiler} from '../../gpu/profiler.ts';
import {type Dispatch as Recorded, Recording} from '../../gpu/recorder.ts';
import {explainFailure} from '../device-failure.ts';
import type {LowRankFactors} from '../engine.ts';
import type {Dispatch, StepShape} from '../graph/lowering.ts';
import {packAdamW} from '../kernels/adamw.ts';
import {SQUARE_SUMS} from '../kernels/square_sums.ts';
import type {HostedRows} from '../memory/hosted-rows.ts';
import {packRow, packStep, ROW_WORDS} from '../step-data.ts';
import type {TrainingAssembly} from './assemble-training.ts';
import {checkFactors} from './factors.ts';
import {costOf, Pace} from './slices.ts';
import type {BatchLoss, Training, TrainingBatch, TrainingOptions, TrainingState} from './training.ts';

export interface TrainingParts {
  device: GPUDevice;
  lost: Promise<GemmaError>;
  pool: BufferPool;
  pipelines: PipelineCache;
  assembly: TrainingAssembly;
  recording: Recording<StepShape>;
  /** square_sums and adamw, one a bank. */
  norms: readonly Recorded<number>[];
  updates: readonly Recorded<number>[];
  /** Rows of a table that stays with the host. */
  hosted: HostedRows | null;
  vocabSize: number;
  /** Positions of the longest sequence. */
  contextLength: number;
  options: Required<Omit<TrainingOptions, 'from'>>;
}

/** No output row. */
const NONE = 2 ** 32 - 1;
const DEFAULT_LABEL = 0;

export class GpuTraining implements Training {
  readonly bytes: number;
  /** While set, every slice is timed by it, which is slower; `kernelTimes` grows. For benches. */
  profiler: Profiler | null = null;
  readonly kernelTimes: KernelTime[] = [];
  readonly #parts: TrainingParts;
  readonly #pace: Pace;
  #step = 0;
  #busy = false;
  #gone: GemmaError | null = null;

  constructor(parts: TrainingParts, factors: readonly LowRankFactors[]) {
    this.#parts = parts;
    this.bytes = Object.values(parts.assembly.parts).reduce((sum, bytes) => sum + bytes, 0);
    this.#pace = new Pace(parts.options.sliceMs);
    this.#write(factors);
    void parts.lost.then((error) => {
      this.#gone ??= error;
    });
  }

  get step(): number {
    return this.#step;
  }

  accumulate(batch: TrainingBatch): AsyncGenerator<void, BatchLoss> {
    return this.#run(batch, true);
  }

  evaluate(batch: TrainingBatch): AsyncGenerator<void, BatchLoss> {
    return this.#run(batch, false);
  }

  update(learningRate: number, weight: number): Promise<{gradientNorm: number}> {
    return this.#alone(async () => {
      const {device, assembly, norms, updates, options} = this.#parts;
      const {squareSums, squareReadback, banks, settings} = assembly;
      if (!(weight > 0) || !Number.isFinite(weight) || !Number.isFinite(learningRate)) {
        throw invalid('weight', `an update over a weight of ${weight} at a learning rate of ${learningRate}`);
      }
      const encoder = device.createCommandEncoder();
      new Recording(norms).replay(encoder, 0);
      const bytes = 4 * SQUARE_SUMS;
      squareSums.forEach((sums, i) => {
        encoder.copyBufferToBuffer(sums, 0, squareReadback, i * bytes, bytes);
      });
      device.queue.submit([encoder.finish()]);
      const squares = new Float32Array(await this.#read(squareReadback, bytes * squareSums.length));
      const gradientNorm = Math.sqrt(squares.reduce((sum, value) => sum + value, 0)) / weight;
      this.#step++;
      const second = device.createCommandEncoder();
      if (Number.isFinite(gradientNorm)) {
        const {beta1, beta2, epsilon, weightDecay, maxGradientNorm} = options;
        // As PyTorch's clip_grad_norm_.
        const clipping = maxGradientNorm > 0 ? Math.min(1, maxGradientNorm / (gradientNorm + 1e-6)) : 1;
        const scale = clipping / weight;
        const step = this.#step;
        const data = packAdamW({scale, learningRate, beta1, beta2, epsilon, weightDecay, step});
        device.queue.writeBuffer(settings, 0, data);
        new Recording(updates).replay(second, 0);
      } else {
        for (const gradients of banks.gradients) second.clearBuffer(gradients);
      }
      device.queue.submit([second.finish()]);
      return {gradientNorm};
    });
  }

  state(): Promise<TrainingState> {
    return this.#alone(async () => {
      const {banks, layout} = this.#parts.assembly;
      const [values, first, second] = [
        await this.#readBanks(banks.values),
        await this.#readBanks(banks.first),
        await this.#readBanks(banks.second),
      ];
      const of = (all: readonly Float32Array[], tensor: string, half: 'a' | 'b') => {
        const {bank, first, length} = layout.places.get(tensor)![half];
        return all[bank].slice(first, first + length) as Float32Array<ArrayBuffer>;
      };
      return {
        step: this.#step,
        factors: layout.terms.map(({tensor, rank, scale}) => ({
          tensor,
          rank,
          scale,
          a: of(values, tensor, 'a'),
          b: of(values, tensor, 'b'),
        })),
        moments: layout.terms.flatMap(({tensor}) =>
          (['a', 'b'] as const).map((half) => ({first: of(first, tensor, half), second: of(second, tensor, half)})),
        ),
      };
    });
  }

  restore({step, factors, moments}: TrainingState): void {
    this.#throwIfGone();
    if (this.#busy) throw busy();
    const {assembly, device} = this.#parts;
    const {layout, banks} = assembly;
    const {terms} = layout;
    if (!Number.isSafeInteger(step) || step < 0) throw invalid('state', `${step} updates`);
    const inOrder = factors.length === terms.length && factors.every(({tensor}, i) => tensor === terms[i].tensor);
    if (!inOrder || moments.length !== 2 * terms.length) {
      throw invalid('state', `${factors.length} factors and ${moments.length} moments; expected ${terms.length} terms`);
    }
    checkFactors(terms, factors);
    moments.forEach(({first, second}, i) => {
      const {length} = this.#momentPlace(i);
      if (first.length !== length || second.length !== length) {
        throw invalid('state', `moments of ${first.length} and ${second.length} values; expected ${length}`);
      }
    });
    this.#write(factors);
    moments.forEach(({first, second}, i) => {
      const {bank, first: at} = this.#momentPlace(i);
      device.queue.writeBuffer(banks.first[bank], 4 * at, first);
      device.queue.writeBuffer(banks.second[bank], 4 * at, second);
    });
    const encoder = device.createCommandEncoder();
    for (const gradients of banks.gradients) encoder.clearBuffer(gradients);
    device.queue.submit([encoder.finish()]);
    this.#step = step;
  }

  /** The gradients so far, as factors: for tests. */
  async gradients(): Promise<LowRankFactors[]> {
    const {banks, layout} = this.#parts.assembly;
    const all = await this.#readBanks(banks.gradients);
    return layout.terms.map(({tensor, rank, scale}) => {
      const of = (half: 'a' | 'b') => {
        const {bank, first, length} = layout.places.get(tensor)![half];
        return all[bank].slice(first, first + length) as Float32Array<ArrayBuffer>;
      };
      return {tensor, rank, scale, a: of('a'), b: of('b')};
    });
  }

  destroy(): void {
    this.#gone ??= new GemmaError('closed', 'the training has ended');
    this.#parts.pool.destroy();
  }

  /** Term by term, first A. */
  #momentPlace(index: number) {
    const {layout} = this.#parts.assembly;
    const {tensor} = layout.terms[index >> 1];
    return layout.places.get(tensor)![index % 2 === 0 ? 'a' : 'b'];
  }

  #write(factors: readonly LowRankFactors[]): void {
    const {device, assembly} = this.#parts;
    for (const {tensor, a, b} of factors) {
      const places = assembly.layout.places.get(tensor)!;
      device.queue.writeBuffer(assembly.banks.values[places.a.bank], 4 * places.a.first, a);
      device.queue.writeBuffer(assembly.banks.values[places.b.bank], 4 * places.b.first, b);
    }
  }

  async *#run(batch: TrainingBatch, backward: boolean): AsyncGenerator<void, BatchLoss> {
    this.#throwIfGone();
    if (this.#busy) throw busy();
    this.#busy = true;
    try {
      const {device, assembly, recording} = this.#parts;
      const outputs = this.#check(batch);
      const weight = outputs.reduce((sum, row) => sum + batch.weights[row], 0);
      if (outputs.length === 0) return {loss: 0, weight: 0};
      await this.#writeBatch(batch, outputs);
      const shape: StepShape = {nRows: batch.tokens.length, nOutputs: outputs.length, nDecode: 0, nKeys: 0};
      const count = backward ? assembly.dispatches.length : assembly.backwardFrom;
      const costs = assembly.dispatches.slice(0, count).map((dispatch) => cost(dispatch, shape));
      for (let first = 0; first < count; ) {
        const taken = this.#pace.take(costs, first);
        const encoder = device.createCommandEncoder();
        new Recording(recording.dispatches.slice(first, first + taken)).replay(
          encoder,
          shape,
          this.profiler ?? undefined,
        );
        this.profiler?.resolve(encoder);
        const before = performance.now();
        device.queue.submit([encoder.finish()]);
        await device.queue.onSubmittedWorkDone();
        this.#throwIfGone();
        if (this.profiler) this.kernelTimes.push(...(await this.profiler.read()));
        const done = costs.slice(first, first + taken).reduce((sum, value) => sum + value, 0);
        this.#pace.took(done, performance.now() - before);
        first += taken;
        yield;
        this.#throwIfGone();
      }
      const encoder = device.createCommandEncoder();
      const bytes = 16 * outputs.length;
      encoder.copyBufferToBuffer(assembly.lossSums, 0, assembly.lossReadback, 0, bytes);
      device.queue.submit([encoder.finish()]);
      const sums = new Float32Array(await this.#read(assembly.lossReadback, bytes));
      let loss = 0;
      outputs.forEach((row, i) => {
        loss += batch.weights[row] * (sums[4 * i] + Math.log(sums[4 * i + 1]) - sums[4 * i + 2]);
      });
      return {loss, weight};
    } catch (error) {
      throw this.#gone ?? (await explainFailure(this.#parts.lost, error));
    } finally {
      this.#busy = false;
    }
  }

  /** The rows that count. @throws GemmaError `option-invalid` */
  #check({tokens, starts, labels, weights}: TrainingBatch): number[] {
    const {options, vocabSize, contextLength} = this.#parts;
    const rows = tokens.length;
    if (rows < 1 || rows > options.batchRows)
      throw invalid('batch', `${rows} rows; expected 1 to ${options.batchRows}`);
    if (labels.length !== rows || weights.length !== rows) {
      throw invalid('batch', `${rows} tokens, ${labels.length} labels and ${weights.length} weights`);
    }
    if (starts[0] !== 0) throw invalid('batch', `the first sequence at ${starts[0]}; expected 0`);
    starts.forEach((start, i) => {
      const end = starts[i + 1] ?? rows;
      if (!Number.isInteger(start) || end <= start || end > rows)
        throw invalid('batch', `a sequence from ${start} to ${end}`);
      if (end - start > contextLength) {
        throw invalid('batch', `a sequence of ${end - start} tokens; the model was loaded for ${contextLength}`);
      }
    });
    const outputs: number[] = [];
    for (let row = 0; row < rows; row++) {
      const weight = weights[row];
      if (!(weight >= 0) || !Number.isFinite(weight)) throw invalid('batch', `a weight of ${weight}`);
      if (tokens[row] >= vocabSize) throw invalid('batch', `token ${tokens[row]}; the vocabulary has ${vocabSize}`);
      if (weight === 0) continue;
      if (labels[row] >= vocabSize) throw invalid('batch', `label ${labels[row]}; the vocabulary has ${vocabSize}`);
      outputs.push(row);
    }
    return outputs;
  }

  async #writeBatch({tokens, starts, labels, weights}: TrainingBatch, outputs: readonly number[]): Promise<void> {
    const {device, assembly, hosted} = this.#parts;
    const {queue} = device;
    if (hosted) {
      await hosted.fetch([...tokens]);
      this.#throwIfGone();
      queue.writeBuffer(assembly.hosted!, 0, hosted.data, 0, hosted.bytesOf(tokens.length));
    }
    const nRows = tokens.length;
    const rows = new Uint32Array(ROW_WORDS * nRows);
    let sequence = 0;
    for (let row = 0; row < nRows; row++) {
      while (starts[sequence + 1] <= row) sequence++;
      const start = starts[sequence];
      packRow(rows, row, {token: tokens[row], position: row - start, pageTable: start});
    }
    const outputOfRow = new Uint32Array(nRows).fill(NONE);
    outputs.forEach((row, i) => {
      outputOfRow[row] = i;
    });
    queue.writeBuffer(assembly.step, 0, packStep({nRows, nOutputs: outputs.length}));
    queue.writeBuffer(assembly.rows, 0, rows);
    queue.writeBuffer(assembly.outputRows, 0, Uint32Array.from(outputs));
    queue.writeBuffer(assembly.batch.outputOfRow, 0, outputOfRow);
    queue.writeBuffer(
      assembly.batch.labels,
      0,
      Uint32Array.from(outputs, (row) => labels[row] ?? DEFAULT_LABEL),
    );
    queue.writeBuffer(
      assembly.batch.weights,
      0,
      Float32Array.from(outputs, (row) => weights[row]),
    );
  }

  async #readBanks(banks: readonly GPUBuffer[]): Promise<Float32Array[]> {
    const {device, pool} = this.#parts;
    const all: Float32Array[] = [];
    for (const bank of banks) {
      const staging = pool.createReadback('factors readback', bank.size);
      try {
        const encoder = device.createCommandEncoder();
        encoder.copyBufferToBuffer(bank, 0, staging, 0, bank.size);
        device.queue.submit([encoder.finish()]);
        all.push(new Float32Array(await this.#read(staging, bank.size)));
      } finally {
        pool.free(staging);
      }
    }
    return all;
  }

  /** A copy of the first bytes of a readback buffer, once what was submitted is done. */
  async #read(buffer: GPUBuffer, bytes: number): Promise<ArrayBuffer> {
    await buffer.mapAsync(GPUMapMode.READ, 0, bytes);
    const copy = buffer.getMappedRange(0, bytes).slice(0);
    buffer.unmap();
    return copy;
  }

  async #alone<T>(work: () => Promise<T>): Promise<T> {
    this.#throwIfGone();
    if (this.#busy) throw busy();
    this.#busy = true;
    try {
      return await work();
    } catch (error) {
      throw this.#gone ?? (await explainFailure(this.#parts.lost, error));
    } finally {
      this.#busy = false;
    }
  }

  #throwIfGone(): void {
    if (this.#gone) throw this.#gone;
  }
}

function cost({kernel, constants, shape, grid}: Dispatch, step: StepShape): number {
  return costOf(kernel.name, constants, grid(step), shape(step).nRows);
}

const busy = () => new GemmaError('internal', 'a training does one thing at a time');

function invalid(option: string, found: string): GemmaError {
  return new GemmaError('option-invalid', `training was given ${found}`, {detail: {option}});
}
