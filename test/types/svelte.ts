// <gemma-chat> as Svelte's templates see it. Compiled, never run.
import type {} from 'gemma-chat/svelte';
import type {SvelteHTMLElements} from 'svelte/elements';

type Chat = SvelteHTMLElements['gemma-chat'];
export const right: Chat = {
  'model-src': 'model.gguf',
  class: 'wide',
  'ongemma-chat-feedback': (event) => event.detail.rating,
  'on:gemma-chat-toggle': (event) => event.detail.open,
};
export const model: SvelteHTMLElements['gemma-chat-model'] = {'model-src': 'model.gguf'};

// @ts-expect-error there is no such history
export const history: Chat = {history: 'forever'};
// @ts-expect-error a detail has no such field
export const detail: Chat = {'ongemma-chat-toggle': (event) => event.detail.closed};
