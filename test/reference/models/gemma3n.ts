// Gemma 3n's forward pass in float64, up to the one stream that goes through the head. The same on the GPU:
// src/engine/model/gemma3n/forward.ts.
import {type Gemma3nConfig, type Gemma3nLayer, STREAMS} from '../../../src/engine/model/gemma3n/config.ts';
import {
  addRows,
  embeddings,
  gatedMlp,
  normedOutput,
  perLayerBranch,
  perLayerInputs,
  type ReferenceParts,
  rmsNormRows,
  unscaledAttention,
} from '../model-blocks.ts';
import {add, rmsNorm, scaled, sparse, withMagnitudeOf} from '../model-ops.ts';
import type {KeysAndValues, ReferenceForward, Rows, Trace} from '../types.ts';

export class Gemma3nReference implements ReferenceForward {
  readonly #parts: ReferenceParts<Gemma3nConfig>;

  constructor(parts: ReferenceParts<Gemma3nConfig>) {
    this.#parts = parts;
  }

  run(tokens: readonly number[], trace: Trace): Rows {
    const parts = this.#parts;
    const {weights} = parts;
    const h0 = embeddings(parts, tokens);
    trace('inp_scaled', h0);
    const perLayer = perLayerInputs(parts, tokens, h0)!;

    // streams: [4][n][nEmbd], the first of them active
    const project = (name: string, i: number, rows: Rows, like: Rows) => {
      const n = parts.config.nEmbd;
      const projected = weights.matrix(name).multiplyRows(rows, (i - 1) * n, n);
      return projected.map((row, t) => withMagnitudeOf(like[t], row));
    };
    let streams = Array.from({length: STREAMS}, (_, i) => (i === 0 ? h0 : project('altup_proj.weight', i, h0, h0)));
    const cache: KeysAndValues[] = [];
    for (const layer of parts.config.layers) {
      streams = this.#layer(layer, streams, perLayer, cache, trace);
      trace(`l_out-${layer.index}`, streams.flat());
    }
    const [active] = streams;
    const all = streams.map((rows, i) => (i === 0 ? rows : project('altup_unembd_proj.weight', i, rows, active)));
    return all.reduce(addRows).map((row) => scaled(row, 1 / STREAMS));
  }

  #layer(layer: Gemma3nLayer, streams: Rows[], perLayer: Rows, cache: KeysAndValues[], trace: Trace): Rows[] {
    const parts = this.#parts;
    const block = `blk.${layer.index}`;
    const {weights} = parts;

    // Predict: each stream plus a mixture of all.
    const mixing = this.#coefficients(layer, streams[0], 'predict');
    const predicted = streams.map((rows, i) =>
      rows.map((row, t) =>
        streams.reduce((sum, other, j) => add(sum, scaled(other[t], mixing[t][STREAMS * i + j])), row),
      ),
    );
    const [active] = predicted;

    // Attention and its low-rank bypass, both from x = RMS(active).
    const x = rmsNormRows(parts, active, `${block}.attn_norm.weight`);
    const low = weights.matrix(`${block}.laurel_l.weight`).multiply(x);
    const laurel = addRows(x, normedOutput(parts, `${block}.laurel_r.weight`, low, `${block}.laurel_post_norm.weight`));
    const gated = addRows(active, unscaledAttention(parts, layer, x, cache));
    const mixed = addRows(gated, laurel).map((row) => scaled(row, Math.SQRT1_2));
    trace(`attn_laurel-${layer.index}`, mixed);

    const inner = gatedMlp(parts, layer, mixed, (gate) =>
      layer.sparsity === null ? gate : sparse(gate, layer.sparsity),
    );
    const ffn = normedOutput(parts, `${block}.ffn_down.weight`, inner, `${block}.post_ffw_norm.weight`);
    const activated = addRows(mixed, ffn);
    trace(`attn_ffw_laurel_gated-${layer.index}`, activated);

    // Correct: what the layer made of the active stream moves all four; the per-layer embedding goes into three.
    const moving = this.#coefficients(layer, activated, 'correct');
    const innovation = activated.map((row, t) => row.map((value, i) => value - active[t][i]));
    const corrected = predicted.map((rows, i) =>
      rows.map((row, t) => add(row, scaled(innovation[t], 1 + moving[t][i]))),
    );
    const scale = weights.vector(`${block}.altup_correct_scale.weight`);
    const first = corrected[0].map((row) => row.map((value, i) => value * scale[i]));
    const injected = perLayerBranch(parts, layer, first, perLayer);
    return corrected.map((rows, i) => (i === 0 ? rows : addRows(rows, injected)));
  }

  /** x: [n][nEmbd] → coef · tanh(router · RMS(x) / nEmbd): [n][16] or [n][4]. */
  #coefficients(layer: Gemma3nLayer, x: Rows, which: 'predict' | 'correct'): Rows {
    const {config, weights} = this.#parts;
    const block = `blk.${layer.index}`;
    const norm = weights.vector(`${block}.altup_router_norm.weight`);
    const routed = x.map((row) => scaled(rmsNorm(row, config.normEps, norm), 1 / config.nEmbd));
    const modalities = weights.matrix(`${block}.altup_router.weight`).multiply(routed);
    return weights.matrix(`${block}.altup_${which}_coef.weight`).multiply(modalities.map((row) => row.map(Math.tanh)));
  }
}
