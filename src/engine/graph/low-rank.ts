// Where a forward pass takes the low-rank terms of adapters, and the pass with them: at the output of each product, and of
// the embedding lookup. Matrices whose outputs stand beside each other (queries, keys, values) are one site: two dispatches
// serve all of them. Knows no buffer and no adapter.
import type {FusedOperation} from './fused.ts';
import {type Activation, checkGraph, type Graph, type WeightTensor} from './graph.ts';

/** One matrix of a site. */
export interface SitePart {
  /** `blk.0.attn_q.weight` */
  readonly tensor: string;
  readonly nOut: number;
  /** Where its outputs begin in a row of the site's y. */
  readonly firstOutput: number;
}

/** What reads one x and writes one y. */
export interface Site {
  /** Of the operation: `blk.0.attn_qkv`. */
  readonly name: string;
  readonly parts: readonly SitePart[];
  /** Values of a row of x; of an embedding table its rows: it is read by token. */
  readonly nIn: number;
  /** Values of a row of y. */
  readonly nOut: number;
  /** A row of A is gathered by token instead of multiplied with x. */
  readonly gathers: boolean;
  /** Multiplies every term: √nEmbd of an embedding. */
  readonly factor: number;
}

/** How much of a site adapters use. */
export interface SiteTerms {
  readonly site: Site;
  readonly nTerms: number;
  /** The ranks of all terms. */
  readonly nColumns: number;
}

const EMBEDDING = 'token_embd.weight';

/** The site at an operation, if it can have terms. */
function siteOf(operation: FusedOperation): Site | null {
  switch (operation.kind) {
    case 'linear':
      // A tied head stays as it is: files have no terms for it (llama.cpp: convert_lora_to_gguf.py refuses them).
      if (operation.inputs.weight.name === EMBEDDING) return null;
      return product(operation.name, operation.outputs.y, [operation.inputs.weight]);
    case 'linearParts': {
      const {a, b, c} = operation.inputs;
      return product(operation.name, operation.outputs.y, c ? [a, b, c] : [a, b]);
    }
    case 'getRows': {
      const {table} = operation.inputs;
      if (table.name !== EMBEDDING) return null;
      const parts = [{tensor: table.name, nOut: table.width, firstOutput: 0}];
      const {scale: factor} = operation.attributes;
      return {name: operation.name, parts, nIn: table.nOut, nOut: table.width, gathers: true, factor};
    }
    default:
      return null;
  }
}

function product(name: string, y: Activation, weights: readonly WeightTensor[]): Site {
  let firstOutput = 0;
  const parts = weights.map(({name: tensor, nOut}) => {
    const part = {tensor, nOut, firstOutput};
    firstOutput += nOut;
    return part;
  });
  return {name, parts, nIn: weights[0].width, nOut: y.width, gathers: false, factor: 1};
}

/** All sites of a graph in which every product is kept. */
export const sitesOf = ({operations}: Graph<FusedOperation>): Site[] =>
  operations.map(siteOf).filter((site) => site !== null);

/**
 * The graph with a term after each operation of these sites. What reads the operation's output reads the sum, which is
 * written over it.
 */
export function withLowRankTerms(graph: Graph<FusedOperation>, terms: readonly SiteTerms[]): Graph<FusedOperation> {
  const bySite = new Map(terms.map((one) => [one.site.name, one]));
  const sums = new Map<unknown, Activation>();
  // Those that add the terms themselves.
  const gated = new Set(graph.operations.map((one) => one.kind === 'lowRankGated' && one.inputs.gateUp));
  // Above those of other rewrites.
  let nextId = 2_000_000_000;
  const operations = graph.operations.flatMap((given): FusedOperation[] => {
    const operation = {...given, inputs: exchanged(given.inputs, sums)} as FusedOperation;
    if (operation.kind === 'lowRankGated') {
      const {nTerms = 0, nColumns = 0} = bySite.get(operation.attributes.site) ?? {};
      return [{...operation, attributes: {...operation.attributes, nTerms, nColumns}}];
    }
    const site = siteOf(operation);
    const found = site && bySite.get(site.name);
    const {y} = operation.outputs as {y: Activation};
    if (!found || gated.has(y)) return [operation];
    const sum: Activation = {...y, id: nextId++, name: `${y.name} with adapters`};
    sums.set(y, sum);
    const x = 'x' in operation.inputs ? (operation.inputs.x as Activation) : null;
    const {nTerms, nColumns} = found;
    return [
      operation,
      {
        kind: 'lowRank',
        name: operation.name,
        inputs: {x, y},
        outputs: {y: sum},
        inPlace: {y: 'y'},
        attributes: {site: site.name, factor: site.factor, nTerms, nColumns},
      },
    ];
  });
  return checkGraph({operations, logits: sums.get(graph.logits) ?? graph.logits});
}

const exchanged = (tensors: Readonly<Record<string, unknown>>, by: ReadonlyMap<unknown, Activation>) =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, by.get(tensor) ?? tensor]));
