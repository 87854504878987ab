// The built files where a page is rendered on a server: imported by Node as they are, with no DOM and none left behind.
import {execFileSync} from 'node:child_process';
import {expect} from 'chai';

describe('on a server', () => {
  for (const [file, exported] of [
    ['gemma-chat.js', 'GemmaChatElement'],
    ['element.js', 'GemmaChatElement'],
    ['client.js', 'GemmaClient'],
    ['launcher.js', null],
  ] as const) {
    it(`${file} can be imported, and adds no global`, () => {
      const script = `
        const before = Object.getOwnPropertyNames(globalThis);
        const module = await import(${JSON.stringify(new URL(`../../dist/${file}`, import.meta.url).href)});
        const added = Object.getOwnPropertyNames(globalThis).filter((name) => !before.includes(name) && globalThis[name] !== undefined);
        console.log(JSON.stringify({names: Object.keys(module), added}));`;
      const {names, added} = JSON.parse(
        execFileSync(process.execPath, ['--input-type=module', '--eval', script], {encoding: 'utf8'}),
      );
      if (exported) expect(names).to.include(exported);
      // Lit's own marks: which versions are there, and metadata of properties.
      expect(added.filter((name: string) => !/^(lit|reactiveElement)/.test(name))).to.deep.equal([]);
    });
  }
});
