// What a visitor does with single messages: copy, change, answer anew, read aloud, rate, delete, go to another version.
// Owns what is going on with them; the conversation is the controller's.
import type {ChatController} from '../chat/chat-controller.ts';
import type {Conversation, Turn, TurnId} from '../chat/conversation.ts';
import {createEvent} from '../events.ts';
import type {Language} from '../languages/index.ts';
import {plainText} from '../late.ts';
import type {Editing} from '../views/message-edit.ts';
import type {MessageActions, MessageState} from '../views/message-view.ts';
import {Speech} from './speech.ts';

export interface MessageToolsHost {
  chat: ChatController;
  language(): Language;
  changed(): void;
  /** To a screen reader. */
  say(text: string): void;
  /** Follows an answer that a visitor has asked for. */
  run(act: () => Promise<unknown> | null): void;
  /** Says what was done, and offers to undo it. */
  undoable(text: string, undo: () => void): void;
  /** Dispatches. */
  emit(event: Event): void;
  /** Once what changed is drawn: the focus to a part of a turn, or to the text field. */
  focus(turn: TurnId | null, part: string): void;
}

/** How long a button shows that it has copied. */
const SHOWN_MS = 2000;

/** What is going on with the messages of one chat. */
export class MessageTools implements MessageState {
  readonly #host: MessageToolsHost;
  readonly #speech: Speech<TurnId>;
  editing: Editing | null = null;
  #actions: MessageActions | null = null;
  #conversation: Conversation | null = null;

  constructor(host: MessageToolsHost) {
    this.#host = host;
    this.#speech = new Speech(() => host.changed());
  }

  get speaking(): TurnId | null {
    return this.#speech.id;
  }

  /** The same object as long as the same can be done. */
  actions(can: Pick<MessageActions, 'feedback' | 'free' | 'answerable' | 'buttons'>): MessageActions {
    const {feedback, free, answerable, buttons} = can;
    const {conversation} = this.#host.chat;
    // What was going on concerned messages of another.
    if (this.#conversation !== conversation) this.reset();
    this.#conversation = conversation;
    const old = this.#actions;
    const same = (button: Element, index: number) => button === buttons[index];
    const alike = old && old.feedback === feedback && old.free === free && old.answerable === answerable;
    if (alike && old.buttons.length === buttons.length && old.buttons.every(same)) return old;
    const {chat, run} = this.#host;
    this.#actions = {
      ...can,
      voice: this.#speech.available,
      copy: (text, button) => this.copy(text, button),
      edit: (id) => this.#edit(id),
      typed: (draft) => this.#setEditing(this.editing && {...this.editing, draft}),
      cancelEdit: () => this.#cancelEdit(),
      sendEdit: () => this.#sendEdit(),
      regenerate: (id) => run(() => chat.regenerate(id)),
      remove: (id) => this.#remove(id),
      select: (id, step) => this.#select(id, step),
      read: (id) => this.#read(id),
      rate: (id, rating) => chat.rate(id, rating),
      allowTool: (id, index, allowed) => chat.allowTool(id, index, allowed),
      press: (turn, button) => this.#press(turn, button),
    };
    return this.#actions;
  }

  /** Leaves off what is going on. */
  reset(): void {
    this.#speech.stop();
    this.editing = null;
  }

  /** A button of the page's: what it does is the page's. */
  #press({id, message}: Turn, button: Element): void {
    this.#host.emit(createEvent('gemma-chat-action', {id, message, action: button.getAttribute('value') ?? ''}));
  }

  copy(text: string, button: HTMLElement): void {
    const language = this.#host.language();
    const done = () => {
      button.dataset.done = '';
      setTimeout(() => delete button.dataset.done, SHOWN_MS);
      this.#host.say(language.text('copied'));
    };
    writeClipboard(text).then(done, () => this.#host.say(language.text('copyFailed')));
  }

  #edit(id: TurnId): void {
    const turn = this.#host.chat.conversation.path.find((shown) => shown.id === id);
    if (!turn) return;
    this.#setEditing({id, draft: turn.message.content});
    this.#host.focus(id, 'edit-input');
  }

  #setEditing(editing: Editing | null): void {
    this.editing = editing;
    this.#host.changed();
  }

  #cancelEdit(): void {
    const id = this.editing?.id ?? null;
    this.#setEditing(null);
    this.#host.focus(id, 'edit-button');
  }

  #sendEdit(): void {
    if (!this.editing || this.editing.draft.trim() === '') return;
    const {id, draft} = this.editing;
    this.#host.run(() => {
      const answer = this.#host.chat.edit(id, draft);
      // Prevented by the page: the visitor keeps the text.
      if (answer) this.#setEditing(null);
      return answer;
    });
    if (!this.editing) this.#host.focus(null, 'input');
  }

  #remove(id: TurnId): void {
    if (this.speaking === id) this.#speech.stop();
    const {chat} = this.#host;
    const {conversation} = chat;
    const before = conversation.toJSON();
    chat.remove(id);
    this.#host.undoable(this.#host.language().text('removed'), () => {
      if (chat.conversation === conversation) chat.restore(before);
    });
    this.#host.focus(null, 'input');
  }

  #select(id: TurnId, step: -1 | 1): void {
    const {chat} = this.#host;
    const {index, ids} = chat.conversation.branch(id);
    const next = ids[index + step];
    if (next === undefined) return;
    this.reset();
    chat.select(next);
    this.#host.say(this.#host.language().text('version', {index: index + step + 1, count: ids.length}));
    this.#host.focus(next, step < 0 ? 'previous-button' : 'next-button');
  }

  #read(id: TurnId): void {
    if (this.speaking === id) {
      this.#speech.stop();
      return;
    }
    const turn = this.#host.chat.conversation.path.find((shown) => shown.id === id);
    if (turn) this.#speech.read(id, plainText(turn.message.content), this.#host.language().tag);
  }
}

/** Rejects where the page may not write to the clipboard. */
async function writeClipboard(text: string): Promise<void> {
  await navigator.clipboard.writeText(text);
}
