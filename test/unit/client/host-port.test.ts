import {expect} from 'chai';
import {HostPort} from '../../../src/client/host-port.ts';
import type {HostMessage} from '../../../src/protocol/messages.ts';
import {Channel, closePorts, until} from '../../helpers/fake-worker.ts';

type Open = Extract<HostMessage, {type: 'open'}>;

/** What hosts and clients say to each other, and what one port hears. */
class Forum {
  readonly name = `test ${crypto.randomUUID()}`;
  readonly channel = new Channel(this.name);
  readonly said: HostMessage[] = [];
  readonly heard: unknown[] = [];
  closed = 0;

  constructor() {
    this.channel.addEventListener('message', (event) => this.said.push((event as MessageEvent).data));
  }

  say(message: unknown): void {
    this.channel.postMessage(message);
  }

  port(): HostPort {
    const port = new HostPort(this.name, Channel);
    port.addEventListener('message', ({data}) => this.heard.push(data));
    port.addEventListener('close', () => {
      this.closed += 1;
    });
    port.start();
    return port;
  }

  get opens(): Open[] {
    return this.said.filter((message): message is Open => message.type === 'open');
  }

  /** The `at`-th request for a port, once it is there. */
  async open(at = 0): Promise<Open> {
    await until(() => this.opens.length > at);
    return this.opens[at];
  }

  /** Until all that was said so far has been heard: what is posted later comes later. */
  async settled(): Promise<void> {
    const [one, other] = [new Channel(`${this.name} settled`), new Channel(`${this.name} settled`)];
    let come = false;
    other.addEventListener('message', () => {
      come = true;
    });
    one.postMessage(null);
    await until(() => come);
  }
}

describe('HostPort', () => {
  let forum: Forum;

  beforeEach(() => {
    forum = new Forum();
  });
  afterEach(closePorts);

  it('seeks a host, and brings it what was said meanwhile', async () => {
    const port = forum.port();
    port.postMessage('hello');
    await until(() => forum.said.length === 1);
    expect(forum.said).to.deep.equal([{type: 'seek'}]);
    forum.say({type: 'host', host: 'one'});
    const {host, greeting, port: name} = await forum.open();
    expect([host, greeting]).to.deep.equal(['one', ['hello']]);
    const channel = new Channel(name);
    const said: unknown[] = [];
    channel.addEventListener('message', (event) => said.push((event as MessageEvent).data));
    channel.postMessage('welcome');
    await until(() => forum.heard.length === 1);
    port.postMessage('and');
    await until(() => said.length === 1);
    expect([forum.heard, said]).to.deep.equal([['welcome'], ['and']]);
  });

  it('has something to say before it asks a host for a port, however soon that answers', async () => {
    const port = forum.port();
    forum.say({type: 'host', host: 'one'});
    await forum.settled();
    expect(forum.opens).to.be.empty;
    port.postMessage('hello');
    expect((await forum.open()).greeting).to.deep.equal(['hello']);
  });

  it('asks a host for one port only, however often it makes itself known', async () => {
    forum.port().postMessage('hello');
    for (let i = 0; i < 3; i++) forum.say({type: 'host', host: 'one'});
    await forum.open();
    await forum.settled();
    expect(forum.opens).to.have.length(1);
  });

  it('greets the next host where the one before has not answered', async () => {
    forum.port().postMessage('hello');
    forum.say({type: 'host', host: 'one'});
    const first = await forum.open();
    forum.say({type: 'host', host: 'two'});
    const second = await forum.open(1);
    expect([second.host, second.greeting]).to.deep.equal(['two', ['hello']]);
    // The one before is not heard any more.
    new Channel(first.port).postMessage('late');
    new Channel(second.port).postMessage('welcome');
    await until(() => forum.heard.length > 0);
    expect([forum.heard, forum.closed]).to.deep.equal([['welcome'], 0]);
  });

  it('is closed when another host comes after an answer', async () => {
    forum.port().postMessage('hello');
    forum.say({type: 'host', host: 'one'});
    new Channel((await forum.open()).port).postMessage('welcome');
    await until(() => forum.heard.length === 1);
    forum.say({type: 'host', host: 'two'});
    await until(() => forum.closed === 1);
    expect(forum.opens).to.have.length(1);
  });

  it('does not mind what is none of its business', async () => {
    forum.port().postMessage('hello');
    for (const message of [null, 7, 'host', {}, {type: 'seek'}, {type: 'open', host: 'one', port: 'x', greeting: []}]) {
      forum.say(message);
    }
    await forum.settled();
    forum.say({type: 'host', host: 'one'});
    expect((await forum.open()).host).to.equal('one');
  });

  it('says and hears nothing once it is closed', async () => {
    const port = forum.port();
    await until(() => forum.said.length === 1);
    port.close();
    forum.say({type: 'host', host: 'one'});
    await forum.settled();
    expect(forum.opens).to.have.length(0);
  });
});
