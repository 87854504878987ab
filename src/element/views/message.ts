// One turn: what the visitor wrote, as it was written, or what the model answers, as Markdown; and what can be done with
// it. Knows nothing of the turns around it but that it is the last.
import {html, type TemplateResult} from 'lit';
import {guard} from 'lit/directives/guard.js';
import type {MessageSource, ToolStep} from '../../protocol/messages.ts';
import {knowledgeParts, turnParts} from '../late.ts';
import type {MarkdownEnvironment} from '../markdown/environment.ts';
import {copyAvatar} from '../page/avatars.ts';
import type {MessageView} from './message-view.ts';

/** One turn with its buttons. */
export function renderMessage(view: MessageView): TemplateResult {
  const {env, turn, editing, actions} = view;
  const late = turnParts.value;
  if (turn.message.role !== 'user') return renderAnswer(view);
  return html`
    <div part="message message-user" role="article" tabindex="-1" data-turn=${turn.id} aria-label=${env.language.text('authorUser')}>
      ${renderAvatar(view)} ${renderHead(view, env.language.text('authorUser'))}
      ${
        editing && actions && late
          ? late.renderEdit(env.language, editing, actions)
          : html`<div part="message-text bubble bubble-user" class="plain" dir="auto">${turn.message.content}</div>`
      }
      ${editing ? null : late?.renderActions(view)}
    </div>
  `;
}

function renderAnswer(view: MessageView): TemplateResult {
  const {env, turn, growing} = view;
  const {content, reasoning, sources, steps} = turn.message;
  return html`
    <div
      part=${growing ? 'message message-assistant message-growing' : 'message message-assistant'}
      role="article"
      tabindex="-1"
      data-turn=${turn.id}
      aria-label=${env.language.text('authorAssistant')}
    >
      ${renderAvatar(view)} ${renderHead(view, env.language.text('authorAssistant'))}
      ${reasoning ? renderThinking(view, reasoning) : null}
      ${steps ? turnParts.value?.renderSteps(view) : null}
      ${steps && !content && busy(steps) ? null : content || !growing ? renderContent(sources ? citing(env, sources) : env, content, growing) : renderWaiting(env)} ${growing ? null : renderEnd(view)}
      ${sources?.length && !growing ? knowledgeParts.value?.renderSources(sources, env.language) : null}
      ${turnParts.value?.renderActions(view)}
    </div>
  `;
}

/** A tool is at work, and says so itself. */
const busy = (steps: readonly ToolStep[]) => ['asking', 'running', 'stopped'].includes(steps.at(-1)?.state ?? '');

/** Why an answer ends where it ends, if not by itself. */
function renderEnd({env: {language}, turn: {finishReason}}: MessageView): TemplateResult | null {
  if (finishReason !== 'abort' && finishReason !== 'length') return null;
  return html`<div part="message-end">${language.text(finishReason === 'abort' ? 'statusStopped' : 'statusLength')}</div>`;
}

/** Not read out: a screen reader has the author from the message's name. */
function renderHead({names, times, turn, env}: MessageView, name: string): TemplateResult | null {
  const at = times ? turn.at : undefined;
  if (!names && at === undefined) return null;
  return html`
    <div part="message-head">
      ${names ? html`<span part="message-name" aria-hidden="true">${name}</span>` : null}
      ${
        at === undefined
          ? null
          : html`<time part="message-time" datetime=${new Date(at).toISOString()}>${env.language.time(at)}</time>`
      }
    </div>
  `;
}

/** The same object for the same sources: what was drawn with it stays. */
function citing(env: MarkdownEnvironment, sources: readonly MessageSource[]): MarkdownEnvironment {
  const known = CITING.get(sources);
  if (known?.copy === env.copy && known.language === env.language && known.images === env.images) return known;
  const made = {...env, sources};
  CITING.set(sources, made);
  return made;
}
const CITING = new WeakMap<readonly MessageSource[], MarkdownEnvironment>();

/** The author is in the message's name already. */
function renderAvatar({avatar, letters, turn}: MessageView): TemplateResult | null {
  if (!avatar && !letters) return null;
  // A person and a spark, the same in every language.
  const shown = avatar
    ? guard([avatar], () => copyAvatar(avatar))
    : html`<span part="avatar-letter">${turn.message.role === 'user' ? '☺' : '✦'}</span>`;
  return html`<div part="avatar" aria-hidden="true">${shown}</div>`;
}

function renderContent(env: MarkdownEnvironment, content: string, growing: boolean): TemplateResult {
  return content
    ? html`<div part="message-text bubble bubble-assistant" class=${textClass()} dir="auto">${text(env, content, !growing)}</div>`
    : html`<div part="message-text bubble bubble-assistant" class="quiet">${env.language.text('noAnswer')}</div>`;
}

/** Until it can be shown as Markdown, a text stays as it was written. */
const textClass = () => (turnParts.value ? 'markdown' : 'plain');
const text = (env: MarkdownEnvironment, content: string, finished: boolean) =>
  turnParts.value?.markdown(content, finished, env) ?? content;

function renderThinking({env, turn, growing}: MessageView, reasoning: string): TemplateResult {
  const {language} = env;
  const thinking = growing && turn.message.content === '';
  const time = turn.thinkingMs === undefined ? null : language.duration(turn.thinkingMs / 1000);
  const done = time === null ? language.text('thinkingDone') : language.text('thoughtFor', {time});
  return html`
    <details part="thinking">
      <summary part="thinking-summary">${thinking ? language.text('thinkingNow') : done}</summary>
      <div part="thinking-text" class=${textClass()} dir="auto">${text(env, reasoning, !thinking)}</div>
    </details>
  `;
}

function renderWaiting({language}: MarkdownEnvironment): TemplateResult {
  return html`<div part="waiting" role="img" aria-label=${language.text('waiting')}><i></i><i></i><i></i></div>`;
}
