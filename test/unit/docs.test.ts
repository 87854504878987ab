// The documentation as a whole: no dead link, no page that the index forgets, no error without a way to it, no two
// decisions of one number. What a page says is not looked at.
import {existsSync, readdirSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {expect} from 'chai';
import {ERROR_CODES} from '../../src/errors.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const below = (folder: string): string[] =>
  readdirSync(path.join(ROOT, folder), {recursive: true, encoding: 'utf8'}).map((name) => path.join(folder, name));
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

const PAGES = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...below('docs'), ...below('demo')]
  .filter((file) => file.endsWith('.md'))
  .sort();

/** Without fenced code: what stands there is no link and no heading. */
const prose = (file: string): string => read(file).replace(/^```[\s\S]*?^```/gm, '');

/** As GitHub names them. */
const anchor = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
const anchors = (file: string): string[] => [...prose(file).matchAll(/^#+ (.+)$/gm)].map(([, text]) => anchor(text));

/** Links within the repository: where to, and the heading there. */
function links(file: string): {target: string; heading?: string}[] {
  const found = [...prose(file).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link);
  return found
    .filter((link) => !/^[a-z]+:/.test(link))
    .map((link) => {
      const [to, heading] = link.split('#');
      return {target: to === '' ? file : path.join(path.dirname(file), to), heading};
    });
}

const dead = (file: string): string[] =>
  links(file)
    .filter(
      ({target, heading}) =>
        !existsSync(path.join(ROOT, target)) || (heading !== undefined && !anchors(target).includes(heading)),
    )
    .map(({target, heading}) => `${file} → ${target}${heading ? `#${heading}` : ''}`);

describe('the documentation', () => {
  it('has no link that leads nowhere', () => {
    expect(PAGES.flatMap(links)).to.have.length.above(100);
    expect(PAGES.flatMap(dead)).to.deep.equal([]);
  });

  for (const index of ['docs', 'docs/recipes', 'docs/adr']) {
    it(`lists every page of ${index} in its README`, () => {
      const listed = links(`${index}/README.md`).map(({target}) => target);
      const own = PAGES.filter((file) => path.dirname(file) === index && !file.endsWith('README.md'));
      expect(own.filter((file) => !listed.includes(file))).to.deep.equal([]);
    });
  }

  it('names no file in ARCHITECTURE.md that is not there', () => {
    const named = [...read('ARCHITECTURE.md').matchAll(/`((?:src|shaders|test|bench|docs|scripts)\/[\w./-]*)`/g)];
    const missing = named.map(([, file]) => file).filter((file) => !existsSync(path.join(ROOT, file)));
    expect(named).to.have.length.above(30);
    expect(missing).to.deep.equal([]);
  });

  it('names no reference in a shader that is not there, and one in every kernel', () => {
    const shaders = readdirSync(path.join(ROOT, 'shaders')).filter((file) => file.endsWith('.wgsl'));
    expect(shaders).to.have.length.above(20);
    const named = shaders.map((file) => [file, read(`shaders/${file}`).match(/^\/\/ Reference +([^\s,;]+)/m)?.[1]]);
    expect(named.filter(([, file]) => file === undefined || !existsSync(path.join(ROOT, file)))).to.deep.equal([]);
  });

  it('leads to every error code once from what a site owner sees', () => {
    const codes = links('docs/troubleshooting.md').filter(({target}) => target === 'docs/errors.md');
    expect(codes.map(({heading}) => heading).sort()).to.deep.equal([...ERROR_CODES].sort());
  });

  it('has a number of its own for every decision, in its name and in its title', () => {
    const names = below('docs/adr').filter((file) => /\/\d{4}-.*\.md$/.test(file));
    const numbers = names.map((file) => Number(path.basename(file).slice(0, 4)));
    expect(new Set(numbers).size).to.equal(names.length);
    expect(names.map((file) => Number(read(file).match(/^# (\d+)\. /)?.[1]))).to.deep.equal(numbers);
  });
});
