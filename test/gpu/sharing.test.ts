// Many sequences in the same steps, on shared pages: each must get, bit for bit, the logits it gets alone in an engine
// that shares nothing.
import {expect} from 'chai';
import {type Random, seededRandom} from '../../scripts/model-files/random.ts';
import type {Sequence} from '../../src/engine/engine.ts';
import type {GpuEngine} from '../../src/engine/gpu-engine.ts';
import {expectSameLogits, feed, TOKENS, withEngine} from '../helpers/engine.ts';
import {inBrowser, withDevice} from '../helpers/gpu.ts';

// A step costs ten times as much in a browser without a GPU.
const RUNS: readonly ['F32' | 'Q4_K', number][] = inBrowser
  ? [['Q4_K', 6]]
  : [
      ['F32', 10],
      ['Q4_K', 10],
    ];
const SHARING = {sharePrefixes: true, maxSequences: 8, contextLength: 128};

/** A sequence with everything its logits came from. */
interface Talk {
  sequence: Sequence;
  tokens: number[];
  /** Positions it did not have to compute. */
  cached: number;
  /** Logits of the last row of each step, by position. */
  seen: Map<number, Float32Array>;
}

function copyOf(talk: Talk, sequence: Sequence): Talk {
  return {sequence, tokens: [...talk.tokens], cached: sequence.tokens.length, seen: new Map()};
}

/** Random joins, leaves, clones and steps over up to 8 talks; what was said, in the end. */
async function interleave(engine: GpuEngine, random: Random, steps: number): Promise<Talk[]> {
  const below = (n: number) => Math.floor(random.uniform() * n);
  const open: Talk[] = [];
  const done: Talk[] = [];
  const close = (talk: Talk) => {
    talk.sequence.free();
    done.push(talk);
    open.splice(open.indexOf(talk), 1);
  };
  const join = () => {
    // Beginnings of the same text, parting in the middle of a page or at its end.
    const prompt = [...TOKENS.slice(0, 20 + below(50)), ...(below(2) === 0 ? [below(768)] : [])];
    const sequence = engine.createSequence(prompt.slice(0, -1));
    open.push({sequence, tokens: prompt, cached: sequence.tokens.length, seen: new Map()});
  };
  for (let step = 0; step < steps; step++) {
    if (open.length < 8 && below(3) > 0) join();
    if (open.length < 8 && open.length > 1 && below(6) === 0) {
      const talk = open[below(open.length)];
      open.push(copyOf(talk, talk.sequence.clone()));
    }
    if (open.length > 3 && below(5) === 0) close(open[below(open.length)]);
    const rows = new Map<Talk, number[]>();
    let room = 64;
    for (const talk of open) {
      // What is left of the prompt in a random chunk, or one token more.
      const held = talk.sequence.tokens.length;
      if (held === talk.tokens.length) {
        if (held >= 100) continue;
        talk.tokens.push(below(768));
      }
      const chunk = talk.tokens.slice(held, held + Math.min(room, 1 + below(24)));
      if (chunk.length === 0) continue;
      room -= chunk.length;
      rows.set(talk, chunk);
    }
    const inputs = [...rows].map(([{sequence}, tokens]) => ({sequence, tokens, logits: 'last' as const}));
    const logits = await engine.step(inputs);
    [...rows.keys()].forEach((talk, i) => {
      talk.seen.set(talk.sequence.tokens.length - 1, logits[i][0]);
    });
  }
  while (open.length > 0) close(open[0]);
  return done;
}

describe('sharing', function () {
  this.timeout(240_000); // software adapters

  for (const [type, steps] of RUNS) {
    it(
      `gives each of 8 interleaved sequences the bits it gets alone, ${type}`,
      withDevice(async (device) => {
        const talks = await withEngine(
          device,
          {type},
          async (engine) => {
            const said = await interleave(engine, seededRandom(5), steps);
            expect(said.filter(({cached}) => cached >= 20).length, 'beginnings were shared').to.be.above(1);
            const {full, sliding} = engine.stats().kvPages;
            expect([full.used, sliding.used]).to.deep.equal([0, 0]);
            return said;
          },
          SHARING,
        );
        expect(talks.length).to.be.above(steps / 2);
        await withEngine(device, {type}, async (engine) => {
          for (const {tokens, seen} of talks) {
            const sequence = engine.createSequence();
            const alone = await feed(engine, sequence, tokens, [64]);
            sequence.free();
            for (const [position, logits] of seen) expectSameLogits([logits], [alone[position]]);
          }
        });
      }),
    );
  }

  it(
    'computes a common beginning once',
    withDevice((device) =>
      withEngine(
        device,
        {type: 'Q8_0'},
        async (engine) => {
          const first = engine.createSequence();
          const alone = await feed(engine, first, TOKENS, [64]);
          const second = engine.createSequence(TOKENS.slice(0, -1));
          expect(second.tokens).to.deep.equal(TOKENS.slice(0, 64));
          const {full, sliding} = engine.stats().kvPages;
          // The window of 16 sees page 1 only.
          expect([full.shared, sliding.shared]).to.deep.equal([2, 1]);
          expectSameLogits(await feed(engine, second, TOKENS.slice(64), [64]), alone.slice(64));
        },
        SHARING,
      ),
    ),
  );

  it(
    'writes to a clone without the original noticing',
    withDevice((device) =>
      withEngine(
        device,
        {type: 'Q6_K'},
        async (engine) => {
          const original = engine.createSequence();
          await feed(engine, original, TOKENS.slice(0, 40), [40]);
          const clone = original.clone();
          await feed(engine, clone, [9, 8, 7, 6, 5], [5]);
          const continued = await feed(engine, original, TOKENS.slice(40), [30]);
          const fresh = await withEngine(device, {type: 'Q6_K'}, (other) =>
            feed(other, other.createSequence(), TOKENS, [64]),
          );
          expectSameLogits(continued, fresh.slice(40));
          expect(clone.tokens.slice(40)).to.deep.equal([9, 8, 7, 6, 5]);
        },
        SHARING,
      ),
    ),
  );
});
