// Which steps need an operation, and which operations need each other: both follow from what a graph reads and writes.
import {
  type AnyOperation,
  activationsIn,
  activationsOut,
  type CacheTensor,
  type Graph,
  inputsOf,
  isOverOutputs,
  overwritten,
  type Tensor,
} from './graph.ts';

/**
 * `body`: leads to keys or values, so every step needs it for all its rows. `tail`: leads only to logits, so it is
 * needed in steps that ask for some. (In Gemma 4 and 3n all after the last layer that writes keys and values, in every
 * model the last layer's attention and feed-forward.) `head`: runs over the output rows, once for each batch of them.
 */
export type Stage = 'body' | 'tail' | 'head';

/** The stage of every operation, in order. */
export function stagesOf({operations}: Graph<AnyOperation>): Stage[] {
  const leadsToCache = new Set<Tensor>();
  const stages: Stage[] = [];
  for (let i = operations.length - 1; i >= 0; i--) {
    const operation = operations[i];
    const outputs = Object.values(operation.outputs);
    if (outputs.some(({kind}) => kind === 'cache') || outputs.some((output) => leadsToCache.has(output))) {
      stages[i] = 'body';
      for (const input of activationsIn(operation)) leadsToCache.add(input);
    } else {
      stages[i] = isOverOutputs(operation) ? 'head' : 'tail';
    }
  }
  return stages;
}

/**
 * For every operation the earlier ones that must have run: those that made what it reads, those that read what it
 * overwrites, and for caches all that wrote before it reads and all that read or wrote before it writes. The head needs all
 * that is not of the head: it runs again from its beginning.
 */
export function dependenciesOf({operations}: Graph<AnyOperation>): ReadonlySet<number>[] {
  const makers = new Map<Tensor, number>();
  const readers = new Map<Tensor, number[]>();
  const writers = new Map<Tensor, number[]>();
  const overRows: number[] = [];
  return operations.map((operation, i) => {
    const needs = new Set<number>();
    const needAll = (list: readonly number[] = []) => {
      for (const other of list) needs.add(other);
    };
    for (const input of inputsOf(operation)) {
      const maker = makers.get(input);
      if (maker !== undefined) needs.add(maker);
      if (input.kind === 'cache') needAll(writers.get(input));
    }
    for (const [from] of overwritten(operation)) needAll(readers.get(from));
    const caches = Object.values(operation.outputs).filter((output): output is CacheTensor => output.kind === 'cache');
    for (const cache of caches) {
      needAll(readers.get(cache));
      needAll(writers.get(cache));
      append(writers, cache, i);
    }
    for (const input of inputsOf(operation)) append(readers, input, i);
    for (const output of activationsOut(operation)) makers.set(output, i);
    if (isOverOutputs(operation)) needAll(overRows);
    else overRows.push(i);
    needs.delete(i);
    return needs;
  });
}

function append(lists: Map<Tensor, number[]>, tensor: Tensor, index: number): void {
  const list = lists.get(tensor);
  if (list) list.push(index);
  else lists.set(tensor, [index]);
}
