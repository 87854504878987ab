// GGUF headers put together field by field, for files that no writer would write.

export const u8 = (value: number) => Uint8Array.of(value);
export const u32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);
export const u64 = (value: number | bigint) => new Uint8Array(BigUint64Array.of(BigInt(value)).buffer);

/** A string with its length, or with a length that is not its own. */
export function text(value: string | Uint8Array, length?: number | bigint): Uint8Array {
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
  return join(u64(length ?? bytes.length), bytes);
}

export function join(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

export interface RawHeader {
  magic?: string;
  version?: number;
  tensorCount?: number | bigint;
  metadataCount?: number | bigint;
  /** Metadata entries, each whole; see `entry`. */
  metadata?: readonly Uint8Array[];
  /** Directory entries, each whole; see `tensor`. */
  tensors?: readonly Uint8Array[];
  /** Zeros behind the header. */
  dataBytes?: number;
}

export function rawHeader(header: RawHeader): Uint8Array {
  const {metadata = [], tensors = []} = header;
  return join(
    new TextEncoder().encode(header.magic ?? 'GGUF'),
    u32(header.version ?? 3),
    u64(header.tensorCount ?? tensors.length),
    u64(header.metadataCount ?? metadata.length),
    ...metadata,
    ...tensors,
    new Uint8Array(header.dataBytes ?? 0),
  );
}

export const TYPE = {u8: 0, u32: 4, bool: 7, string: 8, array: 9, u64: 10} as const;

export function entry(key: string | Uint8Array, type: number, ...value: readonly Uint8Array[]): Uint8Array {
  return join(text(key), u32(type), ...value);
}

export interface RawTensor {
  name?: string | Uint8Array;
  nDims?: number;
  shape?: readonly (number | bigint)[];
  type?: number;
  offset?: number | bigint;
}

/** F32 [8] at 0, but for what is given. */
export function tensor({name = 't', shape = [8], nDims = shape.length, type = 0, offset = 0}: RawTensor): Uint8Array {
  return join(text(name), u32(nDims), ...shape.map(u64), u32(type), u64(offset));
}
