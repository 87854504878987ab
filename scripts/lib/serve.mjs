// A small static file server for the demo page and the tests: ranges, CORS, right types, loopback only.
import {createReadStream} from 'node:fs';
import {stat} from 'node:fs/promises';
import {createServer} from 'node:http';
import path from 'node:path';

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
  '.map': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.gguf': 'application/octet-stream',
};

/** One `bytes=a-b` range inside `size`, null when there is none, undefined when it cannot be met. */
export function parseRange(header, size) {
  if (!header) return null;
  const match = /^bytes=(\d*)-(\d*)$/.exec(header);
  if (!match || (match[1] === '' && match[2] === '')) return null;
  const start = match[1] === '' ? Math.max(0, size - Number(match[2])) : Number(match[1]);
  const end = match[1] === '' || match[2] === '' ? size - 1 : Math.min(Number(match[2]), size - 1);
  return start <= end && start < size ? {start, end} : undefined;
}

async function resolveFile(root, url) {
  const pathname = decodeURIComponent(new URL(url, 'http://localhost').pathname);
  let file = path.join(root, path.normalize(pathname));
  if (file !== root && !file.startsWith(root + path.sep)) return null;
  let info = await stat(file).catch(() => null);
  if (info?.isDirectory()) {
    if (!pathname.endsWith('/')) return {redirect: `${pathname}/`};
    file = path.join(file, 'index.html');
    info = await stat(file).catch(() => null);
  }
  return info?.isFile() ? {file, info} : null;
}

/**
 * Serves `root`. `handle(request, response)` may answer first (return true). `headers` go on every answer.
 * @returns {Promise<{url: string, port: number, close: () => Promise<void>}>}
 */
export async function serve({root, port = 0, host = '127.0.0.1', headers = {}, handle}) {
  const base = path.resolve(root);
  const server = createServer(async (request, response) => {
    try {
      if (await handle?.(request, response)) return;
      if (request.method !== 'GET' && request.method !== 'HEAD') return void response.writeHead(405).end();
      const found = await resolveFile(base, request.url);
      if (!found) return void response.writeHead(404, {'content-type': 'text/plain', ...headers}).end('not found\n');
      if (found.redirect) return void response.writeHead(301, {location: found.redirect}).end();
      const {file, info} = found;
      const common = {
        'content-type': TYPES[path.extname(file)] ?? 'application/octet-stream',
        'accept-ranges': 'bytes',
        'access-control-allow-origin': '*',
        'access-control-expose-headers': 'accept-ranges, content-range, content-length, etag',
        'cache-control': 'no-cache',
        etag: `"${info.size.toString(16)}-${Math.floor(info.mtimeMs).toString(16)}"`,
        ...headers,
      };
      const range = parseRange(request.headers.range, info.size);
      if (range === undefined) {
        return void response.writeHead(416, {...common, 'content-range': `bytes */${info.size}`}).end();
      }
      const {start, end} = range ?? {start: 0, end: info.size - 1};
      response.writeHead(range ? 206 : 200, {
        ...common,
        'content-length': info.size === 0 ? 0 : end - start + 1,
        ...(range ? {'content-range': `bytes ${start}-${end}/${info.size}`} : {}),
      });
      if (request.method === 'HEAD' || info.size === 0) return void response.end();
      const stream = createReadStream(file, {start, end});
      stream.on('error', () => response.destroy());
      response.on('close', () => stream.destroy());
      stream.pipe(response);
    } catch (error) {
      if (response.headersSent) response.destroy();
      else response.writeHead(400, {'content-type': 'text/plain'}).end(`${error.message}\n`);
    }
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
  const actual = server.address().port;
  const close = () =>
    new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    });
  return {url: `http://${host === '127.0.0.1' ? 'localhost' : host}:${actual}/`, port: actual, close};
}
