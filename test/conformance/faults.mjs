// Faults put into one layer on purpose, to show that the judges see them: what the engine is given differs from what the
// judges read in one respect, as if a kernel or the graph did. Works on the bytes of a whole GGUF of any architecture.
import {tensorBytes} from '../../src/gguf/ggml-types.ts';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import {memorySource} from '../../src/store/sources/memory-source.ts';

const LAYER = 1;

export const FAULTS = {
  norm: 'the norm before attention adds 1 to its weight once more, in one layer',
  window: 'the sliding window is one token longer',
  rope: 'the two halves of one rotated pair of one query head are swapped, in one layer',
};

/** A changed copy, or null where the model has nothing of the kind (no sliding window). */
export async function withFault(fault, bytes) {
  const changed = bytes.slice();
  const file = await readGguf(memorySource(bytes));
  const tensor = (name) => {
    const found = file.tensors.get(`blk.${LAYER}.${name}.weight`);
    return {...found, data: changed.subarray(found.offset, found.offset + found.byteLength)};
  };
  const architecture = file.metadata.string('general.architecture');
  if (fault === 'norm') {
    const {data} = tensor('attn_norm');
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    for (let at = 0; at < data.length; at += 4) view.setFloat32(at, view.getFloat32(at, true) + 1, true);
  } else if (fault === 'window') {
    const at = valueOffset(changed, `${architecture}.attention.sliding_window`);
    if (at === null) return null;
    const view = new DataView(changed.buffer, changed.byteOffset);
    view.setUint32(at, view.getUint32(at, true) + 1, true);
  } else if (fault === 'rope') {
    const {data, type, shape} = tensor('attn_q');
    const rowBytes = tensorBytes(type, [shape[0]]);
    const half = shape[1] / file.metadata.integer(`${architecture}.attention.head_count`, 1) / 2;
    const first = data.slice(0, rowBytes);
    data.copyWithin(0, half * rowBytes, (half + 1) * rowBytes);
    data.set(first, half * rowBytes);
  } else {
    throw new Error(`unknown fault "${fault}"; there are ${Object.keys(FAULTS).join(', ')}`);
  }
  return changed;
}

/** Where a u32 value lies, by its key. */
function valueOffset(bytes, key) {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const U32 = 4;
  const entry = Buffer.alloc(8 + key.length + 4);
  entry.writeBigUInt64LE(BigInt(key.length));
  entry.write(key, 8);
  entry.writeUInt32LE(U32, 8 + key.length);
  const at = buffer.indexOf(entry);
  return at < 0 ? null : at + entry.length;
}
