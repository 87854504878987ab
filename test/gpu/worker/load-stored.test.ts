// The worker's load over the store: what it says while bytes come from the network, from the disk or are verified, and
// what becomes of files that are of no use or change meanwhile.
import {expect} from 'chai';
import {findGpu} from '../../../scripts/lib/gpu.ts';
import {writeGguf} from '../../../scripts/model-files/gguf-writer.ts';
import {fill, modelMetadata, planTensors, SHAPES} from '../../../scripts/model-files/model.ts';
import type {LoadPhase, LoadProgress} from '../../../src/protocol/messages.ts';
import {lockName} from '../../../src/store/folder/writer-lock.ts';
import {loadModel} from '../../../src/worker/load-model.ts';
import {findAdapter} from '../../helpers/gpu.ts';
import {requestedRange, serveRanges} from '../../unit/store/local-server.ts';
import {rejection} from '../../unit/store/rejection.ts';
import {hashOf, Rig, refuse} from '../../unit/store/rig.ts';

const modelFile = (seed: number) =>
  new Uint8Array(
    writeGguf({
      metadata: modelMetadata(SHAPES.gemma3, 'Q8_0', `seed ${seed}`, seed),
      tensors: planTensors(SHAPES.gemma3, 'Q8_0').map((plan) => fill(plan, seed)),
    }),
  );

describe('loadModel over the store', function () {
  this.timeout(120_000); // a software adapter
  const file = modelFile(1);
  let rig: Rig;

  before(async function () {
    if (!(await findAdapter())) this.skip();
    // Node has no navigator; the worker asks it for the GPU.
    Object.defineProperty(globalThis, 'navigator', {value: {gpu: await findGpu()}, configurable: true});
  });
  after(() => {
    Reflect.deleteProperty(globalThis, 'navigator');
  });
  beforeEach(async () => {
    rig = new Rig(file);
    await rig.start();
  });
  afterEach(() => rig.stop());

  /** Loads and lets go of the model; its name, and the phases in the order in which they began. */
  async function load(
    integrity?: string,
    onPhase?: (phase: LoadPhase) => void,
  ): Promise<{name: string; phases: LoadPhase[]; fractions: number[]}> {
    const told: LoadProgress[] = [];
    const {signal} = new AbortController();
    const onProgress = (progress: LoadProgress): void => {
      told.push(progress);
      onPhase?.(progress.phase);
    };
    const options = {contextLength: 64, signal, onProgress};
    const model = await loadModel({url: rig.url, integrity}, rig.store(), options);
    model.destroy();
    const fractions = told.map(({fraction}) => fraction);
    return {name: model.info.name, fractions, phases: [...new Set(told.map(({phase}) => phase))]};
  }

  it('says download while bytes come, upload when all are here, verify where a hash is asked for', async () => {
    const {phases: first, fractions} = await load();
    expect(first).to.deep.equal(['header', 'download', 'compile', 'ready']);
    expect(fractions).to.deep.equal(fractions.toSorted((a, b) => a - b));
    expect([fractions[0], fractions.at(-1)]).to.deep.equal([0, 1]);
    expect((await load()).phases).to.deep.equal(['header', 'upload', 'compile', 'ready']);
    const phases = (await load(`sha256-${hashOf(file)}`)).phases;
    expect(phases).to.deep.equal(['header', 'upload', 'compile', 'ready']);
    expect((await (await rig.store()).list())[0].sha256).to.equal(hashOf(file));
  });

  it('says so where the connection fails, and goes on', async () => {
    const [open, header] = [serveRanges(file), serveRanges(file)];
    rig.serveFaults([open, header, refuse(503)]);
    const {phases, fractions} = await load();
    expect(phases).to.have.members(['header', 'download', 'retry', 'compile', 'ready']);
    expect(fractions).to.deep.equal(fractions.toSorted((a, b) => a - b));
  });

  it('says so where another worker downloads the file', async () => {
    let letGo = (): void => {};
    const written = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    void rig.locks.request(lockName(await rig.id()), {}, () => written);
    const {phases} = await load(undefined, (phase) => phase === 'waiting' && letGo());
    expect(phases).to.have.members(['header', 'waiting', 'download', 'compile', 'ready']);
  });

  it('refuses weights whose hash is wrong, and keeps nothing of them', async () => {
    const error = await rejection(load(`sha256-${hashOf(modelFile(2))}`));
    expect(error).to.include({code: 'integrity-mismatch'});
    expect(rig.disk.folders.size).to.equal(0);
  });

  it('refuses a file that is no model after its first bytes, and keeps nothing of it', async () => {
    await rig.stop();
    rig = new Rig(new TextEncoder().encode('<!doctype html>'.repeat(20_000)));
    await rig.start();
    expect(await rejection(load())).to.include({code: 'not-gguf'});
    expect(rig.ranges).to.deep.equal([[0, 65536]]);
    expect(rig.disk.folders.size).to.equal(0);
  });

  it('fetches again what came damaged: the next load succeeds when the server is well', async () => {
    const damaged = file.slice();
    damaged.fill(0xff, file.length / 2); // scales and norms that are no numbers
    rig.serve(serveRanges(damaged));
    for (let i = 0; i < 2; i++) {
      expect(await rejection(load())).to.include({code: 'gguf-invalid'});
      expect(rig.disk.folders.size).to.equal(0);
    }
    rig.serve(serveRanges(file));
    expect((await load()).phases).to.include('download');
  });

  it('loads the new file where it changes on the server meanwhile', async () => {
    const other = modelFile(2);
    expect(other.length).to.equal(file.length);
    let changed = false;
    rig.serve((request, response) => {
      changed ||= requestedRange(request, file.length)[0] > file.length / 2;
      serveRanges(changed ? other : file, {ETag: changed ? '"v2"' : '"v1"'})(request, response);
    });
    expect((await load()).name).to.include('seed 2');
    expect(changed).to.equal(true);
    expect(rig.manifest()?.etag).to.equal('"v2"');
  });
});
