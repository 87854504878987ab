// Which activations share a buffer: those that are never alive at the same time. Greedy by size, as TensorFlow Lite's
// memory planner does it (Pisarchyk and Lee, "Efficient memory management for deep neural net inference", 2020): the
// largest first, each into the smallest buffer that is free while it lives. A buffer holds one activation at a time, so
// that no operation reads and writes one buffer, which WebGPU forbids. Knows no device.
import {
  type Activation,
  type AnyOperation,
  activationsIn,
  activationsOut,
  type Graph,
  isOverOutputs,
  overwritten,
} from './graph.ts';

/** Rows that activations are made for. */
export interface ActivationRows {
  /** Rows of the largest step. */
  rows: number;
  /** Rows that go through the head at once. */
  outputs: number;
}

/** Where every activation of a graph is kept. */
export interface ActivationPlan {
  /** Bytes of every buffer. */
  sizes: readonly number[];
  /** The buffer of every activation. */
  bufferOf: ReadonlyMap<Activation, number>;
}

/** From the operation that makes it to the last that needs it, both included. */
export interface Lifetime {
  first: number;
  last: number;
}

/** An activation and those that replace it in place: one buffer from the first to the last. */
interface Storage extends Lifetime {
  bytes: number;
  activations: Activation[];
}

/** Bytes of an activation for all its rows, in whole vec4. */
export const activationBytes = ({width, over}: Activation, sizes: ActivationRows): number =>
  Math.max(16, Math.ceil((4 * sizes[over] * width) / 16) * 16);

/**
 * The lifetime of every activation. What the head reads of the rest lives to the end: the head runs again for each
 * batch of outputs. So do the logits, which are read when all is done.
 */
export function lifetimesOf({operations, logits}: Graph<AnyOperation>): Map<Activation, Lifetime> {
  const end = operations.length;
  const lifetimes = new Map<Activation, Lifetime>();
  operations.forEach((operation, i) => {
    const inHead = isOverOutputs(operation);
    for (const input of activationsIn(operation)) {
      const lifetime = lifetimes.get(input)!;
      lifetime.last = inHead && input.over === 'rows' ? end : Math.max(lifetime.last, i);
    }
    for (const output of activationsOut(operation)) lifetimes.set(output, {first: i, last: i});
  });
  lifetimes.get(logits)!.last = end;
  return lifetimes;
}

/** Gives every activation a buffer. */
export function planActivations(graph: Graph<AnyOperation>, sizes: ActivationRows): ActivationPlan {
  const buffers: {bytes: number; held: Storage[]}[] = [];
  const bufferOf = new Map<Activation, number>();
  const largestFirst = storagesOf(graph, sizes).sort((a, b) => b.bytes - a.bytes || a.first - b.first);
  for (const storage of largestFirst) {
    // Buffers were made largest first, so the last that is free is the smallest, and every one is large enough.
    let index = buffers.findLastIndex(({held}) => held.every((other) => !overlap(storage, other)));
    if (index < 0) index = buffers.push({bytes: storage.bytes, held: []}) - 1;
    buffers[index].held.push(storage);
    for (const activation of storage.activations) bufferOf.set(activation, index);
  }
  return {sizes: buffers.map(({bytes}) => bytes), bufferOf};
}

function storagesOf(graph: Graph<AnyOperation>, sizes: ActivationRows): Storage[] {
  const storages = new Map<Activation, Storage>();
  for (const [activation, {first, last}] of lifetimesOf(graph)) {
    storages.set(activation, {first, last, bytes: activationBytes(activation, sizes), activations: [activation]});
  }
  for (const operation of graph.operations) {
    for (const [from, to] of overwritten(operation)) {
      const storage = storages.get(from)!;
      storage.last = Math.max(storage.last, storages.get(to)!.last);
      storage.activations.push(to);
      storages.set(to, storage);
    }
  }
  return [...new Set(storages.values())];
}

const overlap = (a: Lifetime, b: Lifetime): boolean => a.first <= b.last && b.first <= a.last;
