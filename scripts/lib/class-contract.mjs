// What an element's class says about itself in its source: attributes, members, events, slots, parts, custom properties.
// Reads text, no types; writes nothing.

/** A comment's lines as one text, up to its first tag. */
const prose = (comment) =>
  comment
    .split('\n')
    .map((line) => line.replace(/^\s*\*? ?/, '').trim())
    .join(' ')
    .split(/(?:^|\s)@/)[0]
    .trim();

/** `modelSrc` → `model-src` */
const kebab = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

const INHERITED = new Set([
  'constructor',
  'connectedCallback',
  'disconnectedCallback',
  'formResetCallback',
  'formDisabledCallback',
]);

/**
 * @param {{file: string, source: string, name: string, events: string, options?: string | null}} given the class `name` in the text of `file`;
 *   `events` is the text that has the event map, `options` the one with the table of options, where there is one
 * @returns the class as a custom-elements manifest declares it, and `doc`, its comment
 */
export function classContract({file, source, name: className, events, options: optionTable = null}) {
  const match = (text, pattern, what) => {
    const found = text.match(pattern);
    if (!found) throw new Error(`${file} has no ${what}`);
    return found[1];
  };
  const doc = match(
    source,
    new RegExp(`/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\s*export class ${className}\\b`),
    `documented class ${className}`,
  );

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
  function documented(declaration, text = source) {
    const pattern = new RegExp(`/\\*\\*((?:(?!\\*/)[\\s\\S])*)\\*/\\s*${declaration}`);
    const [, comment, ...groups] = text.match(pattern) ?? [];
    if (comment === undefined) throw new Error(`${file} has no comment above ${declaration}`);
    return {description: prose(comment), groups};
  }

  function readProperties() {
    return optionTable ? readOptions() : readDeclared();
  }

  /** From the table of options: `name: option<type>({…, initial: value})`, each below its comment. */
  function readOptions() {
    const table = match(optionTable, /export const OPTIONS = (\{[\s\S]*?\n\};)/, 'OPTIONS');
    return [...table.matchAll(/^ {2}(\w+): option<(.+)>\(\{([^{}]*)\}\)/gm)].map(([, name, type, options]) => ({
      name,
      attribute: options.includes('attribute: false') ? undefined : kebab(name),
      reflects: options.includes('reflect: true'),
      type,
      default: match(options, /initial: ('[^']*'|[^,\s}]+)/, `${name}'s initial value`),
      description: documented(`${name}: option<`, table).description,
    }));
  }

  /** From the class: static properties, declared fields and the constructor. */
  function readDeclared() {
    const made = match(source, /\n {2}constructor\(\) \{\n([\s\S]*?)\n {2}\}\n/, 'constructor');
    const block = match(source, /static override properties = \{([\s\S]*?)\n {2}\};/, 'static properties');
    return [...block.matchAll(/(\w+): \{([^{}]*)\}/g)].map(([, name, options]) => {
      const {description, groups} = documented(`declare ${name}: (.+);`);
      const named = options.match(/attribute: '([^']+)'/)?.[1] ?? name.toLowerCase();
      return {
        name,
        attribute: options.includes('attribute: false') ? undefined : named,
        reflects: options.includes('reflect: true'),
        type: groups[0],
        default: match(made, new RegExp(`this\\.${name} = (.+);`), `${name} in its constructor`),
        description,
      };
    });
  }

  function readAccessors() {
    const found = [...source.matchAll(/^ {2}get (\w+)\(\): (.+) \{/gm)];
    // A comment that is nothing but `@internal …` hides its accessor.
    const shown = found.filter(([, name]) => documented(`get ${name}\\(`).description !== '');
    return shown.map(([, name, type]) => ({
      kind: 'field',
      name,
      type: {text: type},
      ...(source.includes(`\n  set ${name}(`) ? {} : {readonly: true}),
      description: documented(`get ${name}\\(`).description,
    }));
  }

  function readMethods() {
    const found = [...source.matchAll(/^ {2}(async )?(\w+)\((.*)\): (.+) \{$/gm)];
    return found
      .filter(([, , name]) => !INHERITED.has(name))
      .map(([, isAsync, name, parameters, type]) => ({
        kind: 'method',
        name,
        parameters: [...parameters.matchAll(/(\w+)\??: ([^,]+)/g)].map(([, param, text]) => ({
          name: param,
          type: {text},
        })),
        return: {type: {text: type}},
        description: documented(`${isAsync ?? ''}${name}\\(`).description,
      }));
  }

  function readEvents() {
    return tagged('fires').map(({name, description}) => {
      const type = events.match(new RegExp(`^ {2}'?${name}'?: (\\w+);`, 'm'))?.[1];
      if (!type) throw new Error(`the event map has no ${name}`);
      return {name, type: {text: match(events, new RegExp(`export type ${type} = (.+);`), type)}, description};
    });
  }

  const properties = readProperties();
  const declaration = {
    kind: 'class',
    name: className,
    tagName: match(doc, /@tagname (\S+)/, `tag name of ${className}`),
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
      ...properties.map(({name, attribute, reflects, type, description, ...rest}) => ({
        kind: 'field',
        name,
        ...(attribute ? {attribute} : {}),
        ...(reflects ? {reflects} : {}),
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
  };
  return {declaration, doc};
}
