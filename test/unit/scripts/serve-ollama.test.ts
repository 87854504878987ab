import {spawn} from 'node:child_process';
import {createHash} from 'node:crypto';
import {symlinkSync, truncateSync, writeFileSync} from 'node:fs';
import {request as httpRequest} from 'node:http';
import path from 'node:path';
import {expect} from 'chai';
import {seededRandom} from '../../../scripts/model-files/random.ts';
import {defaultModels} from '../../../scripts/serve-ollama/command.mjs';
import {type OllamaServer, serveOllama} from '../../../scripts/serve-ollama/server.mjs';
import {type OllamaFolder, ollamaFolder, ollamaManifest} from '../../helpers/ollama-folder.ts';

const {u32} = seededRandom(5);
const MODEL = Uint8Array.from({length: 100_000}, () => u32() % 256);
const OTHER = MODEL.slice(0, 777);
const HOME = 'registry.ollama.ai/library';

/** With what `fetch` would not send: any path, as it is, and any Host. */
function raw(server: OllamaServer, url: string, headers: Record<string, string> = {}, method = 'GET') {
  return new Promise<{status: number; text: string}>((resolve, reject) => {
    const options = {host: '127.0.0.1', port: server.port, path: url, headers, method};
    const request = httpRequest(options, (response) => {
      let text = '';
      response.setEncoding('latin1').on('data', (data) => {
        text += data;
      });
      response.on('end', () => resolve({status: response.statusCode ?? 0, text}));
    });
    request.on('error', reject).end();
  });
}

describe('serve-ollama', () => {
  let ollama: OllamaFolder;
  let server: OllamaServer;
  let digest: string;
  before(async () => {
    ollama = ollamaFolder();
    digest = ollama.add(`${HOME}/gemma4/e2b`, MODEL);
    ollama.add(`${HOME}/gemma4/latest`, OTHER);
    ollama.add('registry.ollama.ai/someone/theirs/v1', OTHER);
    ollama.add('hf.co/owner/repo-GGUF/Q4_0', OTHER);
    server = await serveOllama({models: ollama.folder});
  });
  after(async () => {
    await server?.close();
    ollama?.remove();
  });

  const get = (name: string, init?: RequestInit) => fetch(server.url + name, init);
  const problem = async (name: string): Promise<string> => ((await (await get(name)).json()) as {error: string}).error;

  it('serves a model by name and tag, whole', async () => {
    const response = await get('gemma4:e2b');
    expect(response.status).to.equal(200);
    expect(response.headers.get('etag')).to.equal(`"sha256-${digest}"`);
    expect(response.headers.get('x-linked-etag')).to.equal(`"${digest}"`);
    const body = new Uint8Array(await response.arrayBuffer());
    expect(createHash('sha256').update(body).digest('hex')).to.equal(digest);
  });

  for (const name of ['gemma4', 'gemma4:latest', 'library/gemma4', 'someone/theirs:v1', 'hf.co/owner/repo-GGUF:Q4_0']) {
    it(`knows ${name}`, async () => {
      expect(new Uint8Array(await (await get(name)).arrayBuffer())).to.deep.equal(OTHER);
    });
  }

  it('lists what there is', async () => {
    const {models} = (await (await get('')).json()) as {models: {name: string; size: number}[]};
    expect(models.map(({name, size}) => [name, size])).to.deep.equal([
      ['gemma4:e2b', MODEL.length],
      ['gemma4:latest', OTHER.length],
      ['hf.co/owner/repo-GGUF:Q4_0', OTHER.length],
      ['someone/theirs:v1', OTHER.length],
    ]);
  });

  for (const [range, start, end] of [
    ['bytes=0-0', 0, 0],
    ['bytes=65536-99999', 65536, 99999],
    ['bytes=99990-200000', 99990, 99999],
    ['bytes=50000-', 50000, 99999],
    ['bytes=-10', 99990, 99999],
  ] as const) {
    it(`answers ${range} with exactly that`, async () => {
      const response = await get('gemma4:e2b', {headers: {range}});
      expect(response.status).to.equal(206);
      expect(response.headers.get('content-range')).to.equal(`bytes ${start}-${end}/${MODEL.length}`);
      expect(new Uint8Array(await response.arrayBuffer())).to.deep.equal(MODEL.slice(start, end + 1));
    });
  }

  it('says 416 beyond the end, and sends the whole for a range of another version', async () => {
    const beyond = await get('gemma4:e2b', {headers: {range: 'bytes=100000-'}});
    expect([beyond.status, beyond.headers.get('content-range')]).to.deep.equal([416, 'bytes */100000']);
    const headers = {range: 'bytes=0-9', 'if-range': '"sha256-old"'};
    expect((await get('gemma4:e2b', {headers})).status).to.equal(200);
    expect((await get('gemma4:e2b', {headers: {...headers, 'if-range': `"sha256-${digest}"`}})).status).to.equal(206);
    expect((await get('gemma4:e2b', {headers: {'if-none-match': `"sha256-${digest}"`}})).status).to.equal(304);
  });

  it('answers HEAD with the size and no body', async () => {
    const response = await get('gemma4:e2b', {method: 'HEAD'});
    expect([response.status, response.headers.get('content-length'), await response.text()]).to.deep.equal([
      200,
      String(MODEL.length),
      '',
    ]);
  });

  it('lets pages read: CORS, with the headers a download needs, and a preflight for a private network', async () => {
    const origin = 'http://localhost:8080';
    const response = await get('gemma4:e2b', {headers: {origin, range: 'bytes=0-0'}});
    expect(response.headers.get('access-control-allow-origin')).to.equal(origin);
    expect(response.headers.get('access-control-expose-headers')).to.match(/Content-Range.*ETag/);
    const preflight = await get('gemma4:e2b', {
      method: 'OPTIONS',
      headers: {origin, 'access-control-request-method': 'GET', 'access-control-request-private-network': 'true'},
    });
    expect(preflight.status).to.equal(204);
    expect(preflight.headers.get('access-control-allow-private-network')).to.equal('true');
    expect(preflight.headers.get('access-control-allow-headers')).to.include('Range');
  });

  it('lets no other site read unless it was named, be it without CORS', async () => {
    const refused: Record<string, string>[] = [
      {origin: 'https://page.example'},
      {origin: 'http://localhost.example'},
      {origin: 'null'},
      {'sec-fetch-site': 'cross-site'},
    ];
    for (const headers of refused) {
      const {status, text} = await raw(server, '/gemma4:e2b', {host: `localhost:${server.port}`, ...headers});
      expect([status, text.includes('--origin')], JSON.stringify(headers)).to.deep.equal([403, true]);
    }
    // From the address bar, or from a program.
    const taken: Record<string, string>[] = [{}, {'sec-fetch-site': 'none'}, {origin: 'http://127.0.0.1:3000'}];
    for (const headers of taken) {
      expect((await raw(server, '/', {host: `localhost:${server.port}`, ...headers})).status).to.equal(200);
    }
  });

  it('lets only those read that were named, where some were', async () => {
    const narrow = await serveOllama({models: ollama.folder, origins: ['https://mine.example']});
    try {
      const ask = (origin: string) => fetch(`${narrow.url}gemma4:e2b`, {method: 'HEAD', headers: {origin}});
      const mine = await ask('https://mine.example');
      expect([mine.status, mine.headers.get('access-control-allow-origin')]).to.deep.equal([
        200,
        'https://mine.example',
      ]);
      const other = await ask('https://other.example');
      expect([other.status, other.headers.get('access-control-allow-origin')]).to.deep.equal([403, null]);
    } finally {
      await narrow.close();
    }
  });

  it('answers to names of this computer only', async () => {
    expect((await raw(server, '/gemma4:e2b', {host: `rebound.example:${server.port}`})).status).to.equal(403);
    expect((await raw(server, '/gemma4:latest', {host: `127.0.0.1:${server.port}`})).status).to.equal(200);
    expect((await raw(server, '/', {host: `[::1]:${server.port}`})).status).to.equal(200);
  });

  for (const method of ['POST', 'PUT', 'DELETE']) {
    it(`changes nothing on ${method}`, async () => {
      expect((await get('gemma4:e2b', {method})).status).to.equal(405);
    });
  }

  describe('opens nothing outside its folder', () => {
    before(() => {
      // What an attacker would like to have read, one level above.
      writeFileSync(path.join(ollama.folder, 'secret'), 'secret');
    });

    for (const url of [
      '/../secret',
      '/../../secret',
      '/%2e%2e/secret',
      '/..%2fsecret',
      '/%2e%2e%2f%2e%2e%2fsecret',
      '/..%5c..%5csecret',
      '/library/..:latest',
      '/..:..',
      '/../../../..:secret',
      '/gemma4:..%2f..%2f..%2f..%2fsecret',
      '/gemma4:../../../../secret',
      '/%2fetc%2fpasswd',
      '//etc/passwd',
      '/gemma4%00:e2b',
      '/%c0%ae%c0%ae/secret',
      '/%',
      '/a/b/c/d:e',
      `/${'x'.repeat(5000)}`,
      '/blobs/sha256-x',
      '/__proto__:constructor',
      '*',
      'http://elsewhere.example/secret',
    ]) {
      it(`answers 404 to ${url.slice(0, 40)}`, async () => {
        const {status, text} = await raw(server, url, {host: 'localhost'});
        expect(status).to.equal(404);
        expect(text).not.to.include('secret"').and.not.to.include('root:');
      });
    }

    it('follows no link that leads out of it', async () => {
      symlinkSync('/etc/hostname', path.join(ollama.folder, 'blobs', `sha256-${'a'.repeat(64)}`));
      ollama.addManifest(`${HOME}/link/latest`, ollamaManifest('a'.repeat(64), 1));
      expect((await get('link')).status).to.equal(404);
      symlinkSync('/etc', path.join(ollama.folder, 'manifests', HOME, 'outside'));
      expect((await get('outside:hostname')).status).to.equal(404);
    });
  });

  describe('says what is wrong with a manifest', () => {
    for (const [name, text, status, message] of [
      ['no-json', '<html>', 500, /no JSON/],
      ['nothing', 'null', 500, /no JSON|names no model/],
      ['no-layers', '{}', 500, /names no model/],
      ['odd-layers', '{"layers":{"length":9}}', 500, /names no model/],
      ['null-layers', '{"layers":[null,1,"x"]}', 500, /names no model/],
      ['traversal', ollamaManifest('../../../../etc/passwd', 10), 500, /names no model/],
      ['upper-case', ollamaManifest('A'.repeat(64), 10), 500, /names no model/],
      ['no-size', ollamaManifest('b'.repeat(64), -1), 500, /names no model/],
      ['missing', ollamaManifest('c'.repeat(64), 10), 404, /missing/],
      ['huge', `${' '.repeat(2 << 20)}{}`, 500, /too large/],
    ] as const) {
      it(name, async () => {
        ollama.addManifest(`${HOME}/${name}/latest`, text);
        expect((await get(name)).status).to.equal(status);
        expect(await problem(name)).to.match(message);
      });
    }

    it('and with a file that was not pulled whole', async () => {
      const hash = ollama.add(`${HOME}/short/latest`, MODEL.slice(0, 5000));
      truncateSync(path.join(ollama.folder, 'blobs', `sha256-${hash}`), 4000);
      expect(await problem('short')).to.match(/4000 bytes, its manifest says 5000/);
    });

    it('leaves all of them out of the list, and goes on serving', async () => {
      const {models} = (await (await get('')).json()) as {models: unknown[]};
      expect(models).to.have.lengthOf(4);
      expect((await get('gemma4:e2b')).status).to.equal(200);
    });
  });

  describe('on the command line', () => {
    function run(args: string[], env: Record<string, string> = {}) {
      const script = path.resolve(import.meta.dirname, '../../../scripts/gemma-chat.mjs');
      const child = spawn(process.execPath, [script, ...args], {env: {...process.env, ...env}});
      const output = {out: '', err: ''};
      child.stdout.on('data', (data) => {
        output.out += data;
      });
      child.stderr.on('data', (data) => {
        output.err += data;
      });
      const code = new Promise<number | null>((resolve) => child.on('close', resolve));
      return {child, output, code};
    }

    it('starts, names each model’s address, and stops when it is told', async () => {
      const {child, output, code} = run(['serve-ollama', '--port', '0'], {OLLAMA_MODELS: ollama.folder});
      while (!output.out.includes('someone/theirs:v1')) {
        await Promise.race([new Promise((resolve) => child.stdout.once('data', resolve)), code]);
        if (child.exitCode !== null) throw new Error(output.err);
      }
      const address = /model-src="([^"]*gemma4:e2b)"/.exec(output.out)![1];
      expect((await fetch(address, {method: 'HEAD'})).status).to.equal(200);
      child.kill('SIGTERM');
      expect(await code).to.equal(0);
    });

    for (const [title, args, message] of [
      ['a folder that is none of Ollama’s', ['serve-ollama', '--models', '/tmp/no-such-folder'], /no manifests/],
      ['a port that is none', ['serve-ollama', '--port', 'x'], /--port is "x"/],
      ['an origin that is none', ['serve-ollama', '--origin', 'mine'], /--origin is "mine"/],
      ['an unknown option', ['serve-ollama', '--share'], /--share/],
      ['an unknown command', ['serve'], /no command "serve"/],
    ] as const) {
      it(`refuses ${title} in words`, async () => {
        const {output, code} = run([...args]);
        expect(await code).to.equal(1);
        expect(output.err).to.match(message);
        expect(output.err).not.to.match(/\n\s+at /);
      });
    }

    it('helps', async () => {
      const {output, code} = run(['serve-ollama', '--help']);
      expect(await code).to.equal(0);
      for (const option of ['--models', '--port', '--origin', '--help']) expect(output.out).to.include(option);
    });

    it('looks where Ollama keeps its models', () => {
      const home = '/home/me';
      expect(defaultModels({env: {OLLAMA_MODELS: '/x'}, home})).to.equal('/x');
      expect(defaultModels({env: {}, home, exists: () => false})).to.equal(path.join(home, '.ollama', 'models'));
      const service = (file: string) => file.startsWith('/usr/share');
      expect(defaultModels({env: {}, home, exists: service})).to.equal('/usr/share/ollama/.ollama/models');
    });
  });
});
