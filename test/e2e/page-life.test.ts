// What becomes of a page's chats when it goes, is put aside and comes back, or moves them about; in a browser that keeps
// pages for the way back, as browsers do. One tab stays open and sees what the worker still holds for the others.
import {expect} from 'chai';
import type {BrowserContext, Page} from 'playwright-core';
import {
  answering,
  ask,
  type ChatSite,
  openChatSite,
  openChats,
  pagesUsed,
  QUESTIONS,
  ready,
  type Stats,
  stats,
  until,
} from '../helpers/chat-tabs.ts';

/** What is promised is a second. The worker hears of it between two steps, which take long on an emulated GPU. */
const NOTICED_MS = 1000;

const held = (found: Stats): number[] => [found.clients, found.batch.running, found.batch.queued, pagesUsed(found)];
const IDLE = [2, 0, 0, 0];

describe('the life of a page', () => {
  let site: ChatSite;
  let context: BrowserContext;
  let survivor: Page;
  let alone: string[];

  before(async () => {
    site = await openChatSite({backForwardCache: true});
    context = await site.browser.newContext();
    survivor = await openChats(context, site);
    alone = await ask(survivor);
  });
  after(() => site?.close());
  // Whatever became of a test, the next one finds the survivor alone.
  afterEach(async () => {
    for (const page of context.pages()) if (page !== survivor) await page.close();
    await released();
  });

  /** Milliseconds until the worker holds nothing for anyone but the survivor. */
  async function released(): Promise<number> {
    const begun = Date.now();
    await until(survivor, (found) => held(found).join() === IDLE.join());
    return Date.now() - begun;
  }

  /** A tab whose two answers are in the making. */
  async function inMidAnswer(): Promise<Page> {
    const page = await openChats(context, site);
    ask(page).catch(() => undefined);
    await answering(survivor, 2);
    return page;
  }

  const deaths: Record<string, (page: Page) => Promise<unknown>> = {
    'is closed': (page) => page.close(),
    crashes: (page) => page.goto('chrome://crash').catch(() => undefined),
    'is left for another site': (page) => page.goto('data:text/html,elsewhere'),
    'is left within the site': (page) => page.goto(`${site.url}elsewhere`),
  };
  for (const [what, happen] of Object.entries(deaths)) {
    it(`lets go within a second when it ${what} in mid-answer`, async () => {
      const page = await inMidAnswer();
      await happen(page);
      expect(await released()).to.be.below(NOTICED_MS);
    });
  }

  it('shows the same conversation when the visitor comes back, and goes on', async () => {
    const page = await openChats(context, site);
    await ask(page);
    const files = site.modelRequests;
    const shown = () => page.evaluate(() => [...document.querySelectorAll('gemma-chat')].map(({messages}) => messages));
    const before = await shown();
    await page.evaluate(() => {
      addEventListener('pageshow', ({persisted}) => {
        document.title = persisted ? 'kept' : 'new';
      });
    });
    await page.goto(`${site.url}elsewhere`);
    await released();
    await page.goBack({waitUntil: 'commit'}); // a page that was kept does not load
    await page.waitForFunction(() => document.title === 'kept');
    await ready(page);
    expect(await shown()).to.deep.equal(before);
    expect(await ask(page)).to.deep.equal(alone);
    const {clients, models} = await stats(survivor);
    expect([clients, models, site.modelRequests]).to.deep.equal([4, 1, files]);
  });

  it('starts anew when it is reloaded in mid-answer, with the model that is there', async () => {
    const page = await inMidAnswer();
    const files = site.modelRequests;
    await page.reload();
    await ready(page);
    const begun = Date.now();
    await until(survivor, ({clients, batch}) => clients === 4 && batch.running === 0);
    expect(Date.now() - begun).to.be.below(NOTICED_MS);
    expect(await ask(page)).to.deep.equal(alone);
    expect([(await stats(survivor)).models, site.modelRequests]).to.deep.equal([1, files]);
  });

  it('may move a chat in mid-answer, or take it out and put it back: same conversation, same model', async () => {
    const page = await openChats(context, site);
    const files = site.modelRequests;
    const moved = await page.evaluate(async (question) => {
      const chat = document.querySelector('gemma-chat')!;
      const section = document.createElement('section');
      document.body.append(section);
      const answer = chat.send(question);
      await new Promise((resolve) => chat.addEventListener('gemma-chat-message', resolve, {once: true}));
      const {client} = chat;
      section.append(chat);
      const {content} = (await answer)!;
      return {content, sameClient: chat.client === client};
    }, QUESTIONS[0]);
    expect(moved).to.deep.equal({content: alone[0], sameClient: true});

    await page.evaluate(() => {
      const chat = document.querySelector('section gemma-chat')!;
      chat.remove();
      Object.assign(globalThis, {chat});
    });
    await until(survivor, ({clients}) => clients === 3);
    await page.evaluate(() => document.body.append((globalThis as unknown as {chat: Element}).chat));
    await ready(page);
    const messages = await page.evaluate(() => [...document.querySelectorAll('gemma-chat')].at(-1)!.messages);
    expect(messages.map(({content}) => content)).to.deep.equal([QUESTIONS[0], alone[0]]);
    const {clients, models} = await stats(survivor);
    expect([clients, models, site.modelRequests]).to.deep.equal([4, 1, files]);
  });

  it('may stand in a window of its own, with its looks, and come back', async () => {
    const page = await openChats(context, site);
    // Such a window wants a press.
    await page.evaluate(() => {
      document.body.insertAdjacentHTML('afterbegin', '<button id="pop">Pop out</button>');
      document.getElementById('pop')!.addEventListener('click', async () => {
        const {documentPictureInPicture} = globalThis as unknown as {
          documentPictureInPicture: {requestWindow(): Promise<Window>};
        };
        const popped = await documentPictureInPicture.requestWindow();
        popped.document.body.append(document.querySelector('gemma-chat')!);
        Object.assign(globalThis, {popped});
      });
    });
    await page.click('#pop');
    await page.waitForFunction(() => 'popped' in globalThis);
    const there = await page.evaluate(async (question) => {
      const {document: other} = (globalThis as unknown as {popped: Window}).popped;
      const chat = other.querySelector('gemma-chat')!;
      const {content} = (await chat.send(question))!;
      const {display} = getComputedStyle(chat.shadowRoot!.querySelector('[part~=base]')!);
      document.body.append(chat);
      return {content, display};
    }, QUESTIONS[0]);
    expect(there).to.deep.equal({content: alone[0], display: 'flex'});
    await ready(page);
    const messages = await page.evaluate(() => [...document.querySelectorAll('gemma-chat')].at(-1)!.messages);
    expect(messages.map(({content}) => content)).to.deep.equal([QUESTIONS[0], alone[0]]);
  });
});
