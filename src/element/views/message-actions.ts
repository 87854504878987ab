// The row of buttons beneath a message. A toolbar: one stop for the Tab key, arrow keys inside.
import {html, type TemplateResult} from 'lit';
import {
  againIcon,
  badIcon,
  copyIcon,
  editIcon,
  goodIcon,
  nextIcon,
  previousIcon,
  readIcon,
  removeIcon,
} from './icons.ts';
import type {MessageView} from './message.ts';

export function renderActions(view: MessageView): TemplateResult | null {
  const {env, turn, growing, last, actions} = view;
  if (!actions || growing) return null;
  const user = turn.message.role === 'user';
  return html`
    <div
      part="actions"
      class=${last ? 'last' : ''}
      role="toolbar"
      aria-label=${env.language.text('messageActions')}
      @keydown=${moveFocus}
      @focusin=${keepStop}
    >
      ${renderBranch(view)}
      ${renderCopy(view)}
      ${user ? renderEditButton(view) : null}
      ${(user && !last) || !actions.free || !actions.answerable ? null : renderAgain(view)}
      ${!user && turn.message.content ? renderRead(view) : null}
      ${!user && actions.feedback ? renderRating(view) : null}
      ${actions.free ? renderRemove(view) : null}
    </div>
  `;
}

function renderBranch({env: {language}, turn, branch: {index, count}, actions}: MessageView): TemplateResult | null {
  if (!actions?.free || count < 2) return null;
  const step = (by: -1 | 1) => () => actions.select(turn.id, by);
  return html`
    <span part="branch" role="group" aria-label=${language.text('version', {index: index + 1, count})}>
      <button
        part="button action-button previous-button"
        type="button"
        tabindex="-1"
        aria-label=${language.text('previousVersion')}
        aria-disabled=${index === 0}
        @click=${index === 0 ? null : step(-1)}
      >${previousIcon}</button>
      <span part="branch-number" aria-hidden="true">${language.number(index + 1)}/${language.number(count)}</span>
      <button
        part="button action-button next-button"
        type="button"
        tabindex="-1"
        aria-label=${language.text('nextVersion')}
        aria-disabled=${index === count - 1}
        @click=${index === count - 1 ? null : step(1)}
      >${nextIcon}</button>
    </span>
  `;
}

function renderCopy({env: {language}, turn, actions}: MessageView): TemplateResult {
  const copy = (event: Event) => actions?.copy(turn.message.content, event.currentTarget as HTMLElement);
  return html`<button
    part="button action-button copy-button"
    type="button"
    tabindex="0"
    title=${language.text('copy')}
    aria-label=${language.text('copy')}
    @click=${copy}
  >${copyIcon}</button>`;
}

function renderEditButton({env: {language}, turn, actions}: MessageView): TemplateResult | null {
  if (!actions?.free || !actions.answerable) return null;
  return html`<button
    part="button action-button edit-button"
    type="button"
    tabindex="-1"
    title=${language.text('edit')}
    aria-label=${language.text('edit')}
    @click=${() => actions.edit(turn.id)}
  >${editIcon}</button>`;
}

function renderAgain({env: {language}, turn, actions}: MessageView): TemplateResult {
  return html`<button
    part="button action-button regenerate-button"
    type="button"
    tabindex="-1"
    title=${language.text('regenerate')}
    aria-label=${language.text('regenerate')}
    @click=${() => actions?.regenerate(turn.id)}
  >${againIcon}</button>`;
}

function renderRead({env: {language}, turn, speaking, actions}: MessageView): TemplateResult | null {
  if (!actions?.voice) return null;
  const label = language.text(speaking ? 'stopReading' : 'readAloud');
  return html`<button
    part="button action-button read-button"
    type="button"
    tabindex="-1"
    title=${label}
    aria-label=${label}
    @click=${() => actions.read(turn.id)}
  >${readIcon}</button>`;
}

function renderRating({env: {language}, turn, actions}: MessageView): TemplateResult {
  const good = turn.feedback === 'up';
  const bad = turn.feedback === 'down';
  return html`
    <button
      part="button action-button good-button"
      type="button"
      tabindex="-1"
      title=${language.text('good')}
      aria-label=${language.text('good')}
      aria-pressed=${good}
      @click=${() => actions?.rate(turn.id, good ? null : 'up')}
    >${goodIcon}</button>
    <button
      part="button action-button bad-button"
      type="button"
      tabindex="-1"
      title=${language.text('bad')}
      aria-label=${language.text('bad')}
      aria-pressed=${bad}
      @click=${() => actions?.rate(turn.id, bad ? null : 'down')}
    >${badIcon}</button>
  `;
}

function renderRemove({env: {language}, turn, actions}: MessageView): TemplateResult {
  return html`<button
    part="button action-button remove-button"
    type="button"
    tabindex="-1"
    title=${language.text('remove')}
    aria-label=${language.text('remove')}
    @click=${() => actions?.remove(turn.id)}
  >${removeIcon}</button>`;
}

const STEPS: Readonly<Record<string, number>> = {ArrowRight: 1, ArrowLeft: -1};

function moveFocus(event: KeyboardEvent): void {
  const toolbar = event.currentTarget as HTMLElement;
  const buttons = [...toolbar.querySelectorAll<HTMLElement>('button')];
  const at = buttons.indexOf(event.target as HTMLElement);
  const rtl = getComputedStyle(toolbar).direction === 'rtl';
  const by = (STEPS[event.key] ?? 0) * (rtl ? -1 : 1);
  const to = event.key === 'Home' ? 0 : event.key === 'End' ? buttons.length - 1 : at + by;
  if (to === at || !buttons[to]) return;
  event.preventDefault();
  buttons[to].focus();
}

/** The Tab key comes back to the button that had the focus last. */
function keepStop(event: FocusEvent): void {
  const toolbar = event.currentTarget as HTMLElement;
  for (const button of toolbar.querySelectorAll('button')) button.tabIndex = button === event.target ? 0 : -1;
}
