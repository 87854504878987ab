// Whether a training fits on the GPU, told before anything is made: with batches that are as large as they may be, or smaller
// ones. Where it does not fit, what would.
import type {PlanTraining, TrainingOptions} from '../engine/training/training.ts';
import {GemmaError} from '../errors.ts';
import type {GgufFile} from '../gguf/gguf-file.ts';

export interface MemoryRequest {
  readonly file: GgufFile;
  readonly options: TrainingOptions;
  /** Rows of the longest sequence: no batch can have fewer. */
  readonly longest: number;
  /** Bytes that may be taken; null where nothing is known. */
  readonly budget: number | null;
}

/** What is planned. */
export interface MemoryResult {
  readonly options: TrainingOptions;
  readonly bytes: number;
  readonly parts: Readonly<Record<string, number>>;
}

const LOWEST_RANK = 2;
/** Attention alone: what is trained where little is to be had. */
const FEWEST_TARGETS = ['attn_q', 'attn_v'];

/** @throws GemmaError `out-of-memory`, with what would fit; the engine's own */
export function planMemory(plan: PlanTraining, request: MemoryRequest): MemoryResult {
  const {file, options, longest, budget} = request;
  const at = (more: Partial<TrainingOptions>): MemoryResult => {
    const tried = {...options, ...more};
    return {options: tried, ...plan(file, tried)};
  };
  let result = at({});
  if (budget === null) return result;
  while (result.bytes > budget && result.options.batchRows > longest) {
    result = at({batchRows: Math.max(longest, Math.ceil(result.options.batchRows / 2))});
  }
  if (result.bytes <= budget) return result;
  const smallest = result;
  const advice = fitting(smallest.options, budget, at);
  throw new GemmaError(
    'out-of-memory',
    `training needs ${mib(smallest.bytes)} on the GPU beside the model; there is room for ${mib(budget)}. ${advice}`,
    {detail: {bytes: smallest.bytes, budget, parts: smallest.parts, advice}},
  );
}

function fitting(
  {rank, targets, batchRows}: TrainingOptions,
  budget: number,
  at: (more: Partial<TrainingOptions>) => MemoryResult,
): string {
  const fewer = targets.filter((name) => FEWEST_TARGETS.includes(name));
  for (const [kept, note] of [
    [targets, ''],
    [fewer, ` and targets ${fewer.join(', ')}`],
  ] as const) {
    if (kept.length === 0) continue;
    for (let lower = rank; lower >= LOWEST_RANK; lower = Math.floor(lower / 2)) {
      const {bytes} = at({rank: lower, targets: kept, batchRows});
      if (bytes <= budget) return `Rank ${lower}${note} would fit: ${mib(bytes)}`;
    }
  }
  for (let rows = batchRows >> 1; rows >= 16; rows >>= 1) {
    const {bytes} = at({rank: LOWEST_RANK, targets: fewer.length > 0 ? fewer : targets, batchRows: rows});
    if (bytes <= budget)
      return `Examples of at most ${rows + 1} tokens and rank ${LOWEST_RANK} would fit: ${mib(bytes)}`;
  }
  return 'Load the model with a shorter context, or use a smaller one';
}

const mib = (bytes: number): string => `${Math.ceil(bytes / 2 ** 20)} MiB`;
