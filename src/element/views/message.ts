// One turn: what the visitor wrote, as it was written, or what the model answers, as Markdown; and what can be done with
// it. Knows nothing of the turns around it but that it is the last.
import {html, type TemplateResult} from 'lit';
import {guard} from 'lit/directives/guard.js';
import type {Feedback, Turn, TurnId} from '../chat/conversation.ts';
import {markdown} from '../markdown/markdown.ts';
import type {MarkdownEnvironment} from '../markdown/render.ts';
import {copyAvatar} from '../page/avatars.ts';
import {renderActions} from './message-actions.ts';
import {type Editing, renderEdit} from './message-edit.ts';

export interface MessageActions {
  /** Whether answers can be rated. */
  readonly feedback: boolean;
  /** Whether there is a voice. */
  readonly voice: boolean;
  /** Nothing is being answered, and the visitor may act: the conversation can be changed. */
  readonly free: boolean;
  /** The model is there. */
  readonly answerable: boolean;
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

export function renderMessage(view: MessageView): TemplateResult {
  const {env, turn, editing, actions} = view;
  if (turn.message.role !== 'user') return renderAnswer(view);
  return html`
    <div part="message message-user" role="article" data-turn=${turn.id} aria-label=${env.language.text('authorUser')}>
      ${renderAvatar(view.avatar)}
      ${
        editing && actions
          ? renderEdit(env.language, editing, actions)
          : html`<div part="message-text" class="plain" dir="auto">${turn.message.content}</div>`
      }
      ${editing ? null : renderActions(view)}
    </div>
  `;
}

function renderAnswer(view: MessageView): TemplateResult {
  const {env, turn, growing} = view;
  const {content, reasoning} = turn.message;
  return html`
    <div part="message message-assistant" role="article" data-turn=${turn.id} aria-label=${env.language.text('authorAssistant')}>
      ${renderAvatar(view.avatar)}
      ${reasoning ? renderThinking(view, reasoning) : null}
      ${content || !growing ? renderContent(env, content, growing) : renderWaiting(env)}
      ${renderActions(view)}
    </div>
  `;
}

/** The author is in the message's name already. */
function renderAvatar(avatar: Element | null): TemplateResult | null {
  return avatar && html`<div part="avatar" aria-hidden="true">${guard([avatar], () => copyAvatar(avatar))}</div>`;
}

function renderContent(env: MarkdownEnvironment, content: string, growing: boolean): TemplateResult {
  return content
    ? html`<div part="message-text" class="markdown" dir="auto">${markdown(content, !growing, env)}</div>`
    : html`<div part="message-text" class="quiet">${env.language.text('noAnswer')}</div>`;
}

function renderThinking({env, turn, growing}: MessageView, reasoning: string): TemplateResult {
  const {language} = env;
  const thinking = growing && turn.message.content === '';
  const time = turn.thinkingMs === undefined ? null : language.duration(turn.thinkingMs / 1000);
  const done = time === null ? language.text('thinkingDone') : language.text('thoughtFor', {time});
  return html`
    <details part="thinking">
      <summary part="thinking-summary">${thinking ? language.text('thinkingNow') : done}</summary>
      <div part="thinking-text" class="markdown" dir="auto">${markdown(reasoning, !thinking, env)}</div>
    </details>
  `;
}

function renderWaiting({language}: MarkdownEnvironment): TemplateResult {
  return html`<div part="waiting" role="img" aria-label=${language.text('waiting')}><i></i><i></i><i></i></div>`;
}
