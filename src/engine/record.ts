// Records a forward pass on a device: dispatches become pipelines and bind groups, fixed from then on.
import type {PipelineCache} from '../gpu/pipelines.ts';
import {Recorder, Recording} from '../gpu/recorder.ts';
import type {Dispatch, StepShape} from './graph/lowering.ts';
import type {Pass} from './memory/adapted-pass.ts';

export interface Recordings {
  /** Token ids to logits. */
  whole: Recording<StepShape>;
  /** Its last part: from the residual stream's output rows to logits. */
  head: Recording<StepShape>;
  /** Logits to tokens; empty where that is left to the CPU. */
  choosing: Recording<StepShape>;
}

/**
 * The whole forward pass, its head alone, and the choice of tokens. Bind groups are made at once, pipelines are compiled in the background.
 * @throws GemmaError `shader-invalid` when a kernel does not compile on this device
 */
export async function record(
  device: GPUDevice,
  pipelines: PipelineCache,
  {dispatches, bufferOf}: Pick<Pass, 'dispatches' | 'bufferOf'>,
  sampling: {dispatches: readonly Dispatch[]} | null,
): Promise<Recordings> {
  const recorded = (list: readonly Dispatch[]): Promise<Recording<StepShape>> => {
    const recorder = new Recorder<StepShape>(device, pipelines);
    for (const {kernel, constants, bindings, shape, label} of list) {
      const bound = Object.entries(bindings).map(([name, binding]) => [name, bufferOf(binding)]);
      recorder.add(kernel, constants, Object.fromEntries(bound), shape, label);
    }
    return recorder.finish('nKeys');
  };
  const [whole, choosing] = await Promise.all([recorded(dispatches), recorded(sampling?.dispatches ?? [])]);
  const head = whole.dispatches.filter((_, i) => dispatches[i].stage === 'head');
  return {whole, head: new Recording(head, 'nKeys'), choosing};
}
