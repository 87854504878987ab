// Where a forward pass takes low-rank terms: at the output of each product, and of the embedding lookup. Matrices whose
// outputs stand beside each other (queries, keys, values) are one site: two dispatches serve all of them. Knows no buffer
// and no adapter.

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

/** The site of every tensor that can have a term. */
export function sitesByTensor(sites: readonly Site[]): Map<string, {site: Site; part: SitePart}> {
  return new Map(sites.flatMap((site) => site.parts.map((part) => [part.tensor, {site, part}] as const)));
}
