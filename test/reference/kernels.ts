// What every kernel computes, in f64 and in reading order: the judge of shaders/, and the parts of the CPU forward pass.
export {addScaled} from './add_scaled.ts';
export {altupCorrect} from './altup_correct.ts';
export {altupPredict} from './altup_predict.ts';
export {type AttentionShape, attention} from './attention.ts';
export {copyRows} from './copy_rows.ts';
export {gaussianTopk} from './gaussian_topk.ts';
export {geglu, geluTanh} from './geglu.ts';
export {getRows} from './get_rows.ts';
export {cacheSlot, kvWrite, type RowPlace} from './kv_write.ts';
export {type LowRank, lowRank, lowRankRow} from './low_rank.ts';
export {matchRms} from './match_rms.ts';
export {mulMat} from './mul_mat.ts';
export {type ExpertRows, mulMatId} from './mul_mat_id.ts';
export {rmsNorm} from './rms_norm.ts';
export {type RopeShape, rope} from './rope.ts';
export {softcap} from './softcap.ts';
export {sumExperts} from './sum_experts.ts';
export {topExperts} from './top_experts.ts';
