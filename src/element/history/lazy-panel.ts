// The list of conversations before it is there: fetched by the first chat that keeps any. Without it the chat keeps and
// resumes its conversation all the same.
import type {TemplateResult} from 'lit';
import {historyPanel} from '../late.ts';
import type {History} from './history.ts';
import type {HistoryPanel, PanelHost} from './history-panel.ts';

/** Stands for the list until it has been fetched. */
export class LazyPanel {
  readonly #host: PanelHost;
  readonly #history: History;
  #panel: HistoryPanel | null = null;

  constructor(host: PanelHost, history: History) {
    this.#host = host;
    this.#history = history;
  }

  get open(): boolean {
    return this.#panel?.open ?? false;
  }

  /** Null where the list could not be fetched. */
  get show(): (() => void) | null {
    return historyPanel.failed ? null : this.#show;
  }

  render(): TemplateResult | null {
    if (!this.#history.on) return null;
    if (!historyPanel.value) historyPanel.load().then(() => historyPanel.failed && this.#host.changed());
    return this.#loaded?.render() ?? null;
  }

  readonly fresh = (): void => {
    this.#loaded?.close();
    this.#history.fresh();
    this.#host.rendered().then(() => this.#host.focus());
  };

  readonly #show = async (): Promise<void> => {
    await historyPanel.load();
    if (historyPanel.failed) this.#host.changed();
    else this.#loaded?.show();
  };

  get #loaded(): HistoryPanel | null {
    const {value} = historyPanel;
    this.#panel ??= value && new value.HistoryPanel(this.#host, this.#history);
    return this.#panel;
  }
}
