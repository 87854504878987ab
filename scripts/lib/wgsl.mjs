// Expands `#include "lib/x.wgsl"` in shaders. Paths are relative to shaders/; each file is included once.
import {readFileSync} from 'node:fs';
import path from 'node:path';
import {fileURLToPath} from 'node:url';

export const SHADERS = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../shaders');
const INCLUDE = /^[ \t]*#include[ \t]+"([^"]+)"[ \t]*$/gm;

/** The text of a shader with its includes in place, and every file it was made of. */
export function expandWgsl(file) {
  const files = [];
  const expand = (name) => {
    if (files.includes(name)) return '';
    files.push(name);
    return readFileSync(name, 'utf8').replace(INCLUDE, (_, relative) => {
      const target = path.resolve(SHADERS, relative);
      if (!target.startsWith(SHADERS + path.sep)) throw new Error(`${name}: "${relative}" is outside shaders/`);
      return expand(target).trimEnd();
    });
  };
  return {code: expand(path.resolve(file)), files};
}

/** A module whose default export is the shader's text. */
export const wgslModule = (file) => `export default ${JSON.stringify(expandWgsl(file).code)};`;

/**
 * Without comments, empty lines, indentation, and spaces beside what needs none: WGSL has no strings that could look like
 * them. Plus and minus keep theirs (`a - -b`).
 */
const compact = (code) =>
  code
    .replace(/\/\/.*$/gm, '')
    .replace(/^[ \t]+|[ \t]+$/gm, '')
    .replace(/\n{2,}/g, '\n')
    .replace(/[ \t]*([{}()[\];,:=*/<>|^%&!@])[ \t]*/g, '$1')
    .replace(/([,([{};])\n/g, '$1')
    .replace(/,([)\]}])/g, '$1');

/** A file of shaders/lib that others include: a module whose default export is its own text, without what it includes. */
const LIBRARY = '\0library:';

/** `import shader from './x.wgsl'` for Vite: a shader is put together from its own text and that of each file it includes, once. */
export const viteWgsl = () => ({
  name: 'wgsl',
  enforce: 'pre',
  resolveId: (source) => (source.startsWith(LIBRARY) ? source : null),
  load(id) {
    if (!id.endsWith('.wgsl')) return null;
    if (id.startsWith(LIBRARY)) return textOf(compact(ownText(id.slice(LIBRARY.length)).replace(INCLUDE, '')));
    const {files} = expandWgsl(id);
    for (const file of files) this.addWatchFile(file);
    // WGSL has its declarations in any order: what is included may stand at the end.
    const imports = files.slice(1).map((file, i) => `import lib${i} from ${JSON.stringify(LIBRARY + file)};`);
    const parts = [JSON.stringify(compact(ownText(id).replace(INCLUDE, ''))), ...imports.map((_, i) => `lib${i}`)];
    return `${imports.join('\n')}\nexport default ${parts.join('+')};`;
  },
});

const ownText = (file) => readFileSync(file, 'utf8');
const textOf = (text) => `export default ${JSON.stringify(`\n${text}`)};`;

/** The same for @web/test-runner's server. */
export const wtrWgsl = (rootDir) => ({
  name: 'wgsl',
  serve(context) {
    if (!context.path.endsWith('.wgsl')) return undefined;
    return {body: wgslModule(path.join(rootDir, context.path)), type: 'js'};
  },
  resolveMimeType: (context) => (context.path.endsWith('.wgsl') ? 'js' : undefined),
});
