import {expect, fixture, html} from '@open-wc/testing';
import {emulateMedia, sendKeys} from '@web/test-runner-commands';
import type {GemmaChatElement} from '../../src/element/gemma-chat-element.ts';
import {historyPanel} from '../../src/element/late.ts';
import {GemmaError} from '../../src/errors.ts';
import {FakeClient, fakeLoads, fakeQuestions, inspection} from './fake-client.ts';
import {Harness} from './harness.ts';
import {MemoryStore} from './memory-store.ts';

/** A chat that has been talked to, with everything a header and a message can have. */
async function talked(): Promise<Harness & {client: FakeClient}> {
  const client = new FakeClient();
  const el = await fixture<GemmaChatElement>(html`
    <gemma-chat .client=${client.asClient()} history="local" .historyStore=${new MemoryStore()} feedback></gemma-chat>
  `);
  const chat = Object.assign(new Harness(el), {client});
  await chat.settle();
  await chat.ask('A question that is longer than the narrowest of all screens is wide, by far');
  client.lastAnswer.think('Hm.').text('# Title\n\nText with `code` and a [link](https://example.org).').end();
  await chat.settle();
  await chat.el.historyWritten;
  return chat;
}

const STATES: Record<string, () => Promise<Harness>> = {
  poster: async () => {
    fakeQuestions(() => inspection({freeBytes: 1, license: {name: 'Licence', link: 'https://example.org'}}));
    const chat = await Harness.poster();
    await chat.settle();
    return chat;
  },
  downloading: async () => {
    const loads = fakeLoads();
    const chat = await Harness.poster();
    chat.el.load().catch(() => {});
    loads[0].progress('download', 0.5);
    await chat.settle();
    return chat;
  },
  conversation: talked,
  generating: async () => {
    const chat = await talked();
    await chat.ask('More');
    chat.client.lastAnswer.text('Half an');
    await chat.settle();
    return chat;
  },
  error: async () => {
    const loads = fakeLoads();
    const chat = await Harness.poster();
    chat.el.load().catch(() => {});
    loads[0].fail(new GemmaError('storage-full', 'x'.repeat(200), {detail: {needed: 2, free: 1}}));
    await chat.settle();
    return chat;
  },
  history: async () => {
    await historyPanel.load();
    const chat = await talked();
    await chat.click('Conversations');
    return chat;
  },
  'launcher open': async () => {
    const client = new FakeClient();
    const chat = new Harness(
      await fixture<GemmaChatElement>(
        html`<gemma-chat display="launcher" open .client=${client.asClient()}></gemma-chat>`,
      ),
    );
    await chat.settle();
    return chat;
  },
};

describe('<gemma-chat> in every state', () => {
  for (const [state, open] of Object.entries(STATES)) {
    it(`passes the audit, light and dark: ${state}`, async () => {
      const chat = await open();
      for (const scheme of ['light', 'dark']) {
        chat.el.style.colorScheme = scheme;
        await chat.settle();
        await expect(chat.el).to.be.accessible();
      }
    });

    it(`fits 320 px, with targets of 24 px: ${state}`, async () => {
      const chat = await open();
      if (chat.el.display !== 'launcher') {
        chat.el.style.inlineSize = '320px';
        await chat.settle();
        // What is wide inside (a table, code) scrolls by itself.
        for (const part of ['base', 'messages', 'error', 'history', 'history-list', 'poster', 'progress']) {
          const box = chat.part(part);
          if (box) expect(box.scrollWidth, part).to.be.at.most(box.clientWidth);
        }
      }
      for (const control of chat.el.shadowRoot!.querySelectorAll<HTMLElement>('button, summary, textarea, label')) {
        if (!control.checkVisibility()) continue;
        const {width, height} = control.getBoundingClientRect();
        expect(Math.min(width, height), control.outerHTML).to.be.at.least(24);
      }
    });
  }

  it('moves nothing for those who asked for less motion', async () => {
    await emulateMedia({reducedMotion: 'reduce'});
    try {
      const chat = await STATES.generating();
      await chat.ask('Waiting');
      expect(chat.el.shadowRoot!.getAnimations()).to.deep.equal([]);
      expect((await STATES['launcher open']()).el.shadowRoot!.getAnimations()).to.deep.equal([]);
    } finally {
      await emulateMedia({reducedMotion: 'no-preference'});
    }
  });
});

describe('<gemma-chat> and its shortcuts', () => {
  it('stops on Escape, lists and begins conversations', async () => {
    const chat = await talked();
    await expect(chat.el).to.be.accessible();
    await chat.ask('More');
    chat.client.lastAnswer.text('Half');
    await chat.settle();
    chat.input.focus();
    await sendKeys({press: 'Escape'});
    await chat.settle();
    expect(chat.part('status')!.textContent).to.equal('Stopped.');
    const alt = async (key: string) => {
      await sendKeys({down: 'Alt'});
      await sendKeys({down: 'Shift'});
      await sendKeys({press: key});
      await sendKeys({up: 'Shift'});
      await sendKeys({up: 'Alt'});
      await chat.settle();
    };
    await alt('KeyH');
    expect(chat.part('history')).not.to.equal(null);
    await sendKeys({press: 'Escape'});
    await chat.settle();
    expect(chat.part('history')).to.equal(null);
    await alt('KeyN');
    expect(chat.turns).to.deep.equal([]);
    expect(chat.input.value).to.equal('');
  });

  it('leaves them to the page where they are off', async () => {
    const chat = await talked();
    chat.el.shortcuts = 'off';
    await chat.ask('More');
    for (const init of [{key: 'Escape'}, {key: 'H', code: 'KeyH', altKey: true, shiftKey: true}]) {
      expect((await chat.press(init.key, init)).defaultPrevented).to.equal(false);
    }
    expect(chat.el.status).to.equal('generating');
    expect(chat.part('history')).to.equal(null);
  });

  it('closes a launcher on Escape only when there is nothing to stop', async () => {
    const client = new FakeClient();
    const chat = new Harness(
      await fixture<GemmaChatElement>(
        html`<gemma-chat display="launcher" open .client=${client.asClient()}></gemma-chat>`,
      ),
    );
    await chat.settle();
    await chat.ask('Hello');
    await chat.press('Escape');
    expect([chat.el.status, chat.el.open]).to.deep.equal(['ready', true]);
    await chat.press('Escape');
    expect(chat.el.open).to.equal(false);
  });
});

describe('the example themes', () => {
  for (const theme of ['plain', 'terminal', 'brand']) {
    it(`are accessible, and change the look by public hooks: ${theme}`, async () => {
      const css = await (await fetch(new URL(`../../demo/themes/${theme}.css`, import.meta.url))).text();
      // Our own names with an underscore are no one else's business.
      expect(css).not.to.match(/--_|\[part/);
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
      const before = getComputedStyle((await talked()).part('base')!).backgroundColor;
      document.adoptedStyleSheets.push(sheet);
      try {
        for (const state of ['poster', 'conversation', 'error', 'history']) {
          const chat = await STATES[state]();
          for (const scheme of theme === 'terminal' ? ['dark'] : ['light', 'dark']) {
            chat.el.style.colorScheme = scheme;
            await chat.settle();
            await expect(chat.el).to.be.accessible();
          }
          if (theme !== 'plain') expect(getComputedStyle(chat.part('base')!).backgroundColor).not.to.equal(before);
        }
      } finally {
        document.adoptedStyleSheets = document.adoptedStyleSheets.filter((each) => each !== sheet);
      }
    });
  }
});

describe('the avatars a page gives', () => {
  it('are copied beside each message, on its author’s side', async () => {
    const client = new FakeClient();
    const picture = 'data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg"/>';
    const el = await fixture<GemmaChatElement>(html`
      <gemma-chat .client=${client.asClient()}>
        <img slot="avatar-assistant" id="face" src=${picture} alt="" />
        <template slot="avatar-user"><b>V</b></template>
      </gemma-chat>
    `);
    const chat = new Harness(el);
    for (const question of ['One', 'Two']) {
      await chat.ask(question);
      client.lastAnswer.text('Yes.').end();
      await chat.settle();
    }
    await expect(el).to.be.accessible();
    const avatars = chat.parts('avatar').map((avatar) => avatar.firstElementChild!);
    expect(avatars.map(({localName, id, slot}) => [localName, id, slot])).to.deep.equal([
      ['b', '', ''],
      ['img', '', ''],
      ['b', '', ''],
      ['img', '', ''],
    ]);
    const [user, assistant] = chat.parts('avatar').map((avatar) => avatar.getBoundingClientRect().left);
    expect(assistant).to.be.lessThan(chat.parts('message-text')[1].getBoundingClientRect().left);
    expect(user).to.be.greaterThan(chat.parts('message-text')[0].getBoundingClientRect().left);
  });
});
