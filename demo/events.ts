// Lists every event of the chat. Two of its ticks do what a page's listener may do: refuse a message, and change what
// the model reads.
import type {GemmaChatElement, GemmaChatEventMap} from '../src/index.ts';
import '../src/index.ts';
import {find} from './dom.ts';

const NAMES: (keyof GemmaChatEventMap)[] = [
  'progress',
  'load',
  'error',
  'gemma-chat-send',
  'gemma-chat-message',
  'gemma-chat-status',
  'gemma-chat-feedback',
  'gemma-chat-toggle',
];
const LONGEST_DETAIL = 400;
const MOST_ROWS = 500;

const chat = find<GemmaChatElement>('gemma-chat');
const rows = find<HTMLTableSectionElement>('#events');
const ticked = (id: string): boolean => find<HTMLInputElement>(`#${id}`).checked;

/** What comes many times a second. */
const grows = (event: CustomEvent): boolean =>
  event.type === 'progress' || (event.type === 'gemma-chat-message' && event.detail.done === false);

function describe(detail: unknown): string {
  const plain = detail instanceof Error ? {...detail, message: detail.message} : detail;
  const text = JSON.stringify(plain) ?? '';
  return text.length > LONGEST_DETAIL ? `${text.slice(0, LONGEST_DETAIL)}…` : text;
}

function add(event: CustomEvent): void {
  if (grows(event) && !ticked('growing')) return;
  const row = rows.insertRow(0);
  row.insertCell().textContent = new Date().toLocaleTimeString();
  const name = document.createElement('th');
  name.scope = 'row';
  name.textContent = event.type;
  row.append(name);
  row.insertCell().textContent = describe(event.detail);
  while (rows.rows.length > MOST_ROWS) rows.deleteRow(-1);
}

chat.addEventListener('gemma-chat-send', (event) => {
  if (ticked('context')) event.detail.messages.unshift({role: 'system', content: `The page is “${document.title}”.`});
  if (ticked('prevent')) event.preventDefault();
});
for (const name of NAMES) chat.addEventListener(name, (event) => add(event as CustomEvent));
find('#empty').addEventListener('click', () => rows.replaceChildren());
