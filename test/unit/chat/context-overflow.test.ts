import {expect} from 'chai';
import {dropOldestTurns as pieces} from '../../../src/chat/context-overflow.ts';
import type {ChatMessage} from '../../../src/protocol/messages.ts';
import {atOnce} from '../../../src/tokenizer/pieces.ts';

const message = (role: ChatMessage['role'], length: number): ChatMessage => ({role, content: 'x'.repeat(length)});
/** A token a character, and one a message. */
const render = (messages: readonly ChatMessage[]) =>
  messages.flatMap(({content}) => [0, ...Array.from(content, () => 1)]);

type Render = (messages: readonly ChatMessage[]) => number[];

const dropOldestTurns = (messages: readonly ChatMessage[], room: number, made: Render) =>
  atOnce(
    pieces(messages, room, function* (some) {
      yield;
      return made(some);
    }),
  );

const chat = [
  message('system', 4),
  message('user', 9),
  message('assistant', 9),
  message('user', 9),
  message('assistant', 9),
  message('tool', 9),
  message('user', 9),
];

describe('dropOldestTurns', () => {
  it('keeps everything that fits', () => {
    expect(dropOldestTurns(chat, 65, render)).to.deep.equal({prompt: render(chat), dropped: 0});
  });

  for (const [room, dropped] of [
    [64, 2], // a user's message and its answer
    [45, 2],
    [44, 5], // and the next one with its tool's
    [15, 5],
    [3, 5], // the last turn stays, fitting or not
  ] as const) {
    it(`leaves ${dropped} messages out where there is room for ${room}, never the system's`, () => {
      const kept = [chat[0], ...chat.slice(1 + dropped)];
      expect(dropOldestTurns(chat, room, render)).to.deep.equal({prompt: render(kept), dropped});
    });
  }

  it('works without a system message, and has nothing to leave out of a single turn', () => {
    const two = [message('user', 9), message('user', 9)];
    expect(dropOldestTurns(two, 15, render)).to.deep.equal({prompt: render([two[1]]), dropped: 1});
    expect(dropOldestTurns([two[0]], 5, render).dropped).to.equal(0);
  });

  it('renders as few times as it can', () => {
    const long = Array.from({length: 200}, (_, i) => message(i % 2 === 0 ? 'user' : 'assistant', 9));
    let times = 0;
    const {dropped} = dropOldestTurns(long, 505, (some) => {
      times += 1;
      return render(some);
    });
    expect(dropped).to.equal(150);
    expect(times).to.be.below(12);
  });

  it('can be left after every rendering', () => {
    const long = Array.from({length: 200}, () => message('user', 9));
    let times = 0;
    const work = pieces(long, 505, function* (some) {
      times += 1;
      yield;
      return render(some);
    });
    // In the middle of a rendering, and after it.
    for (let n = 1; !work.next().done; n++) expect(times).to.equal(Math.ceil(n / 2));
    expect(times).to.be.above(5);
  });
});
