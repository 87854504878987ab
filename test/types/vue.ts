// <gemma-chat> as Vue's templates see it. Compiled, never run.
import type {} from 'gemma-chat/vue';
import type {GlobalComponents} from 'vue';

type Chat = InstanceType<GlobalComponents['gemma-chat']>;
export const props: Chat['$props'] = {'model-src': 'model.gguf', display: 'panel', messages: [], class: 'wide'};
export const listen = (chat: Chat, event: Parameters<Chat['$emit']>[1]) =>
  chat.$emit('gemma-chat-send', event as never);
export const model: InstanceType<GlobalComponents['gemma-chat-model']>['$props'] = {'model-src': 'model.gguf'};

// @ts-expect-error there is no such shape
export const shape: Chat['$props'] = {display: 'balloon'};
// @ts-expect-error there is no such event
export const event = (chat: Chat) => chat.$emit('gemma-chat-nothing', null as never);
