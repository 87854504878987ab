import {expect} from 'chai';
import {Conversation, type ConversationData} from '../../../src/element/chat/conversation.ts';
import {GemmaError} from '../../../src/errors.ts';

const user = (content: string) => ({role: 'user', content}) as const;
const answer = (content: string) => ({role: 'assistant', content}) as const;
const shown = (conversation: Conversation) => conversation.path.map(({message}) => message.content);

/** One → 1 → Two → 2, with a second branch 1b → Three. */
function branched() {
  const conversation = new Conversation();
  const one = conversation.append(user('One'));
  const first = conversation.append(answer('1'));
  conversation.append(user('Two'));
  conversation.append(answer('2'));
  const second = conversation.append(answer('1b'), one.id);
  const three = conversation.append(user('Three'));
  return {conversation, one, first, second, three};
}

describe('a conversation', () => {
  it('shows the newest branch, and each branch as far as it was last shown', () => {
    const {conversation, first, second} = branched();
    expect(shown(conversation)).to.deep.equal(['One', '1b', 'Three']);
    expect(conversation.branch(second.id)).to.deep.equal({index: 1, ids: [first.id, second.id]});
    conversation.select(first.id);
    expect(shown(conversation)).to.deep.equal(['One', '1', 'Two', '2']);
    conversation.select(second.id);
    expect(shown(conversation)).to.deep.equal(['One', '1b', 'Three']);
  });

  it('branches before its first turn too', () => {
    const conversation = Conversation.ofMessages([user('One'), answer('1')]);
    const other = conversation.append(user('Other'), null);
    expect(shown(conversation)).to.deep.equal(['Other']);
    expect(conversation.branch(other.id).ids).to.have.lengthOf(2);
  });

  it('removes a turn with what followed it, and shows the branch beside it', () => {
    const {conversation, one, second} = branched();
    conversation.remove(second.id);
    expect(shown(conversation)).to.deep.equal(['One', '1', 'Two', '2']);
    expect(conversation.toJSON().turns).to.have.lengthOf(4);
    conversation.remove(one.id);
    expect(conversation.toJSON()).to.deep.equal({turns: [], head: null});
  });

  it('stays where it is when a branch that is not shown is removed', () => {
    const {conversation, first} = branched();
    conversation.remove(first.id);
    expect(shown(conversation)).to.deep.equal(['One', '1b', 'Three']);
    expect(conversation.branches(1)).to.equal(1);
  });

  it('never gives an id twice, not even one that was removed or only reserved', () => {
    const conversation = new Conversation();
    const ids = [conversation.append(user('One')).id, conversation.reserve()];
    conversation.remove(ids[0]);
    ids.push(conversation.append(user('Two')).id);
    expect(new Set(ids).size).to.equal(3);
  });

  it('counts its changes, and keeps its path between them', () => {
    const {conversation, second} = branched();
    const {version, path} = conversation;
    expect(conversation.path).to.equal(path);
    conversation.note(second.id, {feedback: 'up'});
    expect(conversation.version).to.be.greaterThan(version);
    expect(conversation.path[1].feedback).to.equal('up');
  });

  it('comes back from JSON with its branches and its facts', () => {
    const {conversation, second} = branched();
    conversation.note(second.id, {feedback: 'down', thinkingMs: 1200, finishReason: 'stop'});
    const data = JSON.parse(JSON.stringify(conversation)) as ConversationData;
    const copy = Conversation.from(data);
    expect(copy.toJSON()).to.deep.equal(conversation.toJSON());
    expect(shown(copy)).to.deep.equal(['One', '1b', 'Three']);
    expect(copy.append(user('Four')).id).to.be.greaterThan(Math.max(...data.turns.map(({id}) => id)));
  });

  const turn = (fields: object) => ({id: 1, parent: null, message: user('x'), ...fields});
  const refused: [string, unknown][] = [
    ['no turns', {head: null}],
    ['a turn that is null', {turns: [null], head: null}],
    ['an id that is no integer', {turns: [turn({id: 1.5})], head: null}],
    ['an id twice', {turns: [turn({}), turn({})], head: null}],
    ['a parent that comes later', {turns: [turn({parent: 2}), turn({id: 2})], head: null}],
    ['a turn that follows itself', {turns: [turn({parent: 1})], head: null}],
    ['a role that a visitor does not see', {turns: [turn({message: {role: 'system', content: 'x'}})], head: null}],
    ['content that is no text', {turns: [turn({message: {role: 'user', content: 7}})], head: null}],
    ['a head that is no turn', {turns: [turn({})], head: 2}],
  ];
  for (const [what, data] of refused) {
    it(`refuses ${what}`, () => {
      expect(() => Conversation.from(data as ConversationData))
        .to.throw(GemmaError)
        .with.property('code', 'option-invalid');
    });
  }

  it('takes over no more than it knows', () => {
    const message = {...user('x'), tool_calls: [{}], extra: 1};
    const data = {turns: [turn({message, finishReason: 'whim', thinkingMs: -1, feedback: 'meh', extra: 1})], head: 1};
    expect(Conversation.from(data as unknown as ConversationData).toJSON().turns).to.deep.equal([turn({})]);
  });

  it('takes over tools that were used as far as they are well formed, and none that still runs', () => {
    const good = {id: 'c', name: 'n', arguments: '{}', text: '', round: 0, state: 'done', result: 'r'};
    const stored = (steps: unknown) =>
      Conversation.from({
        turns: [{id: 1, parent: null, message: {role: 'assistant', content: 'A', steps}}],
        head: 1,
      } as unknown as ConversationData).path[0].message.steps;
    expect(stored([{...good, more: 1}])).to.deep.equal([good]);
    expect(stored([good, {...good, state: 'running'}, good])).to.deep.equal([good]);
    expect(stored([null])).to.deep.equal([]);
    expect(stored([{...good, result: 5}])).to.deep.equal([]);
    expect(stored([{...good, arguments: 'x'.repeat(1e6)}])).to.deep.equal([]);
    expect(stored(Array.from({length: 1000}, () => good))).to.have.length(128);
    expect(stored('no list')).to.equal(undefined);
  });
});
