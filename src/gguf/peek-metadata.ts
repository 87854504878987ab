// What the first bytes of a GGUF file say of it: enough to ask a visitor before the rest is fetched. Refuses what is no
// GGUF; whatever else is wrong with the file is found when its whole header is read (read-gguf.ts).
import type {ByteSource} from './byte-source.ts';
import {HeaderCursor} from './header-cursor.ts';
import {DEFAULT_LIMITS} from './limits.ts';
import {Metadata, type MetadataValue} from './metadata.ts';
import {readStart} from './read-gguf.ts';
import {readEntries} from './read-metadata.ts';

/** A converter writes the model's own keys before the tokenizer's, which are long: they are in the first kilobytes. */
export const PEEK_BYTES = 64 * 1024;

/**
 * The metadata entries that lie whole in the first `PEEK_BYTES` of `source`, which may be no longer than that.
 * @throws GemmaError `not-gguf`, `gguf-version`, `gguf-truncated` (not even a start), or the source's own; AbortError
 */
export async function peekMetadata(source: ByteSource, signal?: AbortSignal): Promise<Metadata> {
  const cursor = new HeaderCursor(source, Math.min(PEEK_BYTES, source.size), signal);
  await readStart(cursor, source);
  const values = new Map<string, MetadataValue>();
  try {
    await cursor.fill(16);
    cursor.count('tensor count');
    const entries = cursor.count('metadata count');
    await readEntries(cursor, Math.min(entries, DEFAULT_LIMITS.metadataCount), DEFAULT_LIMITS, values);
  } catch {
    // The end of what was read, usually inside the vocabulary.
    signal?.throwIfAborted();
  }
  return new Metadata(values);
}
