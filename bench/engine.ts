// `npm run bench -- engine [file.gguf] [--prompts 32,256] [--contexts 0,512] [--batches 1,4] [--tokens 64]
// [--variants attention,products,outputTail,subgroups] [--chunk 64]`: load, prefill and decode in Node over Dawn, and what a token costs in dispatches, submits, bytes and objects.
import {parseArgs} from 'node:util';
import {findGpu} from '../scripts/lib/gpu.ts';
import {requestDevice} from '../src/gpu/device.ts';
import {fileSource} from './lib/file-source.ts';
import {engineOptions, measureEngine} from './lib/measure.ts';

const numbers = (list: string): number[] => list.split(',').map(Number);

export async function run(args: string[]): Promise<void> {
  const {values, positionals} = parseArgs({
    args,
    allowPositionals: true,
    options: {
      prompts: {type: 'string', default: '32,256'},
      contexts: {type: 'string', default: '0,256'},
      batches: {type: 'string', default: '1,2,4,8'},
      tokens: {type: 'string', default: '64'},
      variants: {type: 'string'},
      chunk: {type: 'string'},
    },
  });
  const file = positionals[0] ?? 'demo/models/gemma-chat-demo.gguf';
  const gpuDevice = await requestDevice(await findGpu());
  const {device, info} = gpuDevice;
  console.log(`${file} on ${info.description || info.device} (${info.vendor})`);
  const figures = await measureEngine(
    fileSource(file),
    device,
    {
      prompts: numbers(values.prompts),
      contexts: numbers(values.contexts),
      batches: numbers(values.batches),
      generated: Number(values.tokens),
    },
    (line) => console.log(`  ${line}`),
    engineOptions(gpuDevice, values),
  );
  const {dispatches, submits, bytesWritten, bytesRead, objectsCreated} = figures.perToken;
  console.log(
    `  a token: ${dispatches} dispatches, ${submits} submits, ${bytesWritten} bytes written, ${bytesRead} read, ${objectsCreated} objects`,
  );
  device.destroy();
  process.exit(0);
}
