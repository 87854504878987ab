// What the views of one turn are given: the turn, what is going on with it, what a visitor can do with it. Types only.
import type {Feedback, Turn, TurnId} from '../chat/conversation.ts';
import type {MarkdownEnvironment} from '../markdown/environment.ts';
import type {Editing} from './message-edit.ts';

export interface MessageActions {
  /** Whether answers can be rated. */
  readonly feedback: boolean;
  /** Whether there is a voice. */
  readonly voice: boolean;
  /** Nothing is being answered, and the visitor may act: the conversation can be changed. */
  readonly free: boolean;
  /** The model is there. */
  readonly answerable: boolean;
  /** Buttons of the page's own, to be copied beneath each answer. */
  readonly buttons: readonly Element[];
  press(turn: Turn, button: Element): void;
  /** Answers what a tool asks: the answer's id, the step's place in it. */
  allowTool(id: TurnId, index: number, allowed: boolean): void;
  copy(text: string, button: HTMLElement): void;
  edit(id: TurnId): void;
  typed(content: string): void;
  cancelEdit(): void;
  sendEdit(): void;
  regenerate(id: TurnId): void;
  remove(id: TurnId): void;
  select(id: TurnId, step: -1 | 1): void;
  read(id: TurnId): void;
  rate(id: TurnId, rating: Feedback | null): void;
}

/** What is going on with single messages. */
export interface MessageState {
  readonly editing: Editing | null;
  readonly speaking: TurnId | null;
}

export interface MessageView {
  env: MarkdownEnvironment;
  turn: Turn;
  /** Whether it says who wrote it, and when. */
  names: boolean;
  times: boolean;
  /** Whether there is an avatar where the page has given none. */
  letters: boolean;
  /** What stands beside it, to be copied; null for nothing. */
  avatar: Element | null;
  /** Still being written. */
  growing: boolean;
  last: boolean;
  /** Which of how many branches; 0-based. */
  branch: {index: number; count: number};
  editing: Editing | null;
  speaking: boolean;
  actions: MessageActions | null;
}
