// One model on one device: turns a step's inputs into a few written bytes, a replayed recording and the logits that
// come back. Owns the KV cache's bookkeeping and the readback. Knows no architecture: the recording is of model/*/forward.ts.
import {GemmaError} from '../errors.ts';
import type {GgufFile} from '../gguf/gguf-file.ts';
import type {BufferPool} from '../gpu/buffers.ts';
import type {PipelineCache} from '../gpu/pipelines.ts';
import type {Profiler} from '../gpu/profiler.ts';
import type {Recording} from '../gpu/recorder.ts';
import {EngineAdapters} from './adapters/engine-adapters.ts';
import {SequenceAdapters} from './adapters/sequence-adapters.ts';
import type {Use} from './adapters/tables.ts';
import {explainFailure} from './device-failure.ts';
import type {
  Engine,
  EngineAdapter,
  EngineStats,
  LowRankFactors,
  Sequence,
  SequenceAdapter,
  StepInput,
} from './engine.ts';
import type {Chooser, GpuSampling} from './gpu-sampling.ts';
import type {Dispatch, StepShape} from './graph/lowering.ts';
import {CachedSequence, type KvCache, type PageCopy} from './kv/kv-cache.ts';
import {PAGE_GROUPS, PAGE_SIZE} from './kv/pages.ts';
import type {BasePass, Pass} from './memory/adapted-pass.ts';
import type {StepBuffers} from './memory/assemble.ts';
import type {HostedRows} from './memory/hosted-rows.ts';
import type {KvBuffers} from './memory/kv-pool.ts';
import {type Recordings, record} from './record.ts';
import type {Choice} from './sampling/choice.ts';
import type {SamplerSettings} from './sampling/settings.ts';
import {packRow, packStep, ROW_WORDS, STEP_WORDS} from './step-data.ts';

/** All that a load has made. */
export interface EngineParts {
  file: GgufFile;
  device: GPUDevice;
  /** Resolves with `device-lost` when the device is gone. */
  lost: Promise<GemmaError>;
  pool: BufferPool;
  pipelines: PipelineCache;
  cache: KvCache;
  buffers: StepBuffers;
  /** Keys and values of each group of layers. */
  kvBuffers: KvBuffers['groups'];
  /** The forward pass without adapters, and its recordings. */
  base: BasePass;
  /** Token ids to logits. */
  whole: Recording<StepShape>;
  /** Its last part: from the residual stream's output rows to logits. */
  head: Recording<StepShape>;
  choosing: Recording<StepShape>;
  samplingDispatches: readonly Dispatch[];
  /** What the GPU is assumed to hold, in bytes. */
  budget: number;
  chunkSize: number;
  maxOutputs: number;
  suppressedTokens: readonly number[];
  staging: GPUBuffer;
  /** A page of one layer's keys or values on its way to another page. */
  pageCopy: GPUBuffer;
  /** Null: every row's logits come back, and the CPU chooses. */
  sampling: GpuSampling | null;
  /** Whether a step whose tokens were all chosen is followed at once by the next. */
  ahead: boolean;
  /** The table whose rows the host brings in each step, and the buffer for them. */
  hosted: {rows: HostedRows; buffer: GPUBuffer} | null;
}

/** What a step asks for, checked: first the inputs of one row, which continue answers, then prompts. */
interface Work {
  rows: number;
  /** Rows of the first kind. */
  decodeRows: number;
  /** Keys of the row that has most of them. */
  keys: number;
  inputs: {sequence: CachedSequence; tokens: readonly number[]}[];
  /** Whether a row uses an adapter. */
  adapters: boolean;
  /** Row numbers that go through the head, input by input. */
  outputs: number[];
  /** Where the caller wants their logits, where it does. */
  into: (Float32Array | undefined)[];
  /** Which of these rows get a token instead, by the GPU's choice. */
  choosers: (Chooser | undefined)[];
  /** How many rows' logits each input gets, and which of the caller's inputs it is. */
  outputsOf: {input: number; count: number}[];
}

/** The engine on a device. Steps that are asked for at once run one after the other. */
/** A step that was submitted before it was asked for, its tokens those that the GPU chose in the step before. */
interface Ahead {
  work: Work;
  /** What was chosen in the step before, by row. */
  fed: readonly (Chooser | undefined)[];
  /** The sequences' when it was submitted. */
  revisions: readonly number[];
  staging: 0 | 1;
}

/** The engine on a device. Steps that are asked for at once run one after the other. */
export class GpuEngine implements Engine {
  readonly file: GgufFile;
  readonly contextLength: number;
  readonly chunkSize: number;
  readonly vocabSize: number;
  readonly readsSource: boolean;
  readonly lost: Promise<GemmaError>;
  /** While set, every step is timed by it; read it after each. For benches: a profiled step is slower. */
  profiler: Profiler | null = null;
  readonly adapters: EngineAdapters;
  readonly #parts: EngineParts;
  /** What steps run: the pass without adapters, or the one that has those that are loaded. */
  #pass: Omit<Recordings, 'choosing'> & Pick<Pass, 'logits' | 'outputStep' | 'outputRowData'>;
  readonly #stepData = new Uint32Array(STEP_WORDS);
  readonly #rowData: Uint32Array<ArrayBuffer>;
  readonly #outputData: Uint32Array<ArrayBuffer>;
  readonly #outputRowData: Uint32Array<ArrayBuffer>;
  #ahead: Ahead | null = null;
  /** Where the samples of the last submit come back. */
  #samples: 0 | 1 = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #gone: GemmaError | null = null;
  #counts = {dispatches: 0, submits: 0, bytesWritten: 0, bytesRead: 0, objectsCreated: 0};
  #perToken = {...this.#counts};

  constructor(parts: EngineParts) {
    const {cache, base, chunkSize, maxOutputs, device, pool: buffers, pipelines, budget} = parts;
    this.#parts = parts;
    this.file = parts.file;
    this.contextLength = cache.shape.contextLength;
    this.chunkSize = chunkSize;
    this.vocabSize = base.logits.width;
    this.#pass = {...base, whole: parts.whole, head: parts.head};
    const change = (pass: Pass | null) => this.#changePass(pass);
    this.adapters = new EngineAdapters({device, buffers, pipelines, base, budget, maxRows: chunkSize, change});
    this.readsSource = parts.hosted !== null;
    this.#rowData = new Uint32Array(ROW_WORDS * chunkSize);
    this.#outputData = new Uint32Array(maxOutputs);
    this.#outputRowData = new Uint32Array(ROW_WORDS * maxOutputs);
    this.lost = parts.lost;
    void this.lost.then((error) => {
      this.#gone ??= error;
    });
  }

  /** What a training reads: weights, the graph they are in, the device. It must write nothing of it. */
  get parts(): EngineParts {
    return this.#parts;
  }

  roomFor(sequence: Sequence, positions: number): boolean {
    return sequence instanceof CachedSequence && this.#parts.cache.roomFor(sequence, positions, this.chunkSize);
  }

  createSequence(prompt?: readonly number[], adapters: readonly SequenceAdapter[] = []): Sequence {
    this.#throwIfGone();
    const used = adapters.length > 0 ? new SequenceAdapters(adapters, (one) => this.adapters.known(one)) : undefined;
    return this.#parts.cache.createSequence(prompt, used);
  }

  loadAdapter(terms: readonly LowRankFactors[]): Promise<EngineAdapter> {
    this.#throwIfGone();
    return this.#explained(this.adapters.load(terms));
  }

  unloadAdapter(adapter: EngineAdapter): Promise<void> {
    this.#throwIfGone();
    return this.#explained(this.adapters.unload(adapter));
  }

  step(inputs: readonly StepInput[]): Promise<Float32Array[][]> {
    // One step at a time: they share every buffer.
    const result = this.#turn.then(() => this.#run(inputs));
    this.#turn = result.catch(() => undefined);
    return result;
  }

  stats(): EngineStats {
    const {bytes} = this.#parts.pool.stats();
    const {cache} = this.#parts;
    return {
      weightBytes: bytes.weights,
      adapterBytes: bytes.adapters,
      kvBytes: bytes.kv,
      scratchBytes: bytes.scratch,
      kvPages: {full: cache.counts('full'), sliding: cache.counts('sliding')},
      sequences: cache.sequences,
      perToken: {...this.#perToken},
    };
  }

  /** From now on every row's logits come back: the GPU chose otherwise than the CPU. */
  sampleOnCpu(): void {
    this.#parts.sampling = null;
    this.#ahead = null;
  }

  destroy(): void {
    this.#gone ??= new GemmaError('closed', 'the model was unloaded; load it again');
    this.#parts.pool.destroy();
  }

  /**
   * Steps from the next one on run this pass. It is recorded while others run. A row has the same bits in both passes only
   * as far as a product has them alone and joined with its neighbours; of one pass its bits depend on no other row.
   */
  async #changePass(pass: Pass | null): Promise<void> {
    const {device, pipelines, base, sampling, samplingDispatches} = this.#parts;
    const list = sampling ? {dispatches: samplingDispatches} : null;
    const recordings = pass ? await record(device, pipelines, pass, list) : this.#parts;
    const changed = this.#turn.then(() => {
      this.#throwIfGone();
      this.#ahead = null; // it was computed by the other pass
      this.#pass = {...(pass ?? base), whole: recordings.whole, head: recordings.head};
      this.#parts.sampling?.record(recordings.choosing);
    });
    this.#turn = changed.catch(() => undefined);
    await changed;
  }

  async #explained<T>(result: Promise<T>): Promise<T> {
    try {
      return await result;
    } catch (error) {
      const reason = await explainFailure(this.lost, error);
      throw this.#gone ?? reason;
    }
  }

  async #run(inputs: readonly StepInput[]): Promise<Float32Array[][]> {
    this.#throwIfGone();
    const {cache, hosted} = this.#parts;
    const work = this.#check(inputs);
    if (work.rows === 0) return inputs.map(() => []);
    await hosted?.rows.fetch(work.inputs.flatMap(({tokens}) => tokens));
    this.#throwIfGone();
    const before = this.#objects();
    this.#counts = {dispatches: 0, submits: 0, bytesWritten: 0, bytesRead: 0, objectsCreated: 0};
    const copies = cache.reserve(work.inputs.map(({sequence, tokens}) => ({sequence, positions: tokens.length})));
    try {
      if (copies.length > 0) this.#copyPages(copies);
      const logits = await this.#execute(work);
      this.#counts.objectsCreated = this.#objects() - before;
      if (work.rows === 1) this.#perToken = this.#counts;
      let at = 0;
      const results: Float32Array[][] = [];
      for (const {input, count} of work.outputsOf) {
        results[input] = logits.slice(at, at + count).filter((row) => row !== null);
        at += count;
      }
      return results;
    } catch (error) {
      const reason = await explainFailure(this.lost, error);
      throw this.#gone ?? reason;
    }
  }

  /** Everything that can be wrong with a step, before anything is written. */
  #check(inputs: readonly StepInput[]): Work {
    const work: Work = {
      rows: 0,
      decodeRows: 0,
      keys: 0,
      inputs: [],
      adapters: false,
      outputs: [],
      into: [],
      choosers: [],
      outputsOf: [],
    };
    const seen = new Set<Sequence>();
    const order = inputs.map((input, index) => ({...input, index}));
    // By slot, so that rows that go on together keep their order.
    const slot = ({sequence}: StepInput) => (sequence instanceof CachedSequence ? sequence.slot : 0);
    order.sort((a, b) => Number(a.tokens.length !== 1) - Number(b.tokens.length !== 1) || slot(a) - slot(b));
    for (const {sequence, tokens, logits, into, choice, index} of order) {
      if (!(sequence instanceof CachedSequence) || seen.has(sequence)) {
        throw new GemmaError('internal', "a step has the same sequence twice, or one that is not this engine's");
      }
      seen.add(sequence);
      for (const token of tokens) {
        if (Number.isInteger(token) && token >= 0 && token < this.vocabSize) continue;
        const expected = `an integer from 0 to ${this.vocabSize - 1}`;
        throw new GemmaError('option-invalid', `token id ${token} is not in the vocabulary; expected ${expected}`, {
          detail: {token, vocabSize: this.vocabSize},
        });
      }
      const first = {none: tokens.length, last: Math.max(0, tokens.length - 1), all: 0}[logits];
      for (let i = first; i < tokens.length; i++) {
        work.outputs.push(work.rows + i);
        work.into.push(i === tokens.length - 1 ? into : undefined);
        work.choosers.push(logits === 'last' ? this.#chooser(choice, sequence, tokens) : undefined);
      }
      work.outputsOf.push({input: index, count: tokens.length - first});
      work.rows += tokens.length;
      if (tokens.length === 1) work.decodeRows++;
      if (sequence.adapters && tokens.length > 0) {
        (sequence.adapters as SequenceAdapters).check();
        work.adapters = true;
      }
      work.keys = Math.max(work.keys, sequence.tokens.length + tokens.length);
      work.inputs.push({sequence, tokens});
    }
    if (work.rows > this.chunkSize) {
      throw new GemmaError('internal', `a step has ${work.rows} rows; expected at most ${this.chunkSize}`);
    }
    return work;
  }

  /** A row's logits, or null where the GPU chose the token. */
  async #execute(work: Work): Promise<(Float32Array | null)[]> {
    const {maxOutputs, device} = this.#parts;
    const {whole, head} = this.#pass;
    const ahead = this.#takeAhead(work);
    if (ahead) return this.#follow(work, ahead);
    this.#writeRows(work);
    const logits: (Float32Array | null)[] = [];
    for (let from = 0; from === 0 || from < work.outputs.length; from += maxOutputs) {
      const batch = work.outputs.slice(from, from + maxOutputs);
      const choosers = work.choosers.slice(from, from + maxOutputs);
      this.#submit(from === 0 ? whole : head, work, batch, choosers);
      // What was submitted will run: from here the tokens are in the cache.
      if (from === 0) for (const {sequence, tokens} of work.inputs) this.#parts.cache.append(sequence, tokens);
      const samples = this.#samples;
      if (from === 0) this.#runAhead(work);
      if (batch.length > 0) {
        logits.push(...(await this.#read(work.into.slice(from, from + maxOutputs), choosers, samples)));
      } else await device.queue.onSubmittedWorkDone(); // or chunk after chunk would pile up in the queue
    }
    return logits;
  }

  /**
   * Submits the step that is likely to follow, where the GPU chooses every token: it then never waits for the host. What it
   * writes is past what the sequences hold: a step that was not asked for after all needs no undoing.
   */
  #runAhead(work: Work): void {
    const {ahead, sampling, hosted, cache, maxOutputs} = this.#parts;
    const {whole} = this.#pass;
    const {inputs, rows, outputs, choosers} = work;
    if (!ahead || !sampling || hosted || this.profiler) return;
    if (work.decodeRows < rows || outputs.length < rows || rows > maxOutputs || choosers.includes(undefined)) return;
    if (inputs.some(({sequence}) => sequence.tokens.length >= this.contextLength)) return;
    let copies: PageCopy[];
    try {
      copies = cache.reserve(inputs.map(({sequence}) => ({sequence, positions: 1})));
    } catch {
      return; // no room: the step itself will say so
    }
    if (copies.length > 0) this.#copyPages(copies);
    const next: Work = {
      ...work,
      keys: work.keys + 1,
      inputs: inputs.map(({sequence}) => ({sequence, tokens: [0]})), // the GPU puts the token in
      choosers: choosers.map((one) => one && {choice: {settings: afterOne(one.choice.settings)}, tokens: []}),
    };
    this.#writeRows(next);
    this.#submit(whole, next, next.outputs, next.choosers, true);
    const revisions = inputs.map(({sequence}) => sequence.revision);
    this.#ahead = {work: next, fed: choosers, revisions, staging: this.#samples};
  }

  /** What was submitted ahead, if it is this step. */
  #takeAhead(work: Work): Ahead | null {
    const ahead = this.#ahead;
    this.#ahead = null;
    if (!ahead || work.inputs.length !== ahead.work.inputs.length || work.rows !== ahead.work.rows) return null;
    const same = work.inputs.every(({sequence, tokens}, i) => {
      const settings = work.choosers[i]?.choice.settings;
      return (
        sequence === ahead.work.inputs[i].sequence &&
        sequence.revision === ahead.revisions[i] &&
        tokens[0] === ahead.fed[i]?.choice.sample?.id &&
        settings !== undefined &&
        sameSettings(settings, ahead.work.choosers[i]!.choice.settings)
      );
    });
    return same && work.outputs.length === work.rows && !work.choosers.includes(undefined) ? ahead : null;
  }

  /** The results of a step that is under way already, and the one after it on its way. */
  async #follow(work: Work, {work: {choosers}, staging}: Ahead): Promise<null[]> {
    for (const {sequence, tokens} of work.inputs) this.#parts.cache.append(sequence, tokens);
    this.#runAhead(work);
    await this.#readChoices(choosers, staging);
    work.choosers.forEach((one, i) => {
      Object.assign(one!.choice, {sample: choosers[i]!.choice.sample, error: choosers[i]!.choice.error});
    });
    return work.choosers.map(() => null);
  }

  #writeRows({inputs, rows}: Work): void {
    const {buffers, cache, hosted} = this.#parts;
    let at = 0;
    const mixes: (readonly Use[])[] = [];
    const mixOf = (uses: readonly Use[]): number => {
      if (uses.length === 0) return 0;
      const known = mixes.indexOf(uses);
      return known < 0 ? mixes.push(uses) : known + 1;
    };
    for (const {sequence, tokens} of inputs) {
      const used = sequence.adapters as SequenceAdapters | undefined;
      tokens.forEach((token, i) => {
        const position = sequence.tokens.length + i;
        const adapters = used ? mixOf(used.usesAt(position)) : 0;
        packRow(this.#rowData, at++, {token, position, pageTable: sequence.table, adapters});
      });
    }
    this.#counts.bytesWritten += this.adapters.writeMixes(mixes);
    this.#write(buffers.rows, 0, this.#rowData, 0, ROW_WORDS * rows);
    if (hosted) {
      const bytes = hosted.rows.bytesOf(rows);
      this.#parts.device.queue.writeBuffer(hosted.buffer, 0, hosted.rows.data, 0, bytes);
      this.#counts.bytesWritten += bytes;
    }
    for (const group of PAGE_GROUPS) {
      const table = cache.tables[group];
      const changes = table.takeChanges();
      if (!changes) continue;
      const [from, to] = changes;
      this.#write(buffers[group === 'full' ? 'pageTables' : 'slidingPageTables'], from, table.entries, from, to - from);
    }
  }

  /** In the order given: a later copy may overwrite what an earlier one read. */
  #copyPages(copies: readonly PageCopy[]): void {
    const {device, kvBuffers, pageCopy} = this.#parts;
    const encoder = device.createCommandEncoder();
    for (const {group, from, to} of copies) {
      for (const {buffer, width} of kvBuffers[group]) {
        const bytes = 4 * PAGE_SIZE * width;
        // WebGPU does not copy within one buffer, so through another.
        encoder.copyBufferToBuffer(buffer, from * bytes, pageCopy, 0, bytes);
        encoder.copyBufferToBuffer(pageCopy, 0, buffer, to * bytes, bytes);
      }
    }
    device.queue.submit([encoder.finish()]);
    this.#counts.submits++;
  }

  #submit(
    recording: Recording<StepShape>,
    work: Work,
    outputs: readonly number[],
    choosers: readonly (Chooser | undefined)[],
    ahead = false,
  ): void {
    const {device, buffers, sampling} = this.#parts;
    const {logits} = this.#pass;
    const nOutputs = outputs.length;
    const step: StepShape = {
      nRows: work.rows,
      nOutputs,
      nDecode: work.decodeRows,
      nKeys: work.keys,
      adapters: work.adapters,
    };
    this.#write(buffers.step, 0, packStep(step, this.#stepData), 0, STEP_WORDS);
    if (nOutputs > 0) this.#writeOutputs(outputs);
    const encoder = device.createCommandEncoder();
    if (ahead) sampling!.feed(encoder, buffers.rows, work.rows, ROW_WORDS);
    this.#counts.dispatches += recording.replay(encoder, step, this.profiler ?? undefined);
    if (choosers.some((one) => one !== undefined)) {
      this.#samples = this.#samples === 0 ? 1 : 0;
      if (!ahead) this.#counts.bytesWritten += sampling!.write(choosers);
      this.#counts.dispatches += sampling!.encode(encoder, choosers, step, this.#samples, this.profiler ?? undefined);
    }
    this.profiler?.resolve(encoder);
    if (choosers.includes(undefined)) {
      encoder.copyBufferToBuffer(logits.buffer, 0, this.#parts.staging, 0, 4 * nOutputs * this.vocabSize);
    }
    device.queue.submit([encoder.finish()]);
    this.#counts.submits++;
  }

  /** Which rows go through the head, and what the head has to know of them: to it they are a step of their own. */
  #writeOutputs(outputs: readonly number[]): void {
    const {buffers} = this.#parts;
    const {outputStep, outputRowData} = this.#pass;
    const {length} = outputs;
    this.#outputData.set(outputs);
    this.#write(buffers.outputRows, 0, this.#outputData, 0, length);
    if (outputRowData) {
      outputs.forEach((row, i) => {
        this.#outputRowData.set(this.#rowData.subarray(ROW_WORDS * row, ROW_WORDS * (row + 1)), ROW_WORDS * i);
      });
      this.#write(outputRowData, 0, this.#outputRowData, 0, ROW_WORDS * length);
    }
    if (outputStep) {
      const step = {nRows: length, nOutputs: length, nDecode: length};
      this.#write(outputStep, 0, packStep(step, this.#stepData), 0, STEP_WORDS);
    }
  }

  /** The logits of as many rows as places are given, but for those whose token the GPU chose. */
  async #read(
    into: readonly (Float32Array | undefined)[],
    choosers: readonly (Chooser | undefined)[],
    samples: 0 | 1,
  ): Promise<(Float32Array | null)[]> {
    const [rows] = await Promise.all([
      choosers.includes(undefined) ? this.#readLogits(into, choosers) : choosers.map(() => null),
      this.#readChoices(choosers, samples),
    ]);
    return rows;
  }

  async #readChoices(choosers: readonly (Chooser | undefined)[], samples: 0 | 1): Promise<void> {
    if (choosers.every((one) => one === undefined)) return;
    this.#counts.bytesRead += await this.#parts.sampling!.read(choosers, samples);
  }

  async #readLogits(
    into: readonly (Float32Array | undefined)[],
    choosers: readonly (Chooser | undefined)[],
  ): Promise<(Float32Array | null)[]> {
    const {staging, suppressedTokens} = this.#parts;
    const bytes = 4 * into.length * this.vocabSize;
    await staging.mapAsync(GPUMapMode.READ, 0, bytes);
    const mapped = new Float32Array(staging.getMappedRange(0, bytes));
    const logits = into.map((place, i) => {
      if (choosers[i]) return null;
      const row = place ?? new Float32Array(this.vocabSize);
      row.set(mapped.subarray(i * this.vocabSize, (i + 1) * this.vocabSize));
      for (const id of suppressedTokens) row[id] = Number.NEGATIVE_INFINITY;
      return row;
    });
    staging.unmap();
    this.#counts.bytesRead += bytes;
    return logits;
  }

  /** What the GPU needs to choose a token after `tokens`, if it can. */
  #chooser(choice: Choice | undefined, sequence: Sequence, tokens: readonly number[]): Chooser | undefined {
    const {sampling} = this.#parts;
    if (!choice || !sampling?.can(choice)) return undefined;
    delete choice.sample;
    delete choice.error;
    const window = choice.settings.repetitionPenalty === 1 ? 0 : choice.settings.repetitionWindow;
    return {choice, tokens: window > 0 ? [...sequence.tokens.slice(-window), ...tokens] : []};
  }

  /** Positions and lengths in u32. */
  #write(buffer: GPUBuffer, to: number, data: Uint32Array<ArrayBuffer>, from: number, length: number): void {
    this.#parts.device.queue.writeBuffer(buffer, 4 * to, data, from, length);
    this.#counts.bytesWritten += 4 * length;
  }

  #objects(): number {
    return this.#parts.pool.stats().created + this.#parts.pipelines.size;
  }

  #throwIfGone(): void {
    if (this.#gone) throw this.#gone;
  }
}

/** The settings of a request after one more sample. */
function afterOne(settings: SamplerSettings): SamplerSettings {
  const draws = settings.temperature > 0 && settings.topK !== 1;
  return draws ? {...settings, rngOffset: settings.rngOffset + 1} : settings;
}

const sameSettings = (a: SamplerSettings, b: SamplerSettings): boolean =>
  (Object.keys(a) as (keyof SamplerSettings)[]).every(
    (key) => a[key] === b[key] || (isEmptyList(a[key]) && isEmptyList(b[key])),
  );

const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0;
