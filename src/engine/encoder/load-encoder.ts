// From a GGUF file of an embedding model and a device to a working encoder: configuration, weights, recording, self-test.
import {GemmaError} from '../../errors.ts';
import type {ByteSource} from '../../gguf/byte-source.ts';
import type {GgufFile} from '../../gguf/gguf-file.ts';
import {BufferPool} from '../../gpu/buffers.ts';
import {guarded, lostError} from '../../gpu/device.ts';
import {PipelineCache} from '../../gpu/pipelines.ts';
import {explainFailure} from '../device-failure.ts';
import {assemble, createWeights} from '../memory/assemble.ts';
import {uploadWeights} from '../memory/upload.ts';
import {readEncoderConfig} from '../model/encoders.ts';
import {record} from '../record.ts';
import {checkKernels} from '../self-test.ts';
import type {Encoder, EncoderOptions} from './encoder.ts';
import {planEncoder} from './encoder-plan.ts';
import {GpuEncoder} from './gpu-encoder.ts';

/**
 * @param source the file's bytes, read once in file order
 * @param file its header
 * @throws GemmaError: every code of `readEncoderConfig` and `planEncoder`, `gguf-invalid`, `shader-invalid`, `device-lost`, the
 *   source's own; AbortError when `signal` aborts. Whatever is thrown, the GPU's memory is given back.
 */
export async function loadEncoder(
  source: ByteSource,
  file: GgufFile,
  device: GPUDevice,
  options: EncoderOptions = {},
): Promise<Encoder> {
  const {signal, onProgress} = options;
  signal?.throwIfAborted();
  const config = readEncoderConfig(file);
  const {graph, sizes, pages} = planEncoder(config, device.limits, options);
  const lost = device.lost.then(lostError);
  const pool = new BufferPool(device);
  const pipelines = options.pipelines ?? new PipelineCache(device);
  const types = new Set(sizes.layouts.filter(({nOut}) => nOut > 1).map(({tensor}) => tensor.type));
  const checked = checkKernels(device, pipelines, types);
  checked.catch(() => undefined); // awaited below, unless something else fails first
  try {
    // Error scopes allow no await inside: what compiles is awaited later.
    const {weights, assembly, recorded} = await guarded(device, () => {
      const weights = createWeights(pool, sizes);
      const assembly = assemble(config, graph, sizes, weights, new Map(), pool);
      const recorded = record(device, pipelines, assembly.base, null);
      recorded.catch(() => undefined);
      return {weights, assembly, recorded};
    });
    // The pages of a step follow each other.
    device.queue.writeBuffer(
      assembly.buffers.pageTables,
      0,
      Uint32Array.from({length: pages}, (_, i) => i),
    );
    await uploadWeights(device, source, sizes.layouts, weights, pipelines, {onProgress, signal});
    const [{whole: recording}] = await Promise.all([recorded, checked]);
    signal?.throwIfAborted();
    const {chunkSize: rows} = sizes;
    const encoder = new GpuEncoder({file, device, lost, pool, assembly, recording, rows, vocabSize: config.nVocab});
    await checkVectors(encoder, config.nVocab);
    return encoder;
  } catch (error) {
    pool.destroy();
    await checked.catch(() => undefined); // it has buffers of its own
    throw await explainFailure(lost, error, signal);
  }
}

/**
 * A text alone and beside another has the same vector, of length one.
 * @throws GemmaError `gguf-invalid` where it is none: the kernels were found right before, so the weights are damaged;
 *   `shader-invalid` where the two differ
 */
async function checkVectors(encoder: Encoder, vocabSize: number): Promise<void> {
  const last = vocabSize - 1;
  const text = [Math.min(2, last), last, Math.min(1, last)].slice(0, encoder.maxTokens);
  const [alone] = await encoder.embed([text]);
  const length = Math.hypot(...alone);
  // Written so that NaN is wrong.
  if (!(Math.abs(length - 1) < 1e-3)) {
    throw new GemmaError(
      'gguf-invalid',
      `the model's vectors mean nothing: one has the length ${length}. The file's weights are damaged: get the file again`,
      {detail: {found: String(length)}},
    );
  }
  const [, beside] = await encoder.embed([text.slice(0, 1), text]);
  if (alone.every((value, i) => value === beside[i])) return;
  throw new GemmaError(
    'shader-invalid',
    'this GPU or its driver computes wrongly: in the self-test, a text has another vector beside another text. Update the ' +
      'driver or the browser, or use another device',
    {detail: {kernel: 'encoder'}},
  );
}
