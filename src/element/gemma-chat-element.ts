// The class behind <gemma-chat>: its public contract. What a chat does is its controllers' (assembly.ts), what its options
// mean is options.ts. Registers nothing.
import {LitElement, type PropertyValues, type TemplateResult} from 'lit';
import {findPassages} from '../client/find.ts';
import {GemmaClient} from '../client/index.ts';
import {type ChatMessage, PROTOCOL_VERSION} from '../protocol/messages.ts';
import {ChatAssembly} from './assembly.ts';
import {abortError} from './chat/chat-state.ts';
import {Conversation, checkMessage} from './chat/conversation.ts';
import type {ChatStatus} from './events.ts';
import type {ConversationSummary} from './history/store.ts';
import type {ModelQuestions} from './model/model-offer.ts';
import type {LoadClient} from './model/model-session.ts';
import {initialize, type Options, PROPERTIES} from './options.ts';
import {CONTROLS} from './page/focus-keeper.ts';
import {keepWritingKeys} from './page/own-keys.ts';
import {adoptStylesIn} from './styles/adopt.ts';
import {styles} from './styles/index.ts';

export type {Display} from './options.ts';

/** Lit makes an accessor for each option. */
const WithOptions = LitElement as unknown as Omit<typeof LitElement, 'prototype'> & (new () => LitElement & Options);

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
 * @slot unanswered - Beneath a last answer that the site's pages do not give: a contact form, a link.
 * @slot header-tools - Buttons of the page's own, before those at the end of the header.
 * @slot footer - Beneath the text field in every state: a disclaimer, a link.
 * @slot message-button - A button, copied beneath each answer; it does nothing itself but fire `gemma-chat-action`.
 * @slot icon-send - Replaces the icon of the Send button.
 * @slot icon-stop - That of the Stop button.
 * @slot icon-history - That of the button which opens the list of conversations.
 * @slot icon-new - That of the button which begins a conversation.
 * @slot icon-close - That of the button which closes the panel.
 * @slot icon-launcher - That of the closed launcher.
 * @slot launcher-text - Words beside the closed launcher's icon, which are then its name.
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
 * @fires gemma-chat-action - The visitor pressed a button that the page has slotted as `message-button`.
 * @fires gemma-chat-tool - The model called a tool of `tools`, or something came of it.
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
 * @csspart bubble - The box around that text.
 * @csspart bubble-user - One of the visitor's.
 * @csspart bubble-assistant - One of the model's.
 * @csspart message-button - A button of the page's own beneath an answer.
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
 * @csspart tool - A tool that the model used for an answer.
 * @csspart tool-asking - One that waits for the visitor's word.
 * @csspart tool-running - One that runs.
 * @csspart tool-done - One that gave a result.
 * @csspart tool-failed - One that failed.
 * @csspart tool-refused - One that the visitor did not allow.
 * @csspart tool-stopped - One that was stopped.
 * @csspart tool-text - What the model wrote before it called.
 * @csspart tool-details - What is folded.
 * @csspart tool-summary - The line that unfolds it: the tool's name and state.
 * @csspart tool-title - What a text in it is.
 * @csspart tool-arguments - The arguments, as JSON.
 * @csspart tool-result - The result, or why it failed.
 * @csspart tool-question - The buttons with which the visitor is asked.
 * @csspart tool-allow-button - Allows the call.
 * @csspart tool-refuse-button - Does not.
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
 * @csspart composer-row - The row with the text field and its button.
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
 * @cssprop [--gemma-chat-shadow=0 calc(0.5 * var(--_gemma-em)) calc(2 * var(--_gemma-em)) rgb(0 0 0 / 22%)] - Shadow of the launcher's button and panel.
 * @cssprop [--gemma-chat-launcher-radius=calc(1.75 * var(--_gemma-em))] - Corners of the launcher's button.
 * @cssprop [--gemma-chat-panel-width=calc(25 * var(--_gemma-em))] - Width of the launcher's panel, where there is room.
 * @cssprop [--gemma-chat-panel-height=calc(40 * var(--_gemma-em))] - Its height.
 * @cssprop [--gemma-chat-z-index=1000] - Where the launcher stands in the page's stack.
 * @cssprop [--gemma-chat-on-bubble=var(--_text)] - Text of the visitor's turns; as other text by default.
 * @cssprop [--gemma-chat-answer=transparent] - Background of the model's turns.
 * @cssprop [--gemma-chat-answer-padding=0] - Space inside them.
 * @cssprop [--gemma-chat-font-size=1em] - Size of the text, a length, from which all other sizes follow; an em is the size that the element inherits. Never under 12px.
 * @cssprop [--gemma-chat-code-font=ui-monospace, monospace] - Font family of code.
 * @cssprop [--gemma-chat-code-keyword=light-dark(#8a2be2, #d3a4ff)] - Keywords in code.
 * @cssprop [--gemma-chat-code-string=light-dark(#0b6b3a, #8fd6a8)] - Texts in code.
 * @cssprop [--gemma-chat-code-number=light-dark(#9a3412, #f3b48b)] - Numbers in code.
 * @cssprop [--gemma-chat-code-title=light-dark(#1d4ed8, #9dc1ff)] - Names that code defines.
 * @cssprop [--gemma-chat-code-comment=light-dark(#5b6472, #9aa4b3)] - Comments in code.
 * @cssprop [--gemma-chat-font=inherit] - Font family.
 * @cssprop [--gemma-chat-radius=calc(0.875 * var(--_gemma-em))] - Corners.
 * @cssprop [--gemma-chat-gap=var(--_gemma-em)] - Space between turns and around the content.
 */
export class GemmaChatElement extends WithOptions {
  static override styles = styles;

  /** @internal */
  static readonly formAssociated = true;

  static override properties = PROPERTIES;

  /** @internal How a client is made; a test puts its own here. */
  static loadClient: LoadClient = (options) => GemmaClient.load(options);
  /** @internal How an index is asked; a test answers itself. */
  static find: typeof findPassages = (request) => findPassages(request);
  /** @internal What is asked of a model before it is loaded; a test answers itself. */
  static questions: ModelQuestions = {
    inspect: (options) => GemmaClient.inspect(options),
    remove: (id, options) => GemmaClient.models.remove(id, options),
  };

  readonly #assembly = new ChatAssembly(this, {
    load: (options) => GemmaChatElement.loadClient(options),
    find: (request) => GemmaChatElement.find(request),
    questions: {
      inspect: (options) => GemmaChatElement.questions.inspect(options),
      remove: (id, options) => GemmaChatElement.questions.remove(id, options),
    },
  });

  constructor() {
    super();
    initialize(this);
    takeOver(this, ['messages', 'client']);
  }

  /** `idle` → `consent` → `downloading` ⇄ `paused` → `loading` → `ready` ⇄ `generating`; `error`. */
  get status(): ChatStatus {
    return this.#assembly.chat.status;
  }

  /** The finished messages, oldest first. Setting it puts another conversation in place. */
  get messages(): readonly ChatMessage[] {
    return this.#assembly.chat.messages;
  }

  set messages(messages: readonly ChatMessage[]) {
    this.#assembly.chat.replace(Conversation.ofMessages(messages.map(checkMessage)));
  }

  /** The form that sends the conversation, or null. */
  get form(): HTMLFormElement | null {
    return this.#assembly.formValue.form;
  }

  /** The GemmaClient in use, or null. Setting one of the page's own skips loading; the page closes it. */
  get client(): GemmaClient | null {
    return this.#assembly.chat.client;
  }

  set client(client: GemmaClient | null) {
    this.#assembly.chat.model.use(client);
  }

  /** @internal Resolves once the texts are those of the page's language, or will stay English. */
  get languageReady(): Promise<void> {
    return this.#assembly.spoken.ready;
  }

  /** Loads the model without waiting for the visitor, or goes on after a pause. Rejects with a GemmaError, or an AbortError when stopped. */
  load(): Promise<void> {
    // What was set in the same task counts.
    this.#assembly.autoLoad.sourceNamed();
    return this.#assembly.chat.model.load();
  }

  /** Interrupts the download. What has come stays on the device; `load` goes on from there. */
  pause(): void {
    this.#assembly.chat.model.pause();
  }

  /** Deletes what is stored of the model. One that runs goes on running. */
  async removeModel(): Promise<void> {
    const {offer} = this.#assembly.chat.model;
    await offer.inspect();
    await offer.remove();
  }

  /**
   * Sends a message as the visitor would, loading the model first where needed. Gives the answer, as far as it came
   * when stopped; rejects with a GemmaError, or an AbortError where nothing came or a listener prevented it.
   */
  async send(content: string): Promise<ChatMessage> {
    if (!this.#assembly.chat.finds) await this.load();
    return orAbort(this.#assembly.chat.begin(content));
  }

  /** Stops the answer, which stays as far as it came, or the loading. */
  stop(): void {
    this.#assembly.chat.stop();
  }

  /** Has the last message answered anew. As `send`. */
  async regenerate(): Promise<ChatMessage> {
    await this.load();
    return orAbort(this.#assembly.chat.regenerate());
  }

  /** Focuses the text field, or what stands in its place. */
  override focus(options?: FocusOptions): void {
    if (this.#assembly.spoken.pending) {
      // Nothing can be focused before it is shown.
      this.#assembly.spoken.ready.then(() => this.updateComplete).then(() => this.focus(options));
      return;
    }
    const controls = CONTROLS.map((part) => `[part~="${part}"]:not(:disabled)`);
    const found = controls.map((control) => this.renderRoot?.querySelector<HTMLElement>(control));
    found.find((control) => control?.checkVisibility())?.focus(options);
  }

  /** Empties the conversation; an answer in the making is dropped. */
  clear(): void {
    this.#assembly.chat.replace(new Conversation());
    this.#assembly.announcer.say(this.#assembly.spoken.language.text('announceCleared'));
  }

  /** @internal Resolves once everything that is to be kept has been written. */
  get historyWritten(): Promise<void> {
    return this.#assembly.history.written;
  }

  /** The conversations that are kept, newest first. */
  async conversations(): Promise<readonly ConversationSummary[]> {
    await this.#assembly.history.refresh();
    return this.#assembly.history.list ?? [];
  }

  /** Puts a kept conversation in place. False where it is not there any more. */
  openConversation(id: string): Promise<boolean> {
    return this.#assembly.history.open(id);
  }

  /** Begins a conversation; the present one stays among those that are kept. */
  newConversation(): void {
    this.#assembly.history.fresh();
  }

  /** All conversations that are kept, as the JSON that `importConversations` reads. */
  exportConversations(): Promise<string> {
    return this.#assembly.history.json();
  }

  /** Adds the conversations of an exported file, JSON or Markdown. Gives how many there were. */
  importConversations(file: Blob): Promise<number> {
    return this.#assembly.history.import(file);
  }

  /** A report to paste into an issue: versions, browser, GPU, storage, worker, model, last error; nothing private. */
  async diagnose(): Promise<string> {
    const {status, client, error, model} = this.#assembly.chat;
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
    this.#assembly.connect(this.hasUpdated);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#assembly.disconnect();
  }

  formResetCallback(): void {
    this.clear();
  }

  formDisabledCallback(disabled: boolean): void {
    this.#assembly.formValue.disabled = disabled;
    this.requestUpdate();
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    this.#assembly.beforeRender(changed as PropertyValues<Options>);
  }

  protected override updated(changed: PropertyValues<this>): void {
    this.#assembly.afterRender(changed as PropertyValues<Options>);
  }

  protected override render(): TemplateResult {
    return this.#assembly.render();
  }
}

async function orAbort(answer: Promise<ChatMessage> | null): Promise<ChatMessage> {
  if (!answer) throw abortError('a gemma-chat-send listener prevented it');
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
