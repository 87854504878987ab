// Training, as the worker fetches it when a page asks for it: makes a training over a loaded engine, and says before what it
// will take. What the engine has is read, never written.
import {GemmaError} from '../../errors.ts';
import {BufferPool} from '../../gpu/buffers.ts';
import {CountingBuffers} from '../../gpu/counting-buffers.ts';
import {guarded} from '../../gpu/device.ts';
import {Recorder} from '../../gpu/recorder.ts';
import {explainFailure} from '../device-failure.ts';
import type {EngineParts} from '../gpu-engine.ts';
import type {Binding, StepShape} from '../graph/lowering.ts';
import {adamw} from '../kernels/adamw.ts';
import {squareSums} from '../kernels/square_sums.ts';
import type {WeightType} from '../kernels/weight-types.ts';
import {layOut} from '../memory/weights.ts';
import {readConfig} from '../model/config.ts';
import {graphOf} from '../model/registry.ts';
import {assembleTraining, partOfSlice, type TrainingBase} from './assemble-training.ts';
import {checkFactors, firstFactors} from './factors.ts';
import {GpuTraining} from './gpu-training.ts';
import type {CreateTraining, PlanTraining, TrainingOptions, TrainingRoom} from './training.ts';

/** More would make no sense of any model there is. */
const MAX_RANK = 512;
const MAX_ROWS = 16384;

export const planTraining: PlanTraining = (file, given) => {
  const options = complete(given);
  const config = readConfig(file);
  const graph = graphOf(config);
  const context = {
    stored({name}: {name: string}) {
      const {tensor, strideWords, nOut} = layOut(config.tensors.get(name)!, Number.POSITIVE_INFINITY);
      return {type: tensor.type as WeightType, strideWords, slices: [{firstRow: 0, nRows: nOut}], hosted: false};
    },
  };
  const limits = {maxBufferSize: Number.POSITIVE_INFINITY, maxStorageBufferBindingSize: Number.POSITIVE_INFINITY};
  const base = {graph, context, maxBufferBytes: Number.POSITIVE_INFINITY};
  const {parts} = assembleTraining(base, options, new CountingBuffers(limits));
  return {bytes: Object.values(parts).reduce((sum, bytes) => sum + bytes, 0), parts};
};

export const trainingRoom: TrainingRoom = (engine) => {
  const {parts} = engine as {parts?: EngineParts};
  return parts ? Math.max(0, parts.budget - sum(parts.pool.stats().bytes)) : null;
};

export const createTraining: CreateTraining = async (engine, given) => {
  const options = complete(given);
  const {parts} = engine as {parts?: EngineParts};
  if (!parts) throw new GemmaError('internal', 'this engine cannot be trained on');
  const {device, base, pipelines, hosted, budget} = parts;
  const {maxStorageBufferBindingSize, maxBufferSize} = device.limits;
  const trainingBase: TrainingBase = {
    graph: base.forward,
    context: base.context,
    maxBufferBytes: Math.min(maxStorageBufferBindingSize, maxBufferSize),
  };
  checkBudget(trainingBase, options, {budget, held: sum(parts.pool.stats().bytes), limits: device.limits});
  const pool = new BufferPool(device);
  try {
    const {assembly, pending} = await guarded(device, () => {
      const assembly = assembleTraining(trainingBase, options, pool);
      const bufferOf = (binding: Binding) => {
        const own = assembly.bufferOf(binding);
        if (own) return own;
        if (typeof binding !== 'string' && binding.kind === 'part') {
          const {weight, index} = binding;
          const slice = base.bufferOf({kind: 'slice', weight, index}) as GPUBuffer;
          return partOfSlice(slice, binding, base.context.stored(weight).strideWords);
        }
        return base.bufferOf(binding);
      };
      const recorder = new Recorder<StepShape>(device, pipelines);
      for (const {kernel, constants, bindings, shape, label} of assembly.dispatches) {
        const bound = Object.entries(bindings).map(([name, binding]) => [name, bufferOf(binding)]);
        recorder.add(kernel, constants, Object.fromEntries(bound), shape, label);
      }
      const norms = new Recorder<number>(device, pipelines);
      const updates = new Recorder<number>(device, pipelines);
      const {layout, banks, squareSums: sums, settings} = assembly;
      layout.banks.forEach((nRows, i) => {
        const [values, gradients] = [banks.values[i], banks.gradients[i]];
        norms.add(squareSums, {}, {x: gradients, sums: sums[i]}, () => ({nRows}));
        const moments = {first: banks.first[i], second: banks.second[i]};
        updates.add(adamw, {}, {settings, values, gradients, ...moments}, () => ({nRows}));
      });
      const pending = Promise.all([recorder.finish(), norms.finish(), updates.finish()]);
      pending.catch(() => undefined);
      return {assembly, pending};
    });
    const [recording, norms, updates] = await pending;
    const {terms} = assembly.layout;
    const factors = given.from ? checkFactors(terms, given.from) : firstFactors(terms, options.seed);
    return new GpuTraining(
      {
        device,
        lost: parts.lost,
        pool,
        pipelines,
        assembly,
        recording,
        norms: norms.dispatches,
        updates: updates.dispatches,
        hosted: assembly.hosted ? hosted!.rows.forRows(options.batchRows) : null,
        vocabSize: engine.vocabSize,
        contextLength: engine.contextLength,
        options,
      },
      factors,
    );
  } catch (error) {
    pool.destroy();
    throw await explainFailure(parts.lost, error);
  }
};

const sum = (bytes: Readonly<Record<string, number>>): number => Object.values(bytes).reduce((a, b) => a + b, 0);

/** Options with their defaults. @throws GemmaError `option-invalid` */
function complete(given: TrainingOptions): Required<Omit<TrainingOptions, 'from'>> {
  const options = {
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0,
    maxGradientNorm: 1,
    sliceMs: 50,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  } as Required<Omit<TrainingOptions, 'from'>>;
  const {rank, alpha, targets, batchRows, seed, beta1, beta2, epsilon, weightDecay, maxGradientNorm, sliceMs} = options;
  const check = (option: string, good: boolean, value: unknown, expected: string) => {
    if (good) return;
    throw new GemmaError('option-invalid', `${option} is ${String(value)}; expected ${expected}`, {
      detail: {option, value: String(value)},
    });
  };
  const integer = (option: string, value: number, least: number, most: number) =>
    check(
      option,
      Number.isSafeInteger(value) && value >= least && value <= most,
      value,
      `an integer from ${least} to ${most}`,
    );
  const number = (option: string, value: number, least: number, below: number) =>
    check(option, value >= least && value < below, value, `a number from ${least} to below ${below}`);
  integer('rank', rank, 1, MAX_RANK);
  integer('batchRows', batchRows, 1, MAX_ROWS);
  integer('seed', seed, 0, Number.MAX_SAFE_INTEGER);
  check('alpha', Number.isFinite(alpha) && alpha !== 0, alpha, 'a number that is not 0');
  check('targets', Array.isArray(targets) && targets.length > 0, targets, 'names of matrices');
  number('beta1', beta1, 0, 1);
  number('beta2', beta2, 0, 1);
  number('epsilon', epsilon, 0, 1);
  number('weightDecay', weightDecay, 0, Number.POSITIVE_INFINITY);
  number('maxGradientNorm', maxGradientNorm, 0, Number.POSITIVE_INFINITY);
  number('sliceMs', sliceMs, 0, Number.POSITIVE_INFINITY);
  return options;
}

/** @throws GemmaError `out-of-memory` saying what would fit */
function checkBudget(
  base: TrainingBase,
  options: Required<Omit<TrainingOptions, 'from'>>,
  {
    budget,
    held,
    limits,
  }: {budget: number; held: number; limits: {maxBufferSize: number; maxStorageBufferBindingSize: number}},
): void {
  const needs = (batchRows: number) =>
    sum(assembleTraining(base, {...options, batchRows}, new CountingBuffers(limits)).parts);
  const needed = needs(options.batchRows);
  if (held + needed <= budget) return;
  let fitting = options.batchRows;
  while (fitting >= 1 && held + needs(fitting) > budget) fitting = Math.floor(fitting / 2);
  const size = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  const advice =
    fitting > 0
      ? `batches of ${fitting} rows would fit`
      : 'no batch fits: choose a lower rank, fewer targets or a smaller model';
  throw new GemmaError(
    'out-of-memory',
    `training needs ${size(needed)} on the GPU beside the ${size(held)} in use; this GPU is assumed to hold ${size(budget)}; ${advice}`,
    {detail: {needed, held, budget, fitting}},
  );
}
