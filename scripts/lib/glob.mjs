// Files below a folder of the project by the end of their name, sorted.
import {readdirSync} from 'node:fs';
import path from 'node:path';
import {ROOT} from './run.mjs';

export const globSync = (folder, ending) =>
  readdirSync(path.join(ROOT, folder), {recursive: true})
    .filter((name) => name.endsWith(ending))
    .map((name) => path.join(folder, name))
    .sort();
