// Downloads through everything a network does. In every case: the bytes are the original's, nothing that is stored is
// asked for again (the rig's server looks at the disk), and what is told of the progress is true.
import {gzipSync} from 'node:zlib';
import {expect} from 'chai';
import {seededRandom} from '../../../scripts/model-files/random.ts';
import {requestedRange, serveRanges, serveWhole} from './local-server.ts';
import {rejection} from './rejection.ts';
import {BLOCK, hashOf, noiseFile, Rig, refuse, SIZE, sendPart} from './rig.ts';

describe('a download', () => {
  let rig: Rig;
  beforeEach(async () => {
    rig = new Rig();
    await rig.start();
  });
  afterEach(async () => {
    await rig.stop();
    expect(rig.twice, 'blocks asked for although they were stored').to.deep.equal([]);
    expect(rig.locks.held.size, 'locks that no one let go of').to.equal(0);
  });

  it('asks for each byte once, several ranges side by side, and tells what it does', async () => {
    // The first range is answered when the second is asked for.
    let early: (() => void) | undefined;
    rig.serveFaults([
      serveRanges(rig.file),
      (request, response) => {
        early = () => serveRanges(rig.file)(request, response);
      },
      (request, response) => {
        early?.();
        serveRanges(rig.file)(request, response);
      },
    ]);
    await rig.loadWhole();
    const asked = rig.ranges.reduce((sum, [start, end]) => sum + end - start, 0);
    expect(asked).to.equal(SIZE);
    expect(rig.parallel).to.be.above(1);
    expect([...rig.phases]).to.deep.equal(['download']);
    expect(rig.progress.at(-1)?.fetchedBytes).to.be.at.most(SIZE);
  });

  it('goes on after 20 cuts at random points', async () => {
    const random = seededRandom(20);
    rig.serveFaults(Array.from({length: 20}, () => sendPart(rig.file, random.u32() % (3 * BLOCK))));
    await rig.loadWhole();
    expect(rig.ranges.length).to.be.above(20);
    expect(rig.phases).to.include('retry');
  });

  it('goes on after a body that ends early without a word', async () => {
    rig.serveFaults([
      serveRanges(rig.file),
      (request, response) => {
        const [start, end] = requestedRange(request, SIZE);
        response.writeHead(206, {'Content-Range': `bytes ${start}-${end - 1}/${SIZE}`, ETag: '"v1"'});
        response.end(rig.file.subarray(start, start + 1000));
      },
    ]);
    await rig.loadWhole();
  });

  for (const [title, bytes] of [
    ['before the first byte', 0],
    ['in mid-block', BLOCK + 77],
  ] as const) {
    it(`breaks off a transfer that stalls ${title}, and goes on`, async () => {
      const stalled = new Promise<void>((stall) => {
        rig.serveFaults([
          serveRanges(rig.file),
          bytes === 0 ? () => stall() : sendPart(rig.file, bytes, () => stall()),
        ]);
      });
      const loading = rig.loadWhole();
      await stalled;
      rig.clock.ring();
      await loading;
      expect(rig.phases).to.include('retry');
    });
  }

  it('fails with what happened where the server stays away, and goes on later', async () => {
    rig.serveFaults([serveRanges(rig.file), sendPart(rig.file, 5 * BLOCK)], (_, response) => response.destroy());
    const error = await rejection(rig.load());
    expect(error).to.include({code: 'network'});
    // Half a second, doubled each time, half a minute at most.
    expect(rig.clock.sleeps).to.include.members([500, 1000, 2000, 4000, 8000, 16_000, 30_000]);
    const stored = rig.storedBlocks();
    expect(stored).to.include.members([0, 1, 2, 3]);
    rig.serve(serveRanges(rig.file));
    await rig.loadWhole();
    expect(rig.storedBlocks().length).to.equal(47);
  });

  for (const status of [429, 503]) {
    it(`waits as long as ${status} with Retry-After says, in seconds or until a date`, async () => {
      const date = new Date(rig.clock.time + 90_000).toUTCString();
      rig.serveFaults([
        refuse(status, {'Retry-After': '7'}),
        serveRanges(rig.file),
        refuse(status, {'Retry-After': date}),
      ]);
      await rig.loadWhole();
      expect(rig.clock.sleeps[0]).to.equal(7000);
      // The date has no milliseconds, and 7 seconds have passed.
      expect(rig.clock.sleeps[1]).to.be.within(80_000, 83_000);
      expect(rig.progress.find(({phase}) => phase === 'retry')?.retryInMs).to.equal(rig.clock.sleeps[1]);
    });
  }

  it('does not wait for an hour', async () => {
    rig.serve(refuse(503, {'Retry-After': '3600'}));
    expect(await rejection(rig.load())).to.include({code: 'http-status'});
    expect(rig.clock.sleeps).to.deep.equal([]);
  });

  it('asks again at its own pace where there is no Retry-After', async () => {
    rig.serveFaults([serveRanges(rig.file), refuse(500), refuse(502)]);
    await rig.loadWhole();
    expect(rig.clock.sleeps.every((ms) => ms <= 1000)).to.equal(true);
  });

  it('follows a redirect anew when the signed address it led to has expired', async () => {
    let signature = 0;
    const used = new Set<string>();
    rig.server.handler = (request, response) => {
      const url = new URL(request.url ?? '', rig.url);
      if (url.pathname === '/model.gguf') {
        // The second answer comes from a cache on the way and leads to an address that has expired.
        const target = `/signed?sig=${++signature === 2 ? 1 : signature}`;
        return void response.writeHead(302, {Location: target}).end();
      }
      const sig = url.searchParams.get('sig') ?? '';
      if (used.has(sig)) return refuse(403)(request, response);
      used.add(sig);
      sendPart(rig.file, 4 * BLOCK + 99)(request, response);
    };
    await rig.loadWhole();
    expect(used.size).to.be.above(5);
  });

  it('does not ask for ever where access is refused for good', async () => {
    rig.serveFaults([serveRanges(rig.file)], refuse(403));
    const error = await rejection(rig.load());
    expect(error).to.deep.include({code: 'http-status', detail: {status: 403}});
    expect(rig.clock.sleeps.length).to.be.below(10);
  });

  describe('from machines that each give the file an ETag of their own', () => {
    for (const [title, options, headers] of [
      ['under one date', {}, {'Last-Modified': 'Mon'}],
      ['under the hash that the server gives', {}, {'X-Linked-ETag': `"${hashOf(noiseFile(1))}"`}],
      ['under a hash that is asked for', {integrity: `sha256-${hashOf(noiseFile(1))}`}, {}],
    ] as const) {
      it(`is one file ${title}`, async () => {
        let node = 0;
        rig.serve((request, response) =>
          serveRanges(rig.file, {...headers, ETag: `"node${node++ % 3}"`})(request, response),
        );
        await rig.loadWhole(options);
        await rig.loadWhole(options);
        expect(node).to.be.above(3);
      });
    }
  });

  describe('of a file that changes', () => {
    const other = noiseFile(2);

    it('in mid-download drops the old blocks and says so; the next load has the new file alone', async () => {
      rig.serve((request, response) => {
        const isLate = requestedRange(request, SIZE)[0] > SIZE / 2;
        serveRanges(isLate ? other : rig.file, {ETag: isLate ? '"v2"' : '"v1"'})(request, response);
      });
      const error = await rejection(rig.load());
      expect(error).to.include({code: 'file-changed'});
      expect([...rig.disk.folders.keys()]).to.deep.equal([]);
      rig.serve(serveRanges(other, {ETag: '"v2"'}));
      expect(await rig.load()).to.equal(hashOf(other));
      expect(rig.manifest()?.etag).to.equal('"v2"');
    });

    for (const [title, bytes, headers] of [
      ['with another ETag', other, {ETag: '"v2"'}],
      ['shorter', other.slice(0, 10 * BLOCK), {}],
      ['longer', noiseFile(3, SIZE + 5 * BLOCK), {}],
    ] as const) {
      for (const complete of [true, false]) {
        it(`between two loads (${title}, the first ${complete ? 'complete' : 'broken off'}) is fetched anew`, async () => {
          if (complete) await rig.loadWhole();
          else await breakOff(rig);
          rig.allowStored = true; // the blocks of the old file
          rig.serve(serveRanges(bytes, headers), bytes.length);
          expect(await rig.load()).to.equal(hashOf(bytes));
          expect(rig.storedBlocks().length).to.equal(Math.ceil(bytes.length / BLOCK));
        });
      }
    }
  });

  describe('from a server without ranges', () => {
    beforeEach(() => {
      rig.allowStored = true; // it cannot leave out what is stored
      rig.serve(serveWhole(rig.file, {ETag: '"v1"'}));
    });

    it('comes in one stream that is stored on the way', async () => {
      await rig.loadWhole();
      // One to learn which file it is, broken off, and one for everything.
      expect(rig.ranges.length).to.equal(2);
      expect((await (await rig.store()).inspect({url: rig.url})).ranges).to.equal(false);
    });

    it('begins again after a cut and skips what is there', async () => {
      let cuts = 0;
      rig.serve((request, response) => {
        if (++cuts > 4) return serveWhole(rig.file, {ETag: '"v1"'})(request, response);
        response.writeHead(200, {'Content-Length': String(SIZE), ETag: '"v1"'});
        response.write(rig.file.subarray(0, 80_000 + cuts * 5 * BLOCK), () => response.destroy());
      });
      await rig.loadWhole();
    });

    it('notices another file', async () => {
      await breakOff(rig, serveWhole(rig.file, {ETag: '"v1"'}));
      rig.serve(serveWhole(noiseFile(2), {ETag: '"v2"'}));
      expect(await rig.load()).to.equal(hashOf(noiseFile(2)));
    });

    it('is taken as it comes where ranges end in mid-download', async () => {
      rig.serveFaults([serveRanges(rig.file), serveRanges(rig.file)], serveWhole(rig.file, {ETag: '"v1"'}));
      await rig.loadWhole();
    });
  });

  for (const [title, headers] of [
    ['a wrong Content-Range', {'Content-Range': `bytes 5-9/${SIZE}`}],
    ['no Content-Range', {'Content-Range': undefined}],
  ] as const) {
    it(`stops at ${title}, keeps what it has and goes on when the server is mended`, async () => {
      rig.serveFaults([serveRanges(rig.file)], serveRanges(rig.file, headers));
      expect(await rejection(rig.load())).to.include({code: 'range-unsupported'});
      expect(rig.storedBlocks()).to.deep.equal([0, 1, 2, 3]);
      rig.serve(serveRanges(rig.file));
      await rig.loadWhole();
    });
  }

  it('takes ranges that are compressed one by one', async () => {
    rig.serve((request, response) => {
      const [start, end] = requestedRange(request, SIZE);
      const headers = {'Content-Range': `bytes ${start}-${end - 1}/${SIZE}`, 'Content-Encoding': 'gzip', ETag: '"v1"'};
      response.writeHead(206, headers).end(gzipSync(rig.file.subarray(start, end)));
    });
    await rig.loadWhole();
  });

  it('refuses ranges of a compressed file, and names the header', async () => {
    const zipped = gzipSync(new Uint8Array(2 ** 20));
    rig.serve(serveRanges(zipped, {'Content-Encoding': 'gzip'}), zipped.length);
    const error = await rejection(rig.load());
    expect(error).to.include({code: 'range-unsupported'});
    expect(String(error)).to.match(/Content-Encoding: gzip/);
  });
});

/** A load that is stopped in the middle, as by a closed tab; some blocks are stored. */
async function breakOff(rig: Rig, handler = serveRanges(rig.file)): Promise<void> {
  rig.serve(handler);
  const stop = new AbortController();
  const onPiece = (received: number) => {
    if (received > SIZE / 3) stop.abort();
  };
  expect(await rejection(rig.load({signal: stop.signal, onPiece}))).to.include({name: 'AbortError'});
}
