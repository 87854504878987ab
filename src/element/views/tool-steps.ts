// The tools that the model used for an answer: each with its state in words, its arguments and its result folded, and the
// question where the page wants the visitor asked.
import type {TemplateResult} from 'lit';
import type {ToolStep} from '../../protocol/messages.ts';
import {html, nothing} from '../handed.ts';
import type {StringKey} from '../languages/index.ts';
import type {MarkdownEnvironment} from '../markdown/environment.ts';
import {markdown} from '../markdown/markdown.ts';
import type {MessageActions, MessageView} from './message-view.ts';

/** What is said of a step, by its state. */
export const TOOL_TEXTS = {
  asking: 'toolAsk',
  running: 'toolRunning',
  done: 'toolDone',
  failed: 'toolFailed',
  refused: 'toolRefused',
  stopped: 'statusStopped',
} as const satisfies Record<ToolStep['state'], StringKey>;

const STATES = {
  asking: {part: 'tool tool-asking'},
  running: {part: 'tool tool-running'},
  done: {part: 'tool tool-done'},
  failed: {part: 'tool tool-failed'},
  refused: {part: 'tool tool-refused'},
  stopped: {part: 'tool tool-stopped'},
} as const;

/** One block a call of a tool. */
export function renderSteps({env, turn, actions}: MessageView): TemplateResult[] {
  return (turn.message.steps ?? []).map((step, index) => renderStep(env, step, () => actions, turn.id, index));
}

function renderStep(
  env: MarkdownEnvironment,
  step: ToolStep,
  actions: () => MessageActions | null,
  id: number,
  index: number,
): TemplateResult {
  const {name, arguments: args, text, state, result} = step;
  const {language} = env;
  const argumentsTitle = language.text('toolArguments');
  const resultTitle = language.text('toolResult');
  const label = language.text(TOOL_TEXTS[state], {name});
  const field = (title: string, pre: TemplateResult) => html`<div part="tool-title">${title}</div>${pre}`;
  return html`
    ${text.trim() ? html`<div part="tool-text" dir="auto"><div class="markdown">${markdown(text, true, env)}</div></div>` : nothing}
    <div part=${STATES[state].part}>
      <details part="tool-details" ?open=${state === 'asking'}>
        <summary part="tool-summary">${label}</summary>
        ${field(argumentsTitle, html`<pre part="tool-arguments" dir="auto" role="group" tabindex="0" aria-label=${argumentsTitle}>${pretty(args)}</pre>`)}
        ${
          state === 'done' || state === 'failed'
            ? field(
                resultTitle,
                html`<pre part="tool-result" dir="auto" role="group" tabindex="0" aria-label=${resultTitle}>${result}</pre>`,
              )
            : nothing
        }
      </details>
      ${
        state === 'asking'
          ? html`<div part="tool-question" role="group" aria-label=${label}>
              <button part="button tool-allow-button" type="button" @click=${() => actions()?.allowTool(id, index, true)}>${language.text('toolAllow')}</button>
              <button part="button tool-refuse-button" type="button" @click=${() => actions()?.allowTool(id, index, false)}>${language.text('toolRefuse')}</button>
            </div>`
          : nothing
      }
    </div>
  `;
}

/** As JSON is read best; what is none, as it was written. */
function pretty(args: string): string {
  try {
    return JSON.stringify(JSON.parse(args), null, 2);
  } catch {
    return args;
  }
}
