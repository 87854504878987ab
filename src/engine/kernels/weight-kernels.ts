// Makes one kernel for each weight type out of one shader. Such a shader (get_rows, mul_mat) reads `weight` through
// `dequantize(row, chunk)` and has TYPE in the name of its entry point. Owns which file dequantizes which type.

import bf16 from '../../../shaders/lib/dequantize_bf16.wgsl';
import f16 from '../../../shaders/lib/dequantize_f16.wgsl';
import f32 from '../../../shaders/lib/dequantize_f32.wgsl';
import iq4nl from '../../../shaders/lib/dequantize_iq4_nl.wgsl';
import iq4xs from '../../../shaders/lib/dequantize_iq4_xs.wgsl';
import mxfp4 from '../../../shaders/lib/dequantize_mxfp4.wgsl';
import q2k from '../../../shaders/lib/dequantize_q2_k.wgsl';
import q3k from '../../../shaders/lib/dequantize_q3_k.wgsl';
import q40 from '../../../shaders/lib/dequantize_q4_0.wgsl';
import q41 from '../../../shaders/lib/dequantize_q4_1.wgsl';
import q4k from '../../../shaders/lib/dequantize_q4_k.wgsl';
import q50 from '../../../shaders/lib/dequantize_q5_0.wgsl';
import q51 from '../../../shaders/lib/dequantize_q5_1.wgsl';
import q5k from '../../../shaders/lib/dequantize_q5_k.wgsl';
import q6k from '../../../shaders/lib/dequantize_q6_k.wgsl';
import q80 from '../../../shaders/lib/dequantize_q8_0.wgsl';
import loadQuads from '../../../shaders/lib/load_quads.wgsl';
import loadValues from '../../../shaders/lib/load_values.wgsl';
import {ggmlType} from '../../gguf/ggml-types.ts';
import {WEIGHT_TYPES, type WeightType} from './weight-types.ts';

const DEQUANTIZE: Readonly<Record<WeightType, string>> = {
  F32: f32,
  F16: f16,
  BF16: bf16,
  Q4_0: q40,
  Q4_1: q41,
  Q5_0: q50,
  Q5_1: q51,
  Q8_0: q80,
  Q2_K: q2k,
  Q3_K: q3k,
  Q4_K: q4k,
  Q5_K: q5k,
  Q6_K: q6k,
  IQ4_NL: iq4nl,
  IQ4_XS: iq4xs,
  MXFP4: mxfp4,
};

/**
 * `bind` makes a kernel of a complete shader, once a type.
 * @param shader with `fn <name>_TYPE(` and `weight: array<WeightWord>`. It must not include what the dequantizers do:
 *   bytes, f16, halves
 * @param loadsRows whether it also reads `x: array<Activation>`, [rows][N_IN], through `load_quad(row, quad)`, and cuts
 *   the weights' tails by `cut_tail(values, chunk)`; its `shape` has N_IN
 */
export function forWeightTypes<K>(
  shader: string,
  bind: (shader: string) => K,
  {loadsRows = false} = {},
): Readonly<Record<WeightType, K>> {
  const kernels = {} as Record<WeightType, K>;
  for (const type of WEIGHT_TYPES) {
    const parts = [shader.replace('_TYPE(', `_${type.toLowerCase()}(`), DEQUANTIZE[type]];
    // Only rows of whole blocks are sure to be whole vec4.
    if (loadsRows) parts.push(ggmlType(type).blockSize > 1 ? loadQuads : loadValues);
    kernels[type] = bind(parts.join('\n'));
  }
  return kernels;
}
