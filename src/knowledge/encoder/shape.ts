// Which shapes of an encoder are believed: a file says them, and memory is made for them.
import type {BertShape} from './bert.ts';
import {GROUP} from './packed.ts';

const isInteger = (value: unknown, least: number, most: number): value is number =>
  Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most;

/** What is wrong with a shape, or null. Weights of at most 24 · 12 · 768² numbers follow. */
export function checkShape(shape: BertShape): keyof BertShape | null {
  const {nLayer, nEmbd, nHead, nFf, maxTokens, normEps} = shape;
  if (!isInteger(nLayer, 1, 24)) return 'nLayer';
  if (!isInteger(nEmbd, GROUP, 768) || nEmbd % GROUP !== 0) return 'nEmbd';
  if (!isInteger(nHead, 1, nEmbd) || nEmbd % nHead !== 0) return 'nHead';
  if (!isInteger(nFf, GROUP, 4 * 768) || nFf % GROUP !== 0) return 'nFf';
  if (!isInteger(maxTokens, 2, 512)) return 'maxTokens';
  return typeof normEps === 'number' && normEps > 0 && normEps < 1 ? null : 'normEps';
}
