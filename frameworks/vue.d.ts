// Made from custom-elements.json by scripts/framework-types.mjs.
// The elements in Vue's templates. `.messages` and its like set properties, `@gemma-chat-send` listens.
import type {EmitFn, HTMLAttributes, PublicProps} from 'vue';
import type {
  GemmaChatElement,
  GemmaChatEvents,
  GemmaChatProps,
  GemmaChatModelElement,
  GemmaChatModelEvents,
  GemmaChatModelProps,
} from './elements.d.ts';

type Emit<Events> = EmitFn<{[Name in keyof Events]: (event: Events[Name]) => void}>;
type VueElement<Class, Props, Events> = new () => Class & {
  /** @deprecated for templates only */
  $props: Props & Omit<HTMLAttributes, keyof Props> & PublicProps;
  /** @deprecated for templates only */
  $emit: Emit<Events>;
};

declare module 'vue' {
  interface GlobalComponents {
    'gemma-chat': VueElement<GemmaChatElement, GemmaChatProps, GemmaChatEvents>;
    'gemma-chat-model': VueElement<GemmaChatModelElement, GemmaChatModelProps, GemmaChatModelEvents>;
  }
}
