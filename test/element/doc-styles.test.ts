// Every styling example of the documentation, the demo and the themes: each of its declarations changes something that is
// seen. Measured on the real element in the states that a visitor meets, with the declaration and without it.
import {expect, fixture, html} from '@open-wc/testing';
import {colours, historyPanel} from '../../src/element/late.ts';
import {GemmaError} from '../../src/errors.ts';
import type {ChatMessage} from '../../src/protocol/messages.ts';
import {FakeClient, fakeLoads} from './fake-client.ts';
import {Harness, MODEL_SRC} from './harness.ts';

const PAGES = ['README.md', 'docs/element.md', 'docs/theming.md', 'docs/history.md', 'docs/accessibility.md'];
const THEMES = ['plain', 'terminal', 'brand'];

const TALK: ChatMessage[] = [
  {role: 'user', content: 'Question'},
  {
    role: 'assistant',
    content:
      '# One\n\n`code` and a [link](https://example.com/).\n\n- a\n\n> quote\n\n| a |\n|---|\n| 1 |\n\n```js\nconst a = "b"; // 1\nfunction f() { return 2; }\n```',
  },
];

/** What a custom property may change. */
const LOOKS = [
  ...['color', 'background-color', 'border-top-color', 'border-top-left-radius', 'border-top-width', 'box-shadow'],
  ...[
    'font-family',
    'font-size',
    'padding-top',
    'padding-left',
    'column-gap',
    'row-gap',
    'margin-top',
    'outline-color',
  ],
  ...['width', 'height', 'z-index'],
];
/** An element that is never defined, for what is said of a chat before its script. */
const UNDEFINED = 'gemma-chat-to-come';

const read = async (file: string) => (await fetch(new URL(`../../${file}`, import.meta.url))).text();

interface Example {
  where: string;
  selector: string;
  property: string;
  value: string;
}

/** Each declaration of each rule about the element. */
function declarations(where: string, css: string): Example[] {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  return [...sheet.cssRules]
    .filter((rule): rule is CSSStyleRule => rule instanceof CSSStyleRule && rule.selectorText.includes('gemma-chat'))
    .flatMap(({selectorText, style}) => {
      const selector = selectorText.replaceAll('gemma-chat:not(:defined)', UNDEFINED);
      return style.cssText
        .split(/; */)
        .filter(Boolean)
        .map((declaration) => {
          const [property, ...value] = declaration.split(':');
          return {where, selector, property, value: value.join(':')};
        });
    });
}

async function examples(): Promise<Example[]> {
  const fenced = (text: string) => [...text.matchAll(/^```css\n([\s\S]*?)^```/gm)].map(([, css]) => css);
  const inline = (text: string) =>
    [...text.matchAll(/`(gemma-chat(?:::part\([\w-]+\))? \{[^`]*\})`/g)].map(([, css]) => css);
  const found: Example[] = [];
  for (const page of PAGES) {
    const text = await read(page);
    for (const css of [...fenced(text), ...inline(text)]) found.push(...declarations(page, css));
  }
  const theming = new DOMParser().parseFromString(await read('demo/theming.html'), 'text/html');
  for (const {value} of theming.querySelectorAll<HTMLInputElement>('[name="rule"]')) {
    found.push(...declarations('demo/theming.html', value));
  }
  for (const theme of THEMES) found.push(...declarations(`${theme}.css`, await read(`demo/themes/${theme}.css`)));
  return found;
}

/** Chats side by side, each in a state of its own. */
async function stage(): Promise<HTMLElement[]> {
  const loads = fakeLoads();
  const client = new FakeClient().asClient();
  const box = await fixture<HTMLElement>(html`
    <div style="font-family: monospace">
      <div style="block-size: 400px"><gemma-chat .client=${client} .messages=${TALK} show-avatars></gemma-chat></div>
      <gemma-chat model-src=${MODEL_SRC}></gemma-chat>
      <gemma-chat class="fails" model-src=${MODEL_SRC}></gemma-chat>
      <gemma-chat class="loads" model-src=${MODEL_SRC}></gemma-chat>
      <gemma-chat display="launcher" open .client=${client}></gemma-chat>
    </div>
  `);
  const chats = [...box.querySelectorAll('gemma-chat')];
  for (const name of ['fails', 'loads'])
    box
      .querySelector<Harness['el']>(`.${name}`)!
      .load()
      .catch(() => {});
  loads[0].fail(new GemmaError('not-gguf', 'x'));
  loads[1].progress('download', 0.5);
  for (const el of chats) await new Harness(el).settle();
  for (const el of chats) await new Harness(el).settle();
  const bare = document.createElement(UNDEFINED);
  box.append(bare);
  return [...chats, bare];
}

function looks(elements: HTMLElement[], property: string, pseudo: string | undefined): string {
  const names = property.startsWith('--') ? LOOKS : [property];
  const all = elements.flatMap((el) => [el, ...(el.shadowRoot?.querySelectorAll('*') ?? [])]);
  return all
    .map((el) => {
      const style = getComputedStyle(el, pseudo);
      // Round corners of a box that nothing fills or frames are not seen.
      const seen = (name: string) => !name.includes('radius') || paints(style);
      return names.map((name) => (seen(name) ? style.getPropertyValue(name) : '')).join(' ');
    })
    .join('\n');
}

function paints({backgroundColor, borderTopWidth, boxShadow}: CSSStyleDeclaration): boolean {
  return !/, 0\)$/.test(backgroundColor) || borderTopWidth !== '0px' || boxShadow !== 'none';
}

describe('styling examples', () => {
  it('all change what is seen, each declaration', async () => {
    await Promise.all([historyPanel.load(), colours.load()]);
    const elements = await stage();
    const given = await examples();
    expect(given.length).to.be.greaterThan(60);
    expect(new Set(given.map(({where}) => where)).size).to.be.greaterThan(4);
    const idle: string[] = [];
    const style = document.createElement('style');
    document.head.append(style);
    for (const {where, selector, property, value} of given) {
      const pseudo = selector.match(/::(?:before|after|placeholder)$/)?.[0];
      const shows = (scheme: string) => {
        document.documentElement.style.colorScheme = scheme;
        style.textContent = '';
        const without = looks(elements, property, pseudo);
        style.textContent = `${selector} { ${property}: ${value} }`;
        return looks(elements, property, pseudo) !== without;
      };
      if (!shows('light') && !shows('dark')) idle.push(`${where}: ${selector} { ${property}: ${value} }`);
    }
    style.remove();
    document.documentElement.style.colorScheme = '';
    expect(idle).to.deep.equal([]);
  });
});
