// One text, read as time allows: how far it has been read, and what its blocks look like.
import type {MarkdownEnvironment} from './environment.ts';
import {pace} from './pace.ts';
import {Parts} from './parts.ts';
import {BlockRenderer, type Rendered} from './render.ts';
import {type Block, MarkdownStream} from './stream.ts';

/** Characters of a text that are read in one go. */
const SLICE = 4000;

const parts = new Parts(pace);
const renderer = new BlockRenderer(parts);

/** One text on its way to the view. */
export class MarkdownReader {
  readonly #stream = new MarkdownStream();
  readonly #again: () => void;
  #text = '';
  #finished = false;

  /** @param again called when the text can be shown further, or better */
  constructor(again: () => void) {
    this.#again = again;
  }

  /**
   * Reads on in `text`, if there is time. `rest` is what is not read yet and can be shown as it stands: of a text that is
   * still being written, nothing, because that comes in a moment.
   */
  read(text: string, finished: boolean): {blocks: readonly Block[]; rest: string} {
    const before = text.startsWith(this.#text) ? this.#text.length : 0;
    let end = before;
    if (pace.free) {
      end = Math.min(text.length, before + SLICE);
      this.#text = text.slice(0, end);
      this.#finished = finished && end === text.length;
    } else if (before === 0) {
      this.#text = '';
      this.#finished = false;
    }
    if (end < text.length || this.#finished !== finished) pace.later(this.#again);
    return {
      blocks: end === 0 ? [] : this.#stream.update(this.#text, this.#finished),
      rest: finished || end === 0 ? text.slice(end) : '',
    };
  }

  /** How much of a block's colours and formulas is made; more is made if there is time. */
  prepare({token, open}: Block): number {
    return parts.prepare(token, open, this.#again);
  }

  render({token, open}: Block, env: MarkdownEnvironment): Rendered {
    return renderer.render(token, env, open);
  }
}
