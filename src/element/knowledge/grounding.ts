// How a chat that knows the site's pages finds the passages for a question: fetches the code for it, and tells the page
// about questions that its pages do not answer. Knows no index.
import type {findPassages} from '../../client/find.ts';
import type {Ground} from '../chat/chat-state.ts';
import {createEvent} from '../events.ts';
import type {Language} from '../languages/index.ts';
import {knowledgeParts} from '../late.ts';
import type {Options} from '../options.ts';
import type {Prompt} from '../views/message-list.ts';

export interface GroundingHost {
  options: Options;
  language(): Language;
  find: typeof findPassages;
  emit(event: Event): void;
  changed(): void;
}

/** The site's pages, as one chat asks them. */
export class Grounding {
  readonly #host: GroundingHost;
  /** Headings of what `of` names. */
  #headings: {of: string; texts: readonly string[]} | null = null;

  constructor(host: GroundingHost) {
    this.#host = host;
  }

  /** Null where the chat knows no pages. */
  get ground(): Ground | null {
    const {knowledge, knowledgeSrc} = this.#host.options;
    return knowledge || knowledgeSrc ? this.#ground : null;
  }

  /** What a visitor may begin with; of `auto` nothing until the headings are there. */
  get starters(): readonly Prompt[] {
    const {options} = this.#host;
    const {starters, knowledge, knowledgeSrc, knowledgeIntegrity, knowledgeSelector} = options;
    if (starters !== 'auto') return starters ?? [];
    const of = [knowledge === 'page' && location.href, knowledgeSrc, knowledgeIntegrity, knowledgeSelector].join();
    if (this.#headings?.of !== of) {
      const headings = {of, texts: [] as readonly string[]};
      this.#headings = headings;
      void knowledgeParts
        .need()
        .then((parts) => parts.siteHeadings(options))
        .then((texts) => {
          headings.texts = texts;
          this.#host.changed();
        })
        // A question tells what is wrong with the index.
        .catch(() => undefined);
    }
    return this.#headings.texts;
  }

  readonly #ground: Ground = async (messages, client, signal) => {
    const {sufficient, ...grounded} = await (await knowledgeParts.need()).ground(this.#host, messages, client, signal);
    if (!sufficient) {
      this.#host.emit(createEvent('gemma-chat-unanswered', {question: messages.at(-1)?.content ?? ''}));
    }
    return grounded;
  };
}
