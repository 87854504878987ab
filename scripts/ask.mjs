// `npm run ask -- "question"`: puts the question to the real element in a headless browser and streams the answer here.
// Builds first unless BUILT=1. Exit code 1 and one line on failure. ASK_MODEL names another GGUF: a URL or a file below dist/demo/.
import {openSite} from './lib/browser.mjs';
import {run} from './lib/run.mjs';

const question = process.argv.slice(2).join(' ').trim();
if (!question) {
  console.error('npm run ask -- "How do I put you on my page?"');
  process.exit(1);
}

/** Runs in the page: the element, eager and greedy; what it writes goes out as it comes. */
async function askInPage({src, text}) {
  await customElements.whenDefined('gemma-chat');
  const element = document.createElement('gemma-chat');
  element.loading = 'eager';
  element.consent = 'given';
  element.temperature = 0;
  element.modelSrc = src;
  const loaded = new Promise((resolve, reject) => {
    element.addEventListener('load', resolve, {once: true});
    element.addEventListener('error', (event) => reject(new Error(`${event.detail.code}: ${event.detail.message}`)));
  });
  let shown = 0;
  element.addEventListener('gemma-chat-message', (event) => {
    const {message} = event.detail;
    if (message.role !== 'assistant') return;
    window.askDelta(message.content.slice(shown));
    shown = message.content.length;
  });
  document.body.append(element);
  await loaded;
  const answer = await element.send(text);
  if (!answer?.content) throw new Error('the model gave no answer');
}

if (process.env.BUILT !== '1') await run(process.execPath, ['scripts/build.mjs'], {quiet: true});
let site;
try {
  site = await openSite({
    server: {
      handle(request, response) {
        if (request.url !== '/ask') return false;
        const page = '<!doctype html><meta charset="utf-8"><script type="module" src="/gemma-chat.js"></script><body>';
        response.writeHead(200, {'content-type': 'text/html'}).end(page);
        return true;
      },
    },
  });
  const page = await site.browser.newPage();
  page.on('pageerror', (error) => console.error(String(error)));
  await page.exposeFunction('askDelta', (delta) => process.stdout.write(delta));
  await page.goto(`${site.url}ask`);
  const src = process.env.ASK_MODEL ?? 'demo/models/gemma-chat-demo.gguf';
  await page.evaluate(askInPage, {src, text: question});
  process.stdout.write('\n');
} catch (error) {
  console.error(`ask: ${error.message.replace(/^page\.evaluate: (Error: )?/, '').split('\n')[0]}`);
  process.exitCode = 1;
} finally {
  await site?.close();
}
