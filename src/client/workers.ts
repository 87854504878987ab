// Starts workers and gets a port to them: one shared between tabs, that of the tab that is host, or one that this page's
// clients share. Knows no message but the one that brings a dedicated worker its port.
import {GemmaError} from '../errors.ts';
import {workerScript} from './trusted-types.ts';
import type {ErrorSource, OpenPort, StartedWorker, WorkerPlatform} from './worker-platform.ts';

/**
 * A shared worker that hangs cannot be ended, only left: its successors have a number in their address. The tabs of a site
 * have to agree on it.
 * @throws GemmaError `worker-failed`
 */
export function openShared(url: URL, {SharedWorker, memory}: WorkerPlatform): OpenPort {
  const hung = memory?.getItem(url.href) ?? '';
  const worker = attempt(url, () => new SharedWorker!(workerScript(url.href + hung), {type: 'module'}));
  const retire = (): void => memory?.setItem(url.href, `&${+hung.slice(1) + 1}`);
  return {port: worker.port, failed: failure(worker, url), release() {}, retire};
}

/**
 * A port to the worker of whichever tab is host. The election is fetched where it is needed: most browsers never do.
 * @throws GemmaError `worker-failed`
 */
export async function openElected(url: URL, platform: WorkerPlatform): Promise<OpenPort> {
  try {
    const {elect} = await import('./elected-host.ts');
    return elect(url, platform, {startWorker, workerFailed});
  } catch (cause) {
    throw workerFailed(url, cause);
  }
}

interface PageWorker extends StartedWorker {
  users: number;
}

/** This page's dedicated workers, by the script's URL. */
const pageWorkers = new Map<string, PageWorker>();

/**
 * A worker of this page's: every client of the page that asks for the same script gets a port to the same one.
 * @throws GemmaError `worker-failed`
 */
export function openDedicated(url: URL, platform: WorkerPlatform): OpenPort {
  const used = pageWorkers.get(url.href) ?? startPageWorker(url, platform);
  const {worker, failed} = used;
  used.users += 1;
  const {port1, port2} = new MessageChannel();
  worker.postMessage({type: 'connect'}, [port2]);
  const release = (): void => {
    used.users -= 1;
    if (used.users > 0) return;
    forget(url.href, used);
    worker.terminate();
  };
  return {port: port1, failed, release, retire: () => forget(url.href, used)};
}

function startPageWorker(url: URL, platform: WorkerPlatform): PageWorker {
  const entry = {...startWorker(url, platform), users: 0};
  entry.failed.then(() => forget(url.href, entry));
  pageWorkers.set(url.href, entry);
  return entry;
}

function forget(key: string, entry: PageWorker): void {
  if (pageWorkers.get(key) === entry) pageWorkers.delete(key);
}

/** A script from another origin is loaded by a small module of ours that imports it: browsers start no foreign worker. */
function startWorker(url: URL, {Worker, origin}: WorkerPlatform): StartedWorker {
  if (!Worker) throw workerFailed(url, 'this browser has no module workers');
  const script = url.origin === origin ? url.href : foreign(url);
  const worker = attempt(url, () => new Worker(workerScript(script), {type: 'module'}));
  return {worker, failed: failure(worker, url)};
}

/** The blob's URL stays alive: a worker may be started from it at any later time, and it is a hundred bytes. */
function foreign(url: URL): string {
  if (url.protocol === 'blob:' || url.protocol === 'data:') return url.href;
  return URL.createObjectURL(new Blob([`import ${JSON.stringify(url.href)};`], {type: 'text/javascript'}));
}

/** Constructors throw for what a Content-Security-Policy forbids, among others. */
function attempt<T>(url: URL, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw workerFailed(url, cause);
  }
}

function failure(worker: ErrorSource, url: URL): Promise<GemmaError> {
  return new Promise((resolve) => {
    worker.addEventListener('error', (event) => {
      // A script that does not load has no message; one that throws has.
      const {message} = event as ErrorEvent;
      resolve(workerFailed(url, message || 'its script did not load'));
    });
  });
}

function workerFailed(url: URL, cause: unknown): GemmaError {
  if (cause instanceof GemmaError) return cause;
  const where = url.href.split(/[?#]/)[0].slice(0, 200);
  const reason = cause instanceof Error ? cause.message : cause;
  return new GemmaError(
    'worker-failed',
    `the worker ${where} did not start: ${reason}. Check that the file is there and that the page's policy allows it as worker-src`,
    {detail: {url: where}, cause},
  );
}
