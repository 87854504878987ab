// Files as one: a ZIP archive without compression, because factors do not compress. The format is fflate's.
import {Zip, ZipPassThrough} from 'fflate';

/** The same bytes at any time of day. */
const EPOCH = new Date(1980, 0, 1);

/** The archive in pieces. */
export function zip(files: Readonly<Record<string, readonly Uint8Array[]>>): Uint8Array<ArrayBuffer>[] {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  const archive = new Zip((error, piece) => {
    if (error) throw error;
    pieces.push(piece as Uint8Array<ArrayBuffer>);
  });
  for (const [name, parts] of Object.entries(files)) {
    const file = new ZipPassThrough(name);
    file.mtime = EPOCH;
    archive.add(file);
    for (const part of parts) file.push(part);
    file.push(new Uint8Array(0), true);
  }
  archive.end();
  return pieces;
}
