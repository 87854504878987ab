// The playground: sets on the chat what the controls say, and writes the code that does the same on another page.
import type {GemmaChatElement} from '../src/index.ts';
import '../src/index.ts';
import {customProperties, find, ownSheet, themeLink} from './dom.ts';

type Control = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

const chat = find<GemmaChatElement>('#chat');
const form = find<HTMLFormElement>('#controls');
const code = find('#code');
const copied = find('#copied');
const sheet = ownSheet();
const setTheme = themeLink();
let theme = '';

const controls = () => [...form.querySelectorAll<Control>('[data-attribute]')];

/** An attribute's value as the control has it; null leaves it out. */
function attributeOf(control: Control): string | null {
  if (control instanceof HTMLInputElement && control.type === 'checkbox') return control.checked ? '' : null;
  return control.value === '' || !control.checkValidity() ? null : control.value;
}

function setAttribute(name: string, value: string | null): void {
  if (value === chat.getAttribute(name)) return;
  if (value === null) chat.removeAttribute(name);
  else chat.setAttribute(name, value);
}

function apply(): void {
  for (const control of controls()) {
    setAttribute(control.dataset.attribute!, attributeOf(control));
  }
  const lines = find<HTMLTextAreaElement>('#starters').value.split('\n');
  const starters = lines.map((line) => line.trim()).filter(Boolean);
  setAttribute('starters', starters.length > 0 ? JSON.stringify(starters) : null);
  const scheme = find<HTMLSelectElement>('#scheme').value;
  const declarations = [...(scheme ? [`  color-scheme: ${scheme};`] : []), ...customProperties(form)];
  // A theme names the element too: what is set here must come after it.
  const css = declarations.length > 0 ? `gemma-chat {\n${declarations.join('\n')}\n}` : '';
  sheet.replaceSync(css);
  const wanted = find<HTMLSelectElement>('#theme').value;
  if (wanted !== theme) setTheme(wanted);
  theme = wanted;
  code.textContent = codeFor(css);
  find<HTMLElement>('#elsewhere').hidden = chat.display !== 'launcher';
  history.replaceState(null, '', `#${address()}`);
}

/** Every control by what it stands for. */
const named = (): [string, Control][] =>
  [...form.querySelectorAll<Control>('input, textarea, select')].map((control) => [
    control.dataset.attribute ?? control.dataset.property ?? control.id,
    control,
  ]);

const ticks = (control: Control): control is HTMLInputElement => control.type === 'checkbox';

/** What differs from the beginning, as an address that can be passed on. */
function address(): string {
  const set = new URLSearchParams();
  const first = form.cloneNode(true) as HTMLFormElement;
  first.reset();
  const initial = [...first.querySelectorAll<Control>('input, textarea, select')];
  for (const [index, [name, control]] of named().entries()) {
    if (ticks(control) ? control.checked : control.value !== initial[index].value) {
      set.set(name, ticks(control) ? '' : control.value);
    }
  }
  return set.toString();
}

/** Sets the controls as an address says. A select takes none but its own values. */
function visit(): void {
  const set = new URLSearchParams(location.hash.slice(1));
  for (const [name, control] of named()) {
    const value = set.get(name);
    if (value === null) continue;
    if (ticks(control)) control.checked = true;
    else control.value = value;
  }
}

const quoted = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;');

/** What was set here, and nothing else that the chat has. */
function codeFor(css: string): string {
  const set = ['model-src', 'starters', ...controls().map(({dataset}) => dataset.attribute)];
  const attributes = [...chat.attributes]
    .filter(({name, value}) => set.includes(name) && !(name === 'display' && value === 'inline'))
    .map(({name, value}) => (value === '' ? `\n  ${name}` : `\n  ${name}="${quoted(value)}"`));
  return [
    '<script type="module" src="gemma-chat.js"></script>',
    ...(theme ? [`<link rel="stylesheet" href="themes/${theme}.css">`] : []),
    ...(css ? [`<style>\n${css}\n</style>`] : []),
    `<gemma-chat${attributes.join('')}\n></gemma-chat>`,
  ].join('\n');
}

form.addEventListener('input', apply);
form.addEventListener('submit', (event) => event.preventDefault());
find('#again').addEventListener('click', () => {
  form.reset();
  apply();
});
find('#copy').addEventListener('click', async () => {
  try {
    await navigator.clipboard.writeText(code.textContent ?? '');
    copied.textContent = 'Copied.';
  } catch {
    getSelection()?.selectAllChildren(code);
    copied.textContent = 'It is selected: copy it with the keyboard.';
  }
});
find('#share').addEventListener('click', async () => {
  const done = await navigator.clipboard?.writeText(location.href).then(
    () => true,
    () => false,
  );
  copied.textContent = done ? 'The link is copied.' : 'The link is the address of this page.';
});
visit();
apply();
