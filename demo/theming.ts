// Switches themes, and writes the style sheet that the controls stand for.
import '../src/index.ts';
import {customProperties, find, ownSheet, themeLink} from './dom.ts';

const form = find<HTMLFormElement>('#looks');
const css = find('#css');
const sheet = ownSheet();
const setTheme = themeLink();
let theme = '';

function apply(): void {
  const data = new FormData(form);
  const wanted = String(data.get('theme'));
  if (wanted !== theme) setTheme(wanted);
  theme = wanted;
  const declarations = customProperties(form);
  if (data.get('scheme') !== 'light dark') declarations.unshift(`  color-scheme: ${data.get('scheme')};`);
  const rules = [
    ...(declarations.length > 0 ? [`gemma-chat {\n${declarations.join('\n')}\n}`] : []),
    ...data.getAll('rule').map(String),
  ];
  sheet.replaceSync(rules.join('\n'));
  const lines = [...(theme ? [`@import 'themes/${theme}.css';`] : []), ...rules];
  css.textContent = lines.join('\n') || '/* The default needs none. */';
}

form.addEventListener('input', apply);
form.addEventListener('submit', (event) => event.preventDefault());
apply();
