// A TypeScript entry and all it imports as one script for a page.

export async function bundle(entry: string): Promise<string> {
  // Not for processes that only measure: these are large.
  const [{build}, {viteWgsl}] = await Promise.all([import('vite'), import('../../scripts/lib/wgsl.mjs')]);
  const result = await build({
    configFile: false,
    logLevel: 'error',
    plugins: [viteWgsl()],
    build: {write: false, minify: false, lib: {entry, formats: ['iife'], name: 'page', fileName: 'page'}},
  });
  const [output] = [result].flat() as {output: {code: string}[]}[];
  return output.output[0].code;
}
