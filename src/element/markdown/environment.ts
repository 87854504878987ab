// What a text's elements need from the chat around them.
import type {MessageSource} from '../../protocol/messages.ts';
import type {Language} from '../languages/index.ts';

export interface MarkdownEnvironment {
  readonly language: Language;
  /** Show images; a link stands in their place otherwise. */
  readonly images: boolean;
  /** Passages whose numbers become links; with them, links lead nowhere else. */
  readonly sources?: readonly MessageSource[];
  /** Copies text for the visitor; the button that was pressed shows that it was done. */
  copy(text: string, button: HTMLElement): void;
}
