// One script of a benchmark's page.
import {build} from 'vite';

/** `entry` with all that it imports, as a script. */
export async function pageBundle(entry: string): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: 'error',
    build: {write: false, minify: false, lib: {entry, formats: ['iife'], name: 'page', fileName: 'page'}},
  });
  const [output] = [result].flat() as {output: {code: string}[]}[];
  return output.output[0].code;
}
