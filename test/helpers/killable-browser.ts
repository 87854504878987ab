// A browser with a profile that outlives it, and that can be killed as a crash kills it: at once, with all its processes.
import {type ChildProcess, spawn} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {type BrowserContext, chromium} from 'playwright-core';
import {CHROME_ARGS, ensureChrome} from '../../scripts/lib/chrome.mjs';

export class KillableBrowser {
  readonly #profile = mkdtempSync(path.join(tmpdir(), 'gemma-chat-profile-'));
  #child: ChildProcess | null = null;

  /** Starts the browser with the profile as the last one left it. */
  async start(): Promise<BrowserContext> {
    const flags = [...CHROME_ARGS, '--headless=new', '--remote-debugging-port=0', `--user-data-dir=${this.#profile}`];
    // A process group of its own: killing the group kills renderers and workers with it.
    const child = spawn(ensureChrome(), [...flags, 'about:blank'], {
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    const address = await new Promise<string>((resolve, reject) => {
      let text = '';
      child.stderr?.on('data', (data) => {
        text += data;
        const found = /DevTools listening on (\S+)/.exec(text);
        if (found) resolve(found[1]);
      });
      child.on('exit', () => reject(new Error(`the browser ended: ${text.slice(-500)}`)));
    });
    const browser = await chromium.connectOverCDP(address);
    return browser.contexts()[0];
  }

  /** SIGKILL to all of its processes. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (!child?.pid || child.exitCode !== null) return;
    const gone = new Promise((resolve) => child.on('exit', resolve));
    process.kill(-child.pid, 'SIGKILL');
    await gone;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.#profile, {recursive: true, force: true, maxRetries: 5, retryDelay: 100});
  }
}
