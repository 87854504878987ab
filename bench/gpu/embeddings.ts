// How fast texts are embedded. `node embeddings.mjs [--scratch DIR] [--type Q8_0] [--dry]`, bundled by pack.mjs, leaves the
// model's file for llama-embeddings.mjs, which takes the same texts in the same run.
import path from 'node:path';
import {parseArgs} from 'node:util';
import {loadEncoder} from '../../src/engine/encoder/load-encoder.ts';
import {engineDefaults} from '../../src/engine/engine-defaults.ts';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import {requestDevice} from '../../src/gpu/device.ts';
import {type BigType, writeBigModel} from '../lib/big-model.ts';
import {fileSource} from '../lib/file-source.ts';
import {openAdapter} from './adapter.ts';
import {embeddingLengths, embeddingShape, textIds} from './embedding-runs.ts';
import {median} from './step-times.ts';

const {values: options} = parseArgs({
  options: {
    scratch: {type: 'string', default: '/tmp'},
    type: {type: 'string', default: 'Q8_0'},
    rounds: {type: 'string', default: '7'},
    dry: {type: 'boolean', default: false},
  },
});
const shape = embeddingShape(options.dry);
const {texts, tokens} = embeddingLengths(options.dry);
const name = path.join(options.scratch, 'embeddings-model.gguf');
writeBigModel(name, shape, options.type as BigType);

const {gpu, report} = await openAdapter();
console.log(report.device, report.description);
const {device, info, limits} = await requestDevice(gpu);
const source = fileSource(name);
const file = await readGguf(source);
const {variants} = engineDefaults({info, features: device.features, limits});
const encoder = await loadEncoder(source, file, device, {variants});
const ids = Array.from({length: texts}, (_, i) => textIds(i, tokens, shape.vocabSize));
const times: number[] = [];
for (let round = 0; round <= Number(options.rounds); round++) {
  const start = performance.now();
  await encoder.embed(ids);
  if (round > 0) times.push(performance.now() - start);
}
const ms = median(times);
console.log(
  `ours ${options.type}: ${texts} texts of ${tokens} tokens in ${ms.toFixed(1)} ms, ${((1000 * texts * tokens) / ms).toFixed(0)} tokens/s ` +
    `(${times.map((time) => time.toFixed(0)).join(', ')})`,
);
const one: number[] = [];
for (let round = 0; round <= Number(options.rounds); round++) {
  const start = performance.now();
  await encoder.embed([ids[0].slice(0, 24)]);
  if (round > 0) one.push(performance.now() - start);
}
console.log(`ours ${options.type}: a question of 24 tokens in ${median(one).toFixed(1)} ms`);
encoder.destroy();
process.exit(0);
