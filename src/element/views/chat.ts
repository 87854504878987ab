// The whole chat in each of its states: which views stand where. What they look like inside is their own.
import {html, nothing, type TemplateResult} from 'lit';
import type {GemmaError} from '../../errors.ts';
import type {ChatController} from '../chat/chat-controller.ts';
import {advise, type Remedy, type Situation} from '../chat/error-advice.ts';
import {statusText} from '../chat/status-text.ts';
import type {Language} from '../languages/index.ts';
import type {MarkdownEnvironment} from '../markdown/environment.ts';
import type {ModelFiles} from '../model/model-files.ts';
import type {Avatars} from '../page/avatars.ts';
import {renderComposer} from './composer.ts';
import {renderError} from './error.ts';
import {renderHeader} from './header.ts';
import {type Prompt, renderMessageList, renderStarters} from './message-list.ts';
import type {MessageActions, MessageState} from './message-view.ts';
import {type OfferActions, renderPoster} from './poster.ts';
import {type ProgressActions, renderProgress} from './progress.ts';

/** What a visitor can do. */
export interface ChatActions {
  model: OfferActions & ProgressActions;
  send(): void;
  sendNow(id: number): void;
  takeBack(id: number): void;
  undo(): void;
  /** Takes the consent to the model back. */
  unload(): void;
  stop(): void;
  say(text: string): void;
  /** Asks for the rest of an answer that reached its length limit. */
  more(): void;
  remedy(remedy: Remedy): void;
  report(): void;
  clear(): void;
  typed(text: string): void;
  scrolled(list: HTMLElement): void;
  toEnd(): void;
}

export interface ChatView {
  chat: ChatController;
  env: MarkdownEnvironment;
  language: Language;
  /** The direction of the texts; null leaves the page's. */
  dir: 'ltr' | 'rtl' | null;
  /** Texts in another language than the page's: each takes its direction from itself. */
  foreign: boolean;
  /** The texts are on their way. */
  wordless: boolean;
  label: string;
  placeholder: string;
  /** The visitor cannot act. */
  disabled: boolean;
  /** Models of the visitor's own; null where the visitor cannot bring any. */
  files: ModelFiles | null;
  draft: string;
  /** The chat is a dialog that can be closed; null where it stands in the page. */
  dialog: {modal: boolean; close: () => void} | null;
  avatars: Avatars;
  /** What was done and can be undone; null where nothing was. */
  notice: string | null;
  /** Enter begins a line, and does not send. */
  enterBreaks: boolean;
  /** Whether the end of the conversation is in view. */
  atEnd: boolean;
  messageActions: MessageActions | null;
  messageState: MessageState;
  names: boolean;
  times: boolean;
  letters: boolean;
  starters: readonly Prompt[];
  suggestions: readonly Prompt[];
  showSpeed: boolean;
  keydown: (event: KeyboardEvent) => void;
  /** What was found out about the error that is shown; null before it was asked for. */
  report: string | null;
  /** The list of conversations, over the chat; null where it is closed. */
  history: TemplateResult | null;
  /** Null where no conversations are kept. */
  historyTools: {show: (() => void) | null; fresh: () => void} | null;
  /** What a screen reader is told. */
  live: TemplateResult;
  act: ChatActions;
}

/** The chat in its present state. */
export function renderChat(view: ChatView): TemplateResult {
  const {chat, language, label, disabled, dialog, act} = view;
  const {conversation, error, client, finds, outbox} = chat;
  const empty = conversation.head === null && outbox.waiting.length === 0;
  const writing = canWrite(view);
  return html`
    <div
      part="base"
      class=${view.foreign ? 'foreign' : ''}
      role=${dialog ? 'dialog' : 'group'}
      aria-label=${label}
      aria-modal=${dialog?.modal ? 'true' : nothing}
      aria-busy=${view.wordless}
      lang=${language.tag}
      dir=${view.dir ?? nothing}
      @keydown=${view.keydown}
    >
      <div class="body" ?inert=${view.history !== null}>
      ${renderHeader({
        language,
        label,
        history: disabled ? null : view.historyTools,
        clear: !empty && !disabled ? act.clear : null,
        close: dialog?.close ?? null,
      })}
      ${
        client || finds || !empty
          ? renderMessageList({
              avatars: view.avatars,
              env: view.env,
              conversation,
              growing: chat.answering.turn,
              actions: view.messageActions,
              state: view.messageState,
              cut: chat.cut,
              names: view.names,
              times: view.times,
              letters: view.letters,
              more: canContinue(chat) && !disabled ? act.more : null,
              starters: view.starters,
              suggestions: view.suggestions,
              say: writing && !disabled ? act.say : null,
              outbox: {language, waiting: outbox.waiting, for: waitsFor(chat), act: disabled ? null : act},
              scrolled: act.scrolled,
              toEnd: view.atEnd ? null : act.toEnd,
            })
          : null
      }
      ${error ? failure(view, error) : null}
      ${client ? null : renderWayIn(view)}
      ${!client && !finds && empty && writing ? starters(view) : null}
      ${writing ? composer(view) : null}
      <slot name="footer"></slot>
      </div>
      ${view.history} ${view.live}
    </div>
  `;
}

/** From the first moment on, where there is a model to come; what cannot run here is told nothing. */
function canWrite({chat: {status, client, finds, model}}: ChatView): boolean {
  if (client || finds) return true;
  if (status === 'consent') return !model.offer.hopeless;
  return status === 'downloading' || status === 'paused' || status === 'loading';
}

const canContinue = ({status, finishReason, outbox}: ChatController) =>
  status === 'ready' && finishReason === 'length' && outbox.waiting.length === 0;

function waitsFor({client, finds, answering}: ChatController): 'model' | 'answer' | 'visitor' {
  if (!client && !finds) return 'model';
  return answering.busy ? 'answer' : 'visitor';
}

function starters({starters: prompts, language, disabled, act}: ChatView): TemplateResult {
  return html`<div class="before">${renderStarters(language, prompts, disabled ? null : act.say)}</div>`;
}

function failure({chat, language, report, disabled, act}: ChatView, error: GemmaError): TemplateResult {
  const advice = advise(error, situation(chat), language);
  return renderError({language, error, advice, report, act: disabled ? null : act});
}

function situation({client, model}: ChatController): Situation {
  return {
    loaded: client !== null,
    ownFile: model.offer.source?.host === null,
    online: navigator.onLine,
    secure: globalThis.isSecureContext,
  };
}

function renderWayIn(view: ChatView): TemplateResult | null {
  const way = wayIn(view);
  return way && html`<div class="way-in">${way}</div>`;
}

function wayIn({chat, language, files, disabled, act}: ChatView): TemplateResult | null {
  const {status, model} = chat;
  if (status === 'error') return null;
  if (status === 'downloading' || status === 'paused' || status === 'loading') {
    const {progress, rate, stalled} = model;
    return renderProgress({language, status, progress, rate, stalled, disabled, act: act.model});
  }
  const {offer} = model;
  const advice = offer.problem && advise(offer.problem, situation(chat), language);
  return renderPoster({language, offer, advice, files, disabled, act: act.model});
}

function composer(view: ChatView): TemplateResult {
  const {chat, language, draft, placeholder, disabled, showSpeed, notice, enterBreaks, act} = view;
  return renderComposer({
    language,
    draft,
    placeholder,
    generating: chat.answering.busy,
    disabled,
    status: statusText(language, chat, showSpeed),
    contextUsed: chat.client && chat.contextUsed,
    notice,
    undo: act.undo,
    unload: chat.model.revocable ? act.unload : null,
    enterBreaks,
    typed: act.typed,
    send: act.send,
    stop: act.stop,
  });
}
