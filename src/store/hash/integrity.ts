// Hashes as people and servers write them, and as the store compares them: SHA-256 in lower-case hex.
import {GemmaError} from '../../errors.ts';

const HEX = /^[0-9a-f]{64}$/i;
// 32 bytes are 43 characters and one of padding; both alphabets occur.
const BASE64 = /^[A-Za-z0-9+/_-]{43}=?$/;
const HASH_PIECE_BYTES = 2 ** 19;

/**
 * `sha256-<base64 or hex>` (Subresource Integrity, Ollama's file names) or `sha256:<hex>` (Ollama's digests) as hex.
 * @throws GemmaError `option-invalid`
 */
export function parseIntegrity(text: string): string {
  const value = /^sha256[-:](.+)$/i.exec(text.trim())?.[1] ?? '';
  if (HEX.test(value)) return value.toLowerCase();
  if (BASE64.test(value)) return toHex(fromBase64(value));
  throw new GemmaError(
    'option-invalid',
    `integrity is ${JSON.stringify(text.slice(0, 100))}; expected sha256- and the file's SHA-256 in base64 or hex`,
    {detail: {option: 'integrity'}},
  );
}

/** Hugging Face's `X-Linked-ETag`: the SHA-256 of a file in LFS, in quotes. Null for anything else. */
export function linkedSha256(header: string | null): string | null {
  const value = header?.trim().replace(/^(?:W\/)?"(.*)"$/, '$1') ?? '';
  return HEX.test(value) ? value.toLowerCase() : null;
}

/** Lower-case hex, two digits a byte. */
export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** SHA-256 of bytes in memory, off the thread, in hex. */
export async function sha256Hex(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
}

/**
 * The hash of a block, in hex: the SHA-256 of the SHA-256s of its pieces of 512 KiB; of a block of one piece, its own. Pieces
 * are hashed side by side, and the copies that WebCrypto makes of them are small enough to lie where the last ones lay.
 */
export async function blockHash(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  if (bytes.length <= HASH_PIECE_BYTES) return sha256Hex(bytes);
  const pieces: Promise<ArrayBuffer>[] = [];
  for (let at = 0; at < bytes.length; at += HASH_PIECE_BYTES) {
    pieces.push(crypto.subtle.digest('SHA-256', bytes.subarray(at, at + HASH_PIECE_BYTES)));
  }
  const hashes = await Promise.all(pieces);
  return sha256Hex(Uint8Array.from(hashes.flatMap((hash) => [...new Uint8Array(hash)])));
}

function fromBase64(text: string): Uint8Array {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/').replace(/=$/, ''));
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}
