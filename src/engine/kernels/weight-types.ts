// The tensor types that get_rows and mul_mat read on the GPU.
import type {GgmlTypeName} from '../../gguf/ggml-types.ts';

export const WEIGHT_TYPES = [
  'F32',
  'F16',
  'BF16',
  'Q8_0',
  'Q4_0',
  'Q4_K',
  'Q6_K',
] as const satisfies readonly GgmlTypeName[];

export type WeightType = (typeof WEIGHT_TYPES)[number];

export const isWeightType = (name: string): name is WeightType => (WEIGHT_TYPES as readonly string[]).includes(name);
