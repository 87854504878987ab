import {expect} from 'chai';
import {configure, LanguageModel} from '../../../src/language-model/index.ts';
import {says} from '../../helpers/fake-engine.ts';
import {closePorts, FakeWorker, rejection} from '../../helpers/fake-worker.ts';
import {all, withClient, withUrl} from './harness.ts';

const nameOf = async (promise: Promise<unknown>): Promise<string> => (await rejection(promise)).name;
const bad = (value: unknown) => value as never;
/** The fake engine makes its next token only the likeliest. */
const greedy = {samplingMode: 'most-predictable'} as const;

describe('LanguageModel', () => {
  afterEach(closePorts);

  it('answers, remembers, and says how full it is', async () => {
    const {worker} = await withClient({next: says('Hello there')});
    const session = await LanguageModel.create(greedy);
    expect(session).to.be.instanceOf(LanguageModel);
    expect([session.contextUsage, session.contextWindow]).to.deep.equal([0, 256]);
    const asked = await session.measureContextUsage('Hi');
    expect(asked).to.be.greaterThan(0);
    expect(await session.prompt('Hi')).to.equal('Hello there');
    const said = await session.measureContextUsage('Hello there');
    expect(session.contextUsage).to.be.within(asked + said - 5, asked + said + 5);
    const rows = worker.engine.steps.reduce((sum, {rows: some}) => sum + some, 0);
    expect((await all(session.promptStreaming('Hi'))).join('')).to.equal('Hello there');
    const more = worker.engine.steps.reduce((sum, {rows: some}) => sum + some, 0) - rows;
    expect(more, 'rows of a second prompt: the first is known').to.be.lessThan(session.contextUsage);
  });

  it('counts the initial messages, keeps them, and reads them before the first prompt', async () => {
    const {worker} = await withClient({next: says('ok')});
    const initialPrompts = [
      {role: 'system', content: 'Be short'},
      {role: 'user', content: 'hello'},
      {
        role: 'assistant',
        content: [
          {type: 'text', value: 'he'},
          {type: 'text', value: 'llo'},
        ],
      },
    ] as const;
    const session = await LanguageModel.create({...greedy, initialPrompts});
    expect(session.contextUsage).to.equal(await session.measureContextUsage(initialPrompts));
    expect(worker.engine.steps.length).to.be.greaterThan(0);
    expect(await session.prompt('x')).to.equal('ok');
  });

  it('goes on apart after clone()', async () => {
    await withClient({next: says('yes')});
    const session = await LanguageModel.create(greedy);
    await session.prompt('one');
    const other = await session.clone();
    expect([other.contextUsage, other.samplingMode]).to.deep.equal([session.contextUsage, 'most-predictable']);
    await other.prompt('two');
    expect(other.contextUsage).to.be.greaterThan(session.contextUsage);
    session.destroy();
    expect(await other.prompt('three')).to.equal('yes');
  });

  it('takes prompts one after the other', async () => {
    await withClient({next: says('yes')});
    const session = await LanguageModel.create(greedy);
    expect(await Promise.all([session.prompt('a'), session.prompt('b'), session.append('c')])).to.deep.equal([
      'yes',
      'yes',
      undefined,
    ]);
    const alone = await LanguageModel.create(greedy);
    await alone.prompt('a');
    await alone.prompt('b');
    await alone.append('c');
    expect(session.contextUsage).to.equal(alone.contextUsage);
  });

  it('makes text of what is no list of messages', async () => {
    await withClient({next: says('yes')});
    const session = await LanguageModel.create(greedy);
    const usage = (input: unknown) => session.measureContextUsage(input as never);
    expect(await usage(null)).to.equal(await usage('null'));
    expect(await usage(undefined)).to.equal(await usage('undefined'));
    expect(await usage({role: 'system', content: 'x'})).to.equal(await usage('[object Object]'));
    expect(await usage([])).to.equal(await usage(''));
    expect(await usage([{role: 'user', content: []}])).to.equal(await usage(''));
    expect(await usage([{role: 'user', content: 12}])).to.equal(await usage('12'));
    for (const input of ['', [], {}, null]) expect(await session.prompt(input as never)).to.equal('yes');
    const append = session.append as (input?: unknown) => Promise<unknown>;
    expect(await append.call(session, 'x')).to.equal(undefined);
    expect(await nameOf(append.call(session))).to.equal('TypeError');
  });

  it('refuses messages as the specification says', async () => {
    await withClient({next: says('yes')});
    const session = await LanguageModel.create(greedy);
    const message = (role: string, content: unknown, more = {}) => [{role, content, ...more}];
    for (const [name, input] of [
      ['TypeError', [{role: 'user'}]],
      ['TypeError', [null]],
      ['TypeError', ['text']],
      ['TypeError', message('tool', 'x')],
      ['TypeError', message('user', [{type: 'soup', value: 'x'}])],
      ['TypeError', message('user', [{type: 'text', value: new Uint8Array(1)}])],
      ['TypeError', [...message('user', 'x'), ...message('system', 'y')]],
      ['TypeError', [...message('system', 'x'), ...message('system', 'y')]],
      ['NotSupportedError', message('user', [{type: 'image', value: 'x'}])],
      ['NotSupportedError', message('user', [{type: 'audio', value: new Uint8Array(1)}])],
      ['NotSupportedError', message('assistant', [{type: 'image', value: 'x'}])],
      ['SyntaxError', message('user', 'x', {prefix: true})],
      ['SyntaxError', [...message('assistant', 'x', {prefix: true}), ...message('user', 'x')]],
    ] as const) {
      expect(await nameOf(session.prompt(bad(input))), JSON.stringify(input)).to.equal(name);
      expect(await nameOf(all(session.promptStreaming(bad(input)))), JSON.stringify(input)).to.equal(name);
    }
    expect(session.contextUsage, 'nothing of it stays').to.equal(0);
    await session.prompt('x');
    expect(await nameOf(session.prompt(message('system', 'y') as never))).to.equal('TypeError');
    expect(await nameOf(session.prompt('x', {omitResponseConstraintInput: true}))).to.equal('TypeError');
    expect(await nameOf(session.prompt('x', bad({signal: {}})))).to.equal('TypeError');
    expect(await nameOf(session.prompt('x', bad(1)))).to.equal('TypeError');
  });

  it('ends what is pending and what comes later when it is destroyed', async () => {
    const {worker} = await withClient({next: says('a long answer that goes on')});
    const session = await LanguageModel.create(greedy);
    const pending = [session.prompt('x'), session.append('y'), session.clone(), session.measureContextUsage('z')];
    const stream = all(session.promptStreaming('x'));
    session.destroy();
    session.destroy();
    for (const promise of [...pending, stream]) expect(await nameOf(promise)).to.equal('AbortError');
    expect(await nameOf(session.prompt('x'))).to.equal('AbortError');
    expect(() => session.promptStreaming('x'))
      .to.throw()
      .with.property('name', 'AbortError');
    expect(session.contextUsage).to.equal(0);
    expect(worker.engine.steps.length, 'what waited did nothing').to.be.lessThan(20);
  });

  it('rejects with the reason of a signal, at once and ever after', async () => {
    await withClient({next: says('a long answer that goes on')});
    const session = await LanguageModel.create(greedy);
    const reason = new Error('enough');
    for (const start of [
      (signal: AbortSignal) => session.prompt('x', {signal}),
      (signal: AbortSignal) => session.append('x', {signal}),
      (signal: AbortSignal) => session.clone({signal}),
      (signal: AbortSignal) => session.measureContextUsage('x', {signal}),
      (signal: AbortSignal) => LanguageModel.create({signal}),
      async (signal: AbortSignal) => all(session.promptStreaming('x', {signal})),
    ]) {
      const controller = new AbortController();
      const promise = start(controller.signal);
      controller.abort(reason);
      expect(await rejection(promise)).to.equal(reason);
      expect(await rejection(start(controller.signal))).to.equal(reason);
    }
    expect(session.contextUsage, 'an aborted prompt leaves nothing').to.equal(0);
    const controller = new AbortController();
    const made = await LanguageModel.create({signal: controller.signal});
    const pending = made.prompt('x');
    controller.abort(reason);
    expect(await rejection(pending)).to.equal(reason);
    expect(await rejection(made.prompt('x'))).to.equal(reason);
  });

  it('stops the model when a stream is left', async () => {
    const {worker} = await withClient();
    const session = await LanguageModel.create(greedy);
    const reader = session.promptStreaming('x').getReader();
    await reader.read();
    await reader.cancel();
    expect(await session.append('y')).to.equal(undefined);
    expect(worker.engine.steps.length).to.be.lessThan(100);
  });

  it('leaves out the oldest exchanges when the context is full, the initial messages never', async () => {
    await withClient({contextLength: 160, next: says('yes')});
    const session = await LanguageModel.create({...greedy, initialPrompts: [{role: 'system', content: 'Be short'}]});
    const initial = session.contextUsage;
    const events: number[] = [];
    session.oncontextoverflow = () => events.push(session.contextUsage);
    const text = 'word '.repeat(8);
    for (let i = 0; i < 6; i++) {
      expect(await session.prompt(text)).to.equal('yes');
      expect(session.contextUsage).to.be.within(initial + 1, 160);
    }
    expect(events.length).to.be.greaterThan(0);
    expect(events[0]).to.be.greaterThanOrEqual(initial);
    const long = 'word '.repeat(200);
    const usage = await session.measureContextUsage(long);
    const before = session.contextUsage;
    for (const promise of [session.prompt(long), session.append(long)]) {
      const error = (await rejection(promise)) as unknown as DOMException & {requested: number; quota: number};
      expect(error.name).to.equal('QuotaExceededError');
      expect(error).to.be.instanceOf(DOMException);
      expect(error.quota).to.equal(160);
      expect(error.requested).to.be.within(usage, usage + initial);
    }
    expect(session.contextUsage, 'what does not fit leaves out nothing').to.equal(before);
    const tooLong = LanguageModel.create({initialPrompts: [{role: 'system', content: long}]});
    expect(await nameOf(tooLong)).to.equal('QuotaExceededError');
  });

  it('has sampling modes; topK and temperature where a page asks for what is experimental', async () => {
    const {worker} = await withClient({next: says('yes')});
    expect('params' in LanguageModel).to.equal(false);
    const plain = await LanguageModel.create(bad({topK: -1, temperature: 9}));
    expect([plain.samplingMode, (plain as {topK?: number}).topK]).to.deep.equal(['balanced', undefined]);
    expect(await nameOf(LanguageModel.create({samplingMode: bad('wild')}))).to.equal('TypeError');
    const client = await worker.load();
    configure({client, experimental: true});
    try {
      const {params} = LanguageModel as unknown as {params(): Promise<object>};
      expect(await params()).to.include({defaultTopK: 64, defaultTemperature: 1});
      const session = (await LanguageModel.create({topK: 1.5, temperature: 0.5})) as LanguageModel &
        Record<string, unknown>;
      expect([session.topK, session.temperature, session.samplingMode]).to.deep.equal([1, 0.5, null]);
      expect([session.inputQuota, session.inputUsage, session.onquotaoverflow]).to.deep.equal([256, 0, null]);
      for (const [name, options] of [
        ['NotSupportedError', {topK: 3}],
        ['NotSupportedError', {temperature: 1}],
        ['RangeError', {topK: 0, temperature: 1}],
        ['RangeError', {topK: 3, temperature: -1}],
        ['RangeError', {topK: 3, temperature: Number.NaN}],
        ['TypeError', {topK: 3, temperature: 1, samplingMode: 'creative'}],
      ] as const) {
        expect(await nameOf(LanguageModel.create(options)), JSON.stringify(options)).to.equal(name);
      }
    } finally {
      for (const name of ['params']) delete (LanguageModel as unknown as Record<string, unknown>)[name];
      for (const name of ['topK', 'temperature', 'inputUsage', 'inputQuota', 'onquotaoverflow', 'measureInputUsage']) {
        delete (LanguageModel.prototype as unknown as Record<string, unknown>)[name];
      }
    }
  });

  it('checks languages and types of what it is to read and write', async () => {
    await withClient();
    const {availability} = LanguageModel;
    expect(await availability()).to.equal('available');
    expect(await availability({expectedInputs: [{type: 'text', languages: ['EN', 'pt-BR']}]})).to.equal('available');
    for (const options of [
      {expectedInputs: [{type: 'text', languages: ['unk']}]},
      {expectedInputs: [{type: 'image'}]},
      {expectedOutputs: [{type: 'audio'}]},
    ]) {
      expect(await availability(bad(options)), JSON.stringify(options)).to.equal('unavailable');
      expect(await nameOf(LanguageModel.create(bad(options)))).to.equal('NotSupportedError');
    }
    expect(await nameOf(availability({expectedInputs: [{type: 'text', languages: ['en-abc-invalid']}]}))).to.equal(
      'RangeError',
    );
    expect(await nameOf(availability({expectedInputs: bad([{type: 'soup'}])}))).to.equal('TypeError');
    expect(await nameOf(availability(bad('text')))).to.equal('TypeError');
    expect(() => new (LanguageModel as unknown as new () => unknown)()).to.throw(TypeError);
  });
});

describe('LanguageModel.create', () => {
  afterEach(closePorts);

  /** A load that says how far it is. */
  function slow(worker: FakeWorker, fractions: readonly number[]): void {
    const {load} = worker.context.host;
    worker.context.host.load = async (user, ref, options = {}) => {
      for (const fraction of fractions) {
        await new Promise((resolve) => setTimeout(resolve, 60));
        options.signal?.throwIfAborted();
        options.onProgress?.({phase: 'download', fraction, loadedBytes: 1000 * fraction, totalBytes: 1000});
      }
      return load.call(worker.context.host, user, ref, options);
    };
  }

  it('tells its monitor of the download: from 0, rising, to 1, in steps of 1/65536', async () => {
    const worker = new FakeWorker();
    slow(worker, [0.3, 0.5, 0.9, 1]);
    withUrl(worker);
    expect(await LanguageModel.availability()).to.equal('downloadable');
    const loaded: number[] = [];
    const session = LanguageModel.create({
      monitor(monitor) {
        monitor.ondownloadprogress = (event) => {
          const {loaded: each, total, lengthComputable} = event as ProgressEvent;
          expect([total, lengthComputable]).to.deep.equal([1, true]);
          loaded.push(each);
        };
      },
    });
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(await LanguageModel.availability()).to.equal('downloading');
    await session;
    expect([loaded[0], loaded.at(-1)]).to.deep.equal([0, 1]);
    expect(loaded.length, 'between').to.be.greaterThan(2);
    for (const [i, each] of loaded.entries()) {
      expect((each * 65536) % 1).to.equal(0);
      if (i > 0) expect(each).to.be.greaterThan(loaded[i - 1]);
    }
    expect(await LanguageModel.availability()).to.equal('available');
    (await session).destroy();
    expect(await LanguageModel.availability()).to.equal('downloadable');
  });

  it('loads once for all, and stops when no one waits any more', async () => {
    const worker = new FakeWorker();
    slow(worker, [0.5, 0.6, 0.7]);
    const loads = withUrl(worker);
    const [first, second] = [new AbortController(), new AbortController()];
    const promises = [first, second].map(({signal}) => LanguageModel.create({signal}));
    await new Promise((resolve) => setTimeout(resolve, 30));
    first.abort();
    expect(await nameOf(promises[0])).to.equal('AbortError');
    expect(loads[0].signal?.aborted).to.equal(false);
    second.abort();
    expect(await nameOf(promises[1])).to.equal('AbortError');
    expect([loads.length, loads[0].signal?.aborted]).to.deep.equal([1, true]);
    expect(await (await LanguageModel.create()).measureContextUsage('x')).to.be.greaterThan(0);
    expect(loads.length).to.equal(2);
  });

  it('is silent after an abort, whether the first event or the last one was its reason', async () => {
    for (const at of [0, 1]) {
      withUrl(new FakeWorker(), {storedBytes: 100});
      const controller = new AbortController();
      const heard: number[] = [];
      const reason = new Error('enough');
      const made = LanguageModel.create({
        signal: controller.signal,
        monitor: (monitor) =>
          monitor.addEventListener('downloadprogress', (event) => {
            heard.push((event as ProgressEvent).loaded);
            if (heard.at(-1) === at) Promise.resolve().then(() => controller.abort(reason));
          }),
      });
      expect(await rejection(made)).to.equal(reason);
      await new Promise((resolve) => setTimeout(resolve, 30));
      expect(heard).to.deep.equal(at === 0 ? [0] : [0, 1]);
    }
  });

  it('rejects with what its monitor throws, before anything is loaded', async () => {
    const loads = withUrl(new FakeWorker());
    const error = new Error('mine');
    const monitor = () => {
      throw error;
    };
    expect(await rejection(LanguageModel.create({monitor}))).to.equal(error);
    expect(loads).to.deep.equal([]);
    expect(await nameOf(LanguageModel.create({monitor: bad('x')}))).to.equal('TypeError');
  });

  it('downloads nothing without a gesture of the visitor', async () => {
    const loads = withUrl(new FakeWorker());
    const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
    Object.defineProperty(globalThis, 'navigator', {
      value: {userActivation: {hasBeenActive: false}},
      configurable: true,
    });
    try {
      expect(await nameOf(LanguageModel.create())).to.equal('NotAllowedError');
      expect(loads).to.deep.equal([]);
      withUrl(new FakeWorker(), {storedBytes: 100});
      expect(await LanguageModel.create()).to.be.instanceOf(LanguageModel);
    } finally {
      if (before) Object.defineProperty(globalThis, 'navigator', before);
      else delete (globalThis as {navigator?: unknown}).navigator;
    }
  });

  it('says why there is no session', async () => {
    withUrl(new FakeWorker(), {problem: {code: 'webgpu-missing', message: 'no'}});
    expect(await LanguageModel.availability()).to.equal('unavailable');
    expect(await nameOf(LanguageModel.create())).to.equal('NotSupportedError');
    const fails = (code: string) =>
      configure({modelSrc: 'x.gguf'}, async () => ({
        inspect: async () => ({problem: null, loaded: true}) as never,
        load: async () => {
          throw Object.assign(new Error('told'), {code});
        },
      }));
    for (const [code, name] of [
      ['network', 'NetworkError'],
      ['storage-full', 'OperationError'],
      ['quant-unsupported', 'NotSupportedError'],
    ]) {
      fails(code);
      const error = await rejection(LanguageModel.create());
      expect([error.name, (error.cause as {code: string}).code]).to.deep.equal([name, code]);
    }
  });
});
