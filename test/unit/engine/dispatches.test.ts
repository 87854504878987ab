// The forward pass of every architecture as a list of dispatches, against lists that are stored: what runs, in which
// order, with which constants and over how many workgroups. A change of the list is a change of the engine:
// `UPDATE_DISPATCHES=1 npm run test:node -- test/unit/engine/dispatches.test.ts` writes it anew, to be reviewed.
import {readFile, writeFile} from 'node:fs/promises';
import {expect} from 'chai';
import {
  type DispatchHashes,
  dispatchCases,
  hashesOf,
  labelText,
  listOf,
  listText,
  TEXT_CASES,
} from '../../fixtures/dispatch-goldens.ts';

const stored = (name: string) => new URL(`../../fixtures/dispatches/${name}`, import.meta.url);
const update = process.env.UPDATE_DISPATCHES === '1';

describe('dispatch lists', () => {
  const cases = dispatchCases();

  it('are those that are stored, for every shape', async () => {
    const found: Record<string, DispatchHashes> = {};
    for (const [name, one] of Object.entries(cases)) found[name] = await hashesOf(listOf(one));
    const url = stored('hashes.json');
    if (update) await writeFile(url, `${JSON.stringify(found, null, 2)}\n`);
    expect(found).to.deep.equal(JSON.parse(await readFile(url, 'utf8')));
  });

  for (const name of TEXT_CASES) {
    it(`are those that are stored, line by line, for ${name}`, async () => {
      const list = listOf(cases[name]);
      const url = stored(`${name}.txt`);
      const text = `${listText(list)}\n${labelText(list)}`;
      if (update) await writeFile(url, text);
      expect(text.split('\n')).to.deep.equal((await readFile(url, 'utf8')).split('\n'));
    });
  }
});
