// Small vocabularies for tokenizer tests, and the plainest possible encoders to compare with.

import {metadataOf, type WritableValue} from '../../../scripts/model-files/gguf-writer.ts';
import {seededRandom} from '../../../scripts/model-files/random.ts';
import type {Metadata} from '../../../src/gguf/metadata.ts';

export type Kind = 'normal' | 'unknown' | 'control' | 'user' | 'unused' | 'byte';
const TYPES: Record<Kind, number> = {normal: 1, unknown: 2, control: 3, user: 4, unused: 5, byte: 6};

export interface SmallVocabulary {
  tokens: [text: string, kind?: Kind, score?: number][];
  merges?: string[];
  /** Further keys; null leaves a default one out. */
  keys?: Record<string, WritableValue | null | undefined>;
}

export const SPECIALS: [string, Kind][] = [
  ['<pad>', 'control'],
  ['<eos>', 'control'],
  ['<bos>', 'control'],
  ['<unk>', 'unknown'],
];

export const BYTES: [string, Kind][] = Array.from({length: 256}, (_, byte) => [
  `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
  'byte',
]);

/** With merges a gemma4 file, without a llama one. */
export function smallMetadata({tokens, merges, keys = {}}: SmallVocabulary): Metadata {
  const record: Record<string, WritableValue | null | undefined> = {
    'tokenizer.ggml.model': merges ? 'gemma4' : 'llama',
    'tokenizer.ggml.tokens': tokens.map(([text]) => text),
    'tokenizer.ggml.scores': Float32Array.from(tokens, ([, , score]) => score ?? 0),
    'tokenizer.ggml.token_type': Int32Array.from(tokens, ([, kind]) => TYPES[kind ?? 'normal']),
    ...(merges ? {'tokenizer.ggml.merges': merges} : {}),
    'tokenizer.ggml.bos_token_id': 2,
    'tokenizer.ggml.eos_token_id': 1,
    ...keys,
  };
  const kept = Object.entries(record).filter((entry): entry is [string, WritableValue] => entry[1] != null);
  return metadataOf(Object.fromEntries(kept));
}

/** The rule itself: of all neighbours the pair of least rank, the leftmost on ties, again and again. */
export function mergeNaively(symbols: string[], rank: (left: string, right: string) => number | undefined): string[] {
  const list = [...symbols];
  for (;;) {
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    for (let i = 0; i + 1 < list.length; i++) {
      const found = rank(list[i], list[i + 1]);
      if (found !== undefined && found < least) [best, least] = [i, found];
    }
    if (best < 0) return list;
    list.splice(best, 2, list[best] + list[best + 1]);
  }
}

/** Texts over an alphabet, the same on every run. */
export function* randomTexts(alphabet: readonly string[], count: number, longest: number): Iterable<string> {
  const random = seededRandom(count + longest);
  for (let n = 0; n < count; n++) {
    const length = 1 + (random.u32() % longest);
    yield Array.from({length}, () => alphabet[random.u32() % alphabet.length]).join('');
  }
}
