// The class behind <gemma-chat>: its public contract, and how its attributes, state and views meet. What happens in a
// conversation is the controller's; how it looks is the views' and the styles'. Registers nothing.
import {LitElement, type PropertyValues, type TemplateResult} from 'lit';
import {findPassages} from '../client/find.ts';
import {GemmaClient, type ModelSrc} from '../client/index.ts';
import {GemmaError, isAbort} from '../errors.ts';
import {type ChatMessage, PROTOCOL_VERSION} from '../protocol/messages.ts';
import {ChatController} from './chat/chat-controller.ts';
import type {BeforeSend, ChatHost, ChatSettings, Ground} from './chat/chat-state.ts';
import {Conversation, checkMessage} from './chat/conversation.ts';
import {type ChatStatus, createEvent} from './events.ts';
import {History, type HistorySettings} from './history/history.ts';
import {LazyPanel} from './history/lazy-panel.ts';
import type {HistoryKind} from './history/scope.ts';
import type {ConversationSummary, HistoryStore} from './history/store.ts';
import type {KnowledgeFunction} from './knowledge/knowledge-parts.ts';
import type {Strings} from './languages/index.ts';
import {PageLanguage} from './languages/page-language.ts';
import {knowledgeParts, turnParts} from './late.ts';
import type {MarkdownEnvironment} from './markdown/environment.ts';
import {ModelFiles} from './model/model-files.ts';
import type {ModelQuestions} from './model/model-offer.ts';
import type {LoadClient} from './model/model-session.ts';
import {offPageModel, onPageModel, pageModel} from './model/page-model.ts';
import {generationOptions, initialize, PROPERTIES} from './options.ts';
import {Announcer} from './page/announcer.ts';
import {avatarsOf} from './page/avatars.ts';
import {CONTROLS, FocusKeeper} from './page/focus-keeper.ts';
import {FormValue} from './page/form-value.ts';
import {LauncherState} from './page/launcher-state.ts';
import {MessageTools} from './page/message-tools.ts';
import {Notices} from './page/notice.ts';
import {keepWritingKeys} from './page/own-keys.ts';
import {PageCache} from './page/page-cache.ts';
import {ScrollPin} from './page/scroll-pin.ts';
import {pressed} from './page/shortcuts.ts';
import {adoptStylesIn} from './styles/adopt.ts';
import {styles} from './styles/index.ts';
import {type ChatActions, renderChat} from './views/chat.ts';
import {renderLauncher} from './views/launcher.ts';
import type {Prompt} from './views/message-list.ts';

export type Display = 'inline' | 'panel' | 'launcher';

/**
 * A chat with a Gemma model that runs on the visitor's own GPU.
 *
 * @tagname gemma-chat
 *
 * @slot header - Replaces the title; the Clear button stays.
 * @slot poster - Replaces the introduction shown before the model is loaded; its name, size, host and the Load button stay.
 * @slot empty - Shown while the conversation has no message yet.
 * @slot starters - Replaces the buttons of `starters`, beneath the empty conversation.
 * @slot suggestions - Replaces the buttons of `suggestions`, beneath the last message.
 * @slot composer-start - Before the text field.
 * @slot composer-end - Between the text field and the Send button.
 * @slot avatar-user - Copied beside each of the visitor's turns: an image, or a `<template>`.
 * @slot avatar-assistant - Copied beside each of the model's turns.
 * @slot fallback - Shown where the chat cannot run on this device: in the poster's place, beneath the reason.
 * @slot error-<code> - Replaces the text of the error with that code, as in `slot="error-webgpu-missing"`.
 *
 * @fires progress - The model came a step closer to ready. Does not bubble.
 * @fires load - The model is ready; again after every new load. Does not bubble.
 * @fires error - Loading or answering failed; the detail is a GemmaError. Does not bubble.
 * @fires gemma-chat-send - The model is about to be asked. Cancelable; a listener may change what the model reads.
 * @fires gemma-chat-message - A message was added, or the answer grew; `done` tells which.
 * @fires gemma-chat-status - `status` has changed.
 * @fires gemma-chat-toggle - The launcher's panel was opened or closed.
 * @fires gemma-chat-unanswered - The site's pages do not answer a question.
 * @fires gemma-chat-feedback - The visitor rated an answer, or took it back.
 *
 * @csspart base - The whole chat.
 * @csspart header - The row at the top.
 * @csspart label - The title.
 * @csspart button - Every button.
 * @csspart tools - The buttons in it.
 * @csspart icon-button - Every button that shows an icon instead of a word.
 * @csspart close-button - Closes the launcher's panel.
 * @csspart launcher-button - The floating button of `display="launcher"`.
 * @csspart panel - What it opens.
 * @csspart history-button - Opens the list of conversations.
 * @csspart new-button - Begins a conversation, where conversations are kept.
 * @csspart history - The list of conversations, over the chat.
 * @csspart history-header - The row at its top.
 * @csspart history-back - Goes back to the chat.
 * @csspart history-new - Begins a conversation.
 * @csspart history-note - What is said in the place of a list.
 * @csspart history-search - The field in which words are looked for.
 * @csspart history-list - The list.
 * @csspart history-item - One conversation.
 * @csspart history-current - The one on screen.
 * @csspart history-open - Opens it.
 * @csspart history-title - Its title.
 * @csspart history-facts - When it was last used, and how long it is.
 * @csspart history-tool - Renames, exports or deletes it.
 * @csspart history-input - The field for its new title.
 * @csspart history-answer - Answers what a row asks.
 * @csspart history-danger - Deletes it.
 * @csspart history-footer - The row at the bottom.
 * @csspart history-import - Reads conversations from a file.
 * @csspart history-export-all - Writes all of them to a file.
 * @csspart clear-button - Clears the conversation.
 * @csspart poster - The card shown before the model is loaded.
 * @csspart poster-title - Its title.
 * @csspart poster-text - Its text.
 * @csspart facts - The model's name, size, host, licence and what it needs.
 * @csspart fact-file - The name of the model's file, beside the name the model gives itself.
 * @csspart license-link - The link to the model's licence.
 * @csspart notes - What to know before agreeing.
 * @csspart note - One of it.
 * @csspart load-button - Agrees to load the model.
 * @csspart remove-stored-button - Deletes what is stored of a model.
 * @csspart choices - The models found in what the visitor brought.
 * @csspart choice-button - Takes one of them.
 * @csspart choose-button - Lets the visitor choose a file.
 * @csspart again-button - Takes the file that was used last.
 * @csspart progress - The view shown while the model is loaded.
 * @csspart progress-text - What is going on.
 * @csspart progress-bar - The bar, a `<progress>`.
 * @csspart progress-rate - How fast the download is, and how long it will take.
 * @csspart progress-buttons - The row with the buttons beneath.
 * @csspart pause-button - Interrupts the download.
 * @csspart resume-button - Goes on with it.
 * @csspart cancel-button - Stops the loading.
 * @csspart messages - The conversation, a scrolling list.
 * @csspart empty - The invitation shown while there is no message.
 * @csspart message - One turn.
 * @csspart message-user - A turn of the visitor's.
 * @csspart message-assistant - A turn of the model's.
 * @csspart message-growing - An answer while it is written.
 * @csspart message-head - Who wrote a turn, and when.
 * @csspart message-name - Who.
 * @csspart message-time - When.
 * @csspart message-end - Says that an answer was stopped, or reached its length limit.
 * @csspart cut - The line where the model begins to read.
 * @csspart continue-button - Asks for the rest of an answer.
 * @csspart context - How much of the model's context is used, a `<meter>`.
 * @csspart avatar - The picture beside a turn.
 * @csspart avatar-letter - The letter in it where the page has slotted none.
 * @csspart message-text - The text of a turn.
 * @csspart paragraph - A paragraph in an answer.
 * @csspart quote - A quotation in an answer.
 * @csspart list - A list in an answer.
 * @csspart rule - A line across an answer.
 * @csspart inline-code - Code within a line.
 * @csspart link - A link in an answer.
 * @csspart citation - A number in an answer that leads to its source.
 * @csspart sources - The passages an answer was made of.
 * @csspart source-list - Their list.
 * @csspart source - One of them.
 * @csspart source-link - Its heading, which leads to it.
 * @csspart source-page - The title of its page.
 * @csspart source-text - The beginning of its text.
 * @csspart image - A picture in an answer.
 * @csspart heading - A heading of an answer.
 * @csspart heading-1 - One of the first level.
 * @csspart heading-2 - One of the second level.
 * @csspart heading-3 - One of the third level.
 * @csspart heading-4 - One of a lower level.
 * @csspart table - A table in an answer.
 * @csspart code-block - Code in an answer, with its head.
 * @csspart code-language - The name of its language.
 * @csspart copy-code-button - Copies it.
 * @csspart code - The code itself.
 * @csspart math - A formula in an answer.
 * @csspart actions - The buttons beneath a message.
 * @csspart action-button - Each of them, beside its own name.
 * @csspart copy-button - Copies a message.
 * @csspart edit-button - Begins to change a message of the visitor's.
 * @csspart read-button - Reads an answer aloud.
 * @csspart good-button - Rates an answer good.
 * @csspart bad-button - Rates an answer bad.
 * @csspart delete-message-button - Deletes a message and what followed it.
 * @csspart branch - Between the versions of a message.
 * @csspart branch-number - Which version is shown, of how many.
 * @csspart previous-button - Shows the version before.
 * @csspart next-button - Shows the version after.
 * @csspart edit - The form in which a message is changed.
 * @csspart edit-input - Its text field.
 * @csspart cancel-edit-button - Leaves the message as it was.
 * @csspart send-edit-button - Sends the changed message.
 * @csspart end-button - Goes to the end of the conversation.
 * @csspart starters - The ways to begin.
 * @csspart suggestions - The ways to go on.
 * @csspart prompt - A button in one of them.
 * @csspart waiting - The three dots shown until the first word.
 * @csspart thinking - The model's thinking, folded.
 * @csspart thinking-summary - The line that unfolds it.
 * @csspart thinking-text - Its text.
 * @csspart regenerate-button - Has a message answered anew.
 * @csspart error - The error view.
 * @csspart error-text - What a visitor reads about the error.
 * @csspart error-detail - Its code and technical message, folded.
 * @csspart error-icon - The sign beside it.
 * @csspart error-message - Its heading, text and notes.
 * @csspart error-title - Its heading.
 * @csspart fallback - Around the page's own content for a device that cannot run the chat.
 * @csspart error-note - What is said beneath the text: space, whose business it is.
 * @csspart error-actions - The buttons.
 * @csspart remedy-button - Every button that may help.
 * @csspart retry-button - Tries again.
 * @csspart reload-button - Loads the page again.
 * @csspart fresh-button - Begins a new conversation.
 * @csspart report-button - Copies a report.
 * @csspart report - The report, once it was asked for.
 * @csspart composer - The form with the text field.
 * @csspart input - The text field.
 * @csspart send-button - Sends the message.
 * @csspart stop-button - Stands in its place while an answer is written.
 * @csspart message-queued - A text that waits to be sent.
 * @csspart queued-tools - The row beneath it.
 * @csspart queued-reason - What it waits for.
 * @csspart queued-button - The buttons there, beside their own names.
 * @csspart send-now-button - Sends it at once.
 * @csspart take-back-button - Takes it back into the text field.
 * @csspart notice - The line over the text field that says what was done.
 * @csspart notice-text - Its text.
 * @csspart undo-button - Undoes it.
 * @csspart remove-question - What is asked before something stored is deleted.
 * @csspart remove-answer - Deletes it.
 * @csspart unload-button - Takes the consent to the model back.
 * @csspart status - The line beneath the text field.
 *
 * @cssprop [--gemma-chat-accent=light-dark(#2457d6, #8fb0ff)] - Buttons that act, focus, progress.
 * @cssprop [--gemma-chat-on-accent=light-dark(#ffffff, #0b1226)] - Text on the accent colour.
 * @cssprop [--gemma-chat-surface=light-dark(#ffffff, #14171c)] - Background.
 * @cssprop [--gemma-chat-raised=light-dark(#f3f5f8, #1d2128)] - Background of cards and the text field.
 * @cssprop [--gemma-chat-bubble=light-dark(#e4ecfd, #233252)] - Background of the visitor's turns.
 * @cssprop [--gemma-chat-text=light-dark(#1a1e24, #e7eaef)] - Text.
 * @cssprop [--gemma-chat-muted=light-dark(#566070, #a2acba)] - Quieter text.
 * @cssprop [--gemma-chat-border=light-dark(#d5dae2, #353c48)] - Lines.
 * @cssprop [--gemma-chat-danger=light-dark(#b3261e, #ff9d94)] - Errors.
 * @cssprop [--gemma-chat-shadow=0 0.5rem 2rem rgb(0 0 0 / 22%)] - Shadow of the launcher's button and panel.
 * @cssprop [--gemma-chat-launcher-radius=50%] - Corners of the launcher's button.
 * @cssprop [--gemma-chat-panel-width=25rem] - Width of the launcher's panel, where there is room.
 * @cssprop [--gemma-chat-panel-height=40rem] - Its height.
 * @cssprop [--gemma-chat-z-index=1000] - Where the launcher stands in the page's stack.
 * @cssprop [--gemma-chat-on-bubble=var(--_text)] - Text of the visitor's turns; as other text by default.
 * @cssprop [--gemma-chat-answer=transparent] - Background of the model's turns.
 * @cssprop [--gemma-chat-answer-padding=0] - Space inside them.
 * @cssprop [--gemma-chat-font-size=1rem] - Size of the text; the small print follows the page's root size.
 * @cssprop [--gemma-chat-code-font=ui-monospace, monospace] - Font family of code.
 * @cssprop [--gemma-chat-code-keyword=light-dark(#8a2be2, #d3a4ff)] - Keywords in code.
 * @cssprop [--gemma-chat-code-string=light-dark(#0b6b3a, #8fd6a8)] - Texts in code.
 * @cssprop [--gemma-chat-code-number=light-dark(#9a3412, #f3b48b)] - Numbers in code.
 * @cssprop [--gemma-chat-code-title=light-dark(#1d4ed8, #9dc1ff)] - Names that code defines.
 * @cssprop [--gemma-chat-code-comment=light-dark(#5b6472, #9aa4b3)] - Comments in code.
 * @cssprop [--gemma-chat-font=inherit] - Font family.
 * @cssprop [--gemma-chat-radius=0.875rem] - Corners.
 * @cssprop [--gemma-chat-gap=1rem] - Space between turns and around the content.
 */
export class GemmaChatElement extends LitElement {
  static override styles = styles;

  /** @internal */
  static readonly formAssociated = true;

  static override properties = PROPERTIES;

  /**
   * URL of a GGUF file, or `hf:owner/repo/file.gguf[@revision]`; of a split model its first part. The property also takes
   * a `File` or `Blob`, or an array with all files of a split model.
   */
  declare modelSrc: ModelSrc | null;
  /** SHA-256 that the file must have, as `sha256-…` in base64 or hex; for a split model one a part, with spaces between. */
  declare integrity: string | null;
  /**
   * When to load it: `lazy` shows what it is and waits until the visitor agrees; `eager` loads at once if it is stored
   * already or `consent` is `given`, and otherwise asks too.
   */
  declare loading: 'lazy' | 'eager';
  /** `given`: the site has asked the visitor itself, and `eager` need not. */
  declare consent: 'given' | null;
  /** Lets the visitor choose or drop a model file of their own, also where the page names a model. */
  declare localFiles: boolean;
  /** What the model is told before the conversation. Read at every message. */
  declare systemPrompt: string | null;
  /** Tokens a conversation may have; null leaves it to the model. Read when the model is loaded. */
  declare contextLength: number | null;
  /** How freely tokens are drawn; 0 always takes the likeliest. */
  declare temperature: number | null;
  /** Draw among this many of the likeliest tokens; 0 for all. */
  declare topK: number | null;
  /** Draw among the likeliest tokens that together have this probability. */
  declare topP: number | null;
  /** Leave out tokens less likely than this share of the likeliest one's probability. */
  declare minP: number | null;
  /** Tokens an answer may have; null for as many as fit. */
  declare maxTokens: number | null;
  /** A number makes the same conversation give the same answer. */
  declare seed: number | null;
  /** URL of `gemma-chat.worker.js` where it is not beside the script. Read when the model is loaded. */
  declare workerSrc: string | null;
  /** Text in the empty text field. */
  declare placeholder: string | null;
  /** Title and accessible name of the chat. */
  declare label: string | null;
  /** Whether the visitor can act; the methods work all the same. */
  declare disabled: boolean;
  /** Where conversations are kept: `none`, `session` for this tab, or `local` for good. */
  declare history: HistoryKind;
  /** Which chats see them: those of the `origin`, those of the same `path`, or those with the same key of any other name. */
  declare historyKey: string | null;
  /** What keeps them in the place of IndexedDB. Set it before `history`. */
  declare historyStore: HistoryStore | null;
  /** Its shape: `inline` in the page's flow, `panel` fills its parent, `launcher` is a floating button that opens it. */
  declare display: Display;
  /** Whether the launcher's panel is open. */
  declare open: boolean;
  /** Whether pictures in answers are fetched and shown; a link stands in their place otherwise. */
  declare images: boolean;
  /** Whether the visitor can rate answers: `gemma-chat-feedback`. */
  declare feedback: boolean;
  /** Whether the line beneath the text field tells the tokens a second. */
  declare showSpeed: boolean;
  /** Whether each message says who wrote it. */
  declare showNames: boolean;
  /** Whether each message says when it was written. */
  declare showTimes: boolean;
  /** Whether there are pictures beside messages where the page has slotted none. */
  declare showAvatars: boolean;
  /** Has the model think before it answers, where its template can: `client.model.capabilities`. Folded in the list. */
  declare thinking: boolean;
  /**
   * When the conversation no longer fits into the model's context: `truncate-oldest` leaves the oldest turns out, with a
   * line in the list where the model begins to read; `stop` shows the error `context-overflow`.
   */
  declare contextOverflow: 'truncate-oldest' | 'stop';
  /** What a visitor may begin with at one press: texts, or `{label, text}`. The attribute is a JSON array. */
  declare starters: readonly Prompt[] | null;
  /** What a visitor may say next; emptied with every message. */
  declare suggestions: readonly Prompt[] | null;
  /** The name under which a form sends the conversation. */
  declare name: string | null;
  /** What a form sends: `json`, a list of `{role, content}`, or `text`. */
  declare valueFormat: 'json' | 'text';
  /** `off` leaves all keys but Enter, Tab and those of the browser to the page. */
  declare shortcuts: 'on' | 'off';
  /** What Enter does in the text field: `send`, or `newline`. By default it sends, but for a keyboard on the screen. */
  declare enterKey: 'send' | 'newline' | null;
  /** The page's own texts in the place of the element's, by key; the others stay as they are. */
  declare strings: Partial<Strings> | null;
  /** Runs before the model is asked, after `gemma-chat-send`; may change the messages, and be async. */
  declare beforeSend: BeforeSend | null;
  /** Folder of the index of the site's pages that `npx gemma-chat index` made: answers come from it, with sources. */
  declare knowledgeSrc: string | null;
  /** SHA-256 of the index's manifest, as the command prints it. */
  declare knowledgeIntegrity: string | null;
  /** Which part of the page `knowledge="page"` reads; null for its main content. */
  declare knowledgeSelector: string | null;
  /** `page`: answers come from the page the chat stands on. A function gives the passages of a question itself. */
  declare knowledge: 'page' | KnowledgeFunction | null;

  /** @internal How a client is made; a test puts its own here. */
  static loadClient: LoadClient = (options) => GemmaClient.load(options);
  /** @internal How an index is asked; a test answers itself. */
  static find: typeof findPassages = (request) => findPassages(request);
  /** @internal What is asked of a model before it is loaded; a test answers itself. */
  static questions: ModelQuestions = {
    inspect: (options) => GemmaClient.inspect(options),
    remove: (id, options) => GemmaClient.models.remove(id, options),
  };

  readonly #controller: ChatController;
  readonly #announcer: Announcer;
  readonly #spoken = new PageLanguage(this, () => this.requestUpdate());
  readonly #launcher = new LauncherState(this);
  readonly #pageCache = new PageCache({
    leave: () => {
      this.#look();
      this.#controller.close();
    },
    comeBack: () => {
      this.#controller.model.resume();
      this.#look();
    },
  });
  readonly #files = new ModelFiles({
    open: () => this.#takesFiles,
    use: (files, integrity) => {
      this.modelSrc = files.length === 1 ? files[0] : files;
      this.integrity = integrity;
    },
    changed: () => this.requestUpdate(),
  });
  readonly #kept: History;
  readonly #historyPanel: LazyPanel;
  readonly #scroll = new ScrollPin();
  readonly #focus = new FocusKeeper();
  readonly #formValue = new FormValue(this);
  readonly #tools: MessageTools;
  readonly #notices = new Notices(() => this.requestUpdate());
  #env: MarkdownEnvironment | null = null;
  #turnParts: Promise<void> | null = null;
  #draft = '';
  #report: {error: GemmaError | null; text: string} | null = null;
  /** What the model's session knows as the source. */
  #source: Pick<ChatSettings, 'modelSrc' | 'integrity'> | null = null;

  constructor() {
    super();
    initialize(this);
    const host: ChatHost = {
      settings: () => this.#settings(),
      changed: () => this.requestUpdate(),
      emit: (event) => this.#emit(event),
    };
    this.#controller = new ChatController(host, (options) => GemmaChatElement.loadClient(options), {
      inspect: (options) => GemmaChatElement.questions.inspect(options),
      remove: (id, options) => GemmaChatElement.questions.remove(id, options),
    });
    this.#tools = new MessageTools({
      chat: this.#controller,
      language: () => this.#spoken.language,
      changed: () => this.requestUpdate(),
      say: (text) => this.#announcer.say(text),
      run: (act) => this.#run(act),
      focus: (turn, part) => this.#focus.to(this, turn, part),
      undoable: (text, undo) => this.#undoable(text, undo),
    });
    this.#announcer = new Announcer(
      () => this.requestUpdate(),
      () => this.#spoken.language,
    );
    this.#kept = new History(
      {settings: () => this.#historySettings, changed: () => this.requestUpdate()},
      this.#controller,
    );
    this.#historyPanel = new LazyPanel(
      {
        rendered: () => this.updateComplete,
        root: () => this.shadowRoot,
        language: () => this.#spoken.language,
        focus: () => this.focus(),
        changed: () => this.requestUpdate(),
        say: (...texts) => this.#announcer.say(...texts),
      },
      this.#kept,
    );
    this.addEventListener('dragover', (event) => this.#files.dragOver(event));
    this.addEventListener('drop', (event) => this.#files.drop(event));
    takeOver(this, ['messages', 'client']);
  }

  /** `idle` → `consent` → `downloading` ⇄ `paused` → `loading` → `ready` ⇄ `generating`; `error`. */
  get status(): ChatStatus {
    return this.#controller.status;
  }

  /** The finished messages, oldest first. Setting it puts another conversation in place. */
  get messages(): readonly ChatMessage[] {
    return this.#controller.messages;
  }

  set messages(messages: readonly ChatMessage[]) {
    this.#controller.replace(Conversation.ofMessages(messages.map(checkMessage)));
  }

  /** The form that sends the conversation, or null. */
  get form(): HTMLFormElement | null {
    return this.#formValue.form;
  }

  /** The GemmaClient in use, or null. Setting one of the page's own skips loading; the page closes it. */
  get client(): GemmaClient | null {
    return this.#controller.client;
  }

  set client(client: GemmaClient | null) {
    this.#controller.model.use(client);
  }

  /** @internal Resolves once the texts are those of the page's language, or will stay English. */
  get languageReady(): Promise<void> {
    return this.#spoken.ready;
  }

  /** Loads the model without waiting for the visitor, or goes on after a pause. Rejects with a GemmaError, or an AbortError when stopped. */
  load(): Promise<void> {
    // What was set in the same task counts.
    this.#sourceNamed();
    return this.#controller.model.load();
  }

  /** Interrupts the download. What has come stays on the device; `load` goes on from there. */
  pause(): void {
    this.#controller.model.pause();
  }

  /** Deletes what is stored of the model. One that runs goes on running. */
  async removeModel(): Promise<void> {
    const {offer} = this.#controller.model;
    await offer.inspect();
    await offer.remove();
  }

  /**
   * Sends a message as the visitor would, loading the model first where needed. Gives the answer, as far as it came
   * when stopped; rejects with a GemmaError, or an AbortError where nothing came or a listener prevented it.
   */
  async send(content: string): Promise<ChatMessage> {
    if (!this.#ground) await this.load();
    return orAbort(this.#controller.begin(content));
  }

  /** Stops the answer, which stays as far as it came, or the loading. */
  stop(): void {
    this.#controller.stop();
  }

  /** Has the last message answered anew. As `send`. */
  async regenerate(): Promise<ChatMessage> {
    await this.load();
    return orAbort(this.#controller.regenerate());
  }

  /** Focuses the text field, or what stands in its place. */
  override focus(options?: FocusOptions): void {
    if (this.#spoken.pending) {
      // Nothing can be focused before it is shown.
      this.#spoken.ready.then(() => this.updateComplete).then(() => this.focus(options));
      return;
    }
    const controls = CONTROLS.map((part) => `[part~="${part}"]:not(:disabled)`);
    const found = controls.map((control) => this.renderRoot?.querySelector<HTMLElement>(control));
    found.find((control) => control?.checkVisibility())?.focus(options);
  }

  /** Empties the conversation; an answer in the making is dropped. */
  clear(): void {
    this.#controller.replace(new Conversation());
    this.#announcer.say(this.#spoken.language.text('announceCleared'));
  }

  /** @internal Resolves once everything that is to be kept has been written. */
  get historyWritten(): Promise<void> {
    return this.#kept.written;
  }

  /** The conversations that are kept, newest first. */
  async conversations(): Promise<readonly ConversationSummary[]> {
    await this.#kept.refresh();
    return this.#kept.list ?? [];
  }

  /** Puts a kept conversation in place. False where it is not there any more. */
  openConversation(id: string): Promise<boolean> {
    return this.#kept.open(id);
  }

  /** Begins a conversation; the present one stays among those that are kept. */
  newConversation(): void {
    this.#kept.fresh();
  }

  /** All conversations that are kept, as the JSON that `importConversations` reads. */
  exportConversations(): Promise<string> {
    return this.#kept.json();
  }

  /** Adds the conversations of an exported file, JSON or Markdown. Gives how many there were. */
  importConversations(file: Blob): Promise<number> {
    return this.#kept.import(file);
  }

  /** A report to paste into an issue: versions, browser, GPU, storage, worker, model, last error; nothing private. */
  async diagnose(): Promise<string> {
    const {status, client, error, model} = this.#controller;
    const {contextLength, temperature, topK, topP, minP, maxTokens, seed, display, history, loading} = this;
    const settings = {contextLength, temperature, topK, topP, minP, maxTokens, seed, display, history, loading};
    const known = {status, client, error, model: model.offer.source?.file ?? null, settings};
    try {
      return await (await import('./diagnose.ts')).diagnose({...known, protocol: PROTOCOL_VERSION});
    } catch {
      // Its module cannot be fetched.
      return `gemma-chat: ${status}, ${error?.code ?? 'no error'}`;
    }
  }

  protected override createRenderRoot(): HTMLElement | DocumentFragment {
    const root = super.createRenderRoot();
    // The launcher's small script may have painted a button there.
    root.replaceChildren();
    this.renderOptions.renderBefore = null;
    keepWritingKeys(root);
    return root;
  }

  /** @internal In a frame, or in a window of its own. */
  adoptedCallback(): void {
    if (this.shadowRoot) adoptStylesIn(this.ownerDocument, this.shadowRoot, styles);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#spoken.connect();
    this.#launcher.connect();
    this.#pageCache.connect();
    onPageModel(this.#sourceNamed);
    if (!this.hasUpdated) return;
    this.#sourceNamed();
    this.#kept.start();
    this.#controller.model.resume();
    this.#look();
    this.#start();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#spoken.disconnect();
    this.#launcher.disconnect();
    this.#pageCache.disconnect();
    offPageModel(this.#sourceNamed);
    // Being moved is leaving and coming back in one go; what is still away afterwards has left.
    queueMicrotask(() => {
      if (this.isConnected) return;
      this.#tools.reset();
      this.#controller.close();
      this.#kept.stop();
      this.#look();
    });
  }

  formResetCallback(): void {
    this.clear();
  }

  formDisabledCallback(disabled: boolean): void {
    this.#formValue.disabled = disabled;
    this.requestUpdate();
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (changed.has('strings')) this.#spoken.override(this.strings);
    if (changed.has('modelSrc') || changed.has('integrity')) this.#sourceNamed();
    if (changed.has('display') || changed.has('open')) this.#look();
    if (changed.has('loading') || changed.has('consent')) this.#start();
    if (changed.has('history') || changed.has('historyKey') || changed.has('historyStore')) this.#kept.start();
    this.#focus.remember(this.shadowRoot);
    this.#scroll.draw(this.#controller.conversation);
    // A conversation, or one to come.
    if (!this.#turnParts && (this.client || this.#ground || this.messages.length > 0)) {
      this.#turnParts = turnParts.load().then(() => this.requestUpdate());
    }
    if (this.messages.some(({sources}) => sources))
      void knowledgeParts.load().then(() => knowledgeParts.value ?? this.requestUpdate());
    const names = (role: string) => this.#spoken.language.text(role === 'user' ? 'authorUser' : 'authorAssistant');
    this.#formValue.update(this.#controller.conversation, this.valueFormat, names);
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.get('open') !== undefined) this.#emit(createEvent('gemma-chat-toggle', {open: this.open}));
    this.#kept.note();
    if (this.#takesFiles && this.#seen) void this.#files.look();
    this.#scroll.follow(this.renderRoot.querySelector('[part="messages"]'));
    this.#focus.restore(this.shadowRoot);
  }

  protected override render(): TemplateResult {
    if (this.display !== 'launcher') return this.#renderChat();
    this.#launcher.opened ||= this.open;
    const {language} = this.#spoken;
    return renderLauncher({
      language,
      label: this.label || language.text('openChat'),
      open: this.open,
      covering: this.#launcher.covering,
      chat: this.#launcher.opened ? this.#renderChat() : null,
      toggle: this.#launcher.toggle,
      keydown: this.#launcher.keydown,
    });
  }

  #renderChat(): TemplateResult {
    const {language} = this.#spoken;
    const {covering, toggle} = this.#launcher;
    const disabled = this.disabled || this.#formValue.disabled;
    const {status, client} = this.#controller;
    const free = !disabled && status !== 'generating';
    return renderChat({
      chat: this.#controller,
      env: this.#environment(),
      language,
      dir: this.#spoken.dir,
      foreign: this.#spoken.foreign,
      wordless: this.#spoken.pending,
      label: this.label || language.text('label'),
      placeholder: this.placeholder ?? language.text('placeholder'),
      disabled,
      files: this.#takesFiles ? this.#files : null,
      draft: this.#draft,
      dialog: this.display === 'launcher' ? {modal: covering, close: toggle} : null,
      avatars: avatarsOf(this),
      notice: this.#notices.current?.text ?? null,
      enterBreaks: this.#enterBreaks,
      atEnd: this.#scroll.pinned,
      messageActions: this.#tools.actions({feedback: this.feedback, free, answerable: client !== null}),
      messageState: this.#tools,
      starters: this.starters ?? [],
      suggestions: this.suggestions ?? [],
      showSpeed: this.showSpeed,
      names: this.showNames,
      times: this.showTimes,
      letters: this.showAvatars,
      keydown: (event) => this.#pressed(event, disabled),
      report: this.#report?.error === this.#controller.error ? (this.#report?.text ?? null) : null,
      history: this.#historyPanel.render(),
      historyTools: this.#kept.on ? this.#historyPanel : null,
      live: this.#announcer.render(),
      act: this.#actions,
    });
  }

  readonly #actions: ChatActions = {
    model: {
      load: () => this.#run(() => this.#controller.model.agree()),
      remove: (ids) => this.#run(() => this.#removeByVisitor(ids)),
      ask: (ids) => {
        this.#controller.model.offer.ask(ids);
        this.#focus.to(this, null, ids ? 'remove-answer' : 'load-button');
      },
      choose: () => this.#run(() => this.#files.choose()),
      again: () => this.#run(() => this.#files.again()),
      pick: (model) => this.#run(() => this.#files.pick(model)),
      pause: () => this.pause(),
      resume: () => this.#run(() => this.load()),
      cancel: () => this.stop(),
    },
    send: () => this.#sendDraft(),
    sendNow: (id) => this.#controller.sendNow(id),
    takeBack: (id) => {
      const text = this.#controller.unqueue(id);
      if (this.#draft.trim() === '') this.#draft = text ?? '';
      this.#focus.to(this, null, 'input');
    },
    undo: () => {
      this.#notices.undo();
      this.#announcer.say(this.#spoken.language.text('restored'));
      this.#focus.to(this, null, 'input');
    },
    unload: () => {
      this.#controller.model.revoke();
      this.#focus.to(this, null, 'load-button');
    },
    stop: () => this.stop(),
    say: (text) => this.#say(text),
    more: () => this.#say(this.#spoken.language.text('continueAnswer')),
    remedy: (remedy) => {
      if (remedy === 'retry') this.#run(() => this.#controller.retry());
      else if (remedy === 'reload') location.reload();
      else this.#historyPanel.fresh();
    },
    report: () => this.#copyReport(),
    clear: () => this.#clearByVisitor(),
    typed: (text) => {
      this.#draft = text;
      this.requestUpdate();
    },
    scrolled: (list) => {
      const {pinned} = this.#scroll;
      this.#scroll.scrolled(list);
      if (pinned !== this.#scroll.pinned) this.requestUpdate();
    },
    toEnd: () => {
      this.#scroll.toEnd();
      this.requestUpdate();
      this.#focus.to(this, null, 'input');
    },
  };

  /** The same object as long as messages look the same. */
  #environment(): MarkdownEnvironment {
    const {language} = this.#spoken;
    if (this.#env?.language !== language || this.#env.images !== this.images) {
      const copy = (text: string, button: HTMLElement) => this.#tools.copy(text, button);
      this.#env = {language, images: this.images, copy};
    }
    return this.#env;
  }

  /** A keyboard on the screen has no Shift+Enter to begin a line with. */
  get #enterBreaks(): boolean {
    if (this.enterKey) return this.enterKey === 'newline';
    return globalThis.matchMedia?.('(pointer: coarse)').matches ?? false;
  }

  #pressed(event: KeyboardEvent, disabled: boolean): void {
    if (this.shortcuts === 'off' || disabled) return;
    const {status, conversation} = this.#controller;
    const panel = this.#kept.on && !this.#historyPanel.open ? this.#historyPanel : null;
    pressed(event, {
      stop: status === 'generating' ? () => this.stop() : null,
      history: panel?.show ?? null,
      fresh: conversation.head === null ? null : (panel?.fresh ?? null),
    });
  }

  async #copyReport(): Promise<void> {
    const {error} = this.#controller;
    const text = await this.diagnose();
    this.#report = {error, text};
    this.requestUpdate();
    // Shown all the same: a page may be refused the clipboard.
    const copied = await navigator.clipboard?.writeText(text).then(
      () => true,
      () => false,
    );
    this.#announcer.say(this.#spoken.language.text(copied ? 'reportCopied' : 'reportFailed'));
  }

  /** Null where the chat knows no pages. */
  get #ground(): Ground | null {
    return this.knowledge || this.knowledgeSrc ? this.#findPassages : null;
  }

  readonly #findPassages: Ground = async (messages, client, signal) => {
    await knowledgeParts.load();
    const parts = knowledgeParts.value;
    if (!parts) throw new GemmaError('network', 'the part of the chat that finds passages could not be fetched');
    const {knowledge, knowledgeSrc, knowledgeIntegrity: integrity, knowledgeSelector: selector, workerSrc} = this;
    const {language} = this.#spoken;
    const {find} = GemmaChatElement;
    const asked = {knowledge, knowledgeSrc, integrity, selector, workerSrc, messages, client, language, signal, find};
    const {sufficient, ...grounded} = await parts.ground(asked);
    const question = messages.at(-1)?.content ?? '';
    if (!sufficient) this.#emit(createEvent('gemma-chat-unanswered', {question}));
    return grounded;
  };

  #say(text: string): void {
    this.#notices.clear();
    if (this.#controller.canSend) this.#run(() => this.#controller.begin(text));
    else this.#queue(text);
  }

  /** It is said when it can be: after the answer that is being written, or once there is a model, which it asks for. */
  #queue(text: string): boolean {
    if (!this.#controller.queue(text)) return false;
    this.#scroll.toEnd();
    const {model} = this.#controller;
    if (this.client || this.status === 'downloading' || this.status === 'loading') return true;
    if (model.offer.agreed || this.consent === 'given') this.#run(() => this.load());
    else {
      this.#announcer.say(this.#spoken.language.text('waitsForModel'));
      this.#focus.to(this, null, this.status === 'paused' ? 'resume-button' : 'load-button');
    }
    return true;
  }

  #sendDraft(): void {
    if (this.disabled || this.#formValue.disabled || this.#draft.trim() === '') return;
    this.#notices.clear();
    if (!this.#controller.canSend) {
      if (this.#queue(this.#draft)) this.#draft = '';
      this.requestUpdate();
      return;
    }
    const answer = this.#controller.begin(this.#draft);
    // Prevented by the page: the visitor keeps the text, as in a form.
    if (!answer) return;
    this.#draft = '';
    this.#run(() => answer);
  }

  async #removeByVisitor(ids?: readonly string[]): Promise<void> {
    await this.#controller.model.offer.remove(ids);
    this.#announcer.say(this.#spoken.language.text('announceRemoved'));
  }

  /** The visitor may bring a model: none is loaded, and the page names none or allows it. */
  get #takesFiles(): boolean {
    const {status} = this;
    const named = this.localFiles || status === 'idle' || typeof this.#settings().modelSrc !== 'string';
    return named && !this.disabled && (status === 'idle' || status === 'consent' || status === 'error');
  }

  /** What a visitor has removed at one press can be had back. */
  #undoable(text: string, undo: () => void): void {
    this.#announcer.say(text);
    this.#notices.show(text, undo);
  }

  #clearByVisitor(): void {
    const {conversation} = this.#controller;
    this.#controller.replace(new Conversation());
    this.#undoable(this.#spoken.language.text('announceCleared'), () => this.#controller.replace(conversation));
    this.renderRoot.querySelector<HTMLElement>('[part="input"]')?.focus();
  }

  /** For what a visitor starts: the outcome is shown, so nobody waits for the promise. */
  #run(act: () => Promise<unknown> | null): void {
    act()?.catch((error: unknown) => {
      if (!(error instanceof GemmaError) && !isAbort(error)) throw error;
    });
  }

  /** A launcher that was not opened asks nothing, nor does a page that was left. */
  get #seen(): boolean {
    return this.isConnected && (this.display !== 'launcher' || this.open) && !this.#pageCache.away;
  }

  #look(): void {
    this.#controller.model.offer.see(this.#seen, () => this.#modelChanged());
    this.#start();
  }

  /** Another chat, here or in another tab, has done something with this model. */
  #modelChanged(): void {
    this.requestUpdate();
    if (this.status !== 'consent') return;
    this.#controller.model.offer.forget();
    this.#controller.model.offer.look();
    this.#start();
  }

  /** Loads without a word, where that is allowed. */
  #start(): void {
    const idle = this.status === 'consent' || (this.status === 'error' && !this.client);
    const eager = this.loading === 'eager';
    if (!idle || !this.isConnected || !(eager || (this.#seen && this.status === 'consent'))) return;
    this.#run(() => this.#controller.model.start(eager));
  }

  /** The chat names its model itself, or the page does for all. */
  get #own(): boolean {
    return this.modelSrc !== null && this.modelSrc !== '';
  }

  readonly #sourceNamed = (): void => {
    const {modelSrc, integrity} = this.#settings();
    if (modelSrc === this.#source?.modelSrc && integrity === this.#source?.integrity) return;
    this.#source = {modelSrc, integrity};
    this.#controller.model.sourceChanged();
    this.#start();
  };

  get #historySettings(): HistorySettings {
    return {kind: this.history, key: this.historyKey, store: this.historyStore};
  }

  #settings(): ChatSettings {
    const {consent, systemPrompt, beforeSend} = this;
    const shared = this.#own ? null : pageModel();
    const {modelSrc, integrity} = shared ?? this;
    const workerSrc = this.workerSrc ?? shared?.workerSrc ?? null;
    const contextLength = this.contextLength ?? shared?.contextLength ?? null;
    return {
      modelSrc,
      integrity,
      consent,
      workerSrc,
      contextLength,
      systemPrompt,
      generation: generationOptions(this),
      thinking: this.thinking,
      contextOverflow: this.contextOverflow === 'stop' ? 'stop' : 'truncate-oldest',
      beforeSend,
      ground: this.#ground,
    };
  }

  #emit(event: Event): boolean {
    this.#announcer.hear(event);
    if (event.type === 'gemma-chat-status' && this.status === 'generating') {
      this.#scroll.toEnd();
      this.#notices.clear();
      this.suggestions = null;
    }
    return this.dispatchEvent(event);
  }
}

async function orAbort(answer: Promise<ChatMessage> | null): Promise<ChatMessage> {
  if (!answer) throw new DOMException('a gemma-chat-send listener prevented it', 'AbortError');
  return answer;
}

/** What a page has set on the element before its script came. Lit does the same for its own properties. */
function takeOver<T extends object>(element: T, names: (keyof T)[]): void {
  for (const name of names) {
    if (!Object.hasOwn(element, name)) continue;
    const value = element[name];
    delete element[name];
    element[name] = value;
  }
}
