import {expect} from 'chai';
import {ConversationPool, commonPrefix, type Lease} from '../../../src/chat/conversation.ts';
import {FakeEngine} from '../../helpers/fake-engine.ts';

describe('ConversationPool', () => {
  const [a, b] = [{}, {}];
  let engine: FakeEngine;
  let pool: ConversationPool;

  beforeEach(() => {
    engine = new FakeEngine({maxSequences: 6});
    pool = new ConversationPool(engine, {perClient: 2});
  });

  /** As a generation would: runs what is not cached, says `answer`, gives it back. */
  async function turn(client: object, prompt: number[], answer: number[] = []): Promise<Lease> {
    const lease = pool.acquire(client, prompt);
    expect(lease.sequence.tokens).to.deep.equal(prompt.slice(0, lease.cached));
    for (const id of [...prompt.slice(lease.cached), ...answer]) {
      await engine.step([{sequence: lease.sequence, tokens: [id], logits: 'none'}]);
    }
    lease.release();
    return lease;
  }

  it('continues the conversation a prompt begins with, and runs its last token again', async () => {
    await turn(a, [1, 2, 3, 4], [5, 6]);
    expect((await turn(a, [1, 2, 3, 4, 5, 6, 7])).cached).to.equal(6);
    expect((await turn(a, [1, 2, 3, 4, 5, 6, 7])).cached).to.equal(6);
    expect(pool.size).to.equal(1);
  });

  it('forgets what the prompt no longer has: an answer made anew, a thought left out', async () => {
    await turn(a, [1, 2, 3, 4], [5, 6, 7, 8, 9, 10]);
    const lease = await turn(a, [1, 2, 3, 4, 9, 10, 11]);
    expect(lease.cached).to.equal(4);
    expect(lease.sequence.tokens).to.deep.equal([1, 2, 3, 4, 9, 10, 11]);
  });

  it('chooses the longest common prefix among several', async () => {
    await turn(a, [1, 2, 3, 4]);
    await turn(a, [1, 6, 7, 8]);
    expect((await turn(a, [1, 6, 7, 8, 9])).cached).to.equal(4);
    expect((await turn(a, [1, 2, 3, 4, 5])).cached).to.equal(4);
  });

  it('leaves a conversation alone that shares only a beginning', async () => {
    await turn(a, [1, 2, 3, 4, 5, 6]);
    expect((await turn(a, [1, 2, 13, 14, 15, 16])).cached).to.equal(0);
    expect((await turn(a, [1, 2, 3, 4, 5, 6, 7])).cached).to.equal(6);
  });

  it('gives up the least recently used of the client’s own when it has too many', async () => {
    await turn(b, [1, 2, 3]);
    await turn(a, [10, 11, 12]);
    await turn(a, [20, 21, 22]);
    await turn(a, [10, 11, 12, 13]);
    await turn(a, [30, 31, 32]);
    expect([pool.size, engine.alive]).to.deep.equal([3, 3]);
    expect((await turn(a, [10, 11, 12, 13, 14])).cached).to.equal(4);
    expect((await turn(a, [20, 21, 22, 23])).cached).to.equal(0);
    expect((await turn(b, [1, 2, 3, 4])).cached).to.equal(3);
  });

  it('never offers one client’s sequence to another', async () => {
    await turn(a, [1, 2, 3, 4]);
    expect((await turn(b, [1, 2, 3, 4])).cached).to.equal(0);
  });

  it('does not lend a sequence twice', () => {
    const one = pool.acquire(a, [1, 2]);
    const two = pool.acquire(a, [1, 2]);
    expect(one.sequence).not.to.equal(two.sequence);
  });

  it('gives an empty sequence where every row is wanted', async () => {
    await turn(a, [1, 2, 3]);
    const lease = pool.acquire(a, [1, 2, 3], false);
    expect([lease.cached, lease.sequence.tokens.length]).to.deep.equal([0, 0]);
  });

  it('frees what a client that left has on loan when it comes back', () => {
    const lease = pool.acquire(a, [1, 2]);
    pool.freeClient(a);
    expect(engine.alive).to.equal(1);
    lease.release();
    lease.release();
    expect([engine.alive, pool.size]).to.deep.equal([0, 0]);
  });

  it('gives up the sequences of others, oldest first, only when there are no more to be had', async () => {
    const clients = Array.from({length: 6}, () => ({}));
    for (const client of clients) await turn(client, [1, 2, 3]);
    await turn(a, [1, 2, 3]);
    expect(engine.alive).to.equal(6);
    expect((await turn(clients[5], [1, 2, 3])).cached).to.equal(2);
    expect((await turn(clients[0], [1, 2, 3])).cached).to.equal(0);
  });

  it('says so when all are on loan', () => {
    for (let i = 0; i < 6; i++) pool.acquire({}, [1]);
    expect(() => pool.acquire(a, [1]))
      .to.throw()
      .with.property('code', 'out-of-memory');
  });
});

describe('commonPrefix', () => {
  it('counts equal leading ids', () => {
    expect([commonPrefix([], [1]), commonPrefix([1, 2], [1, 2, 3]), commonPrefix([1, 2, 3], [1, 4, 3])]).to.deep.equal([
      0, 2, 1,
    ]);
  });
});
