// What the embedding benches measure: EmbeddingGemma 300M's sizes with random weights, 64 texts of 256 tokens.
import type {DenseShape} from '../../scripts/model-files/dense-shapes.ts';
import {EMBEDDING_SHAPES} from '../../scripts/model-files/dense-shapes.ts';

/** The published sizes, or a few layers of small ones for a dry run. */
export const embeddingShape = (dry: boolean): DenseShape => ({
  ...EMBEDDING_SHAPES['gemma-embedding'],
  ...(dry
    ? {}
    : {
        vocabSize: 262144,
        nEmbd: 768,
        layers: 'SSSSSF'.repeat(4),
        headDim: 256,
        nFf: 1152,
        slidingWindow: 512,
        contextLength: 2048,
      }),
});

export const embeddingLengths = (dry: boolean): {texts: number; tokens: number} =>
  dry ? {texts: 4, tokens: 40} : {texts: 64, tokens: 256};

/** Ids without a pattern, the same for every engine. */
export const textIds = (index: number, length: number, vocabulary: number): number[] =>
  Array.from({length}, (_, i) => (index * 7919 + i * i * 37 + 11 * i + 2) % vocabulary);
