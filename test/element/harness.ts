// <gemma-chat> as a visitor meets it: found by role, name and text, acted on by keyboard and pointer.
import {aTimeout, fixture, html, nextFrame} from '@open-wc/testing';
import '../../src/index.ts';
import type {GemmaChatElement} from '../../src/element/gemma-chat-element.ts';
import {turnParts} from '../../src/element/late.ts';
import {FakeClient} from './fake-client.ts';

/** Any address: the fakes never read it. HEAD answers 404, as for any file that is not there. */
export const MODEL_SRC = '/no-such-folder/tiny.gguf';

// What a conversation needs is there from the first test on.
await turnParts.load();
// However busy the machine is.
turnParts.value!.pace.limit = Number.POSITIVE_INFINITY;

export class Harness {
  constructor(readonly el: GemmaChatElement) {}

  static async poster(): Promise<Harness> {
    return new Harness(await fixture<GemmaChatElement>(html`<gemma-chat model-src=${MODEL_SRC}></gemma-chat>`));
  }

  /** A chat that is ready, on a client of the test's. */
  static async ready(client = new FakeClient()): Promise<Harness & {client: FakeClient}> {
    const el = await fixture<GemmaChatElement>(html`<gemma-chat .client=${client.asClient()}></gemma-chat>`);
    return Object.assign(new Harness(el), {client});
  }

  part<T extends HTMLElement = HTMLElement>(name: string): T | null {
    return this.el.shadowRoot!.querySelector<T>(`[part~="${name}"]`);
  }

  parts(name: string): HTMLElement[] {
    return [...this.el.shadowRoot!.querySelectorAll<HTMLElement>(`[part~="${name}"]`)];
  }

  button(name: string): HTMLButtonElement {
    const named = (button: HTMLButtonElement) => (button.ariaLabel ?? button.textContent.trim()) === name;
    // The last message's, where each message has one.
    const found = [...this.el.shadowRoot!.querySelectorAll('button')].findLast(named);
    if (!found) throw new Error(`no button named ${name}`);
    return found;
  }

  get input(): HTMLTextAreaElement {
    return this.part<HTMLTextAreaElement>('input')!;
  }

  /** Each turn's text, as it is shown. */
  get turns(): string[] {
    return this.parts('message-text').map((text) => text.textContent);
  }

  /** What a screen reader has been told and still finds. */
  get announced(): string[] {
    return [...this.el.shadowRoot!.querySelectorAll('[aria-live="polite"] p')].map((line) => line.textContent);
  }

  async type(text: string): Promise<void> {
    this.input.value = text;
    this.input.dispatchEvent(new InputEvent('input', {bubbles: true, composed: true}));
    await this.settle();
  }

  async press(key: string, init: KeyboardEventInit = {}): Promise<KeyboardEvent> {
    const event = new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true, composed: true, ...init});
    this.input.dispatchEvent(event);
    await this.settle();
    return event;
  }

  async click(name: string): Promise<void> {
    this.button(name).click();
    await this.settle();
  }

  async ask(text: string): Promise<void> {
    await this.type(text);
    await this.press('Enter');
  }

  /** Waits for the texts of the language that the page now names. */
  async spoken(): Promise<void> {
    await this.settle();
    await this.el.languageReady;
    await this.settle();
  }

  /** Waits for what takes more than a task: answers of the browser's own. */
  async until(check: () => boolean): Promise<void> {
    for (let turn = 0; turn < 200 && !check(); turn++) await this.settle();
    if (!check()) throw new Error(`it did not happen: ${check}`);
  }

  /** Lets promises and rendering come to rest: a task for what is queued, a frame for scrolling and movement. */
  async settle(): Promise<void> {
    await aTimeout(0);
    await this.el.updateComplete;
    await nextFrame();
    // What moves into place is there; what moves for ever (the dots) stays.
    for (const animation of this.el.shadowRoot!.getAnimations()) {
      if (Number.isFinite(animation.effect?.getComputedTiming().endTime)) animation.finish();
    }
  }
}

/** Events of `type`, as they come. */
export function record<T = unknown>(target: EventTarget, type: string): CustomEvent<T>[] {
  const events: CustomEvent<T>[] = [];
  target.addEventListener(type, (event) => events.push(event as CustomEvent<T>));
  return events;
}
