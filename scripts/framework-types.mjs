// `node scripts/framework-types.mjs [--write]`: what frameworks and editors want to know of the elements, made from
// custom-elements.json: frameworks/ and vscode.html-custom-data.json. Without --write, whether they are up to date.
import {mkdir, readFile, writeFile} from 'node:fs/promises';
import path from 'node:path';
import {ROOT} from './lib/run.mjs';

const FROM = '// Made from custom-elements.json by scripts/framework-types.mjs.';
const {modules} = JSON.parse(await readFile(path.join(ROOT, 'custom-elements.json'), 'utf8'));
const elements = modules.flatMap(({declarations = []}) => declarations).filter(({customElement}) => customElement);

/** `GemmaChatElement` → `GemmaChat` */
const short = ({name}) => name.replace(/Element$/, '');
/** `gemma-chat-send` → `onGemmaChatSend` */
const handler = (event) => `on${event.replace(/(?:^|-)(\w)/g, (_, letter) => letter.toUpperCase())}`;
const key = (name) => (/^\w+$/.test(name) ? name : `'${name}'`);
const comment = (text) => `  /** ${text.replaceAll('*/', '* /')} */\n`;
const quoted = (name) => `'${name}'`;

/** What an attribute's value may be where a template writes it. */
function attributeType(element, {fieldName, type: {text}}) {
  if (text === 'boolean') return 'boolean';
  if (/\bnumber\b/.test(text)) return 'number | string | null';
  // A choice is the property's own type; what is no text or choice is written as text.
  const choice = /'/.test(text) || /^(?:HistoryKind|Display)$/.test(text);
  return choice ? `${element.name}['${fieldName}']` : 'string | null';
}

function properties({members}) {
  return members.filter(({kind, readonly}) => kind === 'field' && !readonly);
}

const propsOf = (element) => `/** What a template may set on \`<${element.tagName}>\`: attributes, and properties. */
export interface ${short(element)}Props
  extends Partial<Pick<${element.name}, ${properties(element)
    .map(({name}) => quoted(name))
    .join(' | ')}>> {
${element.attributes
  .filter(({name, fieldName}) => name !== fieldName)
  .map((each) => `${comment(each.description)}  ${key(each.name)}?: ${attributeType(element, each)};\n`)
  .join('')}}
`;

const eventsOf = (element) => `/** Events of \`<${element.tagName}>\`. */
export interface ${short(element)}Events {
${element.events.map(({name, description}) => `${comment(description)}  ${key(name)}: GemmaChatEventMap['${name}'];\n`).join('')}}
`;

const files = {
  'frameworks/elements.d.ts': `${FROM}
// What every framework's declarations are made of.
import type {${elements.map(({name}) => name).join(', ')}, GemmaChatEventMap} from '../dist/types/src/index.d.ts';

export type {${elements.map(({name}) => name).join(', ')}};

${elements.flatMap((element) => [propsOf(element), eventsOf(element)]).join('\n')}`,

  'frameworks/jsx.d.ts': `${FROM}
// The elements in JSX: of React 18 and 19 (\`React.JSX\`), and of whatever reads the global \`JSX\`.
import type {DetailedHTMLProps, HTMLAttributes} from 'react';
import type {
${elements.map((element) => `  ${element.name},\n  ${short(element)}Events,\n  ${short(element)}Props,`).join('\n')}
} from './elements.d.ts';

/** React 19 listens to \`on\` and the event's own name. */
type Handlers<Events> = {[Name in keyof Events & string as \`on\${Name}\`]?: (event: Events[Name]) => void};
type Element<Class, Props, Events> = DetailedHTMLProps<
  Omit<HTMLAttributes<Class>, keyof Props | keyof Handlers<Events>>,
  Class
> &
  Props &
  Handlers<Events> & {class?: string};

interface GemmaChatElements {
${elements.map((element) => `  '${element.tagName}': Element<${element.name}, ${short(element)}Props, ${short(element)}Events>;\n`).join('')}}

declare module 'react' {
  namespace JSX {
    interface IntrinsicElements extends GemmaChatElements {}
  }
}
declare global {
  namespace JSX {
    interface IntrinsicElements extends GemmaChatElements {}
  }
}
`,

  'frameworks/vue.d.ts': `${FROM}
// The elements in Vue's templates. \`.messages\` and its like set properties, \`@gemma-chat-send\` listens.
import type {EmitFn, HTMLAttributes, PublicProps} from 'vue';
import type {
${elements.map((element) => `  ${element.name},\n  ${short(element)}Events,\n  ${short(element)}Props,`).join('\n')}
} from './elements.d.ts';

type Emit<Events> = EmitFn<{[Name in keyof Events]: (event: Events[Name]) => void}>;
type VueElement<Class, Props, Events> = new () => Class & {
  /** @deprecated for templates only */
  $props: Props & Omit<HTMLAttributes, keyof Props> & PublicProps;
  /** @deprecated for templates only */
  $emit: Emit<Events>;
};

declare module 'vue' {
  interface GlobalComponents {
${elements.map((element) => `    '${element.tagName}': VueElement<${element.name}, ${short(element)}Props, ${short(element)}Events>;\n`).join('')}  }
}
`,

  'frameworks/svelte.d.ts': `${FROM}
// The elements in Svelte's templates: \`ongemma-chat-send\` (5) and \`on:gemma-chat-send\` (4).
import type {HTMLAttributes} from 'svelte/elements';
import type {
${elements.map((element) => `  ${element.name},\n  ${short(element)}Events,\n  ${short(element)}Props,`).join('\n')}
} from './elements.d.ts';

type Handlers<Events> = {
  [Name in keyof Events & string as \`on\${Name}\` | \`on:\${Name}\`]?: (event: Events[Name]) => void;
};
type SvelteElement<Class extends EventTarget, Props, Events> = Omit<
  HTMLAttributes<Class>,
  keyof Props | keyof Handlers<Events>
> &
  Props &
  Handlers<Events>;

declare module 'svelte/elements' {
  interface SvelteHTMLElements {
${elements.map((element) => `    '${element.tagName}': SvelteElement<${element.name}, ${short(element)}Props, ${short(element)}Events>;\n`).join('')}  }
}
`,

  'frameworks/react.js': `${FROM}
// \`gemma-chat/react\`: the elements as React components of any version since 17, by @lit/react.
import {createComponent} from '@lit/react';
import * as react from 'react';
import {${elements.map(({name}) => name).join(', ')}} from '../dist/gemma-chat.js';

${elements
  .map(
    (element) => `export const ${short(element)} = /* @__PURE__ */ createComponent({
  react,
  tagName: '${element.tagName}',
  elementClass: ${element.name},
  events: {${element.events.map(({name}) => `${handler(name)}: '${name}'`).join(', ')}},
});
`,
  )
  .join('\n')}`,

  'frameworks/react.d.ts': `${FROM}
import type {EventName, ReactWebComponent} from '@lit/react';
import type {${elements.map(({name}) => name).join(', ')}, ${elements.map((element) => `${short(element)}Events`).join(', ')}} from './elements.d.ts';

${elements
  .map(
    (element) => `export declare const ${short(element)}: ReactWebComponent<
  ${element.name},
  {
${element.events.map(({name}) => `    ${handler(name)}: EventName<${short(element)}Events['${name}']>;\n`).join('')}  }
>;
`,
  )
  .join('\n')}`,

  'frameworks/worker.d.ts': `${FROM}
// The worker's script exports nothing: its address is what is wanted.
export {};
`,

  'vscode.html-custom-data.json': `${JSON.stringify(
    {
      version: 1.1,
      tags: elements.map(({tagName, description, attributes}) => ({
        name: tagName,
        description,
        attributes: attributes.map((attribute) => {
          const values = [...attribute.type.text.matchAll(/'([^']+)'/g)].map(([, name]) => ({name}));
          return {
            name: attribute.name,
            description: attribute.description,
            ...(attribute.type.text === 'boolean' ? {valueSet: 'v'} : {}),
            ...(values.length > 0 ? {values} : {}),
          };
        }),
      })),
    },
    null,
    2,
  )}\n`,
};

await mkdir(path.join(ROOT, 'frameworks'), {recursive: true});
for (const [name, text] of Object.entries(files)) {
  const file = path.join(ROOT, name);
  if (process.argv.includes('--write')) await writeFile(file, text);
  else if ((await readFile(file, 'utf8').catch(() => '')) !== text) {
    console.error(
      `${name} is not what custom-elements.json says; \`node scripts/framework-types.mjs --write\` makes it`,
    );
    process.exitCode = 1;
  }
}
