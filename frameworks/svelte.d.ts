// Made from custom-elements.json by scripts/framework-types.mjs.
// The elements in Svelte's templates: `ongemma-chat-send` (5) and `on:gemma-chat-send` (4).
import type {HTMLAttributes} from 'svelte/elements';
import type {
  GemmaChatElement,
  GemmaChatEvents,
  GemmaChatProps,
  GemmaChatModelElement,
  GemmaChatModelEvents,
  GemmaChatModelProps,
} from './elements.d.ts';

type Handlers<Events> = {
  [Name in keyof Events & string as `on${Name}` | `on:${Name}`]?: (event: Events[Name]) => void;
};
type SvelteElement<Class extends EventTarget, Props, Events> = Omit<
  HTMLAttributes<Class>,
  keyof Props | keyof Handlers<Events>
> &
  Props &
  Handlers<Events>;

declare module 'svelte/elements' {
  interface SvelteHTMLElements {
    'gemma-chat': SvelteElement<GemmaChatElement, GemmaChatProps, GemmaChatEvents>;
    'gemma-chat-model': SvelteElement<GemmaChatModelElement, GemmaChatModelProps, GemmaChatModelEvents>;
  }
}
