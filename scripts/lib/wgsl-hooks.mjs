// Node module hooks: `import shader from './x.wgsl'`.
import {fileURLToPath} from 'node:url';
import {wgslModule} from './wgsl.mjs';

export async function load(url, context, nextLoad) {
  if (!url.split('?')[0].endsWith('.wgsl')) return nextLoad(url, context);
  return {format: 'module', source: wgslModule(fileURLToPath(url.split('?')[0])), shortCircuit: true};
}
