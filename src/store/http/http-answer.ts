// Judges a server's answer to a ranged GET: is it the range that was asked for, and of the same file as before? Throws
// with what the site's owner has to change. Knows headers, not bodies.
import {GemmaError} from '../../errors.ts';

/** What tells one version of a file from another. */
export interface FileIdentity {
  readonly size: number;
  readonly etag: string | null;
  readonly lastModified: string | null;
  /** SHA-256 of the whole file (hex), where the server gives it. */
  readonly sha256?: string | null;
}

/** A range by its first byte and the byte after its last. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

// A page sees no header of a cross-origin answer but the safelisted ones, unless the server names it.
const EXPOSE = 'Access-Control-Expose-Headers: Content-Range, ETag';

/**
 * Checks a 206 answer for `asked`, whose end may lie beyond the end of the file. It may end earlier than was asked (RFC
 * 9110, 15.3.7): the rest is asked for anew.
 * @returns which file it is, and the byte after the answer's last
 * @throws GemmaError `range-unsupported` if it is another range or none.
 */
export function partialAnswer(
  name: string,
  response: Response,
  asked: ByteRange,
): {identity: FileIdentity; end: number} {
  const header = response.headers.get('Content-Range');
  const match = header === null ? null : /^bytes (\d+)-(\d+)\/(\d+)$/i.exec(header.trim());
  if (!match) {
    const found = header === null ? 'no readable Content-Range' : `Content-Range: ${header}`;
    throw new GemmaError(
      'range-unsupported',
      `${name}: the answer to a range request has ${found}; expected Content-Range: bytes <first>-<last>/<size>. ` +
        `The server must send it and, for pages of other sites, also ${EXPOSE}`,
      {detail: {contentRange: header}},
    );
  }
  const [first, last, size] = match.slice(1).map(Number);
  // Measured by the size that this answer gives: a file that shrank is a changed file, not a wrong range.
  const expectedLast = Math.min(asked.end, size) - 1;
  if (first !== asked.start || last < first || last > expectedLast || !Number.isSafeInteger(size)) {
    throw new GemmaError(
      'range-unsupported',
      `${name}: the bytes ${asked.start}-${expectedLast} were asked for and the server answered with ${header}. ` +
        'It must answer a Range header with that range, or with the beginning of it',
      {detail: {contentRange: header, expected: `bytes ${asked.start}-${expectedLast}`}},
    );
  }
  const identity = {size, etag: response.headers.get('ETag'), lastModified: response.headers.get('Last-Modified')};
  return {identity, end: last + 1};
}

/** @throws GemmaError `file-changed` if the file at the same address is no longer the one that was opened. */
export function requireSame(name: string, opened: FileIdentity, now: FileIdentity): void {
  const changed = describeChange(opened, now);
  if (changed) throw fileChanged(name, changed);
}

function fileChanged(name: string, changed: string): GemmaError {
  return new GemmaError('file-changed', `${name} changed on the server while it was read: ${changed}. Load it again`);
}

/**
 * What tells two versions of a file apart, for a message; undefined if nothing does. The file's hash says most, where the
 * server gives it. An ETag may be another on each machine that serves the same file: where the date of the last change is
 * the same, it says nothing.
 */
export function describeChange(opened: FileIdentity, now: FileIdentity): string | undefined {
  if (opened.size !== now.size) return `it had ${opened.size} bytes and now has ${now.size}`;
  const hashes = [opened.sha256 ?? null, now.sha256 ?? null];
  if (hashes[0] !== null && hashes[1] !== null) {
    return hashes[0] === hashes[1] ? undefined : `its SHA-256 was ${hashes[0]} and now is ${hashes[1]}`;
  }
  const tags = [opened.etag, now.etag].map((tag) => tag?.replace(/^W\//, ''));
  const sameTag = tags[0] !== undefined && tags[0] === tags[1];
  const dates = [opened.lastModified, now.lastModified];
  const datesTell = dates[0] !== null && dates[1] !== null;
  if (sameTag || (datesTell && dates[0] === dates[1])) return undefined;
  if (tags[0] !== undefined && tags[1] !== undefined) return `its ETag was ${tags[0]} and now is ${tags[1]}`;
  return datesTell ? `it was last modified ${dates[0]} and now ${dates[1]}` : undefined;
}

/**
 * The error for an answer that is neither the range nor the whole file. `openedSize` is the file's size where it is
 * known: no range inside it can then be out of range.
 */
export function statusError(name: string, response: Response, openedSize?: number): GemmaError {
  const {status} = response;
  if (status === 416 && openedSize !== undefined) {
    return fileChanged(name, `it had ${openedSize} bytes and now is shorter`);
  }
  const hint =
    status === 401 || status === 403 ? 'Access is refused: log in there, or use a public address' : undefined;
  const advice = hint ?? (status >= 500 ? 'Try again later' : 'Check the address');
  return new GemmaError('http-status', `${name}: the server answered ${status} ${response.statusText}. ${advice}`, {
    detail: {status},
  });
}

/** The error for a whole file (200) where a range was asked for. */
export function wholeFileError(name: string, size: number | undefined, limit: number): GemmaError {
  const found = size === undefined ? 'a file of unknown size' : `the whole file of ${size} bytes`;
  return new GemmaError(
    'range-unsupported',
    `${name}: a range was asked for and the server answered 200 with ${found}. Files over ${limit} bytes need a server ` +
      'that answers a Range header with 206 and Content-Range (and says Accept-Ranges: bytes)',
    {detail: {status: 200, size: size ?? null, limit}},
  );
}

/** What the answer says of its body's size. Where the server compresses, the body is another size. */
export function contentLength(response: Response): number | undefined {
  const header = response.headers.get('Content-Length');
  return header !== null && /^\d+$/.test(header) ? Number(header) : undefined;
}
