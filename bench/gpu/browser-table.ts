// The figures of a browser run for people, as Markdown.
import type {BrowserFigures, BrowserResults} from './browser-results.ts';

const rate = (value: number | undefined): string =>
  value === undefined ? '–' : value.toFixed(value < 100 ? 1 : 0).replace(/\B(?=(\d{3})+$)/g, ',');
const seconds = (ms: number | undefined): string => (ms === undefined ? '–' : (ms / 1000).toFixed(2));

function row(name: string, engine: string, {error, loadMs, reloadMs, long, short, twoTabs}: BrowserFigures): string {
  if (error) return `| ${name} | ${engine} | ${error} |`;
  const together = twoTabs?.reduce((sum, {decode}) => sum + decode, 0);
  const cells = [
    seconds(loadMs),
    seconds(reloadMs),
    long && `${rate(long.prefill)} (${long.prompt})`,
    rate(long?.decode),
    rate(short?.decode),
    rate(together),
  ];
  return `| ${[name, engine, ...cells].join(' | ')} |`;
}

export function browserTable({dry, date, commit, browser, flags, adapter, models, skipped}: BrowserResults): string {
  return `# In a browser${dry ? ' (dry run: no speed)' : ''}

Chromium ${browser}, ${date}, commit ${commit}. Adapter: ${[adapter.vendor, adapter.architecture, adapter.description].filter(Boolean).join(', ')}.
Features: ${adapter.features}. Flags: \`${flags.join(' ')}\`.

| model | engine | load, s | from the store, s | prefill, tokens/s (prompt) | decode after it | decode from a short prompt | two tabs, in sum |
|---|---|---:|---:|---:|---:|---:|---:|
${models.flatMap(({name, ours, wllama}) => [row(name, 'gemma-chat', ours), row(name, 'wllama', wllama)]).join('\n')}
${skipped.map((each) => `\nNot measured: ${each}.`).join('')}
`;
}
