// `node scripts/manifest-check.mjs [--write]`: whether custom-elements.json says what the element's class says, and
// whether the class says what the views and styles do. Reads the sources as text; exits 1 with one line a difference.
import {readdir, readFile, writeFile} from 'node:fs/promises';
import path from 'node:path';
import {fileURLToPath} from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const FOLDER = 'src/element';
const CLASS_FILE = `${FOLDER}/gemma-chat-element.ts`;
const MANIFEST = 'custom-elements.json';

const read = (file) => readFile(path.join(root, file), 'utf8');
const source = await read(CLASS_FILE);
const events = await read(`${FOLDER}/events.ts`);
const looks = await readLooks();

/** Views and styles: everything that may use a part, a slot or a custom property. */
async function readLooks() {
  const names = (await readdir(path.join(root, FOLDER), {recursive: true})).filter((name) => name.endsWith('.ts'));
  const files = names.map((name) => path.posix.join(FOLDER, name.replaceAll(path.sep, '/')));
  return (await Promise.all(files.filter((file) => file !== CLASS_FILE).map(read))).join('\n');
}

const match = (text, pattern, what) => {
  const found = text.match(pattern);
  if (!found) throw new Error(`${CLASS_FILE} has no ${what}`);
  return found[1];
};

/** A comment's lines as one text, up to its first tag. */
const prose = (comment) =>
  comment
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/, '').trim())
    .join(' ')
    .split(/(?:^|\s)@/)[0]
    .trim();

const doc = match(source, /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*export class GemmaChatElement/, 'documented class');

/** `@tag name - text` lines of the class; `[name=value]` gives a default. */
function tagged(tag) {
  const lines = [...doc.matchAll(new RegExp(`@${tag} (.+)`, 'g'))].map(([, line]) => line);
  return lines.map((line) => {
    const [, name, value, description] = line.match(/^\[?([^\s=\]]+)(?:=(.*?)\])? - (.+)$/) ?? [];
    if (!name) throw new Error(`cannot read "@${tag} ${line}"; expected "@${tag} name - text"`);
    return {name, ...(value === undefined ? {} : {default: value}), description};
  });
}

/** The comment right above `declaration`, and what its first group captured. */
function documented(declaration) {
  const pattern = new RegExp(`/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\s*${declaration}`);
  const [, comment, ...groups] = source.match(pattern) ?? [];
  if (comment === undefined) throw new Error(`${CLASS_FILE} has no comment above ${declaration}`);
  return {description: prose(comment), groups};
}

function readProperties() {
  const block = match(source, /static override properties = \{([\s\S]*?)\n {2}\};/, 'static properties');
  return [...block.matchAll(/(\w+): \{([^{}]*)\}/g)].map(([, name, options]) => {
    const {description, groups} = documented(`declare ${name}: (.+);`);
    const named = options.match(/attribute: '([^']+)'/)?.[1] ?? name.toLowerCase();
    const attribute = options.includes('attribute: false') ? undefined : named;
    return {
      name,
      ...(attribute ? {attribute} : {}),
      type: groups[0],
      default: match(source, new RegExp(`this\\.${name} = (.+);`), name),
      description,
    };
  });
}

function readAccessors() {
  const found = [...source.matchAll(/^ {2}get (\w+)\(\): (.+) \{/gm)];
  const shown = found.filter(([, name]) => documented(`get ${name}\\(`).description !== '');
  return shown.map(([, name, type]) => ({
    kind: 'field',
    name,
    type: {text: type},
    ...(source.includes(`\n  set ${name}(`) ? {} : {readonly: true}),
    description: documented(`get ${name}\\(`).description,
  }));
}

const INHERITED = new Set(['constructor', 'connectedCallback', 'disconnectedCallback']);

function readMethods() {
  const found = [...source.matchAll(/^ {2}(async )?(\w+)\((.*)\): (.+) \{$/gm)];
  return found
    .filter(([, , name]) => !INHERITED.has(name))
    .map(([, isAsync, name, parameters, type]) => ({
      kind: 'method',
      name,
      parameters: [...parameters.matchAll(/(\w+): ([^,]+)/g)].map(([, param, text]) => ({name: param, type: {text}})),
      return: {type: {text: type}},
      description: documented(`${isAsync ?? ''}${name}\\(`).description,
    }));
}

function readEvents() {
  return tagged('fires').map(({name, description}) => {
    const type = events.match(new RegExp(`^ {2}'?${name}'?: (\\w+);`, 'm'))?.[1];
    if (!type) throw new Error(`events.ts has no ${name} in GemmaChatEventMap`);
    return {name, type: {text: match(events, new RegExp(`export type ${type} = (.+);`), type)}, description};
  });
}

function buildManifest() {
  const properties = readProperties();
  const reference = {name: 'GemmaChatElement', module: CLASS_FILE};
  return {
    schemaVersion: '2.1.0',
    readme: 'docs/element.md',
    modules: [
      {
        kind: 'javascript-module',
        path: CLASS_FILE,
        declarations: [
          {
            kind: 'class',
            name: 'GemmaChatElement',
            tagName: 'gemma-chat',
            customElement: true,
            superclass: {name: 'LitElement', package: 'lit'},
            description: prose(doc),
            attributes: properties
              .filter(({attribute}) => attribute)
              .map(({name, attribute, type, description, ...rest}) => ({
                name: attribute,
                fieldName: name,
                type: {text: type},
                default: rest.default,
                description,
              })),
            members: [
              ...properties.map(({name, attribute, type, description, ...rest}) => ({
                kind: 'field',
                name,
                ...(attribute ? {attribute} : {}),
                type: {text: type},
                default: rest.default,
                description,
              })),
              ...readAccessors(),
              ...readMethods(),
            ],
            events: readEvents(),
            slots: tagged('slot'),
            cssParts: tagged('csspart'),
            cssProperties: tagged('cssprop'),
          },
        ],
        exports: [{kind: 'js', name: 'GemmaChatElement', declaration: reference}],
      },
      {
        kind: 'javascript-module',
        path: 'src/index.ts',
        exports: [{kind: 'custom-element-definition', name: 'gemma-chat', declaration: reference}],
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

const all = (pattern, text = looks + source.replace(doc, '')) => [...text.matchAll(pattern)].map(([, found]) => found);
// `part="a b"` and `part=${condition ? 'a b' : 'a c'}`
const parts = [...all(/ part="([^"]+)"/g), ...all(/ part=\$\{([^}]+)\}/g).flatMap((code) => all(/'([^']+)'/g, code))];
const slots = [
  ...all(/<slot name="([^"]+)"/g),
  ...all(/<slot name=\$\{`([^`]+)`\}/g).map((name) => name.replace(/\$\{.*\}/, '<code>')),
];

const manifest = buildManifest();
const [{declarations}] = manifest.modules;
const {cssParts, slots: documentedSlots, cssProperties, attributes} = declarations[0];
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

const guide = await read('docs/element.md');
const mentioned = [...names(attributes), ...names(documentedSlots), ...names(cssParts), ...names(cssProperties)];
const told = [...mentioned, ...names(declarations[0].events), ...names(declarations[0].members)];
for (const name of told) {
  if (!new RegExp(`\`${name}(\\(.*?\\))?\``).test(guide)) problems.push(`docs/element.md does not mention \`${name}\``);
}

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
