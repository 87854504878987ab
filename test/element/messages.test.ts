import {expect, fixture, html} from '@open-wc/testing';
import type {GemmaChatElement} from '../../src/element/gemma-chat-element.ts';
import {turnParts} from '../../src/element/late.ts';
import type {ChatMessage} from '../../src/protocol/messages.ts';
import {FakeClient} from './fake-client.ts';
import {Harness, record} from './harness.ts';

type Ready = Harness & {client: FakeClient};

/** One question, answered. */
async function answered(question = 'Name?', answer = 'Ann'): Promise<Ready> {
  const chat = await Harness.ready();
  await chat.ask(question);
  chat.client.lastAnswer.text(answer).end();
  await chat.settle();
  return chat;
}

async function finish(chat: Ready, answer: string): Promise<void> {
  chat.client.lastAnswer.text(answer).end();
  await chat.settle();
}

const has = (chat: Harness, part: string) => chat.part(part) !== null;

/** Puts `value` in the place of a property of the browser's for one test. */
const replaced: (() => void)[] = [];
function replace(target: object, name: string, value: unknown): void {
  const own = Object.getOwnPropertyDescriptor(target, name);
  Object.defineProperty(target, name, {configurable: true, value});
  replaced.push(() => (own ? Object.defineProperty(target, name, own) : Reflect.deleteProperty(target, name)));
}
afterEach(() => {
  for (const restore of replaced.splice(0)) restore();
});

describe('the messages of <gemma-chat>', () => {
  it('are accessible with versions, ratings, suggestions and a message being changed', async () => {
    const chat = await answered();
    chat.el.feedback = true;
    chat.el.suggestions = ['And yours?'];
    await chat.click('Answer again');
    await finish(chat, '# Bob\n\n| a |\n|-|\n| [b](https://b.example) |\n\n- [x] c\n\n```js\nlet d;\n```\n\n$e$');
    await expect(chat.el).to.be.accessible();
    await chat.click('Edit');
    await expect(chat.el).to.be.accessible();
  });

  it('are shown as they were written until Markdown and the buttons are there', async () => {
    replace(turnParts, 'value', null);
    const chat = await answered('Name?', '**Ann** is my name');
    expect(chat.turns).to.deep.equal(['Name?', '**Ann** is my name']);
    expect(has(chat, 'actions')).to.equal(false);
    await expect(chat.el).to.be.accessible();
    replaced.splice(0).forEach((restore) => void restore());
    chat.el.requestUpdate();
    await chat.settle();
    expect(chat.turns).to.deep.equal(['Name?', 'Ann is my name']);
    expect(has(chat, 'copy-button')).to.equal(true);
  });

  it('are copied as they were written', async () => {
    const chat = await answered('Name?', '**Ann**');
    const copied: string[] = [];
    replace(navigator, 'clipboard', {writeText: async (text: string) => copied.push(text)});
    await chat.click('Copy');
    expect(copied).to.deep.equal(['**Ann**']);
    expect(chat.announced.at(-1)).to.equal('Copied.');
    replace(navigator, 'clipboard', {writeText: () => Promise.reject(new Error('not allowed'))});
    await chat.click('Copy');
    expect(chat.announced.at(-1)).to.equal('Copying did not work.');
  });

  describe('when one is changed', () => {
    it('sends the change as a new version and keeps the old one with its answer', async () => {
      const chat = await answered();
      const sent = record<{reason: string}>(chat.el, 'gemma-chat-send');
      await chat.click('Edit');
      const field = chat.part<HTMLTextAreaElement>('edit-input')!;
      expect(chat.el.shadowRoot!.activeElement).to.equal(field);
      field.value = 'Full name?';
      field.dispatchEvent(new InputEvent('input'));
      field.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true, cancelable: true}));
      await chat.settle();
      expect(sent[0].detail.reason).to.equal('edit');
      expect(chat.client.lastAnswer.call.messages).to.deep.equal([{role: 'user', content: 'Full name?'}]);
      await finish(chat, 'Ann Lee');
      expect(chat.turns).to.deep.equal(['Full name?', 'Ann Lee']);
      expect(chat.part('branch-number')!.textContent).to.equal('2/2');
      await chat.click('Previous version');
      expect(chat.turns).to.deep.equal(['Name?', 'Ann']);
      expect(chat.el.messages.map(({content}) => content)).to.deep.equal(['Name?', 'Ann']);
      await chat.click('Next version');
      expect(chat.turns).to.deep.equal(['Full name?', 'Ann Lee']);
    });

    it('leaves it as it was on Escape, and gives the button its focus back', async () => {
      const chat = await answered();
      await chat.click('Edit');
      const field = chat.part<HTMLTextAreaElement>('edit-input')!;
      field.dispatchEvent(new KeyboardEvent('keydown', {key: 'Escape', bubbles: true, cancelable: true}));
      await chat.settle();
      expect(chat.turns).to.deep.equal(['Name?', 'Ann']);
      expect(chat.el.shadowRoot!.activeElement).to.equal(chat.button('Edit'));
      expect(chat.client.answers).to.have.lengthOf(1);
    });

    it('leaves off when another conversation takes its place', async () => {
      const chat = await answered();
      await chat.click('Edit');
      chat.el.messages = [{role: 'user', content: 'Other'}];
      await chat.settle();
      expect(has(chat, 'edit-input')).to.equal(false);
      expect(chat.turns).to.deep.equal(['Other']);
    });

    it('keeps the text where the page prevents it', async () => {
      const chat = await answered();
      chat.el.addEventListener('gemma-chat-send', (event) => event.preventDefault());
      await chat.click('Edit');
      chat.part('send-edit-button')!.click();
      await chat.settle();
      expect(chat.part<HTMLTextAreaElement>('edit-input')!.value).to.equal('Name?');
      expect(chat.client.answers).to.have.lengthOf(1);
    });
  });

  describe('when one is answered again', () => {
    it('keeps the earlier answer as a version', async () => {
      const chat = await answered();
      await chat.click('Answer again');
      expect(chat.turns).to.deep.equal(['Name?']);
      await finish(chat, 'Bob');
      expect(chat.part('branch-number')!.textContent).to.equal('2/2');
      await chat.click('Previous version');
      expect(chat.turns).to.deep.equal(['Name?', 'Ann']);
      expect(chat.button('Previous version').ariaDisabled).to.equal('true');
    });

    it('shows the earlier answer again where nothing came', async () => {
      const chat = await answered();
      await chat.click('Answer again');
      await chat.click('Stop');
      expect(chat.turns).to.deep.equal(['Name?', 'Ann']);
      expect(has(chat, 'branch')).to.equal(false);
    });

    it('can be one in the middle: what followed stays with its version', async () => {
      const chat = await answered();
      await chat.ask('And yours?');
      await finish(chat, 'Lee');
      const [first] = chat.parts('regenerate-button');
      first.click();
      await chat.settle();
      await finish(chat, 'Bob');
      expect(chat.turns).to.deep.equal(['Name?', 'Bob']);
      await chat.click('Previous version');
      expect(chat.turns).to.deep.equal(['Name?', 'Ann', 'And yours?', 'Lee']);
    });
  });

  it('are deleted with what followed', async () => {
    const chat = await answered();
    await chat.ask('And yours?');
    await finish(chat, 'Lee');
    chat.parts('delete-message-button')[1].click();
    await chat.settle();
    expect(chat.turns).to.deep.equal(['Name?']);
    expect(chat.announced.at(-1)).to.equal('Message deleted.');
    expect(chat.el.shadowRoot!.activeElement).to.equal(chat.input);
  });

  it('cannot be changed while an answer is written, but copied', async () => {
    const chat = await answered();
    await chat.ask('More');
    for (const part of ['edit-button', 'regenerate-button', 'delete-message-button'])
      expect(has(chat, part), part).to.equal(false);
    expect(chat.parts('copy-button')).to.have.lengthOf(3);
  });

  describe('read aloud', () => {
    it('are spoken without their marks, and fall silent on demand', async () => {
      const spoken: SpeechSynthesisUtterance[] = [];
      let cancelled = 0;
      replace(window, 'speechSynthesis', {
        speak: (it: SpeechSynthesisUtterance) => spoken.push(it),
        cancel: () => cancelled++,
      });
      const chat = await answered('Name?', '**Ann** and [Bob](https://b.example)');
      await chat.click('Read aloud');
      expect(spoken[0].text).to.equal('Ann and Bob');
      expect(spoken[0].lang).to.equal('en');
      await chat.click('Stop reading');
      expect(cancelled).to.equal(1);
      await chat.click('Read aloud');
      spoken[1].dispatchEvent(new Event('end'));
      await chat.settle();
      expect(chat.button('Read aloud')).not.to.equal(undefined);
    });

    it('is not offered where the browser has no voice', async () => {
      replace(window, 'speechSynthesis', undefined);
      const chat = await answered();
      expect(has(chat, 'read-button')).to.equal(false);
    });
  });

  it('are rated where the page asks for it', async () => {
    const chat = await answered();
    expect(has(chat, 'good-button')).to.equal(false);
    chat.el.feedback = true;
    await chat.settle();
    const rated = record<{rating: string | null; message: {content: string}}>(document, 'gemma-chat-feedback');
    await chat.click('Good answer');
    expect(chat.button('Good answer').ariaPressed).to.equal('true');
    await chat.click('Bad answer');
    await chat.click('Bad answer');
    expect(rated.map(({detail}) => [detail.message.content, detail.rating])).to.deep.equal([
      ['Ann', 'up'],
      ['Ann', 'down'],
      ['Ann', null],
    ]);
    expect(chat.button('Good answer').ariaPressed).to.equal('false');
  });

  it('tell how long the model thought', async () => {
    const chat = await Harness.ready();
    await chat.ask('Why?');
    chat.client.lastAnswer.think('Let me **see**.');
    await chat.settle();
    chat.client.lastAnswer.text('Because.').end();
    await chat.settle();
    expect(chat.part('thinking-summary')!.textContent).to.match(/^Thought for [\d.]+ sec$/);
    expect(chat.part('thinking-text')!.querySelector('strong')!.textContent).to.equal('see');
  });

  it('offer ways to begin and to go on', async () => {
    const chat = await Harness.ready();
    chat.el.setAttribute('starters', '["Hello", {"label": "Help", "text": "What can you do?"}]');
    await chat.settle();
    await chat.click('Help');
    expect(chat.turns).to.deep.equal(['What can you do?']);
    expect(has(chat, 'starters')).to.equal(false);
    await finish(chat, 'Much.');
    chat.el.suggestions = ['Such as?'];
    await chat.settle();
    await chat.click('Such as?');
    expect(chat.turns.at(-1)).to.equal('Such as?');
    await finish(chat, 'This.');
    expect(has(chat, 'prompt')).to.equal(false);
  });

  it('tell the place in the queue, and the speed where the page asks for it', async () => {
    const chat = await Harness.ready();
    await chat.ask('Hello');
    chat.client.lastAnswer.call.onProgress({phase: 'queued', position: 3});
    await chat.settle();
    expect(chat.part('status')!.textContent).to.equal('Waiting: 3 answers come first…');
    chat.client.lastAnswer.text('a');
    await chat.settle();
    chat.client.lastAnswer.text('b').text('c');
    await chat.settle();
    expect(chat.part('status')!.textContent).to.equal('Answering…');
    chat.client.lastAnswer.call.onProgress({phase: 'restarting'});
    await chat.settle();
    expect(chat.part('status')!.textContent).to.equal('The model stopped and is starting again…');
    chat.client.lastAnswer.text('d');
    await chat.settle();
    chat.el.showSpeed = true;
    await chat.settle();
    expect(chat.part('status')!.textContent).to.match(/^Answering… · [\d.,]+ tokens\/s$/);
  });

  it('stop in the queue and while the model reads', async () => {
    for (const progress of [{phase: 'queued', position: 2} as const, {phase: 'prefill', done: 1, total: 9} as const]) {
      const chat = await Harness.ready();
      await chat.ask('Hello');
      chat.client.lastAnswer.call.onProgress(progress);
      await chat.settle();
      await chat.click('Stop');
      expect(chat.client.lastAnswer.call.signal.aborted, progress.phase).to.equal(true);
      expect(chat.el.status, progress.phase).to.equal('ready');
      expect(chat.turns).to.deep.equal(['Hello']);
    }
  });

  it('lead to their end with a button, while the reader is elsewhere', async () => {
    const chat = await answered('Tell', 'A line.\n'.repeat(60));
    const list = chat.part('messages')!;
    expect(has(chat, 'end-button')).to.equal(false);
    list.scrollTop = 0;
    await chat.settle();
    await chat.settle();
    await chat.click('To the end');
    expect(list.scrollHeight - list.clientHeight - list.scrollTop).to.be.lessThan(2);
    await chat.settle();
    expect(has(chat, 'end-button')).to.equal(false);
  });

  it('stay at their end when they get less room', async () => {
    const chat = await answered('Tell', 'A line.\n'.repeat(60));
    const list = chat.part('messages')!;
    chat.el.style.blockSize = '300px';
    await chat.settle();
    await chat.settle();
    expect(list.scrollHeight - list.clientHeight - list.scrollTop).to.be.lessThan(2);
  });

  it('are left alone, a thousand of them, while the last one grows', async function () {
    this.timeout(60_000);
    const chat = await Harness.ready();
    chat.el.messages = Array.from({length: 999}, (_, i) =>
      i % 2 === 0
        ? {role: 'user', content: `Question ${i}`}
        : {role: 'assistant', content: `**Answer** ${i}\n\n- a\n- b`},
    );
    await chat.settle();
    await chat.ask('The last one');
    chat.client.lastAnswer.text('First block.\n\nSecond block.\n\nThird block.\n\nAnd');
    await chat.settle();
    const last = chat.parts('message').at(-1)!;
    const touched: MutationRecord[] = [];
    const observer = new MutationObserver((records) => touched.push(...records));
    const list = chat.part('messages')!;
    observer.observe(list, {subtree: true, childList: true, characterData: true, attributes: true});
    chat.client.lastAnswer.text(' more');
    await chat.settle();
    observer.disconnect();
    expect(touched).to.have.lengthOf.within(1, 3);
    const text = last.querySelector('[part~="message-text"]')!;
    const open = [...text.children].at(-1)!;
    expect(open.textContent).to.equal('And more');
    for (const {target} of touched) expect(open.contains(target), target.nodeName).to.equal(true);
    // What is out of view is not laid out.
    expect(getComputedStyle(last).contentVisibility).to.equal('auto');
  });

  describe('and beforeSend', () => {
    it('may take its time and change what the model reads', async () => {
      const chat = await Harness.ready();
      let found = () => {};
      chat.el.beforeSend = async ({messages}) => {
        await new Promise<void>((resolve) => (found = resolve));
        messages.unshift({role: 'system', content: 'Found: 42.'});
      };
      await chat.ask('What?');
      expect(chat.el.status).to.equal('generating');
      expect(chat.client.answers).to.have.lengthOf(0);
      found();
      await chat.settle();
      expect(chat.client.lastAnswer.call.messages[0].content).to.equal('Found: 42.');
    });

    it('ends with Stop, and shows what it throws', async () => {
      const chat = await Harness.ready();
      let signal: AbortSignal | undefined;
      chat.el.beforeSend = (_, given) => {
        signal = given;
        return new Promise((_resolve, reject) => given.addEventListener('abort', () => reject(given.reason)));
      };
      await chat.ask('One');
      await chat.click('Stop');
      expect(signal!.aborted).to.equal(true);
      expect(chat.el.status).to.equal('ready');
      chat.el.beforeSend = () => {
        throw new Error('the search is down');
      };
      await chat.ask('Two');
      expect(chat.el.status).to.equal('error');
      expect(chat.part('error-detail')!.textContent).to.include('the search is down');
    });
  });
});

describe('<gemma-chat> in a form', () => {
  async function inForm(): Promise<{form: HTMLFormElement; chat: Ready}> {
    const client = new FakeClient();
    const form = await fixture<HTMLFormElement>(html`
      <form>
        <fieldset><gemma-chat name="talk" .client=${client.asClient()}></gemma-chat></fieldset>
      </form>
    `);
    const chat = new Harness(form.querySelector<GemmaChatElement>('gemma-chat')!);
    await expect(chat.el).to.be.accessible();
    return {form, chat: Object.assign(chat, {client})};
  }

  it('is sent as a list of messages or as text, and not at all while it is empty', async () => {
    const {form, chat} = await inForm();
    expect(chat.el.form).to.equal(form);
    expect(new FormData(form).get('talk')).to.equal(null);
    await chat.ask('Hi');
    chat.client.lastAnswer.think('Hm.').text('Hello').end();
    await chat.settle();
    expect(JSON.parse(String(new FormData(form).get('talk')))).to.deep.equal([
      {role: 'user', content: 'Hi'},
      {role: 'assistant', content: 'Hello'},
    ]);
    chat.el.valueFormat = 'text';
    await chat.settle();
    expect(new FormData(form).get('talk')).to.equal('You: Hi\n\nGemma: Hello');
  });

  it('is cleared when the form is reset, and rests when it is disabled', async () => {
    const {form, chat} = await inForm();
    await chat.ask('Hi');
    await finish(chat, 'Hello');
    form.querySelector('fieldset')!.disabled = true;
    await chat.settle();
    expect(chat.input.disabled).to.equal(true);
    form.querySelector('fieldset')!.disabled = false;
    form.reset();
    await chat.settle();
    expect(chat.input.disabled).to.equal(false);
    expect(chat.el.messages).to.deep.equal([]);
    expect(new FormData(form).get('talk')).to.equal(null);
  });

  it('copies a button of the page beneath each answer, and says when it is pressed', async () => {
    const client = new FakeClient();
    const el = await fixture<GemmaChatElement>(html`
      <gemma-chat
        .client=${client.asClient()}
        .messages=${[{role: 'user', content: 'Q'}, {role: 'assistant', content: 'A'}]}
      >
        <button slot="message-button" value="share" aria-label="Share"><b>S</b></button>
        <button slot="header-tools">Help</button>
        <small slot="footer">May be wrong.</small>
        <b slot="icon-send">S</b>
      </gemma-chat>
    `);
    const chat = new Harness(el);
    await chat.settle();
    await expect(el).to.be.accessible();
    const pressed = record<{id: number; action: string; message: ChatMessage}>(document, 'gemma-chat-action');
    expect(chat.parts('message-button').map((button) => button.textContent)).to.deep.equal(['S']);
    await chat.click('Share');
    expect(pressed.map(({detail}) => [detail.action, detail.message.content])).to.deep.equal([['share', 'A']]);
    const slots = [...el.children].map((child) => child.assignedSlot?.name ?? null);
    expect(slots).to.deep.equal([null, 'header-tools', 'footer', 'icon-send']);
    const footer = el.querySelector('small')!.getBoundingClientRect();
    expect(footer.top).to.be.at.least(chat.part('composer')!.getBoundingClientRect().bottom - 1);
    expect(footer.bottom).to.be.at.most(chat.part('base')!.getBoundingClientRect().bottom);
  });

  it('goes on with an answer that reached its length limit, in the same message', async () => {
    const chat = await Harness.ready();
    await chat.ask('Count');
    chat.client.lastAnswer.text('One. Two, thr').end('length');
    await chat.settle();
    const said = chat.el.shadowRoot!.textContent.split('The answer reached its length limit.').length - 1;
    expect(said).to.equal(1);
    await chat.click('Continue the answer');
    await chat.until(() => chat.client.answers.length === 2);
    // The question's tokens, and the answer's after them.
    expect(chat.client.lastAnswer.call.prompt).to.deep.equal([0, 1, 0, 1, 2]);
    chat.client.lastAnswer.text('ee. Four.').end('stop');
    await chat.until(() => chat.el.status === 'ready');
    await chat.settle();
    expect(chat.turns).to.deep.equal(['Count', 'One. Two, three. Four.']);
    expect(chat.el.messages.map(({role}) => role)).to.deep.equal(['user', 'assistant']);
    expect(chat.parts('branch')).to.have.length(0);
    // What was read out is not read out again.
    expect(chat.announced.filter((line) => line === 'One.')).to.have.length(1);
    expect(chat.announced.at(-1)).to.include('Four.');
    await expect(chat.el).to.be.accessible();
  });
});
