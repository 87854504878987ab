// Records a forward pass on a device: dispatches become pipelines and bind groups, fixed from then on.
import type {PipelineCache} from '../gpu/pipelines.ts';
import {Recorder, Recording} from '../gpu/recorder.ts';
import type {StepShape} from './graph/lowering.ts';
import type {Assembly} from './memory/assemble.ts';

/**
 * The whole forward pass, and its head alone. Bind groups are made at once, pipelines are compiled in the background.
 * @throws GemmaError `shader-invalid` when a kernel does not compile on this device
 */
export async function record(
  device: GPUDevice,
  pipelines: PipelineCache,
  {dispatches, bufferOf}: Assembly,
): Promise<{whole: Recording<StepShape>; head: Recording<StepShape>}> {
  const recorder = new Recorder<StepShape>(device, pipelines);
  for (const {kernel, constants, bindings, shape, label} of dispatches) {
    const bound = Object.entries(bindings).map(([name, binding]) => [name, bufferOf(binding)]);
    recorder.add(kernel, constants, Object.fromEntries(bound), shape, label);
  }
  const whole = await recorder.finish();
  return {whole, head: new Recording(whole.dispatches.filter((_, i) => dispatches[i].stage === 'head'))};
}
