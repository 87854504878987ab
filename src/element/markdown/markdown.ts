// `${markdown(text, finished, env)}` in a template: a text that may grow, shown as Markdown. Leaves alone what did not
// change; shows the text itself where there was no time yet to read it.
import type {TemplateResult} from 'lit';
import type {DirectiveResult} from 'lit/async-directive.js';
import {AsyncDirective, directive, guard, html, nothing, repeat} from '../handed.ts';
import type {MarkdownEnvironment} from './environment.ts';
import {MarkdownReader} from './reader.ts';

export {pace} from './pace.ts';

/** The class's base is handed over after this module was read. */
const makeDirective = () => {
  return class MarkdownDirective extends AsyncDirective {
    readonly #again = (): void => {
      if (this.isConnected && this.#shown) this.setValue(this.render(...this.#shown));
    };
    readonly #reader = new MarkdownReader(this.#again);
    #shown: [text: string, finished: boolean, env: MarkdownEnvironment] | null = null;

    override render(text: string, finished: boolean, env: MarkdownEnvironment): unknown {
      this.#shown = [text, finished, env];
      if (text === '') return nothing;
      const {blocks, rest} = this.#reader.read(text, finished);
      return [
        repeat(
          blocks,
          ({key}) => key,
          (block) => guard([block, env, this.#reader.prepare(block)], () => this.#reader.render(block, env)),
        ),
        rest ? asItStands(rest) : nothing,
      ];
    }

    override reconnected(): void {
      this.#again();
    }
  };
};
let made: ((text: string, finished: boolean, env: MarkdownEnvironment) => DirectiveResult) | null = null;

/** A directive that shows a text as Markdown. `finished`: no more of it comes. */
export function markdown(text: string, finished: boolean, env: MarkdownEnvironment): DirectiveResult {
  made ??= directive(makeDirective());
  return made(text, finished, env);
}

const asItStands = (text: string): TemplateResult => html`<p>${text}</p>`;
