// What a screen reader is told, in a live region of its own: answers a sentence at a time, and changes of state.
// Hears the element's events; knows nothing else of it.
import {html, type TemplateResult} from 'lit';
import {repeat} from 'lit/directives/repeat.js';
import type {GemmaChatMessageEvent, GemmaChatStatusEvent, GemmaChatToolEvent} from '../events.ts';
import type {Language} from '../languages/index.ts';
import {plainText, turnParts} from '../late.ts';
import {SentenceReader} from './sentences.ts';

/** Lines that stay in the region: a screen reader has taken up older ones, and would find them again when browsing. */
const KEPT = 4;

/** The live region of one chat. */
export class Announcer {
  readonly #changed: () => void;
  readonly #language: () => Language;
  #reader = new SentenceReader();
  #lines: {id: number; text: string}[] = [];
  #nextId = 0;

  constructor(changed: () => void, language: () => Language) {
    this.#changed = changed;
    this.#language = language;
  }

  hear(event: Event): void {
    if (event.type === 'gemma-chat-message') this.#hearMessage((event as GemmaChatMessageEvent).detail);
    if (event.type === 'gemma-chat-tool') this.#hearTool((event as GemmaChatToolEvent).detail);
    if (event.type === 'gemma-chat-status') this.#hearStatus((event as GemmaChatStatusEvent).detail);
  }

  say(...texts: string[]): void {
    if (texts.length === 0) return;
    const lines = texts.map((text) => ({id: this.#nextId++, text}));
    this.#lines = [...this.#lines, ...lines].slice(-Math.max(KEPT, lines.length));
    this.#changed();
  }

  /** An answer goes on with what was read out before. */
  heard(text: string): void {
    this.#reader.rest(text);
  }

  // A new line is a new node, so that a sentence said twice is heard twice.
  render(): TemplateResult {
    const line = ({text}: {text: string}) => html`<p>${text}</p>`;
    return html`<div class="visually-hidden" aria-live="polite">${repeat(this.#lines, ({id}) => id, line)}</div>`;
  }

  /** A tool begins a new text: what was written before the call is read out by then, or never. */
  #hearTool({name, state}: GemmaChatToolEvent['detail']): void {
    this.#reader = new SentenceReader();
    const text = turnParts.value?.TOOL_TEXTS[state];
    if (text && state !== 'stopped') this.say(this.#language().text(text, {name}));
  }

  #hearMessage({message, done, finishReason}: GemmaChatMessageEvent['detail']): void {
    if (message.role !== 'assistant') return;
    const sentences = done ? this.#reader.rest(message.content) : this.#reader.next(message.content);
    this.say(...sentences.map((sentence) => plainText(sentence)).filter(Boolean));
    if (finishReason === 'abort') this.say(this.#language().text('announceStopped'));
  }

  #hearStatus({status, previous}: GemmaChatStatusEvent['detail']): void {
    if (status === 'generating') this.#reader = new SentenceReader();
    if (status === 'paused') this.say(this.#language().text('announcePaused'));
    if (status === 'downloading' && previous !== 'loading') this.say(this.#language().text('announceLoading'));
    if (status === 'ready' && previous !== 'generating') this.say(this.#language().text('announceReady'));
  }
}
