// Reads the headers of a model that was cut into several files and puts them together, as if the files lay end to end.
// Where the files come from, and which belong together, is src/store/.
import {GemmaError} from '../errors.ts';
import type {ByteSource} from './byte-source.ts';
import {splitInfo} from './file-kind.ts';
import type {GgufFile, TensorInfo} from './gguf-file.ts';
import {type ReadGgufOptions, readGguf} from './read-gguf.ts';

/**
 * The model in `parts`, which are all of its files in order; one file that stands alone is a model too. Offsets of
 * tensors count from the start of the first file through all of them.
 * @throws GemmaError: those of `readGguf`; `gguf-split` where the files do not belong together.
 */
export async function readSplitGguf(parts: readonly ByteSource[], options: ReadGgufOptions = {}): Promise<GgufFile> {
  if (parts.length === 1) return readGguf(parts[0], options);
  const first = await readGguf(parts[0], {...options, allowSplit: true});
  requirePart(parts, 0, first);
  const tensors = new Map<string, TensorInfo>();
  let before = 0;
  for (const [i, part] of parts.entries()) {
    const file = i === 0 ? first : await readGguf(part, {...options, allowSplit: true});
    requirePart(parts, i, file);
    for (const tensor of file.tensors.values()) {
      if (tensors.has(tensor.name)) throw wrongParts(part, `repeats the tensor ${tensor.name}`);
      tensors.set(tensor.name, {...tensor, offset: before + tensor.offset});
    }
    before += file.size;
  }
  const expected = splitInfo(first.metadata)?.tensorCount;
  if (expected !== undefined && expected !== tensors.size) {
    throw wrongParts(parts[0], `announces ${expected} tensors in all files, which hold ${tensors.size}`);
  }
  return {...first, tensors, size: before};
}

function requirePart(parts: readonly ByteSource[], i: number, {metadata}: GgufFile): void {
  const split = splitInfo(metadata);
  if (split && split.no === i && split.count === parts.length) return;
  const found = split ? `is file ${split.no + 1} of ${split.count}` : 'is no part of a split model';
  throw wrongParts(parts[i], `${found}; expected file ${i + 1} of ${parts.length}`, {...split});
}

function wrongParts(part: ByteSource, problem: string, detail: Record<string, unknown> = {}): GemmaError {
  return new GemmaError('gguf-split', `${part.name} ${problem}. Use all files of one model, as they were made`, {
    detail,
  });
}
