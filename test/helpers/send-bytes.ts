// Bytes in memory as a file on a web server that sends ranges.
import type {IncomingMessage, OutgoingHttpHeaders, ServerResponse} from 'node:http';
import {parseRange} from '../../scripts/lib/serve.mjs';

/** Answers with the range asked for, or with all. `headers` are added. */
export function sendBytes(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Uint8Array,
  headers: OutgoingHttpHeaders = {},
): void {
  const range = parseRange(request.headers.range, bytes.length);
  const {start, end} = range ?? {start: 0, end: bytes.length - 1};
  response.writeHead(range ? 206 : 200, {
    ...headers,
    'content-type': 'application/octet-stream',
    'content-length': end - start + 1,
    ...(range && {'content-range': `bytes ${start}-${end}/${bytes.length}`}),
  });
  response.end(bytes.subarray(start, end + 1));
}
