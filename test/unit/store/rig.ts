// A server that misbehaves, a disk that may fail and a load in between, for tests of whole downloads.
import {createHash} from 'node:crypto';
import type {IncomingMessage, ServerResponse} from 'node:http';
import {expect} from 'chai';
import {seededRandom} from '../../../scripts/model-files/random.ts';
import {opfsBlocks} from '../../../src/store/blocks/opfs-blocks.ts';
import {createModelStore} from '../../../src/store/create-model-store.ts';
import {blockName, MANIFEST_NAME} from '../../../src/store/folder/manifest.ts';
import {sha256Hex} from '../../../src/store/hash/integrity.ts';
import type {ModelSource, ModelStore, OpenOptions, StoreProgress} from '../../../src/store/model-store.ts';
import {FakeClock, FakeFileSystem, fakeLocks} from '../../helpers/store-fakes.ts';
import {type Handler, type LocalServer, requestedRange, serveRanges, startServer} from './local-server.ts';

export const BLOCK = 16 * 1024;
/** 47 blocks, the last one not full; more than the 64 KiB of the first request. */
export const SIZE = 46 * BLOCK + 1234;

export function noiseFile(seed: number, size = SIZE): Uint8Array<ArrayBuffer> {
  const random = seededRandom(seed);
  return Uint8Array.from({length: size}, () => random.u32());
}

export const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export interface LoadOptions extends OpenOptions {
  readonly integrity?: string;
  readonly store?: ModelStore;
  /** Called with every piece of the weights. */
  readonly onPiece?: (received: number, source: ModelSource) => void;
}

export class Rig {
  readonly file: Uint8Array<ArrayBuffer>;
  readonly disk = new FakeFileSystem();
  readonly clock = new FakeClock();
  readonly locks = fakeLocks();
  readonly progress: StoreProgress[] = [];
  /** Ranges asked for, and how many were under way at once at most. */
  readonly ranges: [number, number][] = [];
  parallel = 0;
  server!: LocalServer;
  #open = 0;

  constructor(file = noiseFile(1)) {
    this.file = file;
  }

  async start(): Promise<void> {
    this.server = await startServer();
    this.serve(serveRanges(this.file));
  }

  stop(): Promise<void> {
    return this.server.stop();
  }

  get url(): string {
    return this.server.url;
  }

  /** Answers with `handler` from now on, after checking that nothing is asked for that is stored. */
  serve(handler: Handler, size = this.file.length): void {
    this.server.handler = (request, response) => {
      this.parallel = Math.max(this.parallel, ++this.#open);
      response.on('close', () => this.#open--);
      const [start, end] = requestedRange(request, size);
      this.ranges.push([start, end]);
      this.#refuseStored(start, end);
      handler(request, response);
    };
  }

  /** The first answers come from `faults`, one a request, the rest is answered properly. */
  serveFaults(faults: readonly Handler[], then: Handler = serveRanges(this.file)): void {
    let next = 0;
    this.serve((request, response) => (faults[next++] ?? then)(request, response));
  }

  /** A new worker over the same disk. */
  store(): Promise<ModelStore> {
    const {clock, locks, disk} = this;
    const storage = {estimate: disk.estimate};
    return createModelStore({blocks: opfsBlocks(disk.root, storage), storage, clock, locks, blockBytes: BLOCK});
  }

  /** What a load does: reads a header, streams the rest, verifies, settles. The file's hash as it was read. */
  async load({store, integrity, onPiece, ...options}: LoadOptions = {}): Promise<string> {
    const opened = await (store ?? (await this.store())).open(
      {url: this.url, integrity},
      {...options, onProgress: (progress) => this.progress.push(progress)},
    );
    try {
      const hash = createHash('sha256');
      const header = await opened.read(0, 1000, options.signal);
      hash.update(header);
      let received = header.length;
      for await (const piece of opened.stream(1000, opened.size - 1000, options.signal)) {
        hash.update(piece);
        received += piece.length;
        onPiece?.(received, opened);
      }
      await opened.verify(options.signal);
      await opened.settle();
      return hash.digest('hex');
    } finally {
      await opened.close();
    }
  }

  /** Loads and expects the file's own bytes, all of them stored, and a progress that was true. */
  async loadWhole(options: LoadOptions = {}): Promise<void> {
    this.progress.length = 0;
    expect(await this.load(options)).to.equal(hashOf(this.file));
    expect((await (await this.store()).list()).map(({complete}) => complete)).to.deep.equal([true]);
    this.expectTrueProgress();
  }

  expectTrueProgress(): void {
    let last: StoreProgress | undefined;
    for (const progress of this.progress) {
      expect(progress.totalBytes).to.equal(this.file.length);
      expect(progress.loadedBytes).to.be.within(0, progress.totalBytes);
      if (last?.phase === progress.phase) expect(progress.loadedBytes).to.be.at.least(last.loadedBytes);
      last = progress;
    }
  }

  get phases(): Set<StoreProgress['phase']> {
    return new Set(this.progress.map(({phase}) => phase));
  }

  async id(): Promise<string> {
    return sha256Hex(new TextEncoder().encode(this.url));
  }

  /** Indices of the blocks that the disk's manifest names and that are whole. */
  storedBlocks(): number[] {
    const manifest = this.manifest();
    return manifest?.hashes?.flatMap((hash, index) => (this.#isWhole(hash, index) ? [index] : [])) ?? [];
  }

  manifest(): {etag: string; hashes: (string | null)[]} | null {
    const [folder] = this.disk.folders.values();
    const bytes = folder?.get(MANIFEST_NAME);
    try {
      return JSON.parse(new TextDecoder().decode(bytes));
    } catch {
      return null;
    }
  }

  #isWhole(hash: string | null, index: number): boolean {
    const [folder] = this.disk.folders.values();
    return hash !== null && hash === hashOf(folder.get(blockName(index)) ?? new Uint8Array(0));
  }

  /** The one byte that tells whether a complete file is still the same may be asked for. */
  #refuseStored(start: number, end: number): void {
    if (end - start <= 1 || (this.allowHead && start === 0 && end === 65536)) return;
    const again = this.storedBlocks().filter((index) => index * BLOCK < end && (index + 1) * BLOCK > start);
    if (again.length > 0 && !this.allowStored) this.twice.push(...again);
  }

  /** Blocks that were asked for although they were stored. */
  readonly twice: number[] = [];
  allowStored = false;
  /** Of several workers each asks which file it is, and the first may have stored that part by then. */
  allowHead = false;
}

/** Sends the first `count` bytes of the range, then what `end` does: cuts the connection, or nothing. */
export function sendPart(
  bytes: Uint8Array,
  count: number,
  end: (request: IncomingMessage, response: ServerResponse) => void = (_, response) => response.destroy(),
): Handler {
  return (request, response) => {
    const [start, stop] = requestedRange(request, bytes.length);
    response.writeHead(206, {
      'Content-Range': `bytes ${start}-${stop - 1}/${bytes.length}`,
      'Content-Length': stop - start,
      ETag: '"v1"',
    });
    const part = bytes.subarray(start, Math.min(stop, start + count));
    if (part.length === stop - start) return void response.end(part);
    response.write(part, () => end(request, response));
  };
}

/** An answer without the file. */
export function refuse(status: number, headers: Record<string, string> = {}): Handler {
  return (_, response) => response.writeHead(status, headers).end('no');
}
