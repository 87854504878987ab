// What a bad server, a bad connection and a bad address come to. The server misbehaves in one way a test.
import {gzipSync} from 'node:zlib';
import {expect} from 'chai';
import {writeGguf} from '../../../scripts/model-files/gguf-writer.ts';
import {readGguf} from '../../../src/gguf/read-gguf.ts';
import {type LocalServer, requestedRange, serveRanges, serveWhole, startServer} from './local-server.ts';
import {openUrl} from './open-url.ts';
import {rejection} from './rejection.ts';

// Larger than the head that the first request brings.
const FILE = Uint8Array.from({length: 200_000}, (_, i) => i * 31);

describe('a source over HTTP', () => {
  let server: LocalServer;
  beforeEach(async () => {
    server = await startServer();
  });
  afterEach(() => server.stop());

  const open = () => openUrl(`${server.url}?token=secret`);

  it('opens a small model with one request and no HEAD', async () => {
    server.handler = serveRanges(writeGguf({metadata: {'general.name': 'small'}}));
    const file = await readGguf(await open());
    expect(file.metadata.string('general.name')).to.equal('small');
    expect(server.ranges).to.deep.equal(['bytes=0-65535']);
  });

  it('takes an empty file for one of size 0', async () => {
    server.handler = (_, response) => response.writeHead(416, {'Content-Range': 'bytes */0'}).end();
    expect((await open()).size).to.equal(0);
  });

  for (const [status, advice] of [
    [404, /Check the address/],
    [500, /Try again later/],
    [403, /Access is refused/],
    [416, /Check the address/],
  ] as const) {
    it(`answers ${status} with http-status, at first and later`, async () => {
      server.handler = (_, response) => response.writeHead(status).end('no');
      const error = await rejection(open());
      expect(error).to.deep.include({code: 'http-status', detail: {status}});
      expect(String(error)).to.match(advice).and.not.include('secret');

      server.handler = serveRanges(FILE);
      const source = await open();
      server.handler = (_, response) => response.writeHead(status).end('no');
      // A range inside the file that is out of range: the file has become shorter.
      expect(await rejection(source.read(100_000, 9))).to.include({
        code: status === 416 ? 'file-changed' : 'http-status',
      });
    });
  }

  describe('with a server that answers a range with 200', () => {
    it('takes of a large file only what is read', async () => {
      let closed: () => void;
      const connectionClosed = new Promise<void>((resolve) => {
        closed = resolve;
      });
      let sent = 0;
      server.handler = (_, response) => {
        response.writeHead(200, {'Content-Length': String(5e9)});
        const more = () => {
          sent += 65536;
          while (response.write(new Uint8Array(65536))) sent += 65536;
        };
        response.on('drain', more).on('close', () => closed());
        more();
      };
      const source = await open();
      expect(source.size).to.equal(5e9);
      expect((await source.read(100_000, 5)).length).to.equal(5);
      source.close();
      await connectionClosed;
      expect(sent).to.be.below(32 * 2 ** 20); // what sockets and streams hold, not the file
    });

    it('refuses a file of unknown size', async () => {
      server.handler = (_, response) => response.writeHead(200).end(FILE);
      const error = await rejection(open());
      expect(error).to.include({code: 'range-unsupported'});
      expect(String(error)).to.include('unknown size');
    });

    it('reads a small file that is compressed on the way', async () => {
      server.handler = serveWhole(gzipSync(FILE), {'Content-Encoding': 'gzip'});
      const source = await open();
      expect(Buffer.compare(await source.read(0, source.size), FILE)).to.equal(0);
    });

    it('stops at a small answer that grows beyond the limit', async () => {
      server.handler = serveWhole(gzipSync(new Uint8Array(65 * 2 ** 20)), {'Content-Encoding': 'gzip'});
      expect(await rejection(open())).to.include({code: 'range-unsupported'});
    });

    it('goes on with it where ranges were sent before', async () => {
      server.handler = serveRanges(FILE);
      const source = await open();
      server.handler = serveWhole(FILE);
      expect(await source.read(100_000, 9)).to.deep.equal(FILE.slice(100_000, 100_009));
    });
  });

  for (const [title, contentRange] of [
    ['no', undefined],
    ['a senseless', 'bytes ?'],
    ['a sizeless', 'bytes 0-65535/*'],
    ['a shifted', 'bytes 1-65536/200000'],
    ['an empty', 'bytes 0--1/200000'],
    ['a backward', 'bytes 0-0/0'],
    ['an impossible', 'bytes 0-65535/99999999999999999999'],
  ] as const) {
    it(`refuses ${title} Content-Range`, async () => {
      server.handler = serveRanges(FILE, {'Content-Range': contentRange});
      const error = await rejection(open());
      expect(error).to.include({code: 'range-unsupported'});
      expect(String(error)).to.match(
        contentRange ? /Content-Range|answered with bytes/ : /Access-Control-Expose-Headers/,
      );
    });
  }

  it('goes on where an answer ends before its range, as servers may', async () => {
    const asked: string[] = [];
    server.handler = (request, response) => {
      const [start, end] = requestedRange(request, FILE.length);
      const short = Math.min(end, start + 20_000);
      asked.push(`${start}-${end}`);
      // Units are written in either case.
      const headers = {'Content-Range': `Bytes ${start}-${short - 1}/${FILE.length}`, ETag: '"v1"'};
      response.writeHead(206, headers).end(FILE.subarray(start, short));
    };
    const source = await open();
    expect(await source.read(70_000, 50_000)).to.deep.equal(FILE.slice(70_000, 120_000));
    expect(asked.slice(-3)).to.deep.equal(['65536-120000', '85536-120000', '105536-120000']);
  });

  it('refuses a size that no file has before it makes anything for it', async () => {
    for (const size of [4e14, 5e14, 4e15, 2 ** 53 - 1]) {
      server.handler = (_, response) =>
        response.writeHead(206, {'Content-Range': `bytes 0-65535/${size}`, ETag: '"v1"'}).end(FILE.subarray(0, 65536));
      const start = performance.now();
      const error = await rejection(open());
      expect(error).to.include({code: 'range-unsupported'});
      expect(String(error)).to.include(String(size));
      expect(performance.now() - start).to.be.below(2000);
    }
  });

  it('does not take the body of an answer with wrong headers', async () => {
    const ended = new Promise<void>((end) => {
      server.handler = (_, response) => {
        response.on('close', () => end());
        response.writeHead(206, {'Content-Range': 'bytes 5-9/10'}).write('never finished');
      };
    });
    expect(await rejection(open())).to.include({code: 'range-unsupported'});
    await ended;
  });

  for (const [title, first, then, message] of [
    ['another ETag', {ETag: '"v1"'}, {ETag: '"v2"'}, /ETag/],
    ['another date', {ETag: undefined, 'Last-Modified': 'Mon'}, {ETag: undefined, 'Last-Modified': 'Tue'}, /Mon.*Tue/],
  ] as const) {
    it(`notices ${title}`, async () => {
      server.handler = serveRanges(FILE, first);
      const source = await open();
      server.handler = serveRanges(FILE, then);
      const error = await rejection(source.read(100_000, 9));
      expect(error).to.include({code: 'file-changed'});
      expect(String(error)).to.match(message);
    });
  }

  for (const size of [FILE.length - 1, FILE.length + 1, 100_005]) {
    it(`notices that the file has ${size} bytes, not ${FILE.length}`, async () => {
      server.handler = serveRanges(FILE);
      const source = await open();
      const other = new Uint8Array(size);
      server.handler = serveRanges(other);
      const error = await rejection(source.stream(100_000, 9)[Symbol.asyncIterator]().next());
      expect(error).to.include({code: 'file-changed'});
      expect(String(error)).to.include(String(size));
    });
  }

  for (const [title, first, then] of [
    ['an ETag that is weak once', {ETag: 'W/"v1"'}, {ETag: '"v1"'}],
    [
      'an ETag of another machine under one date',
      {ETag: '"node0"', 'Last-Modified': 'Mon'},
      {ETag: '"node1"', 'Last-Modified': 'Mon'},
    ],
    [
      'an ETag and a date of another machine under one hash',
      {ETag: '"node0"', 'Last-Modified': 'Mon', 'X-Linked-ETag': `"${'a'.repeat(64)}"`},
      {ETag: '"node1"', 'Last-Modified': 'Tue', 'X-Linked-ETag': `"${'a'.repeat(64)}"`},
    ],
    ['a date that differs under one ETag', {'Last-Modified': 'Mon'}, {'Last-Modified': 'Tue'}],
    ['an ETag that one mirror leaves out', {ETag: '"v1"'}, {ETag: undefined}],
  ] as const) {
    it(`does not take ${title} for a change`, async () => {
      server.handler = serveRanges(FILE, first);
      const source = await open();
      server.handler = serveRanges(FILE, then);
      expect(await source.read(100_000, 1)).to.deep.equal(FILE.slice(100_000, 100_001));
    });
  }

  describe('with a body that is not what its headers say', () => {
    /** Chunked, so that HTTP itself sees nothing wrong. */
    const sendInstead = (count: number) => {
      server.handler = (request, response) => {
        const [start, end] = requestedRange(request, FILE.length);
        response.writeHead(206, {'Content-Range': `bytes ${start}-${end - 1}/${FILE.length}`});
        response.end(new Uint8Array(Math.max(0, count - start)));
      };
    };

    it('says that a short one is truncated', async () => {
      sendInstead(65_000);
      const error = await rejection(open());
      expect(error).to.include({code: 'gguf-truncated'});
    });

    it('stops at a long one', async () => {
      sendInstead(65_537);
      expect(await rejection(open())).to.include({code: 'range-unsupported'});
    });

    it('goes on where the connection broke off', async () => {
      server.handler = serveRanges(FILE);
      const source = await open();
      let requests = 0;
      server.handler = (request, response) => {
        if (++requests > 1) return serveRanges(FILE)(request, response);
        const [start, end] = requestedRange(request, FILE.length);
        const headers = {'Content-Range': `bytes ${start}-${end - 1}/${FILE.length}`, 'Content-Length': end - start};
        response.writeHead(206, headers).write(FILE.subarray(start, start + 10), () => response.destroy());
      };
      expect(Buffer.compare(await source.read(0, 200_000), FILE)).to.equal(0);
      expect(server.ranges).to.deep.equal(['bytes=0-65535', 'bytes=65536-199999', 'bytes=65546-199999']);
    });
  });

  describe('when nothing can be reached', () => {
    const refused = (async () => {
      throw new TypeError('Failed to fetch');
    }) as typeof fetch;
    const opaqueOnly = (async (_: unknown, init?: RequestInit) => {
      if (init?.mode === 'no-cors') return new Response(null);
      throw new TypeError('Failed to fetch');
    }) as typeof fetch;
    const url = 'https://models.example/a.gguf';

    it('says network for a server that is down', async () => {
      const {url: gone} = server;
      await server.stop();
      expect(await rejection(openUrl(gone))).to.include({code: 'network'});
      server = await startServer();
    });

    it('says network on the page’s own origin', async () => {
      const error = await rejection(openUrl(url, {fetch: opaqueOnly, origin: 'https://models.example'}));
      expect(error).to.include({code: 'network'});
      expect(String(error)).not.to.include('Access-Control');
    });

    it('says that ranges are compressed where they alone cannot be fetched', async () => {
      server.handler = serveRanges(FILE);
      // As Chromium does with a range that is encoded.
      const fetched: typeof fetch = (input, init) => {
        const {headers, ...rest} = init ?? {};
        if (headers && 'Range' in (headers as object)) return Promise.reject(new TypeError('Failed to fetch'));
        server.handler = serveWhole(FILE, {'Content-Encoding': 'gzip'});
        return fetch(input, {...rest, headers});
      };
      const error = await rejection(openUrl(server.url, {fetch: fetched}));
      expect(error).to.include({code: 'range-unsupported'});
      expect(String(error)).to.match(/compress/);
    });

    it('says cors where the other origin’s server is there', async () => {
      const error = await rejection(openUrl(url, {fetch: opaqueOnly, origin: 'https://page.example'}));
      expect(error).to.include({code: 'cors'});
      expect(String(error)).to.include('Access-Control-Allow-Origin: https://page.example');
      expect(String(error)).to.include('Access-Control-Expose-Headers: Content-Range, ETag');
    });

    it('says network where it is not, and what would be needed if it were', async () => {
      const error = await rejection(openUrl(url, {fetch: refused, origin: 'https://page.example'}));
      expect(error).to.include({code: 'network'});
      expect(String(error)).to.include('Access-Control-Allow-Origin: https://page.example');
    });
  });

  for (const url of ['not a url', 'https://me:secret@models.example/a.gguf']) {
    it(`refuses the address ${url.replace('secret', '…')} by itself`, async () => {
      const error = await rejection(openUrl(url));
      expect(error).to.include({code: 'option-invalid'});
      expect(String(error)).not.to.include('secret');
    });
  }

  describe('when it is stopped', () => {
    /** Resolves once the server has a request that it leaves hanging, with a promise of its connection's end. */
    const hang = (afterBytes: number) =>
      new Promise<{ended: Promise<void>}>((resolve) => {
        server.handler = (request, response) => {
          const ended = new Promise<void>((end) => response.on('close', () => end()));
          if (afterBytes > 0) {
            const [start, end] = requestedRange(request, FILE.length);
            response.writeHead(206, {'Content-Range': `bytes ${start}-${end - 1}/${FILE.length}`, ETag: '"v1"'});
            response.write(new Uint8Array(afterBytes));
          }
          resolve({ended});
        };
      });

    it('rejects the opening with AbortError and lets go of the connection', async () => {
      const controller = new AbortController();
      const hanging = hang(0);
      const opening = rejection(openUrl(server.url, {signal: controller.signal}));
      const {ended} = await hanging;
      controller.abort();
      expect(await opening).to.include({name: 'AbortError'});
      await ended;
    });

    it('rejects a read whose body hangs with AbortError and lets go of the connection', async () => {
      server.handler = serveRanges(FILE);
      const source = await open();
      const controller = new AbortController();
      const hanging = hang(10);
      const reading = rejection(source.read(0, 100_000, controller.signal));
      const {ended} = await hanging;
      controller.abort();
      expect(await reading).to.include({name: 'AbortError'});
      await ended;
    });

    it('lets go of the connection when a stream is left early', async () => {
      server.handler = serveRanges(FILE);
      const source = await open();
      const hanging = hang(70_000);
      let received = 0;
      for await (const piece of source.stream(0, 100_000)) {
        received += piece.length;
        if (received > 65536) break;
      }
      await (await hanging).ended;
    });

    it('ends transfers with `closed` on close, and takes no more', async () => {
      server.handler = serveRanges(FILE);
      const source = await open();
      const hanging = hang(10);
      const reading = rejection(source.read(0, 100_000));
      const {ended} = await hanging;
      source.close?.();
      expect(await reading).to.include({code: 'closed'});
      await ended;
      expect(await rejection(source.read(0, 1))).to.include({code: 'closed'});
    });
  });
});
