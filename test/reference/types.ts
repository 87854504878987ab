// What the float64 forward passes of all architectures have in common.

/** Rows of f64, one a position. */
export type Rows = Float64Array[];

export interface KeysAndValues {
  keys: Rows;
  values: Rows;
}

/** Sees named intermediate rows as they are made: `inp_scaled`, `attn_out-3`, `ffn_out-3`, `l_out-3`, `result_norm`. */
export type Trace = (name: string, rows: readonly Float64Array[]) => void;

/** An architecture's layers. */
export interface ReferenceForward {
  /** Token ids → the last layer's residual stream: f64[n][nEmbd]. */
  run(tokens: readonly number[], trace: Trace): Rows;
}
