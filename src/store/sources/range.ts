// What every source does with a requested range: refuse one that is not inside the file.
import {GemmaError} from '../../errors.ts';

/** @throws GemmaError `gguf-truncated` if the range ends beyond the file, `internal` if it is no range at all. */
export function checkRange(file: {name: string; size: number}, offset: number, length: number): void {
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(length) || offset < 0 || length < 0) {
    throw new GemmaError('internal', `${file.name}: cannot read ${length} bytes at ${offset}`);
  }
  if (offset + length > file.size) {
    throw truncated(file, `the bytes ${offset} to ${offset + length} were asked for, but the file has ${file.size}`);
  }
}

/** The error for bytes that should be there and are not. */
export function truncated(file: {name: string}, problem: string, detail: Record<string, unknown> = {}): GemmaError {
  return new GemmaError('gguf-truncated', `${file.name}: ${problem}. It was cut short: load it again`, {detail});
}
