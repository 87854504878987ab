import {expect} from 'chai';
import {type Generation, generate} from '../../../src/chat/generate.ts';
import {OutputParser} from '../../../src/chat/output-parser.ts';
import {StopStrings} from '../../../src/chat/stop-strings.ts';
import {rawParser, TextOutput} from '../../../src/chat/text-output.ts';
import type {TokenConstraint} from '../../../src/chat/token-constraint.ts';
import {createSampler} from '../../../src/engine/sampling/sampler.ts';
import type {GenerationEvent} from '../../../src/protocol/messages.ts';
import {Scheduler} from '../../../src/worker/scheduler.ts';
import {FakeEngine, says, tinyTokenizer} from '../../helpers/fake-engine.ts';
import {rejection} from '../../helpers/fake-worker.ts';

const tokenizer = tinyTokenizer();

function setUp(options: Partial<Generation>): Generation {
  return {
    prompt: [2, 300, 301, 302, 303],
    sampler: createSampler({temperature: 0}),
    output: new TextOutput(rawParser(tokenizer.detokenizer()), new StopStrings([])),
    maxTokens: 3,
    logprobs: false,
    topLogprobs: 0,
    ...options,
  };
}

/** Runs in a scheduler of its own. */
async function run(
  engine: FakeEngine,
  options: Partial<Generation> = {},
  seen: (event: GenerationEvent, abort: AbortController) => void = () => {},
): Promise<GenerationEvent[]> {
  const generation = setUp(options);
  const events: GenerationEvent[] = [];
  const abort = new AbortController();
  await new Scheduler(engine).run({
    client: {},
    signal: abort.signal,
    steps: (sequence) => {
      const emit = (event: GenerationEvent): void => {
        events.push(event);
        seen(event, abort);
      };
      return generate(generation, {engine, tokenizer, sequence, signal: abort.signal, emit});
    },
  });
  return events;
}

describe('generate', () => {
  it('prefills in chunks, asks for one row of logits, and runs no step after the last token', async () => {
    const engine = new FakeEngine({chunkSize: 2});
    const events = await run(engine);
    expect(engine.steps).to.deep.equal([
      {rows: 2, logits: 'none'},
      {rows: 2, logits: 'none'},
      {rows: 1, logits: 'last'},
      {rows: 1, logits: 'last'},
      {rows: 1, logits: 'last'},
    ]);
    const prefill = events.filter((event) => event.type === 'prefill');
    expect(prefill.map(({done, total}) => [done, total])).to.deep.equal([
      [0, 5],
      [2, 5],
      [4, 5],
      [5, 5],
    ]);
    expect(events.at(-1)).to.deep.equal({
      type: 'done',
      reason: 'length',
      usage: {
        ...{prompt_tokens: 5, completion_tokens: 3, total_tokens: 8, cached_tokens: 0},
        prompt_tokens_details: {cached_tokens: 0},
        completion_tokens_details: {reasoning_tokens: 0},
      },
    });
  });

  it('needs no logits at all where nothing is to be said', async () => {
    const engine = new FakeEngine();
    await run(engine, {maxTokens: 0});
    expect(engine.steps).to.deep.equal([{rows: 5, logits: 'none'}]);
  });

  it('does not run the token that ends the answer', async () => {
    const engine = new FakeEngine({next: says('x')});
    const events = await run(engine, {maxTokens: undefined});
    expect(engine.steps).to.have.length(2);
    expect(events.at(-1)).to.have.property('reason', 'stop');
  });

  it('fills the context to its last position and not beyond', async () => {
    for (const [contextLength, sampled] of [
      [8, 3],
      [6, 1],
    ] as const) {
      const events = await run(new FakeEngine({contextLength}), {maxTokens: undefined});
      const end = events.at(-1);
      expect(end?.type === 'done' && [end.reason, end.usage.completion_tokens]).to.deep.equal(['length', sampled]);
    }
    expect((await rejection(run(new FakeEngine({contextLength: 5})))).code).to.equal('context-overflow');
    // Scoring says nothing, so the prompt may fill the context.
    expect((await run(new FakeEngine({contextLength: 5}), {maxTokens: 0})).at(-1)).to.have.property('reason', 'length');
  });

  it('refuses a prompt without tokens or with tokens the model lacks', async () => {
    const engine = new FakeEngine();
    expect((await rejection(run(engine, {prompt: []}))).code).to.equal('option-invalid');
    expect((await rejection(run(engine, {prompt: [2, engine.vocabSize]}))).code).to.equal('option-invalid');
    expect(engine.steps).to.have.length(0);
  });

  it('writes no half character, and the replacement sign only at the very end', async () => {
    const bytes = [...new TextEncoder().encode('🦖')];
    const ids = bytes.map((byte) => tokenizer.idOf(`<0x${byte.toString(16).toUpperCase()}>`) as number);
    const text = async (script: number[]) => {
      let said = 0;
      const events = await run(new FakeEngine({next: () => script[said++]}), {prompt: [2], maxTokens: script.length});
      return events.flatMap((event) => (event.type === 'text' ? [event.delta] : []));
    };
    expect(await text(ids)).to.deep.equal(['🦖']);
    expect((await text(ids.slice(0, 2))).join('')).to.match(/^\ufffd+$/);
  });

  it('stops at a stop string of white space at once, also as its last token', async () => {
    const ids = tokenizer.encode('Hi\n', {addBos: false});
    for (const maxTokens of [ids.length, ids.length + 5]) {
      const output = new TextOutput(new OutputParser(tokenizer), new StopStrings(['\n']));
      const events = await run(new FakeEngine({next: says('Hi\nand more')}), {output, maxTokens});
      expect(events.flatMap((event) => (event.type === 'text' ? [event.delta] : [])).join('')).to.equal('Hi');
      expect(events.at(-1)).to.include({type: 'done', reason: 'stop'});
      expect((events.at(-1) as {usage: {completion_tokens: number}}).usage.completion_tokens).to.equal(ids.length);
    }
  });

  it('gives its sequence back however it ends', async () => {
    const engine = new FakeEngine();
    const unread = run(engine, {}, ({type}) => {
      if (type === 'text') throw new Error('no reader');
    });
    expect((await rejection(unread)).message).to.equal('no reader');
    expect(engine.alive).to.equal(0);
    engine.beforeStep = () => Promise.reject(new Error('boom'));
    expect((await rejection(run(engine))).message).to.equal('boom');
    expect(engine.alive).to.equal(0);
    engine.beforeStep = () => {};
    const aborted = await run(engine, {prompt: [2, 9, 9]}, (_, abort) => {
      abort.abort();
    });
    expect(aborted.at(-1)).to.include({type: 'done', reason: 'abort'});
    expect(engine.alive).to.equal(0);
  });
});

/** Two ids to choose from at each place; where they are one, it is forced. Complete after the last place. */
class Pairs implements TokenConstraint {
  readonly taken: number[] = [];
  readonly #places: readonly (readonly [number, number] | null)[];

  /** @param places null: any token */
  constructor(places: readonly (readonly [number, number] | null)[]) {
    this.#places = places;
  }

  allowed(): Uint32Array | null {
    const place = this.#places[this.taken.length];
    if (!place) return place === null ? null : new Uint32Array(22);
    const bits = new Uint32Array(22);
    for (const id of place) bits[id >> 5] |= 1 << (id & 31);
    return bits;
  }

  accept(id: number): void {
    const place = this.#places[this.taken.length];
    if (place && !place.includes(id)) throw new Error(`${id} may not come`);
    this.taken.push(id);
  }

  forced(): number[] {
    const ids: number[] = [];
    for (const place of this.#places.slice(this.taken.length)) {
      if (place?.[0] !== place?.[1] || !place) break;
      ids.push(place[0]);
    }
    return ids;
  }

  get complete(): boolean {
    return this.taken.length >= this.#places.length;
  }
}

describe('generate with a constraint', () => {
  const PLACES = [[310, 310], [311, 311], [312, 313], [314, 314], [315, 315], [316, 317], null, [318, 319]] as const;
  const idsOf = (events: readonly GenerationEvent[]): number[] =>
    events.flatMap((event) => (event.type === 'text' ? (event.ids ?? []) : []));

  it('computes what has to come together, samples what is open, and ends where nothing can follow', async () => {
    const engine = new FakeEngine({next: () => 400});
    const constraint = new Pairs(PLACES);
    const events = await run(engine, {constraint, maxTokens: 100});
    // Prompt and beginning; one choice and what follows it; then one by one. The last token is not computed.
    expect(engine.steps.map(({rows}) => rows)).to.deep.equal([7, 3, 1, 1]);
    const taken = constraint.taken;
    expect(taken.slice(0, 2)).to.deep.equal([310, 311]);
    expect(taken[2]).to.be.oneOf([312, 313]);
    expect(taken[6]).to.equal(400);
    expect(taken).to.have.length(8);
    expect(events.at(-1)).to.deep.include({type: 'done', reason: 'stop'});
    expect(events.at(-1)).to.have.nested.property('usage.completion_tokens', 8);
    expect(idsOf(events)).to.deep.equal(taken);
  });

  it('is the same however it is cut into steps, and goes on after any of its tokens', async () => {
    const options = {maxTokens: 100, sampler: createSampler({seed: 5})};
    const whole = new Pairs(PLACES);
    await run(new FakeEngine(), {...options, constraint: whole});
    for (let cut = 1; cut < whole.taken.length; cut++) {
      const constraint = new Pairs(PLACES);
      const resume = whole.taken.slice(0, cut);
      const sampler = createSampler({seed: 5, rngOffset: cut});
      const events = await run(new FakeEngine({chunkSize: 2}), {...options, sampler, constraint, resume});
      expect(constraint.taken, `after ${cut}`).to.deep.equal(whole.taken);
      expect(idsOf(events)).to.deep.equal(whole.taken.slice(cut));
    }
  });

  it('forces nothing beyond max_tokens, and nothing at all where log-probabilities are wanted', async () => {
    for (let maxTokens = 0; maxTokens < 8; maxTokens++) {
      const constraint = new Pairs(PLACES);
      const events = await run(new FakeEngine(), {constraint, maxTokens});
      expect(constraint.taken).to.have.length(maxTokens);
      expect(events.at(-1)).to.deep.include({type: 'done', reason: 'length'});
    }
    const sampler = createSampler({temperature: 0, logprobs: true});
    const constraint = new Pairs(PLACES);
    const events = await run(new FakeEngine(), {constraint, sampler, logprobs: true, maxTokens: 100});
    const scores = events.flatMap((event) => (event.type === 'text' ? (event.logprobs ?? []) : []));
    expect(scores.map(({id}) => id)).to.deep.equal(constraint.taken);
  });
});

describe('TextOutput', () => {
  it('keeps log-probabilities of thoughts and tags out of the answer’s', () => {
    const events: Record<number, ReturnType<import('../../../src/chat/text-output.ts').Parser['push']>> = {
      1: [], // <|channel>
      2: [{type: 'reasoning', delta: 'hm'}],
      3: [], // <channel|>
      4: [{type: 'content', delta: 'yes'}],
      5: [], // held back
      6: [{type: 'content', delta: ' or no'}],
    };
    const output = new TextOutput({push: (id) => events[id], flush: () => []}, new StopStrings([]));
    const listed = [1, 2, 3, 4, 5, 6].flatMap((id) =>
      output
        .push(id, {id, token: '', bytes: [], logprob: -id, top: []})
        .map((event) => ('logprobs' in event ? event.logprobs?.map((entry) => entry.id) : null)),
    );
    expect(listed).to.deep.equal([null, [4], [5, 6]]);
  });
});
