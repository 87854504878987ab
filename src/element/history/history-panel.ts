// The list of conversations as a visitor uses it: open or not, what a row asks, where the focus goes, what is said, files
// in and out. Knows the history and the view. A lazy chunk, so it imports nothing of the element but types and its view.
import type {TemplateResult} from 'lit';
import type {Language, StringKey} from '../languages/index.ts';
import {type HistoryActions, type RowQuestion, renderHistory} from '../views/history.ts';
import type {History} from './history.ts';

export {hand} from '../handed.ts';
export {history as styles} from '../styles/history.ts';

export interface PanelHost {
  rendered(): Promise<unknown>;
  root(): ShadowRoot | null;
  language(): Language;
  focus(): void;
  changed(): void;
  say(...texts: string[]): void;
}

/** The state of one chat's list. */
export class HistoryPanel {
  readonly #host: PanelHost;
  readonly #history: History;
  open = false;
  #question: RowQuestion = null;
  #query = '';
  /** Conversations with the words that are looked for; null while none are. */
  #found: ReadonlySet<string> | null = null;

  constructor(host: PanelHost, history: History) {
    this.#host = host;
    this.#history = history;
  }

  render(): TemplateResult | null {
    if (!this.open || !this.#history.on) return null;
    const {currentId, failed} = this.#history;
    const found = this.#found;
    const list = found === null ? this.#history.list : (this.#history.list?.filter(({id}) => found.has(id)) ?? null);
    const query = this.#query;
    const language = this.#host.language();
    return renderHistory({language, list, query, current: currentId, failed, question: this.#question, act: this.#act});
  }

  show(): void {
    this.open = true;
    this.#history.refresh();
    this.#focus('history-back');
  }

  readonly #act: HistoryActions = {
    search: (query) => this.#search(query),
    close: () => {
      this.close();
      this.#focus('history-button');
    },
    fresh: () => {
      this.close();
      this.#history.fresh();
      this.#toChat();
    },
    open: (id) => this.#openOne(id),
    ask: (question) => this.#ask(question),
    rename: async (id, title) => {
      await this.#history.rename(id, title);
      this.#ask(null);
      this.#say('historyRenamed');
    },
    remove: async (id) => {
      this.#question = null;
      await this.#history.remove(id);
      this.#say('historyDeleted');
      this.#focus('history-new');
    },
    export: (id, format) => this.#export(id, format),
    import: (file) => this.#import(file),
  };

  close(): void {
    this.open = false;
    this.#question = null;
    this.#query = '';
    this.#found = null;
    this.#host.changed();
  }

  async #search(query: string): Promise<void> {
    this.#query = query;
    const found = query.trim() === '' ? null : await this.#history.search(query);
    // Another key may have come first.
    if (query !== this.#query) return;
    this.#found = found;
    this.#host.changed();
  }

  async #openOne(id: string): Promise<void> {
    if (!(await this.#history.open(id))) {
      await this.#history.refresh();
      return;
    }
    this.close();
    this.#say('historyOpened');
    this.#toChat();
  }

  /** A row's question takes the focus, and gives it back to the button that asked. */
  async #ask(question: RowQuestion): Promise<void> {
    const before = this.#question;
    this.#question = question;
    this.#host.changed();
    await this.#host.rendered();
    const root = this.#host.root();
    const input = root?.querySelector<HTMLInputElement>('[part="history-input"]');
    if (input) input.select();
    const asked = question ? '.row-form input, .row-form button' : `[data-ask="${before?.id} ${before?.ask}"]`;
    root?.querySelector<HTMLElement>(asked)?.focus();
  }

  async #export(id: string | null, format: 'json' | 'markdown'): Promise<void> {
    const language = this.#host.language();
    const authors = {user: language.text('authorUser'), assistant: language.text('authorAssistant')};
    const text =
      format === 'json' || id === null
        ? await this.#history.json(id ?? undefined)
        : await this.#history.markdown(id, authors);
    if (text === null) return;
    const title = this.#history.list?.find((each) => each.id === id)?.title || language.text('history');
    download(text, title, format);
    if (id !== null) this.#ask(null);
  }

  async #import(file: File): Promise<void> {
    const count = await this.#history.import(file);
    const language = this.#host.language();
    this.#host.say(count > 0 ? language.text('historyImported', {count}) : language.text('historyImportFailed'));
  }

  #say(key: Extract<StringKey, 'historyRenamed' | 'historyDeleted' | 'historyOpened'>): void {
    this.#host.say(this.#host.language().text(key));
  }

  async #focus(part: string): Promise<void> {
    this.#host.changed();
    await this.#host.rendered();
    this.#host.root()?.querySelector<HTMLElement>(`[part~="${part}"]`)?.focus();
  }

  async #toChat(): Promise<void> {
    await this.#host.rendered();
    this.#host.focus();
  }
}

const TYPES = {json: ['application/json', 'json'], markdown: ['text/markdown', 'md']} as const;
/** A browser reads the file some time after the click. */
const KEPT_MS = 60_000;

function download(text: string, title: string, format: keyof typeof TYPES): void {
  const [type, extension] = TYPES[format];
  const url = URL.createObjectURL(new Blob([text], {type}));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${
    title
      .replaceAll(/[^\p{L}\p{N} _-]+/gu, '')
      .trim()
      .slice(0, 60) || 'conversation'
  }.${extension}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), KEPT_MS);
}
