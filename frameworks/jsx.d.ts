// Made from custom-elements.json by scripts/framework-types.mjs.
// The elements in JSX: of React 18 and 19 (`React.JSX`), and of whatever reads the global `JSX`.
import type {DetailedHTMLProps, HTMLAttributes} from 'react';
import type {
  GemmaChatElement,
  GemmaChatEvents,
  GemmaChatProps,
  GemmaChatModelElement,
  GemmaChatModelEvents,
  GemmaChatModelProps,
} from './elements.d.ts';

/** React 19 listens to `on` and the event's own name. */
type Handlers<Events> = {[Name in keyof Events & string as `on${Name}`]?: (event: Events[Name]) => void};
type Element<Class, Props, Events> = DetailedHTMLProps<
  Omit<HTMLAttributes<Class>, keyof Props | keyof Handlers<Events>>,
  Class
> &
  Props &
  Handlers<Events> & {class?: string};

interface GemmaChatElements {
  'gemma-chat': Element<GemmaChatElement, GemmaChatProps, GemmaChatEvents>;
  'gemma-chat-model': Element<GemmaChatModelElement, GemmaChatModelProps, GemmaChatModelEvents>;
}

declare module 'react' {
  namespace JSX {
    interface IntrinsicElements extends GemmaChatElements {}
  }
}
declare global {
  namespace JSX {
    interface IntrinsicElements extends GemmaChatElements {}
  }
}
