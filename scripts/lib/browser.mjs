// Opens the built files in a headless browser, as a visitor would: for `npm run ask`, end-to-end tests and benches.
import path from 'node:path';
import {chromium} from 'playwright-core';
import {CHROME_ARGS, ensureChrome} from './chrome.mjs';
import {ROOT} from './run.mjs';
import {serve} from './serve.mjs';

/**
 * Starts a browser. `args` are added to the flags that make WebGPU run without a GPU; `webgpu: false` leaves it off.
 * `backForwardCache`: as browsers have it, which the driver turns off by itself.
 */
export function launch({args = [], webgpu = true, env, backForwardCache = false} = {}) {
  const flags = webgpu ? CHROME_ARGS : CHROME_ARGS.filter((flag) => !flag.includes('webgpu'));
  const ignoreDefaultArgs = backForwardCache ? ['--disable-back-forward-cache'] : undefined;
  return chromium.launch({
    executablePath: ensureChrome(),
    args: [...flags, ...args],
    headless: true,
    env,
    ignoreDefaultArgs,
  });
}

/** The same with a profile in `folder`: what pages store goes to the disk. Without one a browser keeps it in memory. */
export function launchProfile(folder, {args = [], env} = {}) {
  const options = {executablePath: ensureChrome(), args: [...CHROME_ARGS, ...args], headless: true, env};
  return chromium.launchPersistentContext(folder, options);
}

/** Serves dist/ and starts a browser. Close both with `close()`. */
export async function openSite(options = {}) {
  const server = await serve({root: path.join(ROOT, 'dist'), ...options.server});
  const browser = await launch(options).catch(async (error) => {
    await server.close();
    throw error;
  });
  return {
    server,
    browser,
    url: server.url,
    async close() {
      await browser.close();
      await server.close();
    },
  };
}
