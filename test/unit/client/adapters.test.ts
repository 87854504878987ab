import {expect} from 'chai';
import {parseReply} from '../../../src/protocol/parse-reply.ts';
import {parseRequest} from '../../../src/protocol/parse-request.ts';
import {closePorts, FakeWorker, impatient, rejection, until} from '../../helpers/fake-worker.ts';
import {ggufAdapter} from '../adapters/adapter-files.ts';

const count = (n: number): number[] => Array.from({length: n}, (_, i) => i + 1);

async function adapterFile(name: string, metadata = {}, shape = [4, 2]): Promise<File> {
  const source = ggufAdapter(
    [
      {name: 'blk.0.attn_q.weight.lora_a', shape, values: count(2 * shape[0])},
      {name: 'blk.0.attn_q.weight.lora_b', shape: [2, 6], values: count(12)},
    ],
    {'general.architecture': 'gemma4', ...metadata},
  );
  return new File([(await source.read(0, source.size)) as BlobPart], name, {lastModified: 1});
}

const prompt = [2, 300, 301, 302];
const greedy = {prompt, max_tokens: 6, temperature: 0} as const;

describe('client.adapters', () => {
  afterEach(closePorts);

  it('loads adapters that answers of one client use and those of another do not', async () => {
    const worker = new FakeWorker();
    const [one, other] = [await worker.load(), await worker.load()];
    const base = (await one.completions.create(greedy)).choices[0].text;
    const tone = await one.adapters.load({file: await adapterFile('tone.gguf')});
    expect(tone).to.deep.include({name: 'tone.gguf', tensors: 1, dropped: [], activated: false, bytes: 4 * 20});
    const again = await other.adapters.load({file: await adapterFile('tone.gguf')});
    expect(again.id, 'the same file').to.equal(tone.id);
    const facts = await one.adapters.load({file: await adapterFile('facts.gguf')});
    expect((await other.adapters.list()).map(({name}) => name)).to.deep.equal(['tone.gguf', 'facts.gguf']);
    const answer = async (client: typeof one, adapters: {id: string; scale?: number}[]) =>
      (await client.completions.create({...greedy, adapters})).choices[0].text;
    const together = await Promise.all([
      answer(one, []),
      answer(one, [{id: tone.id}]),
      answer(other, [{id: tone.id, scale: 2}]),
      answer(other, [{id: facts.id}, {id: tone.id}]),
      answer(other, [{id: tone.id, scale: 0}]),
    ]);
    expect(together[0]).to.equal(base);
    expect(together[4]).to.equal(base);
    expect(new Set(together).size).to.equal(4);
    for (const [i, use] of [[{id: tone.id}], [{id: tone.id, scale: 2}]].entries()) {
      expect(await answer(one, use), 'alone').to.equal(together[1 + i]);
    }
  });

  it('keeps an adapter until all who loaded it have let go and no answer uses it', async () => {
    const worker = new FakeWorker();
    const [one, other] = [await worker.load(), await worker.load()];
    const {id} = await one.adapters.load({file: await adapterFile('tone.gguf')});
    await other.adapters.load({file: await adapterFile('tone.gguf')});
    await one.adapters.unload(id);
    expect(worker.engine.adapters.filter(Boolean)).to.have.length(1);
    expect(await rejection(one.adapters.unload(id))).to.include({code: 'option-invalid'});
    let unhold = (): void => {};
    worker.engine.beforeStep = () => new Promise<void>((resolve) => (unhold = resolve));
    const running = other.completions.create({...greedy, adapters: [{id}]});
    await until(() => worker.engine.alive > 0);
    const unloaded = other.adapters.unload(id);
    worker.engine.beforeStep = () => {};
    await unloaded;
    expect(await other.adapters.list()).to.deep.equal([]);
    expect(worker.engine.adapters.filter(Boolean), 'an answer uses it').to.have.length(1);
    const late = await rejection(other.completions.create({...greedy, adapters: [{id}]}));
    expect(late).to.include({code: 'option-invalid'});
    unhold();
    expect((await running).choices[0].text).not.to.equal('');
    await until(() => worker.engine.adapters.every((one) => one === undefined));
    const third = await worker.load();
    await third.adapters.load({file: await adapterFile('tone.gguf')});
    third.close();
    await until(() => worker.engine.adapters.every((one) => one === undefined));
  });

  it('has them again after the device was lost', async () => {
    const worker = new FakeWorker({clock: impatient()});
    const client = await worker.load();
    const {id} = await client.adapters.load({file: await adapterFile('tone.gguf')});
    const ask = async () => (await client.completions.create({...greedy, adapters: [{id}]})).choices[0].text;
    const before = await ask();
    worker.models[0].lose();
    await until(() => worker.models.length === 2);
    expect(await ask()).to.equal(before);
  });

  it('activates an adapter from its invocation tokens on', async () => {
    const worker = new FakeWorker();
    const client = await worker.load();
    const invoked = {'adapter.alora.invocation_tokens': Uint32Array.of(301, 302)};
    const {id, activated} = await client.adapters.load({file: await adapterFile('activated.gguf', invoked)});
    expect(activated).to.equal(true);
    const answer = async (ids: number[], adapters: {id: string}[]) => {
      const result = await client.completions.create({...greedy, prompt: ids, adapters});
      return [result.choices[0].text, result.usage.cached_tokens] as const;
    };
    const long = [...Array.from({length: 64}, (_, i) => 400 + (i % 50)), 301, 302];
    const [base] = await answer(long, []);
    const [text, cached] = await answer(long, [{id}]);
    expect(text).not.to.equal(base);
    expect(cached, 'pages of the base before the invocation').to.equal(64);
    const without = long.slice(0, 64);
    expect((await answer(without, [{id}]))[0], 'not invoked').to.equal((await answer(without, []))[0]);
  });

  it('refuses by name what is no adapter, is for another model, or is not loaded', async () => {
    const client = await new FakeWorker().load();
    const codeOf = async (promise: Promise<unknown>) => ((await rejection(promise)) as {code?: string}).code;
    const load = (options: object) => codeOf(client.adapters.load(options));
    expect(await load({file: new Blob(['no adapter'])})).to.equal('not-gguf');
    expect(await load({file: await adapterFile('a.gguf', {'general.architecture': 'gemma2'})})).to.equal(
      'adapter-invalid',
    );
    expect(await load({file: await adapterFile('a.gguf', {}, [5, 2])})).to.equal('adapter-invalid');
    expect(await load({file: await adapterFile('adapter_model.safetensors')})).to.equal('adapter-invalid');
    expect(await load({file: await adapterFile('a.gguf'), integrity: `sha256-${'0'.repeat(64)}`})).to.equal(
      'integrity-mismatch',
    );
    expect(await load({})).to.equal('option-invalid');
    expect(await load({src: 'a.gguf', file: new Blob([])})).to.equal('option-invalid');
    expect(await load({src: 'a.gguf', scale: 1})).to.equal('option-unknown');
    expect(await client.adapters.list(), 'nothing is left of them').to.deep.equal([]);
    const wanted = {...greedy, adapters: [{id: 'x'}]};
    expect(await codeOf(client.completions.create(wanted))).to.equal('option-invalid');
    const many = {...greedy, adapters: Array.from({length: 5}, () => ({id: 'x'}))};
    expect(await codeOf(client.completions.create(many))).to.equal('option-invalid');
    const wrong = {...greedy, adapters: [{id: 'x', scale: Number.NaN}]};
    expect(await codeOf(client.completions.create(wrong))).to.equal('option-invalid');
    expect(parseRequest({type: 'load-adapter', id: 1, adapter: {}})).to.deep.include({type: 'bad', id: 1});
    expect(parseReply({type: 'adapters', id: 1})).to.deep.include({type: 'error', id: 1});
  });
});
