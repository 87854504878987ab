// Files that last as long as one call. Knows no model.
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';

/** Calls `use` with the path of a file of these bytes, which is gone afterwards. */
export async function withFile(bytes, use) {
  const folder = mkdtempSync(path.join(tmpdir(), 'gemma-chat-conformance-'));
  try {
    const file = path.join(folder, 'model.gguf');
    writeFileSync(file, bytes);
    return await use(file);
  } finally {
    rmSync(folder, {recursive: true, force: true});
  }
}
