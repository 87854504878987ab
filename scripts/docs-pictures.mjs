// `node scripts/docs-pictures.mjs`: the pictures in docs/, taken of the built pages (dist/). Nothing is compared.
import {mkdir} from 'node:fs/promises';
import path from 'node:path';
import {openSite} from './lib/browser.mjs';
import {main, ROOT} from './lib/run.mjs';

const OUT = path.join(ROOT, 'docs/pictures');
const TABS = 3;
const ANSWERS = 3;

/** demo/sharing.html in three tabs, all of which answer at once; taken of the tab that is looked at. */
async function sharing(context, url) {
  const tabs = [];
  for (let i = 0; i < TABS; i++) {
    const tab = await context.newPage();
    await tab.goto(`${url}demo/sharing.html`);
    await tab.fill('#count', String(ANSWERS));
    tabs.push(tab);
  }
  for (const tab of tabs) await tab.click('#start-form [type=submit]');
  const [first] = tabs;
  await first.bringToFront();
  await first.waitForFunction(
    (all) =>
      Number(document.querySelector('#running')?.textContent) === all &&
      document.querySelector('#rows')?.textContent?.startsWith(`${all} `) &&
      Number(document.querySelector('#speed')?.textContent) > 0,
    TABS * ANSWERS,
  );
  await first.screenshot({path: path.join(OUT, 'sharing.jpg'), type: 'jpeg', quality: 60, fullPage: true});
  console.log('docs/pictures/sharing.jpg');
}

await main(async () => {
  await mkdir(OUT, {recursive: true});
  const site = await openSite();
  try {
    const context = await site.browser.newContext({viewport: {width: 1000, height: 800}, colorScheme: 'light'});
    await sharing(context, site.url);
  } finally {
    await site.close();
  }
});
