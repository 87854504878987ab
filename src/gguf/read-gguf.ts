// Reads a GGUF header (versions 2 and 3) from a ByteSource: metadata and tensor directory, every length, count, offset
// and dimension checked. Reads no tensor data and knows no architecture.
import {GemmaError} from '../errors.ts';
import type {ByteSource} from './byte-source.ts';
import {splitInfo} from './file-kind.ts';
import type {GgufFile} from './gguf-file.ts';
import {HeaderCursor} from './header-cursor.ts';
import type {GgufLimits} from './limits.ts';
import {DEFAULT_LIMITS} from './limits.ts';
import type {Metadata} from './metadata.ts';
import {MIN_ENTRY_BYTES, readMetadata} from './read-metadata.ts';
import {MIN_TENSOR_BYTES, placeTensors, readTensors} from './read-tensors.ts';

export interface ReadGgufOptions {
  signal?: AbortSignal;
  limits?: Partial<GgufLimits>;
  /** Accept one shard of a split model: the caller puts them together. */
  allowSplit?: boolean;
}

const DEFAULT_ALIGNMENT = 32;

/**
 * @throws GemmaError `not-gguf`, `gguf-version`, `gguf-truncated`, `gguf-invalid`, `gguf-split`, `quant-unsupported`,
 *   `config-invalid` (a split key of the wrong type), or the source's own; AbortError when `signal` aborts.
 */
export async function readGguf(source: ByteSource, options: ReadGgufOptions = {}): Promise<GgufFile> {
  const limits = {...DEFAULT_LIMITS, ...options.limits};
  const cursor = new HeaderCursor(source, limits.headerBytes, options.signal);
  const version = await readStart(cursor, source);
  await cursor.fill(16);
  const tensorCount = cursor.count('tensor count');
  const metadataCount = cursor.count('metadata count');
  checkCount(cursor, 'tensors', tensorCount, limits.tensorCount);
  checkCount(cursor, 'metadata entries', metadataCount, limits.metadataCount);
  cursor.requireLeft(tensorCount * MIN_TENSOR_BYTES + metadataCount * MIN_ENTRY_BYTES);

  const metadata = await readMetadata(cursor, metadataCount, limits);
  if (!options.allowSplit) refuseSplit(source, metadata);
  const alignment = readAlignment(cursor, metadata);
  const tensors = await readTensors(cursor, tensorCount, limits);
  const dataOffset = Math.ceil(cursor.position / alignment) * alignment;
  const {name, size} = source;
  return {
    version,
    metadata,
    tensors: placeTensors(tensors, {name, dataOffset, alignment, size}),
    alignment,
    dataOffset,
    size,
  };
}

/** Magic and version. @throws GemmaError `not-gguf`, `gguf-version`, `gguf-truncated` */
export async function readStart(cursor: HeaderCursor, source: ByteSource): Promise<2 | 3> {
  await readMagic(cursor, source);
  return readVersion(cursor, source);
}

async function readMagic(cursor: HeaderCursor, source: ByteSource): Promise<void> {
  if (source.size < 4) {
    throw new GemmaError('not-gguf', `${source.name} has ${source.size} bytes; expected a GGUF model file`, {
      detail: {size: source.size},
    });
  }
  await cursor.fill(4);
  const start = String.fromCharCode(...cursor.take(4));
  if (start === 'GGUF') return;
  throw new GemmaError(
    'not-gguf',
    `${source.name} is no GGUF file: it starts with ${JSON.stringify(start)}${guess(start)}; expected "GGUF". ` +
      'Check the address, or choose a file that ends in .gguf',
    {detail: {start}},
  );
}

/** What people load by mistake. */
function guess(start: string): string {
  if (start.startsWith('<')) return ' (a web page, not a file)';
  if (start === 'vers') return ' (a Git LFS pointer, not the file itself)';
  if (start.startsWith('PK')) return ' (a ZIP archive)';
  if (start === 'ggml' || start === 'lmgg' || start === 'tjgg') return ' (a format from before GGUF)';
  return '';
}

async function readVersion(cursor: HeaderCursor, source: ByteSource): Promise<2 | 3> {
  cursor.where = 'the header';
  await cursor.fill(4);
  const version = cursor.u32();
  if (version === 2 || version === 3) return version;
  // A big-endian file has no other mark than its version, whose bytes come in the other order.
  const bigEndian = version !== 0 && (version & 0xffff) === 0;
  const found = bigEndian ? 'a big-endian GGUF file' : `GGUF version ${version}`;
  throw new GemmaError(
    'gguf-version',
    `${source.name} is ${found}; versions 2 and 3, little-endian, are supported. Convert the model again`,
    {detail: {version, bigEndian}},
  );
}

function checkCount(cursor: HeaderCursor, what: string, count: number, limit: number): void {
  if (count > limit) throw cursor.invalid(`announces ${count} ${what}; at most ${limit} are accepted`);
}

function readAlignment(cursor: HeaderCursor, metadata: Metadata): number {
  const found = metadata.raw('general.alignment');
  if (!found) return DEFAULT_ALIGNMENT;
  cursor.where = 'metadata key general.alignment';
  const {value} = found;
  if (found.type === 'bool' || typeof value !== 'number' || value < 8 || value > 2 ** 20 || !isPowerOfTwo(value)) {
    throw cursor.invalid('is not usable; expected a power of two from 8 to 2^20', {type: found.type});
  }
  return value;
}

function isPowerOfTwo(n: number): boolean {
  return Number.isInteger(Math.log2(n));
}

function refuseSplit(source: ByteSource, metadata: Metadata): void {
  const split = splitInfo(metadata);
  if (!split) return;
  throw new GemmaError(
    'gguf-split',
    `${source.name} is file ${split.no + 1} of ${split.count} of a split model. ` +
      'Keep the names that the files were made with (…-00001-of-00003.gguf), or merge them into one',
    {detail: {...split}},
  );
}
