// The tensor types that get_rows and mul_mat read on the GPU.
import type {GgmlTypeName} from '../../gguf/ggml-types.ts';

/** The weight types that kernels read, by GGML's names. */
export const WEIGHT_TYPES = [
  'F32',
  'F16',
  'BF16',
  'Q4_0',
  'Q4_1',
  'Q5_0',
  'Q5_1',
  'Q8_0',
  'Q2_K',
  'Q3_K',
  'Q4_K',
  'Q5_K',
  'Q6_K',
  'IQ4_NL',
  'IQ4_XS',
  'MXFP4',
] as const satisfies readonly GgmlTypeName[];

/** One of `WEIGHT_TYPES`. */
export type WeightType = (typeof WEIGHT_TYPES)[number];

/** Whether kernels read this type. */
export const isWeightType = (name: string): name is WeightType => (WEIGHT_TYPES as readonly string[]).includes(name);
