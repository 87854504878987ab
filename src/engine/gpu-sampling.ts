// Chooses tokens on the GPU, after the head of a step: writes what each request wants, encodes the kernels and reads a few
// bytes a row. Knows no sequences and no model.
import type {Profiler} from '../gpu/profiler.ts';
import type {Recording} from '../gpu/recorder.ts';
import type {StepShape} from './graph/lowering.ts';
import {HISTORY_SIZE, MAX_SUPPRESSED, NO_TOKEN, type SamplingTensors} from './graph/sampling-lowering.ts';
import {RESULT_WORDS, SAMPLER_STATE_WORDS} from './kernels/sample.ts';
import type {Choice} from './sampling/choice.ts';
import {badLogits} from './sampling/log-softmax.ts';
import type {Sample} from './sampling/sampler.ts';
import {canSampleOnGpu, packSamplerState} from './sampling/sampler-state.ts';
import {completeSettings, type SamplerSettings} from './sampling/settings.ts';

/** A choice and the ids before the token, oldest first. */
export interface Chooser {
  choice: Choice;
  tokens: readonly number[];
}

export interface SamplingParts {
  device: GPUDevice;
  recording: Recording<StepShape>;
  buffers: Readonly<Record<keyof SamplingTensors, GPUBuffer>>;
  /** For `results`: of two steps that may be under way. */
  staging: readonly GPUBuffer[];
  nVocab: number;
  maxOutputs: number;
  suppressedTokens: readonly number[];
}

/** What a row without a request draws: the likeliest token, which nothing reads. */
const NOBODY = completeSettings({temperature: 0, seed: 0});

/** Owns the buffers that the kernels read their requests from. */
export class GpuSampling {
  readonly #parts: SamplingParts;
  readonly #states: Uint32Array<ArrayBuffer>;
  readonly #history: Uint32Array<ArrayBuffer>;

  /** Writes what no step changes. */
  constructor(parts: SamplingParts) {
    const {device, buffers, maxOutputs, suppressedTokens} = parts;
    this.#parts = parts;
    this.#states = new Uint32Array(maxOutputs * SAMPLER_STATE_WORDS);
    this.#history = new Uint32Array(maxOutputs * HISTORY_SIZE);
    const suppressed = new Uint32Array(MAX_SUPPRESSED).fill(NO_TOKEN);
    suppressed.set(suppressedTokens.slice(0, MAX_SUPPRESSED));
    device.queue.writeBuffer(buffers.suppressed, 0, suppressed);
    device.queue.writeBuffer(
      buffers.slots,
      0,
      Uint32Array.from({length: maxOutputs}, (_, i) => i),
    );
  }

  /** From now on the logits are read from where this recording reads them. */
  record(recording: Recording<StepShape>): void {
    this.#parts.recording = recording;
  }

  can({settings}: Choice): boolean {
    const {nVocab, suppressedTokens} = this.#parts;
    if (suppressedTokens.length > MAX_SUPPRESSED) return false;
    return canSampleOnGpu(settings, {nVocab, nSuppressed: MAX_SUPPRESSED, historySize: HISTORY_SIZE});
  }

  /**
   * Writes what the rows ask for. Not for a step that follows its predecessor with the same requests: `sample` has kept
   * their states up.
   * @returns bytes written
   */
  write(rows: readonly (Chooser | undefined)[]): number {
    const {device, buffers} = this.#parts;
    rows.forEach((row, i) => {
      packSamplerState(
        row?.choice.settings ?? NOBODY,
        row?.tokens ?? [],
        this.#states.subarray(i * SAMPLER_STATE_WORDS, (i + 1) * SAMPLER_STATE_WORDS),
        this.#history.subarray(i * HISTORY_SIZE, (i + 1) * HISTORY_SIZE),
      );
    });
    const states = rows.length * SAMPLER_STATE_WORDS;
    device.queue.writeBuffer(buffers.states, 0, this.#states, 0, states);
    const penalised = rows.some((row) => row && row.choice.settings.repetitionPenalty !== 1);
    const history = penalised ? rows.length * HISTORY_SIZE : 0;
    if (penalised) device.queue.writeBuffer(buffers.history, 0, this.#history, 0, history);
    return 4 * (states + history);
  }

  /** Has each row begin with the token that was chosen for it. `rows`: u32[n][rowWords], the token first. */
  feed(encoder: GPUCommandEncoder, rows: GPUBuffer, count: number, rowWords: number): void {
    const {chosen} = this.#parts.buffers;
    for (let i = 0; i < count; i++) encoder.copyBufferToBuffer(chosen, 4 * i, rows, 4 * rowWords * i, 4);
  }

  /** Encodes the choice for each row that has one; returns the dispatches made. */
  encode(
    encoder: GPUCommandEncoder,
    rows: readonly (Chooser | undefined)[],
    step: StepShape,
    staging: 0 | 1,
    profiler?: Profiler,
  ): number {
    const {buffers, recording} = this.#parts;
    const to = this.#parts.staging[staging];
    const dispatches = recording.replay(encoder, step, profiler);
    rows.forEach((row, i) => {
      if (row) encoder.copyBufferToBuffer(buffers.results, 4 * RESULT_WORDS * i, to, ...rangeOf(row, i));
    });
    return dispatches;
  }

  /** Fills the choices in; returns the bytes read. */
  async read(rows: readonly (Chooser | undefined)[], from: 0 | 1): Promise<number> {
    const {nVocab} = this.#parts;
    const staging = this.#parts.staging[from];
    await staging.mapAsync(GPUMapMode.READ, 0, 4 * RESULT_WORDS * rows.length);
    let bytes = 0;
    const mapped = staging.getMappedRange(0, 4 * RESULT_WORDS * rows.length);
    rows.forEach((row, i) => {
      if (!row) return;
      const [at, length] = rangeOf(row, i);
      bytes += length;
      const words = new Uint32Array(mapped, at, length / 4);
      const [id, bad] = words;
      if (bad !== 0 || id >= nVocab) row.choice.error = badLogits();
      else row.choice.sample = sampleOf(row.choice.settings, words, new Float32Array(mapped, at, length / 4));
    });
    staging.unmap();
    return bytes;
  }
}

/** Where a row's result is in the staging buffer, in bytes: alternatives only where they are asked for. */
function rangeOf({choice: {settings}}: Chooser, i: number): [at: number, length: number] {
  const alternatives = settings.logprobs ? settings.topLogprobs : 0;
  return [4 * RESULT_WORDS * i, 4 * (4 + 2 * alternatives)];
}

function sampleOf({logprobs}: SamplerSettings, words: Uint32Array, floats: Float32Array): Sample {
  const [id, , , alternatives] = words;
  if (!logprobs) return {id};
  const top = Array.from({length: alternatives}, (_, j) => ({id: words[4 + 2 * j], logprob: floats[5 + 2 * j]}));
  return {id, logprob: floats[2], top};
}
