// A web server for one test file, well-behaved by default and as bad as a test wants it.
import {createServer, type IncomingMessage, type ServerResponse} from 'node:http';
import type {AddressInfo} from 'node:net';

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

export interface LocalServer {
  readonly url: string;
  /** What the next requests get. */
  handler: Handler;
  /** Range headers of the requests so far. */
  readonly ranges: (string | undefined)[];
  stop(): Promise<void>;
}

export async function startServer(): Promise<LocalServer> {
  const server = createServer((request, response) => {
    local.ranges.push(request.headers.range);
    local.handler(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const local: LocalServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/model.gguf`,
    handler: (_, response) => response.writeHead(404).end(),
    ranges: [],
    stop() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return local;
}

/** The range of a request: [first, end), end beyond the file cut off. */
export function requestedRange(request: IncomingMessage, size: number): [number, number] {
  const match = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
  if (!match) throw new Error(`the request has Range: ${request.headers.range}`);
  return [Number(match[1]), Math.min(Number(match[2]) + 1, size)];
}

/** Answers ranges as a server should; `headers` are added, undefined ones left out. */
export function serveRanges(bytes: Uint8Array, headers: Record<string, string | undefined> = {}): Handler {
  return (request, response) => {
    const [start, end] = requestedRange(request, bytes.length);
    if (start >= end) return void response.writeHead(416, {'Content-Range': `bytes */${bytes.length}`}).end();
    const all = {
      'Content-Range': `bytes ${start}-${end - 1}/${bytes.length}`,
      'Content-Length': String(end - start),
      ETag: '"v1"',
      ...headers,
    };
    const sent = Object.entries(all).filter((entry): entry is [string, string] => entry[1] !== undefined);
    response.writeHead(206, Object.fromEntries(sent)).end(bytes.subarray(start, end));
  };
}

/** Answers everything with the whole file. */
export function serveWhole(bytes: Uint8Array, headers: Record<string, string> = {}): Handler {
  return (_, response) => response.writeHead(200, {'Content-Length': String(bytes.length), ...headers}).end(bytes);
}
