// The conversation: its turns, what stands in its place while there is none, and what could be said next. The list is a
// log that stays silent: a live region elsewhere speaks whole sentences (announcer.ts).
import {html, type TemplateResult} from 'lit';
import {guard} from 'lit/directives/guard.js';
import {repeat} from 'lit/directives/repeat.js';
import type {Conversation, Turn, TurnId} from '../chat/conversation.ts';
import type {Language} from '../languages/index.ts';
import {knowledgeParts, turnParts} from '../late.ts';
import type {MarkdownEnvironment} from '../markdown/environment.ts';
import type {Avatars} from '../page/avatars.ts';
import {keepOneStop, moveBetween} from '../page/list-keys.ts';
import {endIcon} from './icons.ts';
import {renderMessage} from './message.ts';
import type {MessageActions, MessageState} from './message-view.ts';
import {type OutboxView, renderOutbox} from './outbox.ts';

/** What a visitor may say with one press: the text, or a text under a shorter label. */
export type Prompt = string | {readonly label: string; readonly text: string};

export interface MessageListView {
  avatars: Avatars;
  env: MarkdownEnvironment;
  conversation: Conversation;
  /** The answer in the making. */
  growing: Turn | null;
  /** What can be done with a message; null while nothing can. */
  actions: MessageActions | null;
  state: MessageState;
  outbox: OutboxView;
  /** The first turn that the model reads; null where it reads all. */
  cut: TurnId | null;
  names: boolean;
  times: boolean;
  /** Whether there is an avatar where the page has given none. */
  letters: boolean;
  /** Goes on with an answer that reached its length limit; null where the last one did not. */
  more: (() => void) | null;
  starters: readonly Prompt[];
  suggestions: readonly Prompt[];
  /** Null where the visitor cannot send. */
  say: ((text: string) => void) | null;
  scrolled: (list: HTMLElement) => void;
  /** Null while the end is in view. */
  toEnd: (() => void) | null;
}

/** All turns that are shown. */
export function renderMessageList(view: MessageListView): TemplateResult {
  const {env, conversation, growing, outbox, scrolled, toEnd} = view;
  const {path} = conversation;
  const turns = growing ? [...path, growing] : path;
  return html`
    <div class="conversation">
      <div
        part="messages"
        role="log"
        aria-live="off"
        aria-label=${env.language.text('conversation')}
        tabindex="0"
        @scroll=${(event: Event) => scrolled(event.currentTarget as HTMLElement)}
        @keydown=${moveBetween}
        @focusin=${keepOneStop}
      >
        <div class="turns">
        ${turns.length === 0 && outbox.waiting.length === 0 ? renderEmpty(view) : null}
        ${repeat(
          turns,
          ({id}) => id,
          (turn, index) => [
            turn.id === view.cut ? html`<div part="cut" role="note">${env.language.text('truncated')}</div>` : null,
            renderTurn(view, turn, index === turns.length - 1),
          ],
        )}
        ${
          view.more
            ? html`<button part="button prompt continue-button" type="button" @click=${view.more}>${env.language.text('continueAnswer')}</button>`
            : null
        }
        ${renderOutbox(outbox)}
        ${!growing && turns.at(-1)?.message.sources?.length === 0 ? html`<slot name="unanswered"></slot>` : null}
        ${turns.length > 0 && !growing && outbox.waiting.length === 0 ? renderSuggestions(view) : null}
        </div>
      </div>
      ${
        toEnd
          ? html`<button part="button end-button" type="button" aria-label=${env.language.text('toEnd')} @click=${toEnd}>${endIcon}</button>`
          : null
      }
    </div>
  `;
}

/** A turn is drawn anew only when something about it has changed: a thousand others stay as they are. */
function renderTurn(view: MessageListView, turn: Turn, last: boolean): unknown {
  const {env, avatars, conversation, growing, actions, state, names, times, letters} = view;
  const isGrowing = turn === growing;
  const {index, count} = isGrowing ? newest(conversation, turn) : place(conversation, turn);
  const editing = state.editing?.id === turn.id ? state.editing : null;
  const speaking = state.speaking === turn.id;
  const avatar = turn.message.role === 'user' ? avatars.user : avatars.assistant;
  return guard(
    [
      turnParts.value,
      knowledgeParts.value,
      names,
      times,
      letters,
      turn,
      env,
      avatar,
      actions,
      index,
      count,
      editing,
      speaking,
      last,
      isGrowing,
    ],
    () =>
      renderMessage({
        env,
        turn,
        names,
        times,
        letters,
        avatar,
        growing: isGrowing,
        last,
        branch: {index, count},
        editing,
        speaking,
        actions,
      }),
  );
}

function place(conversation: Conversation, {id}: Turn): {index: number; count: number} {
  const {index, ids} = conversation.branch(id);
  return {index, count: ids.length};
}

function newest(conversation: Conversation, {parent}: Turn): {index: number; count: number} {
  const count = conversation.branches(parent) + 1;
  return {index: count - 1, count};
}

function renderEmpty({env, starters, say}: MessageListView): TemplateResult {
  return html`
    <div class="beginning">
      <slot name="empty"><p part="empty">${env.language.text('empty')}</p></slot>
      ${renderStarters(env.language, starters, say)}
    </div>
  `;
}

/** What could be said first, as buttons. */
export function renderStarters(
  language: Language,
  starters: readonly Prompt[],
  say: MessageListView['say'],
): TemplateResult {
  return html`
    <div part="starters" class=${starters.length > 0 ? 'prompts' : 'prompts bare'} role="group" aria-label=${language.text('starters')}>
      <slot name="starters">${starters.map((prompt) => renderPrompt(prompt, say))}</slot>
    </div>
  `;
}

function renderSuggestions({env, suggestions, say}: MessageListView): TemplateResult {
  return html`
    <div part="suggestions" class=${suggestions.length > 0 ? 'prompts' : 'prompts bare'} role="group" aria-label=${env.language.text('suggestions')}>
      <slot name="suggestions">${suggestions.map((prompt) => renderPrompt(prompt, say))}</slot>
    </div>
  `;
}

function renderPrompt(prompt: Prompt, say: MessageListView['say']): TemplateResult {
  const {label, text} = typeof prompt === 'string' ? {label: prompt, text: prompt} : prompt;
  return html`<button part="button prompt" type="button" dir="auto" ?disabled=${!say} @click=${() => say?.(text)}>${label}</button>`;
}
