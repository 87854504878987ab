// The views that a first paint has none of, each a chunk, and what is handed to them.
import {html, nothing} from 'lit';
import {AsyncDirective, directive} from 'lit/async-directive.js';
import {guard} from 'lit/directives/guard.js';
import {repeat} from 'lit/directives/repeat.js';
import type {hand} from './handed.ts';
import {Lazy} from './lazy.ts';
import {stroked} from './views/icons.ts';

function late<T extends {hand: typeof hand}>(load: () => Promise<T>): Lazy<T> {
  return new Lazy(async () => {
    const chunk = await load();
    chunk.hand({html, nothing, guard, repeat, directive, AsyncDirective, colours, mathematics, stroked});
    return chunk;
  });
}

/** Colours of code. */
export const colours = new Lazy(() => import('./markdown/colours.ts'));
/** Formulas. */
export const mathematics = new Lazy(() => import('./markdown/mathematics.ts'));
/** Markdown, and what can be done with a message. Until it is there, messages are the text that they are. */
export const turnParts = late(() => import('./views/turn-parts.ts'));
/** What a chat has that knows the site's pages. */
export const knowledgeParts = late(() => import('./knowledge/knowledge-parts.ts'));
/** The list of kept conversations. */
export const historyPanel = late(() => import('./history/history-panel.ts'));

/** Markdown as a voice reads it; as it was written while that cannot be told. */
export const plainText = (markdown: string): string => turnParts.value?.plainText(markdown) ?? markdown;
