// The small script for a page whose chats are all launchers: paints their buttons, and loads the rest when one is first
// opened. The markup is the same as with the whole script. Knows the element only by its tag.
import {PageLanguage} from './element/languages/page-language.ts';
import {isReset} from './element/page/launcher-state.ts';
import {launcherButton} from './element/styles/launcher-button.ts';
import {palette, registerLengths} from './element/styles/palette.ts';
import {rootBox} from './element/styles/root-box.ts';
import {CHAT_PATH} from './element/views/icon-paths.ts';

const TAG = 'gemma-chat';
const SVG = 'http://www.w3.org/2000/svg';

/** Any other chat is there to be seen, and brings the whole script at once. */
const isLauncher = (chat: Element) => chat.getAttribute('display') === 'launcher';

/** A button in the shadow root of a chat that is no chat yet. */
class Placeholder {
  readonly #chat: HTMLElement;
  readonly #root: ShadowRoot;
  readonly #button = document.createElement('button');
  readonly #language: PageLanguage;

  constructor(chat: HTMLElement) {
    this.#chat = chat;
    this.#root = chat.attachShadow({mode: 'open'});
    const sheet = new CSSStyleSheet();
    registerLengths();
    sheet.replaceSync(palette + rootBox + launcherButton);
    this.#root.adoptedStyleSheets = [sheet];
    this.#button.setAttribute('part', 'button launcher-button');
    this.#button.type = 'button';
    this.#button.ariaExpanded = 'false';
    this.#button.ariaHasPopup = 'dialog';
    this.#button.append(slot('icon-launcher', icon()), slot('launcher-text'));
    this.#button.addEventListener('click', () => this.#open());
    const root = document.createElement('div');
    root.className = `root launcher ${isReset(chat) ? 'loose' : ''}`;
    root.append(this.#button);
    this.#root.append(root);
    this.#language = new PageLanguage(chat, () => this.#name());
    this.#language.connect();
    if (chat.hasAttribute('open')) this.#open();
  }

  /** The whole script is there: the element has emptied the root, and renders into it. */
  end(): void {
    this.#language.disconnect();
  }

  #name(): void {
    const {language} = this.#language;
    this.#button.lang = language.tag;
    const worded = this.#chat.querySelector(':scope > [slot="launcher-text"]') !== null;
    this.#button.ariaLabel = worded ? null : this.#chat.getAttribute('label') || language.text('openChat');
  }

  async #open(): Promise<void> {
    this.#button.ariaBusy = 'true';
    try {
      await loadAll();
    } catch {
      this.#button.ariaBusy = null;
      this.#button.ariaLabel = this.#language.language.text('launcherFailed');
      return;
    }
    this.#chat.setAttribute('open', '');
    await (this.#chat as HTMLElement & {updateComplete?: Promise<unknown>}).updateComplete;
    this.#chat.focus();
  }
}

const placeholders: Placeholder[] = [];
let loading: Promise<unknown> | null = null;

/** Upgrades every chat of the page; a later attempt may succeed where one failed. */
function loadAll(): Promise<unknown> {
  loading ??= import('./index.ts').then(
    () => {},
    (error: unknown) => {
      loading = null;
      throw error;
    },
  );
  return loading;
}

function slot(name: string, ...content: Node[]): HTMLSlotElement {
  const slot = document.createElement('slot');
  slot.name = name;
  slot.append(...content);
  return slot;
}

function icon(): SVGElement {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(SVG, 'path');
  const drawn = {d: CHAT_PATH, fill: 'none', stroke: 'currentColor', 'stroke-width': '1.75'};
  for (const [name, value] of Object.entries(drawn)) path.setAttribute(name, value);
  svg.append(path);
  return svg;
}

function look(): void {
  for (const chat of document.querySelectorAll<HTMLElement>(`${TAG}:not(:defined)`)) {
    if (!isLauncher(chat)) loadAll().catch(() => {});
    else if (!chat.shadowRoot) placeholders.push(new Placeholder(chat));
  }
}

const watcher = globalThis.MutationObserver ? new MutationObserver(look) : {disconnect() {}, observe() {}};
// A server that renders the page has no document; a page that has the whole script needs no placeholder.
if (globalThis.document && !customElements.get(TAG)) {
  watcher.observe(document, {childList: true, subtree: true});
  look();
  // The whole script is there, whether it was this one that asked for it or another part of the page.
  customElements.whenDefined(TAG).then(() => {
    watcher.disconnect();
    for (const placeholder of placeholders.splice(0)) placeholder.end();
  });
}
