// What a text's elements need from the chat around them.
import type {Language} from '../languages/index.ts';

export interface MarkdownEnvironment {
  readonly language: Language;
  /** Show images; a link stands in their place otherwise. */
  readonly images: boolean;
  /** Copies text for the visitor; the button that was pressed shows that it was done. */
  copy(text: string, button: HTMLElement): void;
}
