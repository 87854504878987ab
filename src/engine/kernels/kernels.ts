// Every kernel of the plain lowering. A shader is bound in the file of its name; graph/ decides which of them run.
export {addParts} from './add_parts.ts';
export {addScaled} from './add_scaled.ts';
export {altupCorrect} from './altup_correct.ts';
export {altupPredict} from './altup_predict.ts';
export {attention} from './attention.ts';
export {copyRows} from './copy_rows.ts';
export {gaussianTopk} from './gaussian_topk.ts';
export {geglu} from './geglu.ts';
export {gegluInPlace} from './geglu_in_place.ts';
export {getRows} from './get_rows.ts';
export {interleaveRows} from './interleave_rows.ts';
export {kvWrite} from './kv_write.ts';
export {lora} from './lora.ts';
export {loraA} from './lora_a.ts';
export {loraB} from './lora_b.ts';
export {loraGeglu} from './lora_geglu.ts';
export {matchRms} from './match_rms.ts';
export {meanRows} from './mean_rows.ts';
export {mulMat, mulMatFor} from './mul_mat.ts';
export {mulMatGegluFor} from './mul_mat_geglu.ts';
export {mulMatGeluFor} from './mul_mat_gelu.ts';
export {mulMatId, mulMatIdFor} from './mul_mat_id.ts';
export {mulMatPartsFor} from './mul_mat_parts.ts';
export {
  LARGE_TILES,
  mulMatTiled,
  NARROW_TILES,
  partsOf,
  SMALL_TILES,
  type Tiles,
  tiledWorkgroup,
  tilesFor,
} from './mul_mat_tiled.ts';
export {normAddFor} from './norm_add.ts';
export {normAddNormFor} from './norm_add_norm.ts';
export {normMulMatGeglu} from './norm_mul_mat_geglu.ts';
export {normMulMatParts} from './norm_mul_mat_parts.ts';
export {qPrepare} from './q_prepare.ts';
export {qkvPrepare} from './qkv_prepare.ts';
export {rmsNorm} from './rms_norm.ts';
export {rope, ropeTable} from './rope.ts';
export {softcap} from './softcap.ts';
export {sumExperts} from './sum_experts.ts';
export {topExperts} from './top_experts.ts';
export {isWeightType, WEIGHT_TYPES, type WeightType} from './weight-types.ts';
