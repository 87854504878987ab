// The kernels of training: gradients of what kernels.ts computes, for frozen weights. graph/ decides which of them run.
export {addScaledBackward} from './add_scaled_backward.ts';
export {altupCorrectBackward} from './altup_correct_backward.ts';
export {altupPredictBackward} from './altup_predict_backward.ts';
export {attentionBackwardKeys} from './attention_backward_keys.ts';
export {attentionBackwardQueries} from './attention_backward_queries.ts';
export {attentionDelta} from './attention_delta.ts';
export {attentionTrain} from './attention_train.ts';
export {gaussianTopkBackward} from './gaussian_topk_backward.ts';
export {gegluBackward} from './geglu_backward.ts';
export {gegluGateBackward} from './geglu_gate_backward.ts';
export {matchRmsBackward} from './match_rms_backward.ts';
export {rmsNormBackward} from './rms_norm_backward.ts';
export {ropeBackward} from './rope_backward.ts';
export {softcapBackward} from './softcap_backward.ts';
export {sumExpertsBackward} from './sum_experts_backward.ts';
