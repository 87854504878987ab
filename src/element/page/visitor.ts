// What a visitor does with the chat as a whole: writes, sends, stops, clears, loads. Owns what was written and not sent.
// Acts through the controller; knows no view but the names of its parts.
import type {LitElement} from 'lit';
import {GemmaError, isAbort} from '../../errors.ts';
import type {ChatController} from '../chat/chat-controller.ts';
import {Conversation} from '../chat/conversation.ts';
import type {Remedy} from '../chat/error-advice.ts';
import type {History} from '../history/history.ts';
import type {LazyPanel} from '../history/lazy-panel.ts';
import type {Language} from '../languages/index.ts';
import type {AutoLoad} from '../model/auto-load.ts';
import type {Options} from '../options.ts';
import type {ChatActions} from '../views/chat.ts';
import type {Announcer} from './announcer.ts';
import type {FocusKeeper} from './focus-keeper.ts';
import type {Notices} from './notice.ts';
import type {ScrollPin} from './scroll-pin.ts';
import {pressed} from './shortcuts.ts';

/** What the visitor acts on. */
export interface VisitorHost {
  readonly element: LitElement & Options & {diagnose(): Promise<string>};
  readonly chat: ChatController;
  readonly autoLoad: AutoLoad;
  readonly historyPanel: LazyPanel;
  readonly announcer: Announcer;
  readonly notices: Notices;
  readonly scroll: ScrollPin;
  readonly focus: FocusKeeper;
  readonly history: History;
  readonly language: Language;
  /** The visitor cannot act. */
  readonly disabled: boolean;
  changed(): void;
}

/** Follows what a visitor starts. Its outcome is shown, so an error that a chat can have is not thrown again. */
export function run(act: () => Promise<unknown> | null): void {
  act()?.catch((error: unknown) => {
    if (!(error instanceof GemmaError) && !isAbort(error)) throw error;
  });
}

/** The acts of one chat's visitor. */
export class Visitor implements ChatActions {
  readonly #host: VisitorHost;
  /** What was written and not sent. */
  draft = '';
  #report: {error: GemmaError | null; text: string} | null = null;
  readonly model: ChatActions['model'];

  constructor(host: VisitorHost) {
    this.#host = host;
    const {chat, autoLoad} = host;
    const session = chat.model;
    this.model = {
      load: () => run(() => session.agree()),
      remove: (ids) => run(() => this.#remove(ids)),
      ask: (ids) => {
        session.offer.ask(ids);
        this.#focus(ids ? 'remove-answer' : 'load-button');
      },
      choose: () => run(async () => autoLoad.files?.choose()),
      again: () => run(async () => autoLoad.files?.again()),
      pick: (model) => run(async () => autoLoad.files?.pick(model)),
      pause: () => session.pause(),
      resume: () => run(() => session.load()),
      cancel: () => this.stop(),
    };
  }

  /** What was found out about the error that is shown; null before it was asked for. */
  get reported(): string | null {
    const {error} = this.#host.chat;
    return this.#report?.error === error ? (this.#report?.text ?? null) : null;
  }

  readonly send = (): void => {
    const {chat, disabled, notices} = this.#host;
    if (disabled || this.draft.trim() === '') return;
    notices.clear();
    if (!chat.canSend) {
      if (this.#queue(this.draft)) this.draft = '';
      this.#host.changed();
      return;
    }
    const answer = chat.begin(this.draft);
    // Prevented by the page: the visitor keeps the text, as in a form.
    if (!answer) return;
    this.draft = '';
    run(() => answer);
  };

  readonly say = (text: string): void => {
    const {chat, notices} = this.#host;
    notices.clear();
    if (chat.canSend) run(() => chat.begin(text));
    else this.#queue(text);
  };

  readonly more = (): void => {
    const {chat, announcer, notices} = this.#host;
    const begun = chat.messages.at(-1)?.content ?? '';
    notices.clear();
    run(() => chat.continue());
    announcer.heard(begun);
  };

  readonly sendNow = (id: number): void => this.#host.chat.sendNow(id);

  readonly takeBack = (id: number): void => {
    const text = this.#host.chat.unqueue(id);
    if (this.draft.trim() === '') this.draft = text ?? '';
    this.#focus('input');
  };

  readonly typed = (text: string): void => {
    this.draft = text;
    this.#host.changed();
  };

  readonly stop = (): void => this.#host.chat.stop();

  readonly unload = (): void => {
    this.#host.chat.model.revoke();
    this.#focus('load-button');
  };

  readonly clear = (): void => {
    const {chat, language} = this.#host;
    const {conversation} = chat;
    chat.replace(new Conversation());
    this.undoable(language.text('announceCleared'), () => chat.replace(conversation));
    this.#focus('input');
  };

  /** Says what was done at one press, and offers to undo it. */
  readonly undoable = (text: string, undo: () => void): void => {
    this.#host.announcer.say(text);
    this.#host.notices.show(text, undo);
  };

  readonly undo = (): void => {
    const {notices, announcer, language} = this.#host;
    notices.undo();
    announcer.say(language.text('restored'));
    this.#focus('input');
  };

  readonly remedy = (remedy: Remedy): void => {
    const {chat, historyPanel} = this.#host;
    if (remedy === 'retry') run(() => chat.retry());
    else if (remedy === 'reload') location.reload();
    else historyPanel.fresh();
  };

  readonly report = async (): Promise<void> => {
    const {element, chat, announcer, language} = this.#host;
    const {error} = chat;
    const text = await element.diagnose();
    this.#report = {error, text};
    this.#host.changed();
    // Shown as well: a page may be refused the clipboard.
    const copied = await navigator.clipboard?.writeText(text).then(
      () => true,
      () => false,
    );
    announcer.say(language.text(copied ? 'reportCopied' : 'reportFailed'));
  };

  readonly scrolled = (list: HTMLElement): void => {
    const {scroll} = this.#host;
    const {pinned} = scroll;
    scroll.scrolled(list);
    if (pinned !== scroll.pinned) this.#host.changed();
  };

  readonly toEnd = (): void => {
    this.#host.scroll.toEnd();
    this.#host.changed();
    this.#focus('input');
  };

  /** A key, anywhere in the chat. */
  readonly keydown = (event: KeyboardEvent): void => {
    const {element, chat, history, historyPanel, disabled} = this.#host;
    if (element.shortcuts === 'off' || disabled) return;
    const panel = history.on && !historyPanel.open ? historyPanel : null;
    pressed(event, {
      stop: chat.status === 'generating' ? this.stop : null,
      history: panel?.show ?? null,
      fresh: chat.conversation.head === null ? null : (panel?.fresh ?? null),
    });
  };

  /** It is said when it can be: after the answer that is being written, or once there is a model, which it asks for. */
  #queue(text: string): boolean {
    const {element, chat, scroll, announcer, language} = this.#host;
    if (!chat.queue(text)) return false;
    scroll.toEnd();
    const {status, client, model} = chat;
    if (client || status === 'downloading' || status === 'loading') return true;
    if (model.offer.agreed || element.consent === 'given') run(() => model.load());
    else {
      announcer.say(language.text('waitsForModel'));
      this.#focus(status === 'paused' ? 'resume-button' : 'load-button');
    }
    return true;
  }

  async #remove(ids: readonly string[]): Promise<void> {
    const {chat, announcer, language} = this.#host;
    await chat.model.offer.remove(ids);
    announcer.say(language.text('announceRemoved'));
  }

  #focus(part: string): void {
    const {focus, element} = this.#host;
    focus.to(element, null, part);
  }
}
