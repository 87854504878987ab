// A file on a web server that sends as much as a test allows, remembers what it sent, and can go away and come back.
import {createServer, type IncomingMessage, type Server, type ServerResponse} from 'node:http';
import type {AddressInfo} from 'node:net';
import {parseRange} from '../../scripts/lib/serve.mjs';

const PIECE = 8 * 1024;

/** Bytes [start, end) that left. */
export interface Sent {
  readonly path: string;
  readonly start: number;
  end: number;
}

export class GatedServer {
  /** By path. */
  readonly files = new Map<string, Uint8Array>();
  /** Since `forget`. */
  sent: Sent[] = [];
  /** Bytes that may still leave; then everything hangs. Requests of one byte, which only ask for the headers, are free. */
  budget = Number.POSITIVE_INFINITY;
  #server: Server | null = null;
  #port = 0;
  #exhausted: () => void = () => {};

  get url(): string {
    return `http://localhost:${this.#port}/`;
  }

  get sentBytes(): number {
    return this.sent.reduce((sum, {start, end}) => sum + end - start, 0);
  }

  forget(): void {
    this.sent = [];
  }

  /** Resolves when `bytes` more have left; whatever else is asked for hangs from then on. */
  allow(bytes: number): Promise<void> {
    this.budget = bytes;
    return new Promise((resolve) => {
      this.#exhausted = resolve;
    });
  }

  /** On the port it had before. */
  async start(): Promise<void> {
    const server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy());
    });
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(this.#port, '127.0.0.1', resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
  }

  /** The network is gone: what is under way breaks off, and no one answers any more. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    server?.closeAllConnections();
    await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const {pathname} = new URL(request.url ?? '/', 'http://x');
    const file = this.files.get(pathname);
    const allow = {'access-control-allow-origin': '*', 'access-control-expose-headers': 'content-range, etag'};
    if (!file) return void response.writeHead(404, allow).end();
    const range = parseRange(request.headers.range, file.length);
    const {start, end} = range ?? {start: 0, end: file.length - 1};
    response.writeHead(range ? 206 : 200, {
      ...allow,
      etag: `"${file.length}"`,
      'content-length': end - start + 1,
      ...(range && {'content-range': `bytes ${start}-${end}/${file.length}`}),
    });
    await this.#send(response, {path: pathname, start, end: start}, file.subarray(start, end + 1));
  }

  async #send(response: ServerResponse, log: Sent, bytes: Uint8Array): Promise<void> {
    if (bytes.length === 1) return void response.end(bytes);
    this.sent.push(log);
    for (let at = 0; at < bytes.length && !response.destroyed; ) {
      const piece = bytes.subarray(at, at + Math.min(PIECE, Math.max(0, this.budget)));
      if (piece.length === 0) {
        this.#exhausted();
        return; // hangs, until the other side or `stop` ends it
      }
      this.budget -= piece.length;
      at += piece.length;
      log.end += piece.length;
      if (!response.write(piece)) await drained(response);
    }
    response.end();
  }
}

/** Resolves when more can be written, or no one reads any more. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}
