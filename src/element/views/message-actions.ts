// The row of buttons beneath a message. A toolbar: one stop for the Tab key, arrow keys inside.
import type {TemplateResult} from 'lit';
import {guard, html, nothing} from '../handed.ts';
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
} from './late-icons.ts';
import type {MessageActions, MessageView} from './message-view.ts';

interface Tool {
  part: string;
  label: string;
  icon: TemplateResult;
  press: (button: HTMLElement) => void;
  /** For a button that stays down. */
  pressed?: boolean;
  /** There is nothing to do, but the focus may stay. */
  off?: boolean;
  /** Where the Tab key comes in. */
  entry?: boolean;
}

/** The buttons of one message; null where it has none. */
export function renderActions(view: MessageView): TemplateResult | null {
  const {env, growing, last, actions} = view;
  if (!actions || growing) return null;
  return html`
    <div
      part="actions"
      class=${last ? 'last' : ''}
      role="toolbar"
      aria-label=${env.language.text('messageActions')}
      @keydown=${moveFocus}
      @focusin=${keepStop}
    >
      ${actions.free ? renderBranch(view, actions) : null}
      ${tools(view, actions).map(renderTool)}
    </div>
  `;
}

function renderTool({part, label, icon, press, pressed, off, entry}: Tool): TemplateResult {
  return html`<button
    part=${part}
    type="button"
    tabindex=${entry ? 0 : -1}
    title=${label}
    aria-label=${label}
    aria-pressed=${pressed ?? nothing}
    aria-disabled=${off ?? nothing}
    @click=${(event: Event) => (off ? null : press(event.currentTarget as HTMLElement))}
  >${icon}</button>`;
}

function renderBranch({env: {language}, turn, branch}: MessageView, act: MessageActions): TemplateResult | null {
  const {index, count} = branch;
  if (count < 2) return null;
  return html`
    <span part="branch" role="group" aria-label=${language.text('version', {index: index + 1, count})}>
      ${renderTool({
        part: 'button action-button previous-button',
        label: language.text('previousVersion'),
        icon: previousIcon(),
        off: index === 0,
        press: () => act.select(turn.id, -1),
      })}
      <span part="branch-number" aria-hidden="true">${language.number(index + 1)}/${language.number(count)}</span>
      ${renderTool({
        part: 'button action-button next-button',
        label: language.text('nextVersion'),
        icon: nextIcon(),
        off: index === count - 1,
        press: () => act.select(turn.id, 1),
      })}
    </span>
  `;
}

/** What can be done with this message now, in the order of the buttons. */
function tools({env: {language}, turn, last, speaking}: MessageView, act: MessageActions): Tool[] {
  const {id, message, feedback} = turn;
  const user = message.role === 'user';
  const good = feedback === 'up';
  const bad = feedback === 'down';
  const copy: Tool = {
    part: 'button action-button copy-button',
    label: language.text('copy'),
    icon: copyIcon(),
    press: (button) => act.copy(message.content, button),
    entry: last,
  };
  const edit: Tool = {
    part: 'button action-button edit-button',
    label: language.text('edit'),
    icon: editIcon(),
    press: () => act.edit(id),
  };
  const again: Tool = {
    part: 'button action-button regenerate-button',
    label: language.text('regenerate'),
    icon: againIcon(),
    press: () => act.regenerate(id),
  };
  const read: Tool = {
    part: 'button action-button read-button',
    label: language.text(speaking ? 'stopReading' : 'readAloud'),
    icon: readIcon(),
    press: () => act.read(id),
  };
  const rating: Tool[] = [
    {
      part: 'button action-button good-button',
      label: language.text('good'),
      icon: goodIcon(),
      pressed: good,
      press: () => act.rate(id, good ? null : 'up'),
    },
    {
      part: 'button action-button bad-button',
      label: language.text('bad'),
      icon: badIcon(),
      pressed: bad,
      press: () => act.rate(id, bad ? null : 'down'),
    },
  ];
  const remove: Tool = {
    part: 'button action-button delete-message-button',
    label: language.text('remove'),
    icon: removeIcon(),
    press: () => act.remove(id),
  };
  const own: Tool[] = act.buttons.map((button) => ({
    part: 'button action-button message-button',
    label: button.getAttribute('aria-label') ?? button.textContent.trim(),
    icon: html`${guard([button], () => copySlotted(button))}`,
    press: () => act.press(turn, button),
  }));
  const answerable = act.free && act.answerable;
  return [
    copy,
    ...(user && answerable ? [edit] : []),
    ...((!user || last) && answerable ? [again] : []),
    ...(!user && act.voice && message.content ? [read] : []),
    ...(!user && act.feedback ? rating : []),
    ...(user ? [] : own),
    ...(act.free ? [remove] : []),
  ];
}

/** What stands in a button of the page's. */
function copySlotted(button: Element): Node {
  const content = document.createDocumentFragment();
  for (const node of button.childNodes) content.append(document.importNode(node, true));
  return content;
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
