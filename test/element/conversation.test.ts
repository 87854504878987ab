import {expect, fixture, html} from '@open-wc/testing';
import type {GemmaChatElement} from '../../src/element/gemma-chat-element.ts';
import {GemmaError} from '../../src/errors.ts';
import {FakeClient, type FakeLoad, fakeLoads} from './fake-client.ts';
import {Harness, MODEL_SRC, record} from './harness.ts';

describe('<gemma-chat> in conversation', () => {
  it('is accessible while it answers and afterwards', async () => {
    const chat = await Harness.ready();
    await chat.ask('Hello');
    await expect(chat.el).to.be.accessible();
    chat.client.lastAnswer.think('Be polite.').text('Good day.').end();
    await chat.settle();
    await expect(chat.el).to.be.accessible();
  });

  it('sends on Enter, streams the answer, and is ready again', async () => {
    const chat = await Harness.ready();
    await chat.ask('Hello');
    expect(chat.input.value).to.equal('');
    expect(chat.el.status).to.equal('generating');
    expect(chat.part('waiting')).not.to.equal(null);
    chat.client.lastAnswer.text('Good ');
    await chat.settle();
    expect(chat.turns).to.deep.equal(['Hello', 'Good']);
    chat.client.lastAnswer.text('day.').end();
    await chat.settle();
    expect(chat.turns).to.deep.equal(['Hello', 'Good day.']);
    expect(chat.el.status).to.equal('ready');
    expect(chat.el.messages).to.deep.equal([
      {role: 'user', content: 'Hello'},
      {role: 'assistant', content: 'Good day.'},
    ]);
  });

  it('starts a line on Shift+Enter and waits while an input method composes', async () => {
    const chat = await Harness.ready();
    await chat.type('こんにちは');
    for (const init of [{shiftKey: true}, {isComposing: true}, {keyCode: 229}]) {
      const event = await chat.press('Enter', init);
      expect(event.defaultPrevented, JSON.stringify(init)).to.equal(false);
    }
    expect(chat.client.answers).to.have.lengthOf(0);
    await chat.press('Enter');
    expect(chat.client.answers).to.have.lengthOf(1);
  });

  it('sends nothing but spaces to no one', async () => {
    const chat = await Harness.ready();
    await chat.ask(' \n ');
    await chat.click('Send');
    expect(chat.client.answers).to.have.lengthOf(0);
    expect(chat.button('Send').ariaDisabled).to.equal('true');
  });

  it('hands the system prompt, earlier turns without their thinking, and the sampling to the model', async () => {
    const chat = await Harness.ready();
    chat.el.systemPrompt = 'Be brief.';
    chat.el.setAttribute('temperature', '0');
    chat.el.setAttribute('max-tokens', '7');
    chat.el.setAttribute('seed', '3');
    await chat.ask('One');
    chat.client.lastAnswer.think('Hm.').text('1').end();
    await chat.settle();
    await chat.ask('Two');
    const {signal: _, onProgress: __, ...call} = chat.client.lastAnswer.call;
    expect(call).to.deep.equal({
      stream: true,
      context_overflow: 'truncate-oldest',
      temperature: 0,
      top_k: 64,
      top_p: 0.95,
      min_p: 0,
      max_tokens: 7,
      seed: 3,
      messages: [
        {role: 'system', content: 'Be brief.'},
        {role: 'user', content: 'One'},
        {role: 'assistant', content: '1'},
        {role: 'user', content: 'Two'},
      ],
    });
  });

  it('tells why nothing has come yet', async () => {
    const chat = await Harness.ready();
    await chat.ask('Hello');
    const {call} = chat.client.lastAnswer;
    expect(chat.part('status')!.textContent).to.equal('Gemma is reading');
    // The only chat: its turn has come at once.
    call.onProgress({phase: 'queued', position: 0});
    await chat.settle();
    expect(chat.part('status')!.textContent).to.equal('Gemma is reading');
    call.onProgress({phase: 'queued', position: 1});
    await chat.settle();
    expect(chat.part('status')!.textContent).to.equal('Waiting for another chat to finish…');
    call.onProgress({phase: 'prefill', done: 3, total: 9});
    await chat.settle();
    expect(chat.part('status')!.textContent).to.equal('Reading: 3 of 9 tokens');
    chat.client.lastAnswer.text('Hi');
    await chat.settle();
    expect(chat.part('status')!.textContent).to.equal('Answering…');
  });

  it('shows markup as text', async () => {
    const chat = await Harness.ready();
    await chat.ask('<b>bold</b>');
    chat.client.lastAnswer.text('<img src=x onerror=alert(1)>').end();
    await chat.settle();
    expect(chat.turns).to.deep.equal(['<b>bold</b>', '<img src=x onerror=alert(1)>']);
    expect(chat.part('messages')!.querySelector('b, img')).to.equal(null);
  });

  it('folds the thinking away', async () => {
    const chat = await Harness.ready();
    await chat.ask('Why?');
    chat.client.lastAnswer.think('Let me see.');
    await chat.settle();
    expect(chat.part('thinking-summary')!.textContent).to.equal('Thinking…');
    chat.client.lastAnswer.text('Because.').end();
    await chat.settle();
    expect(chat.part<HTMLDetailsElement>('thinking')!.open).to.equal(false);
    expect(chat.part('thinking-text')!.textContent).to.equal('Let me see.');
    expect(chat.el.messages[1]).to.deep.equal({role: 'assistant', content: 'Because.', reasoning: 'Let me see.'});
  });

  it('stops, and keeps what had come', async () => {
    const chat = await Harness.ready();
    const messages = record<{done: boolean; finishReason?: string}>(chat.el, 'gemma-chat-message');
    await chat.ask('Count');
    chat.client.lastAnswer.text('One, two');
    await chat.settle();
    await chat.click('Stop');
    expect(chat.turns).to.deep.equal(['Count', 'One, two']);
    expect(chat.part('status')!.textContent).to.equal('Stopped.');
    expect(messages.at(-1)!.detail).to.include({done: true, finishReason: 'abort'});
    expect(chat.el.status).to.equal('ready');
  });

  it('does not take the second click of a double click on Send for Stop', async () => {
    const chat = await Harness.ready();
    await chat.type('Hello');
    await chat.click('Send');
    chat.button('Stop').dispatchEvent(new MouseEvent('click', {detail: 2, bubbles: true}));
    expect(chat.client.lastAnswer.call.signal.aborted).to.equal(false);
  });

  it('sends what is said while an answer is written after it', async () => {
    const chat = await Harness.ready();
    await chat.ask('One');
    await chat.ask('Two');
    expect(chat.client.answers).to.have.lengthOf(1);
    expect(chat.input.value).to.equal('');
    expect(chat.part('message-queued')!.textContent).to.include('Two').and.to.include('Sent after this answer');
    await expect(chat.el).to.be.accessible();
    chat.client.lastAnswer.text('1').end();
    await chat.settle();
    await chat.settle();
    expect(chat.client.lastAnswer.call.messages.map(({content}) => content)).to.deep.equal(['One', '1', 'Two']);
    expect(chat.part('message-queued') === null).to.equal(true);
  });

  it('answers again in the place of the last answer', async () => {
    const chat = await Harness.ready();
    await chat.ask('Name?');
    chat.client.lastAnswer.text('Ann').end();
    await chat.settle();
    await chat.click('Answer again');
    expect(chat.client.lastAnswer.call.messages).to.deep.equal([{role: 'user', content: 'Name?'}]);
    chat.client.lastAnswer.text('Bob').end();
    await chat.settle();
    expect(chat.turns).to.deep.equal(['Name?', 'Bob']);
  });

  it('can answer what was stopped before its first word, or read it with the next message', async () => {
    const chat = await Harness.ready();
    await chat.ask('One');
    await chat.click('Stop');
    expect(chat.turns).to.deep.equal(['One']);
    await chat.click('Answer again');
    expect(chat.client.lastAnswer.call.messages).to.deep.equal([{role: 'user', content: 'One'}]);
    await chat.click('Stop');
    await chat.ask('Two');
    // Gemma's templates refuse two user turns in a row.
    expect(chat.client.lastAnswer.call.messages).to.deep.equal([{role: 'user', content: 'One\n\nTwo'}]);
    expect(chat.turns).to.deep.equal(['One', 'Two']);
  });

  it('clears, drops the answer in the making, and gives the text field the focus', async () => {
    const chat = await Harness.ready();
    await chat.ask('One');
    const {lastAnswer} = chat.client;
    lastAnswer.text('1');
    await chat.settle();
    await chat.click('Clear');
    lastAnswer.text('2').end();
    await chat.settle();
    expect(chat.turns).to.deep.equal([]);
    expect(chat.el.messages).to.have.lengthOf(0);
    expect(chat.el.status).to.equal('ready');
    expect(lastAnswer.call.signal.aborted).to.equal(true);
    expect(chat.el.shadowRoot!.activeElement).to.equal(chat.input);
  });

  it('tells a screen reader whole sentences', async () => {
    const chat = await Harness.ready();
    await chat.ask('Hello');
    const heard = () => chat.announced.slice(1); // after “The model is ready.”
    for (const token of ['Good', ' day', '. How']) chat.client.lastAnswer.text(token);
    await chat.settle();
    expect(heard()).to.deep.equal(['Good day.']);
    chat.client.lastAnswer.text(' are you?').end();
    await chat.settle();
    expect(heard()).to.deep.equal(['Good day.', 'How are you?']);
    expect(chat.part('messages')!.ariaLive).to.equal('off');
  });

  describe('when an answer fails', () => {
    it('keeps the conversation and what had come, and answers on retry', async () => {
      const chat = await Harness.ready();
      await chat.ask('Hello');
      chat.client.lastAnswer.text('Go').fail(new GemmaError('context-overflow', '600 of 512 tokens'));
      await chat.settle();
      expect(chat.turns).to.deep.equal(['Hello', 'Go']);
      expect(chat.el.status).to.equal('error');
      await chat.click('Try again');
      expect(chat.part('error')).to.equal(null);
      chat.client.lastAnswer.text('Good day.').end();
      await chat.settle();
      expect(chat.turns).to.deep.equal(['Hello', 'Good day.']);
    });

    it('takes the next message all the same', async () => {
      const chat = await Harness.ready();
      await chat.ask('Hello');
      chat.client.lastAnswer.fail(new GemmaError('internal', 'oops'));
      await chat.settle();
      await chat.ask('Again?');
      expect(chat.el.status).to.equal('generating');
    });

    it('shows that the client was lost, between answers and within one, once', async () => {
      for (const generating of [false, true]) {
        const chat = await Harness.ready();
        const errors = record<GemmaError>(chat.el, 'error');
        if (generating) await chat.ask('Hello');
        // `internal` alone would leave the client in use.
        const error = new GemmaError('internal', 'the worker ended');
        chat.client.lose(error);
        if (generating) chat.client.lastAnswer.fail(error);
        await chat.settle();
        expect(errors.map(({detail}) => detail)).to.deep.equal([error]);
        expect(chat.el.status).to.equal('error');
        expect(chat.el.client).to.equal(null);
      }
    });

    it('loads anew when the model is gone, then answers', async () => {
      const loads: FakeLoad[] = fakeLoads();
      const chat = await Harness.poster();
      chat.el.load();
      loads[0].done();
      await chat.settle();
      await chat.ask('Hello');
      loads[0].client.lastAnswer.fail(new GemmaError('device-lost', 'reset'));
      await chat.settle();
      expect(chat.el.client).to.equal(null);
      expect(loads[0].client.closed).to.equal(true);
      expect(chat.turns).to.deep.equal(['Hello']);
      await chat.click('Try again');
      loads[1].done();
      await chat.settle();
      loads[1].client.lastAnswer.text('Good day.').end();
      await chat.settle();
      expect(chat.turns).to.deep.equal(['Hello', 'Good day.']);
    });
  });

  describe('send()', () => {
    it('loads first, and gives the answer', async () => {
      const loads = fakeLoads();
      const chat = await Harness.poster();
      const answer = chat.el.send('Hello');
      loads[0].done();
      await chat.settle();
      loads[0].client.lastAnswer.text('Good day.').end();
      expect(await answer).to.deep.equal({role: 'assistant', content: 'Good day.'});
    });

    it('gives what had come when stopped, and an AbortError where nothing had', async () => {
      const chat = await Harness.ready();
      const first = chat.el.send('One');
      await chat.settle();
      chat.client.lastAnswer.text('1');
      await chat.settle();
      chat.el.stop();
      expect((await first).content).to.equal('1');
      const second = chat.el.send('Two').catch((reason) => reason);
      await chat.settle();
      chat.el.stop();
      expect((await second).name).to.equal('AbortError');
      expect(chat.el.messages.at(-1)).to.deep.equal({role: 'user', content: 'Two'});
    });

    it('rejects with the code of the error, an empty message, and a message too many', async () => {
      const chat = await Harness.ready();
      const empty = await chat.el.send('').catch((reason) => reason);
      expect(empty.code).to.equal('option-invalid');
      const failing = chat.el.send('One').catch((reason) => reason);
      await chat.settle();
      const tooMany = await chat.el.send('Two').catch((reason) => reason);
      expect(tooMany.name).to.equal('InvalidStateError');
      chat.client.lastAnswer.fail(new GemmaError('out-of-memory', 'no room'));
      expect((await failing).code).to.equal('out-of-memory');
    });
  });

  describe('gemma-chat-send', () => {
    it('bubbles out of shadow roots, and its messages can be changed', async () => {
      const chat = await Harness.ready();
      document.addEventListener(
        'gemma-chat-send',
        (event) => (event as CustomEvent).detail.messages.unshift({role: 'system', content: 'The page says: 42.'}),
        {once: true},
      );
      await chat.ask('What does the page say?');
      expect(chat.client.lastAnswer.call.messages).to.deep.equal([
        {role: 'system', content: 'The page says: 42.'},
        {role: 'user', content: 'What does the page say?'},
      ]);
      expect(chat.turns).to.deep.equal(['What does the page say?']);
    });

    it('can be prevented: nothing is sent, and the visitor keeps the text', async () => {
      const chat = await Harness.ready();
      chat.el.addEventListener('gemma-chat-send', (event) => event.preventDefault());
      await chat.ask('Secret');
      expect(chat.client.answers).to.have.lengthOf(0);
      expect(chat.input.value).to.equal('Secret');
      const outcome = await chat.el.send('Secret').catch((reason) => reason);
      expect(outcome.name).to.equal('AbortError');
    });
  });

  describe('messages', () => {
    it('can be set, and are checked', async () => {
      const chat = await Harness.ready();
      chat.el.messages = [
        {role: 'user', content: 'Hi'},
        {role: 'assistant', content: 'Hello'},
      ];
      await chat.settle();
      expect(chat.turns).to.deep.equal(['Hi', 'Hello']);
      const wrong = () => {
        chat.el.messages = [{role: 'system', content: 'Be brief.'}];
      };
      expect(wrong).to.throw(GemmaError, 'role "system"');
      expect(chat.el.messages).to.have.lengthOf(2);
    });

    it('come with an event a change, whole ones marked', async () => {
      const chat = await Harness.ready();
      const seen = record<{message: {role: string; content: string}; done: boolean}>(document, 'gemma-chat-message');
      await chat.ask('Hi');
      chat.client.lastAnswer.text('Hel').text('lo').end();
      await chat.settle();
      expect(seen.map(({detail: {message, done}}) => [message.role, message.content, done])).to.deep.equal([
        ['user', 'Hi', true],
        ['assistant', 'Hel', false],
        ['assistant', 'Hello', false],
        ['assistant', 'Hello', true],
      ]);
    });
  });

  it('disables what the visitor can do, not the methods', async () => {
    const chat = await Harness.ready();
    chat.el.disabled = true;
    await chat.settle();
    expect(chat.input.disabled).to.equal(true);
    expect(chat.button('Send').disabled).to.equal(true);
    await expect(chat.el).to.be.accessible();
    const answer = chat.el.send('Hello');
    await chat.settle();
    chat.client.lastAnswer.text('Hi.').end();
    expect((await answer).content).to.equal('Hi.');
  });

  it('answers with the adapter that the page names, and lets go of the one before', async () => {
    const chat = await Harness.ready();
    const asked = async () => {
      await chat.ask('Hello');
      await chat.until(() => chat.el.status === 'generating' && chat.client.lastAnswer !== undefined);
      const {adapters} = chat.client.lastAnswer.call;
      chat.client.lastAnswer.text('Good day.').end();
      await chat.until(() => chat.el.status === 'ready');
      return adapters;
    };
    expect(await asked()).to.equal(undefined);
    chat.el.setAttribute('adapter-src', 'tone.gguf');
    expect(await asked()).to.deep.equal([{id: 'tone.gguf', scale: 1}]);
    chat.el.setAttribute('adapter-scale', '0.5');
    expect(await asked()).to.deep.equal([{id: 'tone.gguf', scale: 0.5}]);
    expect(chat.client.loadedAdapters).to.deep.equal(['tone.gguf']);
    chat.el.adapterSrc = 'facts.gguf';
    expect(await asked()).to.deep.equal([{id: 'facts.gguf', scale: 0.5}]);
    expect(chat.client.loadedAdapters).to.deep.equal(['facts.gguf']);
    chat.el.removeAttribute('adapter-src');
    expect(await asked()).to.equal(undefined);
    expect(chat.client.loadedAdapters).to.deep.equal([]);
  });

  it('shows label and placeholder, and what the page puts in the slots', async () => {
    const client = new FakeClient();
    const el = await fixture<GemmaChatElement>(html`
      <gemma-chat label="Help desk" placeholder="Ask us" .client=${client.asClient()}>
        <h2 slot="header">Ask the desk</h2>
        <p slot="empty">Hello!</p>
        <button slot="composer-start">Attach</button>
        <button slot="composer-end">Dictate</button>
      </gemma-chat>
    `);
    await expect(el).to.be.accessible();
    const chat = new Harness(el);
    expect(chat.part('base')!.ariaLabel).to.equal('Help desk');
    expect(chat.input.placeholder).to.equal('Ask us');
    for (const child of el.children) expect(child.getBoundingClientRect().height, child.slot).to.be.greaterThan(0);
  });

  it('shows the poster slot, and still what is loaded from where', async () => {
    const el = await fixture<GemmaChatElement>(html`
      <gemma-chat model-src=${MODEL_SRC}><p slot="poster">Chat with our manual.</p></gemma-chat>
    `);
    await expect(el).to.be.accessible();
    const chat = new Harness(el);
    expect(el.firstElementChild!.getBoundingClientRect().height).to.be.greaterThan(0);
    expect(chat.part('facts')!.textContent).to.include('tiny.gguf').and.to.include(location.host);
  });
});
