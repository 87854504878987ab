// `node scripts/manifest-check.mjs [--write]`: whether custom-elements.json says what the elements' classes say, and
// whether the classes say what the views and styles do. Reads the sources as text; exits 1 with one line a difference.
import {readdir, readFile, writeFile} from 'node:fs/promises';
import path from 'node:path';
import {fileURLToPath} from 'node:url';
import {classContract} from './lib/class-contract.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const FOLDER = 'src/element';
const CLASS_FILE = `${FOLDER}/gemma-chat-element.ts`;
const CLASSES = [
  {name: 'GemmaChatElement', file: CLASS_FILE, table: true},
  {name: 'GemmaChatModelElement', file: `${FOLDER}/gemma-chat-model-element.ts`},
];
const MANIFEST = 'custom-elements.json';

const read = (file) => readFile(path.join(root, file), 'utf8');
const source = await read(CLASS_FILE);
const events = await read(`${FOLDER}/events.ts`);
const options = await read(`${FOLDER}/options.ts`);
const looks = await readLooks();

/** Views and styles: everything that may use a part, a slot or a custom property. */
async function readLooks() {
  const names = (await readdir(path.join(root, FOLDER), {recursive: true})).filter((name) => name.endsWith('.ts'));
  const files = names.map((name) => path.posix.join(FOLDER, name.replaceAll(path.sep, '/')));
  return (await Promise.all(files.filter((file) => file !== CLASS_FILE).map(read))).join('\n');
}

/** The chat comes first: the looks are its. */
const contracts = await Promise.all(
  CLASSES.map(async ({name, file, table}) => {
    const source = await read(file);
    return {file, ...classContract({file, name, source, events, options: table ? options : null})};
  }),
);

function buildManifest() {
  const reference = (name, module) => ({name, module});
  return {
    schemaVersion: '2.1.0',
    readme: 'docs/api.md',
    modules: [
      ...contracts.map(({file, declaration}) => ({
        kind: 'javascript-module',
        path: file,
        declarations: [declaration],
        exports: [{kind: 'js', name: declaration.name, declaration: reference(declaration.name, file)}],
      })),
      {
        kind: 'javascript-module',
        path: 'src/index.ts',
        exports: contracts.map(({file, declaration}) => ({
          kind: 'custom-element-definition',
          name: declaration.tagName,
          declaration: reference(declaration.name, file),
        })),
      },
    ],
  };
}

/** One line for each place where `is` differs from `should`. Lists of named things are compared by name. */
function differences(is, should, where = '') {
  if (typeof should !== 'object' || typeof is !== 'object' || is === null) {
    return is === should
      ? []
      : [`${where}: ${MANIFEST} has ${JSON.stringify(is)}, the class ${JSON.stringify(should)}`];
  }
  const key = (value, index) => value?.name ?? value?.path ?? index;
  const index = (value) => (Array.isArray(value) ? Object.fromEntries(value.map((v, i) => [key(v, i), v])) : value);
  const [a, b] = [index(is), index(should)];
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].flatMap((name) => differences(a[name], b[name], where ? `${where} › ${name}` : name));
}

/** What is used and not documented, and the other way round. */
function usage(kind, documentedNames, usedNames) {
  const [documentedSet, used] = [new Set(documentedNames), new Set(usedNames)];
  return [
    ...[...used]
      .filter((name) => !documentedSet.has(name))
      .map((name) => `${kind} ${name} is used, but not documented`),
    ...[...documentedSet]
      .filter((name) => !used.has(name))
      .map((name) => `${kind} ${name} is documented, but not used`),
  ];
}

const all = (pattern, text = looks + source.replace(contracts[0].doc, '')) =>
  [...text.matchAll(pattern)].map(([, found]) => found);
// `part="a b"` and `part=${condition ? 'a b' : 'a c'}`
const parts = [
  ...all(/ part="([^"]+)"/g).map((list) => list.replace(/ ?\$\{.*\}/, '')),
  ...all(/\bpart: '([^']+)'/g),
  ...all(/iconButton\('([^']+)'/g),
  ...all(/ part=\$\{([^}]+)\}/g).flatMap((code) => all(/'([^']+)'/g, code)),
];
const slots = [
  ...all(/<slot name="([^"]+)"/g),
  ...all(/\[slot="([\w-]+)"\]/g),
  ...all(/\bslotted\([\w.]+, '([^']+)'\)/g),
  ...all(/<slot name=\$\{`([^`]+)`\}/g).map((name) => name.replace(/\$\{.*\}/, '<code>')),
];

const manifest = buildManifest();
const [{declaration: chat}] = contracts;
const {cssParts, slots: documentedSlots, cssProperties} = chat;
const names = (list) => list.map(({name}) => name);
const defaults = all(/var\((--gemma-chat-[\w-]+, .+)\);/g).map((text) => text.split(/, (.+)/));

const problems = [
  ...usage(
    'part',
    names(cssParts),
    parts.flatMap((list) => list.split(' ')),
  ),
  ...usage('slot', names(documentedSlots), slots),
  ...usage('custom property', names(cssProperties), all(/(--gemma-chat-[\w-]+)/g)),
  ...cssProperties
    .map((property) => [property, defaults.find(([name]) => name === property.name)?.[1]])
    .filter(([property, value]) => property.default !== value)
    .map(([property, value]) => `${property.name} has the default ${value}, documented as ${property.default}`),
];

if (process.argv.includes('--write')) {
  await writeFile(path.join(root, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
} else {
  problems.push(...differences(JSON.parse(await read(MANIFEST)), manifest));
}
for (const problem of problems) console.error(problem);
if (problems.length > 0) {
  console.error(
    `${problems.length} differences; \`node scripts/manifest-check.mjs --write\` brings ${MANIFEST} up to date`,
  );
  process.exitCode = 1;
}
