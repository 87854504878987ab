// What every kernel of training computes, in f64 and in reading order: the judge of shaders/*_backward.wgsl, itself judged by
// finite differences of reference/kernels.ts.
export {addScaledBackward} from './add_scaled_backward.ts';
export {altupCorrectBackward} from './altup_correct_backward.ts';
export {altupPredictBackward} from './altup_predict_backward.ts';
export {type AttentionGradients, attentionBackward} from './attention_backward.ts';
export {attentionTrain, type TrainAttentionShape} from './attention_train.ts';
export {gaussianTopkBackward} from './gaussian_topk_backward.ts';
export {gegluBackward, geluSlope} from './geglu_backward.ts';
export {matchRmsBackward} from './match_rms_backward.ts';
export {rmsNormBackward} from './rms_norm_backward.ts';
export {ropeBackward} from './rope_backward.ts';
export {softcapBackward} from './softcap_backward.ts';
export {sumExpertsBackward} from './sum_experts_backward.ts';
