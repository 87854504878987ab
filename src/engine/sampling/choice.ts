// A request for one token, which the engine answers where it chooses tokens itself.
import type {GemmaError} from '../../errors.ts';
import type {Sample} from './sampler.ts';
import type {SamplerSettings} from './settings.ts';

/** A token to be chosen from a row's logits, which then stay on the GPU. */
export interface Choice {
  readonly settings: SamplerSettings;
  /** Filled in by the step that chose; left undefined where the GPU cannot choose for these settings. */
  sample?: Sample;
  /** Instead of a sample: the logits were no numbers. */
  error?: GemmaError;
}
