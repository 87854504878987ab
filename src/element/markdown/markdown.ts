// `${markdown(text, finished, env)}` in a template: a text that may grow, shown as Markdown. Keeps what was parsed and
// leaves alone what did not change; asks for colours and formulas when a text first has some.
import type {DirectiveResult} from 'lit/async-directive.js';
import {AsyncDirective, colours, directive, guard, mathematics, nothing, repeat} from '../handed.ts';
import type {Lazy} from '../lazy.ts';
import {type MarkdownEnvironment, needs, renderBlock} from './render.ts';
import {type Block, MarkdownStream} from './stream.ts';

const USES = new WeakMap<Block, {code: boolean; math: boolean}>();

/** The class's base is handed over after this module was read. */
const makeDirective = () => {
  return class MarkdownDirective extends AsyncDirective {
    readonly #stream = new MarkdownStream();
    #again = () => {};

    override render(text: string, finished: boolean, env: MarkdownEnvironment): unknown {
      if (text === '') return nothing;
      this.#again = () => this.setValue(this.render(text, finished, env));
      const blocks = this.#stream.update(text, finished);
      return repeat(
        blocks,
        ({key}) => key,
        (block) => guard([block, env, ...this.#parts(block)], () => renderBlock(block.token, env, block.open)),
      );
    }

    /** What of the lazy parts a block uses, as far as it is there. */
    #parts(block: Block): unknown[] {
      let uses = USES.get(block);
      if (!uses) {
        uses = {code: !block.open && needs(block.token, 'code'), math: needs(block.token, 'math')};
        USES.set(block, uses);
      }
      return [uses.code ? this.#wait(colours) : null, uses.math ? this.#wait(mathematics) : null];
    }

    #wait<T>(part: Lazy<T>): T | null {
      if (!part.value && !part.failed) part.load().then(() => part.value && this.isConnected && this.#again());
      return part.value;
    }
  };
};
let made: ((text: string, finished: boolean, env: MarkdownEnvironment) => DirectiveResult) | null = null;

export function markdown(text: string, finished: boolean, env: MarkdownEnvironment): DirectiveResult {
  made ??= directive(makeDirective());
  return made(text, finished, env);
}
