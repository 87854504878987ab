// What leads only to logits runs over the output rows instead of the step's: of a prompt, all but the last token leave
// out everything after the last keys and values. In Gemma 4 E2B that is 20 of 35 layers (the cut is exact: no value that
// is asked for depends on what is left out). Knows no model.
import type {FusedOperation} from './fused.ts';
import {type Activation, activationsIn, activationsOut, checkGraph, type Graph} from './graph.ts';
import {stagesOf} from './stages.ts';

/** The same logits: the body over the step's rows, then all the rest over the output rows. */
export function overOutputRows<G extends Graph<FusedOperation>>(graph: G): G {
  const stages = stagesOf(graph);
  const body = graph.operations.filter((_, i) => stages[i] === 'body');
  const tail: FusedOperation[] = [];
  const moved = new Map<Activation, Activation>();
  let nextId = 1 + Math.max(...graph.operations.flatMap(activationsOut).map(({id}) => id));
  const move = (activation: Activation): Activation => {
    const y: Activation = {...activation, id: nextId++, over: 'outputs'};
    moved.set(activation, y);
    return y;
  };
  /** The output rows of an activation; those of one that the body makes are selected at its first use. */
  const outputsOf = (x: Activation): Activation => {
    const known = moved.get(x) ?? (x.over === 'outputs' ? x : undefined);
    if (known) return known;
    const y = move(x);
    tail.push({kind: 'selectOutputs', name: x.name, inputs: {x}, outputs: {y}, attributes: {}});
    return y;
  };
  for (const operation of graph.operations.filter((_, i) => stages[i] !== 'body')) {
    if (operation.kind === 'selectOutputs') {
      moved.set(operation.outputs.y, outputsOf(operation.inputs.x));
      continue;
    }
    activationsIn(operation).forEach(outputsOf);
    for (const output of activationsOut(operation)) if (output.over === 'rows') move(output);
    tail.push(replaced(operation, moved));
  }
  // Throws where the body overwrites what the tail, which now comes after all of it, still reads.
  return checkGraph({operations: [...body, ...tail], logits: outputsOf(graph.logits)}) as Graph<FusedOperation> as G;
}

/** The operation on other activations of the same widths. */
function replaced(operation: FusedOperation, by: ReadonlyMap<Activation, Activation>): FusedOperation {
  const exchange = (tensors: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, by.get(tensor as Activation) ?? tensor]));
  return {...operation, inputs: exchange(operation.inputs), outputs: exchange(operation.outputs)} as FusedOperation;
}
