// What a run in a browser leaves: browser.json.
import type {Answer} from '../lib/engine-pages.ts';

/** Figures of one engine on one model; tokens a second, milliseconds. */
export interface BrowserFigures {
  /** Set where the engine did not run; the figures are absent then. */
  error?: string;
  loadMs?: number;
  /** With the model in the store; ours only. */
  reloadMs?: number;
  /** The prompts as the engine counts their tokens, and what it reached. */
  long?: Answer;
  short?: Answer;
  /** Two tabs at once, each with the short prompt; ours only. */
  twoTabs?: Answer[];
}

export interface BrowserModel {
  name: string;
  ours: BrowserFigures;
  wllama: BrowserFigures;
}

export interface BrowserResults {
  dry: boolean;
  date: string;
  commit: string;
  browser: string;
  flags: string[];
  /** What the page's adapter says of itself. */
  adapter: Record<string, string>;
  models: BrowserModel[];
  skipped: string[];
}
