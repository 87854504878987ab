// The controllers of one <gemma-chat>: makes them, joins them, and tells them when the element comes, goes and is drawn.
// What each does is its own.
import type {LitElement, PropertyValues, TemplateResult} from 'lit';
import type {findPassages} from '../client/find.ts';
import {ChatController} from './chat/chat-controller.ts';
import type {ChatSettings} from './chat/chat-state.ts';
import {createEvent} from './events.ts';
import {History} from './history/history.ts';
import {LazyPanel} from './history/lazy-panel.ts';
import {Grounding} from './knowledge/grounding.ts';
import type {Language} from './languages/index.ts';
import {PageLanguage} from './languages/page-language.ts';
import {historyPanel, knowledgeParts, turnParts} from './late.ts';
import type {MarkdownEnvironment} from './markdown/environment.ts';
import {AutoLoad} from './model/auto-load.ts';
import type {ModelQuestions} from './model/model-offer.ts';
import type {LoadClient} from './model/model-session.ts';
import type {Options} from './options.ts';
import {Announcer} from './page/announcer.ts';
import {avatarsOf, slotted} from './page/avatars.ts';
import {FocusKeeper} from './page/focus-keeper.ts';
import {FormValue} from './page/form-value.ts';
import {LauncherState} from './page/launcher-state.ts';
import {MessageTools} from './page/message-tools.ts';
import {Notices} from './page/notice.ts';
import {ScrollPin} from './page/scroll-pin.ts';
import {run, Visitor} from './page/visitor.ts';
import {chatSettings, historySettings} from './settings.ts';
import {addStyles} from './styles/adopt.ts';
import {renderChat} from './views/chat.ts';
import {renderLauncher} from './views/launcher.ts';
import {renderRoot} from './views/root.ts';

/** The element, as its controllers know it. */
export type ChatElement = LitElement & Options & {diagnose(): Promise<string>};

/** How what is outside the page is reached; a test brings its own. */
export interface Ways {
  load: LoadClient;
  find: typeof findPassages;
  questions: ModelQuestions;
}

/** One element's controllers, from its first connection on. */
export class ChatAssembly {
  readonly element: ChatElement;
  readonly changed: () => void;
  readonly chat: ChatController;
  readonly spoken: PageLanguage;
  readonly announcer: Announcer;
  readonly history: History;
  readonly historyPanel: LazyPanel;
  readonly autoLoad: AutoLoad;
  readonly formValue: FormValue;
  readonly visitor: Visitor;
  readonly scroll = new ScrollPin();
  readonly focus = new FocusKeeper();
  readonly notices: Notices;
  readonly #launcher: LauncherState;
  readonly #tools: MessageTools;
  readonly #grounding: Grounding;
  #env: MarkdownEnvironment | null = null;
  #turnParts: Promise<void> | null = null;

  constructor(element: ChatElement, {load, find, questions}: Ways) {
    this.element = element;
    const changed = () => element.requestUpdate();
    this.changed = changed;
    const language = () => this.language;
    const settings = () => this.settings;
    const emit = (event: Event) => this.emit(event);
    this.spoken = new PageLanguage(element, changed);
    this.announcer = new Announcer(changed, language);
    this.notices = new Notices(changed);
    this.formValue = new FormValue(element);
    this.#launcher = new LauncherState(element);
    this.#grounding = new Grounding({options: element, language, find, emit, changed});
    const chat = new ChatController({settings, changed, emit}, load, questions);
    this.chat = chat;
    this.autoLoad = new AutoLoad({element, chat, settings, changed, run});
    this.history = new History({settings: () => historySettings(element), changed}, chat);
    this.historyPanel = new LazyPanel(
      {
        rendered: () => element.updateComplete,
        root: () => element.shadowRoot,
        language,
        focus: () => element.focus(),
        changed,
        say: (...texts) => this.announcer.say(...texts),
      },
      this.history,
    );
    this.visitor = new Visitor(this);
    this.#tools = new MessageTools({
      chat,
      language,
      changed,
      say: (text) => this.announcer.say(text),
      run,
      focus: (turn, part) => this.focus.to(element, turn, part),
      undoable: this.visitor.undoable,
      emit,
    });
  }

  get language(): Language {
    return this.spoken.language;
  }

  get settings(): ChatSettings {
    return chatSettings(this.element, this.#grounding.ground);
  }

  /** The visitor cannot act. */
  get disabled(): boolean {
    return this.element.disabled || this.formValue.disabled;
  }

  /** Dispatches; false when a listener prevented it. */
  emit(event: Event): boolean {
    this.announcer.hear(event);
    if (event.type === 'gemma-chat-status') this.#statusChanged();
    return this.element.dispatchEvent(event);
  }

  #statusChanged(): void {
    if (this.chat.status === 'generating') {
      this.scroll.toEnd();
      this.notices.clear();
      this.element.suggestions = null;
    }
    this.autoLoad.lookForFiles();
  }

  /** The element has come into a document. @param again it was drawn before */
  connect(again: boolean): void {
    this.spoken.connect();
    this.#launcher.connect();
    this.autoLoad.connect();
    if (!again) return;
    this.autoLoad.sourceNamed();
    this.history.start();
    this.chat.model.resume();
    this.autoLoad.look();
  }

  /** The element is out of the document. */
  disconnect(): void {
    this.spoken.disconnect();
    this.#launcher.disconnect();
    this.autoLoad.disconnect();
    // An element that is moved leaves and comes back in one task; what is still away afterwards has left.
    queueMicrotask(() => {
      if (this.element.isConnected) return;
      this.#tools.reset();
      this.chat.close();
      this.history.stop();
      this.autoLoad.look();
    });
  }

  beforeRender(changed: PropertyValues<Options>): void {
    const any = (...names: (keyof Options)[]) => names.some((name) => changed.has(name));
    if (any('strings')) this.spoken.override(this.element.strings);
    if (any('modelSrc', 'integrity')) this.autoLoad.sourceNamed();
    if (any('display', 'open', 'loading', 'consent', 'localFiles', 'disabled')) this.autoLoad.look();
    if (any('display', 'open')) this.#launcher.place();
    if (any('history', 'historyKey', 'historyStore')) this.history.start();
    this.focus.remember(this.element.shadowRoot);
    this.scroll.draw(this.chat.conversation);
    this.#loadParts();
    this.#addStyles();
    const names = (role: string) => this.language.text(role === 'user' ? 'authorUser' : 'authorAssistant');
    this.formValue.update(this.chat.conversation, this.element.valueFormat, names);
  }

  afterRender(changed: PropertyValues<Options>): void {
    const {open, shadowRoot, renderRoot} = this.element;
    if (changed.get('open') !== undefined) this.emit(createEvent('gemma-chat-toggle', {open}));
    this.history.note();
    this.scroll.follow(renderRoot.querySelector('[part="messages"]'));
    this.focus.restore(shadowRoot);
  }

  render(): TemplateResult {
    const {display} = this.element;
    return display === 'launcher'
      ? renderRoot(display, this.#launcher.loose, this.#renderLauncher())
      : renderRoot(display, false, this.#renderChat());
  }

  #renderLauncher(): TemplateResult {
    const {language} = this;
    const {open, label} = this.element;
    this.#launcher.opened ||= open;
    return renderLauncher({
      language,
      label: slotted(this.element, 'launcher-text').length > 0 ? null : label || language.text('openChat'),
      open,
      covering: this.#launcher.covering,
      chat: this.#launcher.opened ? this.#renderChat() : null,
      toggle: this.#launcher.toggle,
      keydown: this.#launcher.keydown,
    });
  }

  #renderChat(): TemplateResult {
    const {element, chat, spoken, language, disabled, history, historyPanel, visitor} = this;
    const {covering, toggle} = this.#launcher;
    const free = !disabled && chat.status !== 'generating';
    return renderChat({
      chat,
      env: this.#environment(),
      language,
      dir: spoken.dir,
      foreign: spoken.foreign,
      wordless: spoken.pending,
      label: element.label || language.text('label'),
      placeholder: element.placeholder ?? language.text('placeholder'),
      disabled,
      files: this.autoLoad.files,
      draft: visitor.draft,
      dialog: element.display === 'launcher' ? {modal: covering, close: toggle} : null,
      avatars: avatarsOf(element),
      notice: this.notices.current?.text ?? null,
      enterBreaks: enterBreaks(element),
      atEnd: this.scroll.pinned,
      messageActions: this.#tools.actions({
        feedback: element.feedback,
        free,
        answerable: chat.client !== null,
        buttons: slotted(element, 'message-button'),
      }),
      messageState: this.#tools,
      starters: this.#grounding.starters,
      suggestions: element.suggestions ?? [],
      showSpeed: element.showSpeed,
      names: element.showNames,
      times: element.showTimes,
      letters: element.showAvatars,
      keydown: visitor.keydown,
      report: visitor.reported,
      history: historyPanel.render(),
      historyTools: history.on ? historyPanel : null,
      live: this.announcer.render(),
      act: visitor,
    });
  }

  /** The same object as long as messages look the same. */
  #environment(): MarkdownEnvironment {
    const {language, element} = this;
    if (this.#env?.language !== language || this.#env.images !== element.images) {
      const copy = (text: string, button: HTMLElement) => this.#tools.copy(text, button);
      this.#env = {language, images: element.images, copy};
    }
    return this.#env;
  }

  /** Of the lazy views that are there. */
  #addStyles(): void {
    const {shadowRoot} = this.element;
    for (const {value} of [turnParts, historyPanel]) if (value && shadowRoot) addStyles(shadowRoot, value.styles);
  }

  /** Fetches what a conversation looks like with the first one, or once there may be one. */
  #loadParts(): void {
    const {chat, changed} = this;
    if (!this.#turnParts && (chat.client || chat.finds || chat.messages.length > 0)) {
      this.#turnParts = turnParts.load().then(changed);
    }
    if (chat.messages.some(({sources}) => sources)) {
      void knowledgeParts.load().then(() => knowledgeParts.value ?? changed());
    }
  }
}

/** A keyboard on the screen has no Shift+Enter to begin a line with. */
function enterBreaks({enterKey}: Options): boolean {
  if (enterKey) return enterKey === 'newline';
  return globalThis.matchMedia?.('(pointer: coarse)').matches ?? false;
}
