import {setImmediate} from 'node:timers';
import {expect} from 'chai';
import {unzipSync} from 'fflate';
import type {GemmaClient} from '../../../src/client/gemma-client.ts';
import {
  planTraining,
  resumeTraining,
  type TrainingProgress,
  type TrainingRun,
  type TrainOptions,
  train,
  trainings,
} from '../../../src/client/train.ts';
import {GemmaError} from '../../../src/errors.ts';
import {parseRequest} from '../../../src/protocol/parse-request.ts';
import type {BlockStore} from '../../../src/store/blocks/block-store.ts';
import {memoryBlocks} from '../../../src/store/blocks/memory-blocks.ts';
import {Trainer} from '../../../src/train/trainer.ts';
import {fakeGpu} from '../../helpers/fake-training.ts';
import {closePorts, FakeLocks, FakeWorker, impatient, rejection, until} from '../../helpers/fake-worker.ts';

const ROWS = Array.from({length: 12}, (_, i) => ({prompt: `page ${i}`, completion: `the tab ${(i * 7) % 5}`}));
const OPTIONS: TrainOptions = {
  data: ROWS,
  adapter: {rank: 2, targets: ['attn_q']},
  epochs: 6,
  learningRate: 0.05,
  batchTokens: 64,
  validation: 0.2,
  seed: 3,
};

/** A site: one disk and its locks, and workers that come and go. */
function site(keepEvery = 0) {
  const gpu = fakeGpu();
  const blocks: BlockStore = memoryBlocks(Number.POSITIVE_INFINITY);
  const locks = new FakeLocks();
  /** A worker; one that is killed writes nothing more, and holds no lock. */
  const start = () => {
    let dead = false;
    const disk: BlockStore = {
      ...blocks,
      put: async (...file) => (dead ? Promise.reject(new Error('dead')) : blocks.put(...file)),
    };
    const worker = new FakeWorker({
      clock: impatient(),
      openTraining: async (home) =>
        new Trainer(home, {
          ...gpu,
          blocks: Promise.resolve(disk),
          locks: locks as never,
          now: () => performance.now(),
          keepEvery,
        }),
    });
    const kill = () => {
      dead = true;
      for (const name of locks.held('')) locks.kill(name);
      worker.stop();
    };
    return Object.assign(worker, {kill});
  };
  return {gpu, blocks, locks, start};
}

async function readAll(run: TrainingRun): Promise<TrainingProgress[]> {
  const read: TrainingProgress[] = [];
  for await (const progress of run) read.push(progress);
  return read;
}

const bytesOf = async (blob: Blob): Promise<number[]> => [...new Uint8Array(await blob.arrayBuffer())];

/** What a run that is left alone comes to. */
async function undisturbed(options: TrainOptions = OPTIONS): Promise<number[]> {
  const client = await site().start().load();
  const run = await train(client, options);
  await readAll(run);
  return bytesOf(await run.export('gguf'));
}

describe('gemma-chat/train', () => {
  let whole: number[];
  before(async () => {
    whole = await undisturbed();
  });
  afterEach(closePorts);

  it('lowers the loss of what it learns, tells each update, and ends', async () => {
    const {gpu, start} = site();
    const run = await train(await start().load(), OPTIONS);
    expect(run.plan).to.deep.include({examples: 10, validationExamples: 2, budget: null});
    const read = await readAll(run);
    expect(read.map(({step}) => step)).to.deep.equal(Array.from({length: run.plan.steps}, (_, i) => i + 1));
    const [first, last] = [read[0], read.at(-1)!];
    expect(first.loss).to.be.closeTo(Math.log(6), 1e-6); // B begins at 0: all classes are equal
    expect(last.loss).to.be.below(first.loss - 0.3);
    const measured = read.flatMap(({validationLoss}) => validationLoss ?? []);
    expect(measured).to.have.length.within(6, 20);
    expect(measured.at(-1)).to.be.below(measured[0]);
    expect(last).to.include({steps: run.plan.steps, secondsLeft: 0});
    expect(last.tokensPerSecond).to.be.above(0);
    expect(last.learningRate).to.be.below(first.learningRate);
    expect([run.status, gpu.alive]).to.deep.equal(['finished', 0]);
    expect(await readAll(run), 'read again').to.deep.equal(read);
  });

  it('answers chats between its slices, one slice after each step at most', async () => {
    const {gpu, start} = site();
    const worker = start();
    const client = await worker.load();
    const order: string[] = [];
    gpu.beforeSlice = () => order.push('slice');
    worker.engine.beforeStep = () => order.push('step');
    const run = await train(client, {...OPTIONS, epochs: 40});
    await until(() => order.length > 8);
    order.length = 0;
    const answer = await client.completions.create({prompt: 'the page', max_tokens: 12, temperature: 0});
    expect(answer.usage.completion_tokens).to.equal(12);
    const text = order.slice(order.indexOf('step')).join(' ');
    expect(text.match(/step/g)).to.have.length.above(10);
    expect(text).not.to.match(/slice slice slice step/); // two: the one under way, and that after the step before
    await run.cancel();
  });

  it('gives what it has learned as an adapter that answers use, and as files that are the same', async () => {
    const {start} = site();
    const client = await start().load();
    const run = await train(client, OPTIONS);
    const early = await run.adapter();
    await readAll(run);
    const adapter = await run.adapter();
    expect(adapter).to.include({tensors: 1, step: run.plan.steps, activated: false});
    expect(adapter.id).not.to.equal(early.id);
    const ask = async (adapters: {id: string}[]) =>
      (await client.completions.create({prompt: 'the page', max_tokens: 5, temperature: 0, adapters})).choices[0].text;
    expect(await ask([{id: adapter.id}])).not.to.equal(await ask([]));
    const [gguf, zip] = [await adapter.export('gguf'), await adapter.export('peft')];
    expect(await bytesOf(gguf)).to.deep.equal(whole);
    expect(await bytesOf(await run.export('peft'))).to.deep.equal(await bytesOf(zip));
    const files = unzipSync(new Uint8Array(await zip.arrayBuffer()));
    const asFiles = Object.entries(files).map(([name, bytes]) => new File([bytes as BlobPart], name));
    expect(await client.adapters.load({file: asFiles})).to.include({tensors: 1});
    expect(await rejection(run.export('onnx' as never))).to.include({code: 'option-invalid'});
  });

  it('goes on from an adapter, by its id or its file, with its rank', async () => {
    const {gpu, start} = site();
    const client = await start().load();
    const first = await train(client, OPTIONS);
    await readAll(first);
    const adapter = await first.adapter();
    const begun = {data: ROWS.slice(0, 3), batchTokens: 64, learningRate: 0.01};
    const [byId, byFile] = [
      await train(client, {...begun, adapter: {from: adapter.id}}),
      await train(client, {...begun, adapter: {from: await adapter.export('gguf')}}),
    ];
    expect(byId.id).to.equal(byFile.id);
    const [{loss}] = await readAll(byId);
    expect(loss).to.be.below(Math.log(6) - 0.2);
    expect(gpu.created.at(-1)).to.deep.include({rank: 2, alpha: 4, targets: ['attn_q']});
    const wrong = train(client, {...begun, adapter: {from: adapter.id, rank: 4}});
    expect((await rejection(wrong)).message).to.match(/rank is 4; expected 2/);
    expect(await rejection(train(client, {...begun, adapter: {from: 'none'}}))).to.include({code: 'option-invalid'});
  });

  it('comes to the same adapter bit for bit, interrupted ten times in ten ways', async () => {
    const {gpu, start} = site(4);
    let worker = start();
    let client = await worker.load();
    let run = await train(client, OPTIONS);
    const {steps} = run.plan;
    /** Goes on until the slice that many from now is about to run. */
    const reach = (slices: number) => {
      const goal = gpu.slices + slices;
      return until(() => gpu.slices >= goal || gpu.alive === 0);
    };
    const replace = async () => {
      worker = start();
      client = await worker.load();
      run = await train(client, OPTIONS);
    };
    const ways: (() => Promise<void>)[] = [
      async () => {
        await run.pause();
        await run.resume();
      },
      async () => worker.models.at(-1)!.lose(),
      async () => {
        worker.kill();
        await replace();
      },
      async () => {
        client.close();
        await until(() => gpu.alive === 0);
        client = await worker.load();
        run = await resumeTraining(client, run.id);
      },
      async () => {
        await run.pause();
        worker.kill();
        await replace();
      },
    ];
    for (let blow = 0; blow < 10; blow++) {
      await reach(1 + ((blow * 5) % 7));
      await ways[blow % ways.length]();
    }
    const read = await readAll(run);
    expect(read).to.have.length(steps);
    expect(gpu.created.length, 'it was begun anew often').to.be.at.least(7);
    expect(await bytesOf(await run.export('gguf'))).to.deep.equal(whole);
    expect(gpu.alive).to.equal(0);
  });

  it('is paused at once, and rests while no one watches', async () => {
    const {gpu, start} = site();
    const worker = start();
    const [one, other] = [await worker.load(), await worker.load()];
    const run = await train(one, {...OPTIONS, epochs: 50});
    await run.pause();
    await until(() => gpu.alive === 1);
    const {slices} = gpu;
    for (let i = 0; i < 50; i++) await new Promise<void>((resolve) => setImmediate(resolve));
    expect(gpu.slices).to.be.at.most(slices + 1);
    expect((await trainings(other))[0]).to.include({id: run.id, status: 'paused'});
    one.close();
    await until(() => gpu.alive === 0);
    expect((await trainings(other))[0]).to.include({status: 'interrupted'});
    const again = await resumeTraining(other, run.id);
    for await (const {step} of again) if (step === 3) break;
    await again.cancel();
    expect([await trainings(other), gpu.alive]).to.deep.equal([[], 0]);
    expect(await rejection(resumeTraining(other, run.id))).to.include({code: 'option-invalid'});
  });

  it('is stopped by its signal, and the same call goes on', async () => {
    const {gpu, start} = site();
    const client = await start().load();
    const abort = new AbortController();
    const run = await train(client, {...OPTIONS, signal: abort.signal});
    const reading = rejection(
      (async () => {
        for await (const {step} of run) if (step === 2) abort.abort();
      })(),
    );
    expect((await reading).name).to.equal('AbortError');
    await until(() => gpu.alive === 0);
    const again = await train(client, OPTIONS);
    expect(again.id).to.equal(run.id);
    await readAll(again);
    expect(await bytesOf(await again.export('gguf'))).to.deep.equal(whole);
  });

  it('refuses a second training by the name of the first, in this worker and in another', async () => {
    const {start} = site();
    const [worker, second] = [start(), start()];
    const [one, other] = [await worker.load(), await worker.load()];
    const run = await train(one, {...OPTIONS, name: 'tone', epochs: 100});
    const busy = await rejection(train(other, {...OPTIONS, seed: 4}));
    expect([busy.code, busy.message]).to.deep.equal([
      'model-in-use',
      'the training "tone" is under way; one runs at a time. Wait for its end, or pause it',
    ]);
    const joined = await train(other, {...OPTIONS, epochs: 100});
    expect(joined.id).to.equal(run.id);
    expect(await rejection(train(await second.load(), {...OPTIONS, epochs: 100}))).to.include({code: 'model-in-use'});
    await run.pause();
    const next = await train(other, {...OPTIONS, seed: 4});
    expect((await trainings(one)).map(({status}) => status).sort()).to.deep.equal(['interrupted', 'running']);
    await next.cancel();
    await run.resume();
    await run.cancel();
  });

  it('goes on where its state cannot be kept, says so, and comes to the same', async () => {
    const {blocks, start} = site();
    const put = blocks.put;
    blocks.put = async (folder, name, bytes) => {
      if (name === 'state') throw new GemmaError('storage-full', 'no room');
      return put(folder, name, bytes);
    };
    const client = await start().load();
    const run = await train(client, OPTIONS);
    await readAll(run);
    expect(run.notKept).to.include({code: 'storage-full'});
    expect(await bytesOf(await run.export('gguf'))).to.deep.equal(whole);
    blocks.put = async () => {
      throw new GemmaError('storage-full', 'no room');
    };
    expect(await rejection(train(client, {...OPTIONS, seed: 9}))).to.include({code: 'storage-full'});
    expect(await trainings(client)).to.have.length(1);
  });

  it('begins anew where what is kept of its state is damaged', async () => {
    const {blocks, start} = site();
    const client = await start().load();
    const run = await train(client, {...OPTIONS, epochs: 50});
    for await (const {step} of run) if (step === 9) break;
    client.close();
    const other = await start().load();
    await until(() => true);
    const state = new Uint8Array(await (await blocks.get(run.id, 'state'))!.arrayBuffer());
    state[state.length >> 1] ^= 1;
    await blocks.put(run.id, 'state', state);
    const again = await resumeTraining(other, run.id);
    const read: number[] = [];
    for await (const {step} of again) if (read.push(step) === 3) break;
    expect(read).to.deep.equal([1, 2, 3]);
    await again.cancel();
  });

  it('ends with its error where the loss is no number, and can begin again', async () => {
    const {gpu, start} = site();
    const client = await start().load();
    gpu.beforeSlice = () => {
      throw new GemmaError('out-of-memory', 'too much');
    };
    const run = await train(client, OPTIONS);
    expect(await rejection(readAll(run))).to.include({code: 'out-of-memory', message: 'too much'});
    expect([run.status, gpu.alive]).to.deep.equal(['failed', 0]);
    gpu.beforeSlice = () => {};
    await run.resume();
    await readAll(run);
    expect(await bytesOf(await run.export('gguf'))).to.deep.equal(whole);
  });

  it('plans before anything is made, and says what would fit', async () => {
    const {gpu, start} = site();
    const client = await start().load();
    const plan = await planTraining(client, OPTIONS);
    expect(plan.bytes).to.equal(12 * 2 * 10 + 64 * 64);
    expect(Object.keys(plan.parts)).to.deep.equal(['factors', 'activations']);
    const smaller = await planTraining(client, {...OPTIONS, memoryBudget: plan.bytes - 1});
    expect(smaller.bytes).to.be.below(plan.bytes);
    gpu.room = plan.bytes - 1;
    const here = await planTraining(client, {...OPTIONS, memoryBudget: plan.bytes});
    expect(here).to.include({bytes: smaller.bytes, budget: plan.bytes - 1});
    gpu.room = null;
    const large = {...OPTIONS, adapter: {rank: 64, targets: ['attn_q', 'ffn_up']}, memoryBudget: 8 * 1024};
    const refused = await rejection(train(client, large));
    expect(refused).to.include({code: 'out-of-memory'});
    expect(refused.message).to.match(/^training needs 1 MiB .* room for 1 MiB\. Rank 16 would fit/);
    expect((refused as GemmaError).detail).to.include({budget: 8 * 1024});
    expect([gpu.created, await trainings(client)]).to.deep.equal([[], []]);
  });

  const refused: [string, (client: GemmaClient) => Promise<unknown>, string, RegExp][] = [
    [
      'an unknown option',
      (client) => train(client, {...OPTIONS, rank: 4} as never),
      'option-unknown',
      /no option "rank"/,
    ],
    [
      'an unknown option of the adapter',
      (client) => train(client, {...OPTIONS, adapter: {r: 4}} as never),
      'option-unknown',
      /"r"/,
    ],
    ['a rank of 0', (client) => train(client, {...OPTIONS, adapter: {rank: 0}}), 'option-invalid', /rank is 0/],
    [
      'half of the examples and more for validation',
      (client) => train(client, {...OPTIONS, validation: 0.6}),
      'option-invalid',
      /expected examples, or a part/,
    ],
    [
      'no data',
      (client) => train(client, {...OPTIONS, data: undefined} as never),
      'option-invalid',
      /data is undefined/,
    ],
    [
      'data with a circle',
      (client) => {
        const circle: Record<string, unknown> = {};
        circle.prompt = circle;
        return train(client, {...OPTIONS, data: [circle as never]});
      },
      'option-invalid',
      /entry 0 is no plain data/,
    ],
    [
      'a bad line',
      (client) => train(client, {...OPTIONS, data: [...ROWS, {prompt: 'a'} as never]}),
      'training-data-invalid',
      /data, line 13/,
    ],
    [
      'a bad line of a file',
      (client) => train(client, {...OPTIONS, data: new File(['{}'], 'rows.jsonl')}),
      'training-data-invalid',
      /^rows\.jsonl, line 1/,
    ],
    [
      'a matrix that is none',
      (client) => train(client, {...OPTIONS, adapter: {targets: ['../x']}}),
      'option-invalid',
      /targets/,
    ],
  ];
  it('refuses by name, and trains nothing', async () => {
    const {gpu, start} = site();
    const client = await start().load();
    for (const [what, ask, code, message] of refused) {
      const error = await rejection(ask(client));
      expect([error.code, message.test(error.message)], `${what}: ${error.message}`).to.deep.equal([code, true]);
    }
    expect(gpu.created).to.deep.equal([]);
  });

  it('survives what no page of ours asks', async () => {
    const {start} = site();
    const worker = start();
    const client = await worker.load();
    const {connection} = client.handed;
    const odd = [
      {act: 'own'},
      {act: 'open', run: '../x'},
      {act: 'watch', run: 7},
      {act: 'export', run: {}},
      {act: 'start'},
      {act: 'start', data: {url: 7}, settings: {}},
      {act: 'plan', data: {blob: 1, name: ''}, settings: null},
      {act: 'plan', data: {blob: new Blob(['{}']), name: ''}, settings: {}, from: 7},
      {act: 'plan', data: {blob: new Blob(['{}']), name: ''}, settings: {}, from: {files: []}},
      {act: 'convert', file: 'x', name: 'x'},
      {act: 'cancel', run: '../../x'},
    ];
    const answers = await Promise.allSettled(
      odd.map((ask) => connection.call((caller) => caller.call({type: 'train', ask: ask as never}))),
    );
    const codes = answers.map((answer) => (answer.status === 'rejected' ? answer.reason.code : 'fine'));
    expect(codes).not.to.include('internal');
    expect(parseRequest({type: 'train', id: 1, ask: 7})).to.include({type: 'bad'});
    await client.close();
  });
});
