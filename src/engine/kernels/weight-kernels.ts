// Makes one kernel for each weight type out of one shader. Such a shader (get_rows, mul_mat) reads a matrix through
// `tile_at(base, tile)` and has TYPE in the name of its entry point. Owns which file unpacks which type.

import beginShared from '../../../shaders/lib/begin_shared.wgsl';
import beginSubgroups from '../../../shaders/lib/begin_subgroups.wgsl';
import loadQuads from '../../../shaders/lib/load_quads.wgsl';
import loadValues from '../../../shaders/lib/load_values.wgsl';
import teamShared from '../../../shaders/lib/team_shared.wgsl';
import teamSubgroups from '../../../shaders/lib/team_subgroups.wgsl';
import bf16 from '../../../shaders/lib/weights_bf16.wgsl';
import f16 from '../../../shaders/lib/weights_f16.wgsl';
import f32 from '../../../shaders/lib/weights_f32.wgsl';
import iq4nl from '../../../shaders/lib/weights_iq4_nl.wgsl';
import iq4xs from '../../../shaders/lib/weights_iq4_xs.wgsl';
import mxfp4 from '../../../shaders/lib/weights_mxfp4.wgsl';
import q2k from '../../../shaders/lib/weights_q2_k.wgsl';
import q3k from '../../../shaders/lib/weights_q3_k.wgsl';
import q40 from '../../../shaders/lib/weights_q4_0.wgsl';
import q41 from '../../../shaders/lib/weights_q4_1.wgsl';
import q4k from '../../../shaders/lib/weights_q4_k.wgsl';
import q50 from '../../../shaders/lib/weights_q5_0.wgsl';
import q51 from '../../../shaders/lib/weights_q5_1.wgsl';
import q5k from '../../../shaders/lib/weights_q5_k.wgsl';
import q6k from '../../../shaders/lib/weights_q6_k.wgsl';
import q80 from '../../../shaders/lib/weights_q8_0.wgsl';
import {ggmlType} from '../../gguf/ggml-types.ts';
import {WEIGHT_TYPES, type WeightType} from './weight-types.ts';

const UNPACK: Readonly<Record<WeightType, string>> = {
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

/** How the sums of a team of invocations are joined: by workgroup memory, or by subgroups where the device has them. */
export type Joining = 'shared' | 'subgroups';

/**
 * `bind` makes a kernel of a complete shader.
 * @param shader with `fn <name>_TYPE(`, `weight_word(i)`, which reads a vec4u of the matrix, and `row_length()`. It must not include what
 *   lib/weights_*.wgsl do
 */
export const forWeightType = <K>(type: WeightType, shader: string, bind: (shader: string) => K): K =>
  bind([shader.replace('_TYPE(', `_${type.toLowerCase()}(`), UNPACK[type]].join('\n'));

/**
 * The same for a shader that also reads `x: array<Activation>`, [rows][N_IN], through `load_quad(row, quad)`, with N_IN in
 * its `shape`, and joins sums by `contribute`, `join` and `total`.
 * @param anyLength N_IN may be no multiple of 4. Only rows of F32, F16 and BF16 can be
 */
export function forProduct<K>(
  type: WeightType,
  shader: string,
  bind: (shader: string) => K,
  {joining = 'shared', anyLength = false}: {joining?: Joining; anyLength?: boolean} = {},
): K {
  const padded = `const PADDED_TILES = ${ggmlType(type).blockSize === 1};`;
  const parts = [shader, anyLength ? loadValues : `${padded}\n${loadQuads}`];
  if (joining === 'subgroups') parts.unshift('enable subgroups;');
  parts.push(joining === 'subgroups' ? teamSubgroups : teamShared);
  return forWeightType(type, parts.join('\n'), bind);
}

/** What `make` makes, once a type and on first use. */
export function byType<K>(make: (type: WeightType) => K): Readonly<Record<WeightType, K>> {
  const made = new Map<WeightType, K>();
  const kernels = {} as Record<WeightType, K>;
  for (const type of WEIGHT_TYPES) {
    Object.defineProperty(kernels, type, {
      enumerable: true,
      get() {
        if (!made.has(type)) made.set(type, make(type));
        return made.get(type);
      },
    });
  }
  return kernels;
}

/** A shader that sums by `workgroup_sum` and begins with `let lid = begin(at)`, `at` being its `Invocation`. */
export const reducing = (shader: string, joining: Joining): string =>
  (joining === 'subgroups' ? ['enable subgroups;', shader, beginSubgroups] : [shader, beginShared]).join('\n');
