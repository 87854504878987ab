// `node scripts/docs.mjs [--write]`: whether docs/api.md says what custom-elements.json does; `--write` makes it so.
// Writes tables and nothing else: what needs explaining is in docs/element.md. Knows no source but the manifest.
import {readFile, writeFile} from 'node:fs/promises';
import path from 'node:path';
import {ROOT} from './lib/run.mjs';

const FILE = 'docs/api.md';
const WRITE = 'node scripts/docs.mjs --write';

const code = (text) => `\`${text}\``;
/** A bar ends a cell, in code too. */
const cell = (text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const row = (cells) => `| ${cells.map(cell).join(' | ')} |`;
const unset = new Set(['null', 'undefined']);
const value = (text) => (text === undefined || unset.has(text) ? '–' : code(text));

function table(title, head, rows) {
  if (rows.length === 0) return [];
  return ['', `### ${title}`, '', row(head), `|${'---|'.repeat(head.length)}`, ...rows.map(row)];
}

function signature({name, parameters = []}) {
  return code(`${name}(${parameters.map((parameter) => parameter.name).join(', ')})`);
}

function section(element) {
  const {tagName, description, attributes, members, events, slots, cssParts, cssProperties} = element;
  const inMarkup = new Set(attributes.map(({fieldName}) => fieldName));
  const fields = members.filter(({kind, name}) => kind === 'field' && !inMarkup.has(name));
  const methods = members.filter(({kind}) => kind === 'method');
  const named = (list) => list.map((each) => [code(each.name), each.description]);
  return [
    '',
    `## ${tagName}`,
    '',
    description,
    ...table(
      'Attributes',
      ['Attribute', 'Property', 'Type', 'Default', ''],
      attributes.map((each) => [
        code(each.name),
        code(each.fieldName),
        code(each.type.text),
        value(each.default),
        each.description,
      ]),
    ),
    ...table(
      'Properties without an attribute',
      ['Property', 'Type', ''],
      fields.map((each) => [
        code(each.name),
        code(each.type.text),
        `${each.readonly ? 'Read-only. ' : ''}${each.description}`,
      ]),
    ),
    ...table(
      'Methods',
      ['Method', 'Returns', ''],
      methods.map((each) => [signature(each), code(each.return.type.text), each.description]),
    ),
    ...table(
      'Events',
      ['Event', 'Type', ''],
      events.map((each) => [code(each.name), code(each.type.text), each.description]),
    ),
    ...table('Slots', ['Slot', ''], named(slots)),
    ...table('Parts', ['Part', ''], named(cssParts)),
    ...table(
      'Custom properties',
      ['Custom property', 'Default', ''],
      cssProperties.map((each) => [code(each.name), own(each.default), each.description]),
    ),
  ];
}

/** Sizes are written as multiples of the text's; what else begins with an underscore is the element's own affair. */
function own(text) {
  const sized = text
    .replaceAll(/calc\(([\d.]+) \* var\(--_gemma-em\)\)/g, '$1em')
    .replaceAll('var(--_gemma-em)', '1em');
  return sized.includes('--_') ? '–' : value(sized);
}

/** The whole page, for the text of a manifest. */
function apiPage(manifest) {
  const elements = manifest.modules.flatMap(({declarations = []}) => declarations).filter(({tagName}) => tagName);
  const lines = [
    '# Reference of the elements',
    '',
    `Made from \`custom-elements.json\` by \`${WRITE}\`. [The element](element.md) explains what needs more than a line.`,
    ...elements.flatMap(section),
    '',
  ];
  return lines.join('\n');
}

async function main() {
  const read = (name) => readFile(path.join(ROOT, name), 'utf8');
  const page = apiPage(JSON.parse(await read('custom-elements.json')));
  if (process.argv.includes('--write')) return writeFile(path.join(ROOT, FILE), page);
  if (page === (await read(FILE).catch(() => ''))) return;
  console.error(`${FILE} is not what custom-elements.json says; \`${WRITE}\` brings it up to date`);
  process.exitCode = 1;
}

await main();
