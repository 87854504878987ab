// The forward pass of an engine with the low-rank terms of adapters in it: other dispatches over the same weights, keys and
// values, and where they are large enough over the same buffers. The two passes never run at once. Records nothing.
import {GemmaError} from '../../errors.ts';
import type {Buffers} from '../../gpu/buffers.ts';
import type {BufferBinding} from '../../gpu/recorder.ts';
import type {FusedOperation} from '../graph/fused.ts';
import type {Activation, Graph} from '../graph/graph.ts';
import {type ActivationRows, activationBytes, planActivations} from '../graph/liveness.ts';
import {type Site, type SiteTerms, sitesOf, withLowRankTerms} from '../graph/low-rank.ts';
import {type Binding, type Dispatch, type Lowering, type LoweringContext, lower} from '../graph/lowering.ts';
import {overOutputRows} from '../graph/output-tail.ts';
import {rewrite, type Variants} from '../graph/variants.ts';
import {ROW_WORDS, STEP_WORDS} from '../step-data.ts';

/** Dispatches, and what they bind. */
export interface Pass {
  dispatches: readonly Dispatch[];
  bufferOf(binding: Binding): BufferBinding;
  /** f32[maxOutputs][nVocab] */
  logits: {buffer: GPUBuffer; width: number};
  /** What the head reads of a step and its rows, where it reads them. */
  outputStep: GPUBuffer | null;
  outputRowData: GPUBuffer | null;
}

/** What a pass shares with the one without adapters. */
export interface BasePass extends Pass {
  forward: Graph;
  variants: Variants;
  context: LoweringContext;
  lowering: Lowering<FusedOperation>;
  rows: ActivationRows;
  /** Where its logits are, as sampling binds them. */
  logitsTensor: Activation;
  /** Largest first. */
  activations: readonly GPUBuffer[];
  /** By name. */
  scratch: ReadonlyMap<string, GPUBuffer>;
}

/** What the adapters have: the buffers of a site, and the mixes of a step. */
export interface AdapterBuffers {
  mixes: GPUBuffer;
  site(name: string): {factors: GPUBuffer; terms: GPUBuffer};
}

/** Where this engine's forward pass can take low-rank terms. */
export function adapterSites({forward, variants, context}: BasePass): Site[] {
  return sitesOf(rewrite(forward, variants, context, {has: () => true}));
}

/** A pass with these terms, and the buffers that were made for it alone. */
export function adaptedPass(
  base: BasePass,
  terms: readonly SiteTerms[],
  adapters: AdapterBuffers,
  buffers: Buffers,
): {pass: Pass; made: GPUBuffer[]} {
  const {variants, context, rows} = base;
  const made: GPUBuffer[] = [];
  const create = (label: string, size: number): GPUBuffer => {
    const buffer = buffers.create(label, 'adapters', size);
    made.push(buffer);
    return buffer;
  };
  const keep = new Set(terms.flatMap(({site}) => site.parts.map(({tensor}) => tensor)));
  const fused = withLowRankTerms(rewrite(base.forward, variants, context, keep), terms);
  const graph = variants.outputTail ? overOutputRows(fused) : fused;
  const plan = planActivations(graph, rows);
  const free = [...base.activations].sort((a, b) => a.size - b.size);
  const activations = plan.sizes.map((size, i) => {
    const fits = free.findIndex((buffer) => buffer.size >= size);
    return fits < 0 ? create(`adapted activations ${i}`, size) : free.splice(fits, 1)[0];
  });
  const dispatches = lower(graph, base.lowering, context);
  const scratch = new Map(base.scratch);
  for (const binding of dispatches.flatMap(({bindings}) => Object.values(bindings))) {
    if (typeof binding === 'string' || binding.kind !== 'scratch') continue;
    const {name, bytes} = binding;
    // Those that grow leave a smaller one unused: only columns do, whose number differs from site to site.
    if ((scratch.get(name)?.size ?? 0) < bytes) scratch.set(name, create(name, bytes));
  }
  const outputStep = base.outputStep ?? buffers.createUniform('output step', 4 * STEP_WORDS);
  if (!base.outputStep) made.push(outputStep);
  const outputRowData = base.outputRowData ?? create('rows of outputs', 4 * ROW_WORDS * rows.outputs);
  const place = (activation: Activation) => {
    const index = plan.bufferOf.get(activation);
    if (index === undefined) throw new GemmaError('internal', `there is no buffer of ${activation.name}`);
    return activations[index];
  };
  const bufferOf = (binding: Binding): BufferBinding => {
    if (binding === 'mixes') return adapters.mixes;
    if (binding === 'outputStep') return outputStep;
    if (binding === 'outputRowData') return outputRowData;
    if (typeof binding === 'string') return base.bufferOf(binding);
    switch (binding.kind) {
      case 'activation': {
        const activation = binding === base.logitsTensor ? graph.logits : binding;
        return {buffer: place(activation), offset: 0, size: activationBytes(activation, rows)};
      }
      case 'adapters':
        return adapters.site(binding.site)[binding.holds];
      case 'scratch':
        return scratch.get(binding.name) ?? base.bufferOf(binding);
      default:
        return base.bufferOf(binding);
    }
  };
  const logits = {buffer: place(graph.logits), width: graph.logits.width};
  return {pass: {dispatches, bufferOf, logits, outputStep, outputRowData}, made};
}
