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
  for (const control of form.querySelectorAll<Control>('[data-attribute]')) {
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
}

const quoted = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;');

function codeFor(css: string): string {
  const skipped = new Set(['id', 'style', 'open']);
  const attributes = [...chat.attributes]
    .filter(({name}) => !skipped.has(name))
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
apply();
