// Lit, as the lazy chunks use it: the element hands it over. A chunk that imported Lit itself would bring a second one,
// whose Trusted Types policy a page may refuse, or import its entry, which a page may have loaded under another address.
// Of the element, a chunk imports this and types.
import type {html as Html, nothing as Nothing, TemplateResult} from 'lit';
import type {AsyncDirective as AsyncDirectiveClass, directive as Directive} from 'lit/async-directive.js';
import type {guard as Guard} from 'lit/directives/guard.js';
import type {repeat as Repeat} from 'lit/directives/repeat.js';
import type {Lazy} from './lazy.ts';
import type * as Colours from './markdown/colours.ts';
import type * as Mathematics from './markdown/mathematics.ts';

export interface Handed {
  html: typeof Html;
  nothing: typeof Nothing;
  guard: typeof Guard;
  repeat: typeof Repeat;
  directive: typeof Directive;
  AsyncDirective: typeof AsyncDirectiveClass;
  /** What few texts need, fetched by the first that does. */
  colours: Lazy<typeof Colours>;
  mathematics: Lazy<typeof Mathematics>;
  /** An icon of strokes, by its path. */
  stroked: (path: string) => TemplateResult;
}

export let html: Handed['html'];
export let nothing: Handed['nothing'];
export let guard: Handed['guard'];
export let repeat: Handed['repeat'];
export let directive: Handed['directive'];
export let AsyncDirective: Handed['AsyncDirective'];
export let colours: Handed['colours'];
export let mathematics: Handed['mathematics'];
export let stroked: Handed['stroked'];

/** Before anything of the chunk is called. */
export function hand(tools: Handed): void {
  ({html, nothing, guard, repeat, directive, AsyncDirective, colours, mathematics, stroked} = tools);
}
