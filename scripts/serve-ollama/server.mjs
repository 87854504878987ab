// A web server for this computer's browsers: the models of an Ollama by name, read only, by ranges. Knows HTTP; what is
// where in Ollama's folder is models.mjs.
import {createReadStream} from 'node:fs';
import {createServer} from 'node:http';
import {pipeline} from 'node:stream';
import {findModel, listModels, ModelProblem} from './models.mjs';

const LOOPBACK = ['127.0.0.1', '::1'];
const METHODS = 'GET, HEAD, OPTIONS';
const EXPOSED = 'Accept-Ranges, Content-Length, Content-Range, ETag, Last-Modified, X-Linked-ETag';

/**
 * @param {{models: string, port?: number, origins?: string[]}} options `origins`: sites that may read, beside pages of this
 *   computer itself
 * @returns {Promise<{url: string, port: number, close(): Promise<void>}>}
 */
export async function serveOllama({models, port = 0, origins = []}) {
  const list = remembered(() => listModels(models));
  const answer = (request, response) => {
    respond({models, origins, list}, request, response).catch((error) => {
      const status = error instanceof ModelProblem ? error.status : 500;
      if (response.headersSent) response.destroy();
      else sendJson(request, response, status, {error: error instanceof ModelProblem ? error.message : 'failed'});
    });
  };
  const first = await listen(answer, LOOPBACK[0], port);
  const actual = first.address().port;
  // A browser may take `localhost` for either address. A machine without IPv6 has the other one only.
  const second = await listen(answer, LOOPBACK[1], actual).catch(() => null);
  return {
    url: `http://localhost:${actual}/`,
    port: actual,
    async close() {
      await Promise.all([first, second].map((server) => server && closed(server)));
    },
  };
}

function listen(answer, host, port) {
  const server = createServer(answer);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => resolve(server));
  });
}

function closed(server) {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
}

/** Asked again after two seconds at the earliest: with thousands of models, a list takes some time. */
function remembered(find) {
  let found = null;
  let until = 0;
  return () => {
    if (performance.now() > until) {
      found = find();
      until = performance.now() + 2000;
    }
    return found;
  };
}

async function respond({models, origins, list}, request, response) {
  if (!isLocalHost(request.headers.host)) {
    return sendJson(request, response, 403, {error: 'ask for localhost: other names are refused'});
  }
  const {origin} = request.headers;
  response.setHeader('Vary', 'Origin');
  // A page that asks without wanting to read (an image, a script) sends no Origin, but where it is.
  const foreign = origin === undefined && /^(cross-site|same-site)$/.test(request.headers['sec-fetch-site'] ?? '');
  if (foreign || (origin !== undefined && !isLocalPage(origin) && !origins.includes(origin))) {
    return sendJson(request, response, 403, {
      error: `${origin ?? 'this page'} may not read here; allow it with --origin`,
    });
  }
  allowOrigin(request, response, origin);
  if (request.method === 'OPTIONS') return response.writeHead(204).end();
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', METHODS);
    return sendJson(request, response, 405, {error: `${request.method} is not possible here`});
  }
  const name = requestedName(request.url);
  if (name === '') return sendJson(request, response, 200, {models: await list()});
  return sendModel(request, response, await findModel(models, name));
}

/** A page of a foreign name that leads here (DNS rebinding) would be of the same origin, and no header stops it. */
function isLocalHost(host) {
  return /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$/i.test(host ?? '');
}

function isLocalPage(origin) {
  return URL.canParse(origin) && /^https?:$/.test(new URL(origin).protocol) && isLocalHost(new URL(origin).host);
}

function allowOrigin(request, response, allowed) {
  if (allowed === undefined) return;
  response.setHeader('Access-Control-Allow-Origin', allowed);
  response.setHeader('Access-Control-Expose-Headers', EXPOSED);
  response.setHeader('Cross-Origin-Resource-Policy', 'cross-origin');
  if (request.method !== 'OPTIONS') return;
  response.setHeader('Access-Control-Allow-Methods', METHODS);
  response.setHeader('Access-Control-Allow-Headers', 'Range, If-Range, If-None-Match');
  response.setHeader('Access-Control-Max-Age', '600');
  // A public page that asks for a private address: Private Network Access.
  if (request.headers['access-control-request-private-network'] === 'true') {
    response.setHeader('Access-Control-Allow-Private-Network', 'true');
  }
}

/** The path without its slash, decoded; what cannot be decoded is no name. */
function requestedName(url) {
  const path = (url ?? '').replace(/[?#].*$/, '');
  if (!path.startsWith('/')) throw new ModelProblem(404, 'the address is no path');
  try {
    return decodeURIComponent(path.slice(1));
  } catch {
    throw new ModelProblem(404, 'the address cannot be decoded');
  }
}

function sendModel(request, response, {file, size, digest, modified}) {
  const etag = `"sha256-${digest}"`;
  response.setHeader('ETag', etag);
  // As Hugging Face says it: the SHA-256 of the whole file, by which a download is checked.
  response.setHeader('X-Linked-ETag', `"${digest}"`);
  response.setHeader('Last-Modified', modified.toUTCString());
  response.setHeader('Accept-Ranges', 'bytes');
  response.setHeader('Content-Type', 'application/octet-stream');
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Cache-Control', 'no-cache');
  if (request.headers['if-none-match'] === etag) return response.writeHead(304).end();
  const ifRange = request.headers['if-range'];
  const range = ifRange === undefined || ifRange === etag ? parseRange(request.headers.range, size) : null;
  if (range === undefined) {
    response.setHeader('Content-Range', `bytes */${size}`);
    return response.writeHead(416).end();
  }
  const {start, end} = range ?? {start: 0, end: size - 1};
  response.setHeader('Content-Length', end - start + 1);
  if (range) response.setHeader('Content-Range', `bytes ${start}-${end}/${size}`);
  response.writeHead(range ? 206 : 200);
  if (request.method === 'HEAD' || size === 0) return response.end();
  // The reader may leave at any time.
  pipeline(createReadStream(file, {start, end}), response, () => {});
}

/** One range inside `size`; null where none is asked for, or several; undefined where it cannot be met. */
function parseRange(header, size) {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  if (!match || (match[1] === '' && match[2] === '')) return null;
  const [first, last] = match.slice(1);
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1);
  return start <= end ? {start, end} : undefined;
}

function sendJson(request, response, status, value) {
  const text = `${JSON.stringify(value, null, 2)}\n`;
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(text),
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(request.method === 'HEAD' ? undefined : text);
}
