// One encoder on one device: packs whole texts into steps, replays the recording, reads the vectors. A text's keys and
// values have pages of their own within the step, so that the attention kernels are those of a decoder. Knows no architecture.
import {GemmaError} from '../../errors.ts';
import type {GgufFile} from '../../gguf/gguf-file.ts';
import type {BufferPool} from '../../gpu/buffers.ts';
import type {Recording} from '../../gpu/recorder.ts';
import {explainFailure} from '../device-failure.ts';
import type {StepShape} from '../graph/lowering.ts';
import {PAGE_SIZE} from '../kv/pages.ts';
import type {Assembly} from '../memory/assemble.ts';
import {packRow, packStep, ROW_WORDS} from '../step-data.ts';
import type {Encoder} from './encoder.ts';
import {MAX_TEXTS} from './encoder-plan.ts';

/** All that a load has made. */
export interface EncoderParts {
  file: GgufFile;
  device: GPUDevice;
  /** Resolves with `device-lost` when the device is gone. */
  lost: Promise<GemmaError>;
  pool: BufferPool;
  assembly: Assembly;
  recording: Recording<StepShape>;
  /** Tokens of a step. */
  rows: number;
  vocabSize: number;
}

/** The encoder on a device. Calls that come at once run one after the other. */
export class GpuEncoder implements Encoder {
  readonly file: GgufFile;
  readonly maxTokens: number;
  readonly width: number;
  readonly lost: Promise<GemmaError>;
  readonly #parts: EncoderParts;
  #turn: Promise<unknown> = Promise.resolve();
  #gone: GemmaError | null = null;

  constructor(parts: EncoderParts) {
    this.#parts = parts;
    this.file = parts.file;
    this.maxTokens = parts.rows;
    this.width = parts.assembly.base.logits.width;
    this.lost = parts.lost;
    void this.lost.then((error) => {
      this.#gone ??= error;
    });
  }

  embed(texts: readonly (readonly number[])[], {signal}: {signal?: AbortSignal} = {}): Promise<Float32Array[]> {
    // One step at a time: they share every buffer.
    const result = this.#turn.then(() => this.#run(texts, signal));
    this.#turn = result.catch(() => undefined);
    return result;
  }

  stats(): {weightBytes: number; kvBytes: number; scratchBytes: number} {
    const {weights, kv, scratch} = this.#parts.pool.stats().bytes;
    return {weightBytes: weights, kvBytes: kv, scratchBytes: scratch};
  }

  destroy(): void {
    this.#gone ??= new GemmaError('closed', 'the embedding model was unloaded; load it again');
    this.#parts.pool.destroy();
  }

  async #run(texts: readonly (readonly number[])[], signal: AbortSignal | undefined): Promise<Float32Array[]> {
    texts.forEach((tokens, i) => {
      this.#check(tokens, i);
    });
    const vectors: Float32Array[] = [];
    for (const step of stepsOf(texts, this.#parts.rows)) {
      signal?.throwIfAborted();
      if (this.#gone) throw this.#gone;
      try {
        vectors.push(...(await this.#step(step)));
      } catch (error) {
        const reason = await explainFailure(this.lost, error);
        throw this.#gone ?? reason;
      }
    }
    return vectors;
  }

  #check(tokens: readonly number[], index: number): void {
    const {rows, vocabSize} = this.#parts;
    if (tokens.length === 0) {
      throw new GemmaError('option-invalid', `text ${index} has no tokens`, {detail: {index}});
    }
    if (tokens.length > rows) {
      throw new GemmaError(
        'context-overflow',
        `text ${index} has ${tokens.length} tokens; the embedding model reads at most ${rows} at once. Cut it into passages`,
        {detail: {index, tokens: tokens.length, contextLength: rows}},
      );
    }
    const wrong = tokens.find((token) => !(Number.isInteger(token) && token >= 0 && token < vocabSize));
    if (wrong === undefined) return;
    throw new GemmaError(
      'option-invalid',
      `token id ${wrong} of text ${index} is not in the vocabulary; expected an integer from 0 to ${vocabSize - 1}`,
      {detail: {index, token: wrong, vocabSize}},
    );
  }

  async #step(texts: readonly (readonly number[])[]): Promise<Float32Array[]> {
    const {device, assembly, recording} = this.#parts;
    const {buffers, staging} = assembly;
    const {logits} = assembly.base;
    const {step, rows, firsts, firstRows} = packTexts(texts);
    const nOutputs = texts.length;
    device.queue.writeBuffer(buffers.step, 0, packStep({nRows: step.nRows, nOutputs}));
    device.queue.writeBuffer(buffers.rows, 0, rows);
    device.queue.writeBuffer(buffers.outputRows, 0, firsts);
    if (buffers.outputRowData) device.queue.writeBuffer(buffers.outputRowData, 0, firstRows);
    if (buffers.outputStep) {
      device.queue.writeBuffer(buffers.outputStep, 0, packStep({nRows: nOutputs, nDecode: nOutputs}));
    }
    const encoder = device.createCommandEncoder();
    recording.replay(encoder, step);
    const bytes = 4 * nOutputs * this.width;
    encoder.copyBufferToBuffer(logits.buffer, 0, staging, 0, bytes);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ, 0, bytes);
    const all = new Float32Array(staging.getMappedRange(0, bytes));
    const vectors = texts.map((_, i) => unit(all.subarray(i * this.width, (i + 1) * this.width)));
    staging.unmap();
    return vectors;
  }
}

/** Neighbouring texts that fit one step. */
export function stepsOf<T extends {length: number}>(texts: readonly T[], rows: number): T[][] {
  const steps: T[][] = [];
  let room = 0;
  for (const text of texts) {
    const last = steps.at(-1);
    if (!last || text.length > room || last.length === MAX_TEXTS) {
      steps.push([text]);
      room = rows - text.length;
    } else {
      last.push(text);
      room -= text.length;
    }
  }
  return steps;
}

/** What the kernels read of a step: its rows, the first of each text, and these rows once more beside each other. */
function packTexts(texts: readonly (readonly number[])[]) {
  const nRows = texts.reduce((sum, {length}) => sum + length, 0);
  const rows = new Uint32Array(ROW_WORDS * nRows);
  const firstRows = new Uint32Array(ROW_WORDS * texts.length);
  const firsts = new Uint32Array(texts.length);
  let row = 0;
  let pageTable = 0;
  texts.forEach((tokens, i) => {
    firsts[i] = row;
    const last = tokens.length - 1;
    packRow(firstRows, i, {token: tokens[0], pageTable, last});
    tokens.forEach((token, position) => {
      packRow(rows, row++, {token, position, pageTable, last});
    });
    pageTable += Math.ceil(tokens.length / PAGE_SIZE);
  });
  const nKeys = Math.max(...texts.map(({length}) => length));
  const step: StepShape = {nRows, nOutputs: texts.length, nDecode: 0, nKeys};
  return {step, rows, firsts, firstRows};
}

/** A copy of length one. Zeros stay zeros. */
function unit(vector: Float32Array): Float32Array {
  let sum = 0;
  for (const value of vector) sum += value * value;
  const length = Math.sqrt(sum);
  return length > 0 ? vector.map((value) => value / length) : vector.slice();
}
