// The element on pages whose styles reach it: root sizes, resets of everything, text styles that are inherited.
import {expect, fixture, html} from '@open-wc/testing';
import type {GemmaChatElement} from '../../src/element/gemma-chat-element.ts';
import {colours, historyPanel, knowledgeParts, turnParts} from '../../src/element/late.ts';
import {styles} from '../../src/element/styles/index.ts';
import {GemmaError} from '../../src/errors.ts';
import type {ChatMessage} from '../../src/protocol/messages.ts';
import {FakeClient, fakeLoads, fakeQuestions, inspection} from './fake-client.ts';
import {Harness, MODEL_SRC} from './harness.ts';
import {MemoryStore} from './memory-store.ts';

const RICH = `# One\n\nText, **bold**, \`code\` and a [link](https://example.com/).\n\n## Two\n\n- a\n- b\n\n> quote\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n\`\`\`js\nconst a = 1;\n\`\`\``;
const TALK: ChatMessage[] = [
  {role: 'user', content: 'Question'},
  {role: 'assistant', content: RICH, reasoning: 'Thinking'},
  {role: 'user', content: 'Another'},
  {role: 'assistant', content: 'Answer', sources: [{url: 'https://example.com/', title: 'T', headings: [], text: 'x'}]},
];

/** Rules of the page, until the test ends. */
const rules: HTMLStyleElement[] = [];
function page(css: string): void {
  const style = document.createElement('style');
  style.textContent = css;
  document.head.append(style);
  rules.push(style);
}

type State = (box: HTMLElement) => Promise<Harness>;

async function chatIn(box: HTMLElement, set: Partial<GemmaChatElement> = {}): Promise<Harness> {
  const el = Object.assign(document.createElement('gemma-chat'), set);
  box.append(el);
  const chat = new Harness(el);
  await chat.settle();
  return chat;
}

/** What a visitor may have before them. */
const STATES: Record<string, State> = {
  poster: async (box) => {
    fakeQuestions(() => inspection({license: {name: 'Gemma', link: 'https://ai.google.dev/'}}));
    const chat = await chatIn(box, {modelSrc: MODEL_SRC, starters: ['Hello'], localFiles: true});
    await chat.settle();
    return chat;
  },
  progress: async (box) => {
    const loads = fakeLoads();
    const chat = await chatIn(box, {modelSrc: MODEL_SRC});
    chat.el.load().catch(() => {});
    loads[0].progress('download', 0.5);
    await chat.ask('Waits');
    return chat;
  },
  conversation: async (box) => {
    const client = new FakeClient();
    const set = {client: client.asClient(), showNames: true, showTimes: true, showAvatars: true, feedback: true};
    const chat = await chatIn(box, {...set, suggestions: ['More'], messages: TALK});
    await chat.settle();
    return chat;
  },
  error: async (box) => {
    const loads = fakeLoads();
    const chat = await chatIn(box, {modelSrc: MODEL_SRC});
    chat.el.load().catch(() => {});
    loads[0].fail(new GemmaError('out-of-memory', 'too large'));
    await chat.settle();
    return chat;
  },
  history: async (box) => {
    const client = new FakeClient().asClient();
    const chat = await chatIn(box, {client, historyStore: new MemoryStore(), history: 'local', messages: TALK});
    await chat.el.historyWritten;
    await chat.click('Conversations');
    await chat.settle();
    return chat;
  },
};

const shown = (chat: Harness) =>
  [...chat.el.shadowRoot!.querySelectorAll<HTMLElement>('*')].filter(
    (el) => el.checkVisibility({visibilityProperty: true}) && !el.closest('.visually-hidden, [inert], math'),
  );
const ownText = (el: Element) => [...el.childNodes].some((node) => node instanceof Text && node.data.trim() !== '');
const sizeOf = (el: Element) => Number.parseFloat(getComputedStyle(el).fontSize);

describe('<gemma-chat> among styles of the page', () => {
  before(() => Promise.all([historyPanel.load(), colours.load(), knowledgeParts.load()]));
  afterEach(() => {
    for (const style of rules.splice(0)) style.remove();
    sessionStorage.clear();
  });

  it('takes no size from the root', () => {
    const late = turnParts.value!.styles + historyPanel.value!.styles;
    expect(late.length).to.be.greaterThan(5000);
    expect(styles.map(String).join('') + late).not.to.match(/\d(?:rem|rlh|rex|rch)\b/);
  });

  for (const [name, state] of Object.entries(STATES)) {
    it(`looks alike at any size of the root: ${name}`, async () => {
      const measured: string[][] = [];
      for (const root of ['100%', '62.5%', '200%']) {
        page(`html { font-size: ${root} } body { font-size: 16px }`);
        const box = await fixture<HTMLElement>(html`<div style="inline-size: 360px; block-size: 640px"></div>`);
        const chat = await state(box);
        measured.push(
          shown(chat).map((el) => {
            const {width, height} = el.getBoundingClientRect();
            return `${el.getAttribute('part') ?? el.localName} ${Math.round(width)}×${Math.round(height)} ${sizeOf(el)}`;
          }),
        );
        box.remove();
      }
      expect(measured[0].length).to.be.greaterThan(10);
      expect(measured[1]).to.deep.equal(measured[0]);
      expect(measured[2]).to.deep.equal(measured[0]);
    });

    it(`stays legible and can be pressed where text is inherited at 10px: ${name}`, async () => {
      page('html { font-size: 62.5% }');
      const box = await fixture<HTMLElement>(
        html`<div style="inline-size: 360px; block-size: 640px; font-size: 10px"></div>`,
      );
      const chat = await state(box);
      expect(getComputedStyle(chat.el).fontSize).to.equal('10px');
      const small = shown(chat).filter((el) => ownText(el) && sizeOf(el) < 12);
      expect(small.map((el) => `${el.outerHTML.slice(0, 80)} ${sizeOf(el)}`)).to.deep.equal([]);
      const targets = shown(chat).filter((el) => el.matches('button, textarea, input, summary, a'));
      expect(targets.length).to.be.greaterThan(1);
      const narrow = targets.filter((el) => {
        const {width, height} = el.getBoundingClientRect();
        // A link within a sentence is as high as its line.
        return el.matches('p > a') ? false : width < 24 || height < 24;
      });
      expect(narrow.map((el) => el.outerHTML.slice(0, 120))).to.deep.equal([]);
      box.remove();
    });
  }

  /** What holds for fingers, held for any pointer. */
  async function coarsely(chat: Harness, measure: () => Promise<void>): Promise<void> {
    const sheetRules = chat.el.shadowRoot!.adoptedStyleSheets.flatMap((sheet) => [...sheet.cssRules]);
    const coarse = sheetRules.find(
      (rule): rule is CSSMediaRule => rule instanceof CSSMediaRule && rule.media.mediaText === '(pointer: coarse)',
    )!;
    coarse.media.mediaText = 'all';
    try {
      await measure();
    } finally {
      coarse.media.mediaText = '(pointer: coarse)';
    }
  }

  for (const [name, state] of Object.entries(STATES)) {
    it(`gives a finger 44px: ${name}`, async () => {
      const box = await fixture<HTMLElement>(
        html`<div style="inline-size: 360px; block-size: 640px; font-size: 10px"></div>`,
      );
      const chat = await state(box);
      await coarsely(chat, async () => {
        await chat.settle();
        const targets = shown(chat).filter((el) => el.matches('button, textarea, input, summary, dd a, li > a'));
        const small = targets.filter((el) => {
          const {width, height} = el.getBoundingClientRect();
          return height < 44 || (el.matches('button') && width < 44);
        });
        expect(small.map((el) => el.outerHTML.slice(0, 120))).to.deep.equal([]);
        expect(chat.part('base')!.scrollWidth).to.be.at.most(chat.part('base')!.clientWidth);
      });
      box.remove();
    });
  }

  it('follows the size that it inherits, or is given', async () => {
    const box = await fixture<HTMLElement>(html`
      <div style="font-size: 20px">
        <gemma-chat .client=${new FakeClient().asClient()}></gemma-chat>
        <gemma-chat
          .client=${new FakeClient().asClient()}
          style="--gemma-chat-font-size: 1.5em; --gemma-chat-gap: 0; --gemma-chat-radius: 0"
        ></gemma-chat>
      </div>
    `);
    const [first, second] = [...box.querySelectorAll('gemma-chat')].map((el) => new Harness(el));
    await first.settle();
    expect([first, second].map((chat) => sizeOf(chat.input))).to.deep.equal([20, 30]);
    // A length without a unit is one.
    expect(getComputedStyle(second.part('composer')!).paddingInline).to.equal('0px');
    expect(getComputedStyle(second.part('base')!).borderRadius).to.equal('0px');
  });

  const RESETS = {
    'all: unset': '* { all: unset }',
    'the new CSS reset':
      '*:where(:not(html, iframe, canvas, img, svg, video, audio):not(svg *, symbol *)) { all: unset; display: revert } *, *::before, *::after { box-sizing: border-box }',
  };
  const boxOf = (el: Element) => {
    const {x, y, width, height} = el.getBoundingClientRect();
    return [x, y, width, height].map(Math.round);
  };

  for (const [name, css] of Object.entries(RESETS)) {
    it(`keeps its place in a page under ${name}`, async () => {
      page(`${css} .column { display: block; width: 320px; margin: 20px } .box { display: block; height: 500px }`);
      const column = await fixture<HTMLElement>(html`
        <div class="column">
          <div class="box"><gemma-chat .client=${new FakeClient().asClient()}></gemma-chat></div>
          <gemma-chat model-src=${MODEL_SRC}></gemma-chat>
          <gemma-chat display="panel" model-src=${MODEL_SRC}></gemma-chat>
        </div>
      `);
      const chats = [...column.querySelectorAll('gemma-chat')].map((el) => new Harness(el));
      await chats[0].settle();
      const [inBox, free, panel] = chats.map((chat) => boxOf(chat.part('base')!));
      const [x, y] = boxOf(column.querySelector('.box')!);
      expect(inBox).to.deep.equal([x, y, 320, 500]);
      expect(free[2]).to.equal(320);
      expect(free[1]).to.be.at.least(inBox[1] + inBox[3]);
      expect(free[3]).to.equal(Math.round(Math.min(512, innerHeight * 0.85)));
      expect(panel[1]).to.be.at.least(free[1] + free[3]);
      expect(panel[3]).to.equal(320);
      const load = chats[1].part('load-button')!.getBoundingClientRect();
      expect(load.bottom).to.be.at.most(free[1] + free[3]);
    });

    it(`has its launcher in the corner under ${name}`, async () => {
      page(css);
      const el = await fixture<GemmaChatElement>(html`<gemma-chat display="launcher"></gemma-chat>`);
      const chat = new Harness(el);
      await chat.settle();
      const corner = () => {
        const {right, bottom} = chat.part('launcher-button')!.getBoundingClientRect();
        return [document.documentElement.clientWidth - right, innerHeight - bottom].map(Math.round);
      };
      const [end, foot] = corner();
      expect([end, foot]).to.deep.equal([16, 16]);
      el.open = true;
      await chat.settle();
      const panel = chat.part('panel')!.getBoundingClientRect();
      expect(panel.width).to.be.greaterThan(200);
      expect(panel.height).to.be.greaterThan(200);
      expect(panel.top).to.be.at.least(0);
      expect(panel.right).to.be.at.most(innerWidth);
    });

    it(`is drawn as on an empty page under ${name}`, async () => {
      const looks: string[][] = [];
      for (const reset of ['', css]) {
        page(`${reset} .column { display: block; width: 360px; height: 640px; font: 16px serif }`);
        const column = await fixture<HTMLElement>(html`<div class="column"></div>`);
        const chat = await STATES.conversation(column);
        // Out of view, turns have guessed heights.
        for (const message of chat.parts('message')) message.style.contentVisibility = 'visible';
        looks.push(
          shown(chat).map((el) => {
            const {width, height} = el.getBoundingClientRect();
            const {color, backgroundColor, fontSize, fontFamily, cursor} = getComputedStyle(el);
            return [el.getAttribute('part') ?? el.localName, Math.round(width), Math.round(height)]
              .concat(color, backgroundColor, fontSize, fontFamily, cursor)
              .join(' ');
          }),
        );
        column.remove();
      }
      expect(looks[1]).to.deep.equal(looks[0]);
    });
  }

  it('takes the place that the documentation keeps for it before its script', async () => {
    const advice = (await (await fetch(new URL('../../docs/element.md', import.meta.url))).text()).match(
      /gemma-chat:not\(:defined\) \{[^}]*\}/,
    )![0];
    page(advice.replace('gemma-chat', 'gemma-chat-late'));
    const sizes: number[][] = [];
    for (const tag of ['gemma-chat-late', 'gemma-chat']) {
      const column = await fixture<HTMLElement>(html`<div style="inline-size: 360px; font-size: 18px"></div>`);
      const el = document.createElement(tag);
      column.append(el, 'What comes after it');
      if (tag === 'gemma-chat') await new Harness(el as GemmaChatElement).settle();
      sizes.push(boxOf(el).slice(2));
      column.remove();
    }
    expect(sizes[0]).to.deep.equal(sizes[1]);
    expect(sizes[0][1]).to.be.greaterThan(300);
  });

  it('lets no text style of the page in, and hides with the page', async () => {
    const leaks =
      'letter-spacing: 9px; word-spacing: 30px; text-transform: uppercase; white-space: nowrap; text-indent: 80px; text-shadow: 1px 1px red; font-style: italic; font-weight: 900; font-variant: small-caps; line-height: 3; text-align: right; cursor: crosshair; hyphens: auto; word-break: break-all; list-style: square; quotes: none; color: rgb(1, 2, 3)';
    const looks: string[][] = [];
    for (const style of ['', leaks]) {
      const box = await fixture<HTMLElement>(
        html`<div style=${`inline-size: 360px; block-size: 640px; font: 16px serif; ${style}`}></div>`,
      );
      const chat = await STATES.conversation(box);
      looks.push(
        shown(chat).map((el) => {
          const style = getComputedStyle(el);
          return [...style].map((name) => style.getPropertyValue(name)).join('|');
        }),
      );
      box.style.visibility = 'hidden';
      expect(getComputedStyle(chat.part('base')!).visibility).to.equal('hidden');
      box.remove();
    }
    expect(looks[1]).to.deep.equal(looks[0]);
  });
});
