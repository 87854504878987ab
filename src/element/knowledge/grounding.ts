// How a chat that knows the site's pages finds the passages for a question: fetches the code for it, and tells the page
// about questions that its pages do not answer. Knows no index.
import type {findPassages} from '../../client/find.ts';
import {GemmaError} from '../../errors.ts';
import type {Ground} from '../chat/chat-state.ts';
import {createEvent} from '../events.ts';
import type {Language} from '../languages/index.ts';
import {knowledgeParts} from '../late.ts';
import type {Options} from '../options.ts';

export interface GroundingHost {
  options: Options;
  language(): Language;
  find: typeof findPassages;
  emit(event: Event): void;
}

/** The site's pages, as one chat asks them. */
export class Grounding {
  readonly #host: GroundingHost;

  constructor(host: GroundingHost) {
    this.#host = host;
  }

  /** Null where the chat knows no pages. */
  get ground(): Ground | null {
    const {knowledge, knowledgeSrc} = this.#host.options;
    return knowledge || knowledgeSrc ? this.#ground : null;
  }

  readonly #ground: Ground = async (messages, client, signal) => {
    await knowledgeParts.load();
    const parts = knowledgeParts.value;
    if (!parts) throw new GemmaError('network', 'the part of the chat that finds passages could not be fetched');
    const {options, find, emit, language} = this.#host;
    const {knowledge, knowledgeSrc, knowledgeIntegrity: integrity, knowledgeSelector: selector, workerSrc} = options;
    const where = {knowledge, knowledgeSrc, integrity, selector, workerSrc};
    const {sufficient, ...grounded} = await parts.ground({
      ...where,
      messages,
      client,
      language: language(),
      signal,
      find,
    });
    if (!sufficient) emit(createEvent('gemma-chat-unanswered', {question: messages.at(-1)?.content ?? ''}));
    return grounded;
  };
}
