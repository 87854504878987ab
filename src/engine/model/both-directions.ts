// What the configs of encoders have alike: texts are read in both directions, and a text's vector is the mean of its tokens'.
import type {ArchitectureKeys} from './architecture-keys.ts';
import {invalid} from './config-checks.ts';
import type {LayerConfig} from './model-config.ts';

/** `pooling_type` of llama.cpp: the mean over tokens. */
const MEAN = 1;
/** A key of GGUF has the width of the window, both sides together; a row sees half of it on each side, and itself. */
const reach = (window: number): number => Math.floor(window / 2) + 1;

/** @throws GemmaError `config-invalid` for any pooling but the mean */
export function expectMean(keys: ArchitectureKeys): void {
  const pooling = keys.integer('pooling_type', 0, 255, MEAN);
  if (pooling !== MEAN) throw invalid(keys.key('pooling_type'), pooling, '1, the mean over tokens');
}

/**
 * The layers as an encoder runs them: all are computed one after the other over whole texts, so they share the keys and
 * values of the first.
 * @param written the layers as the file's keys describe them
 * @throws GemmaError `config-invalid` where keys have another width in another layer
 */
export function bothDirections<Layer extends LayerConfig>(keys: ArchitectureKeys, written: readonly Layer[]): Layer[] {
  if (written.some(({nHeadKv, headDim}) => nHeadKv * headDim !== written[0].nHeadKv * written[0].headDim)) {
    throw invalid(keys.key('attention.head_count_kv'), 'a list', 'heads that are as wide together in every layer');
  }
  return written.map((layer) => {
    const {index, sliding, window} = layer;
    return {...layer, sliding: false, window: sliding ? reach(window) : 0, hasKv: index === 0, kvSource: 0};
  });
}
