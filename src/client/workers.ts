// Starts workers and gets a port to them: one shared between tabs, or one that this page's clients share. Knows no
// message but the one that brings a dedicated worker its port.
import {GemmaError} from '../errors.ts';
import type {Connect} from '../protocol/messages.ts';
import {workerScript} from './trusted-types.ts';

type ErrorSource = Pick<EventTarget, 'addEventListener'>;
export type SharedWorkerLike = ErrorSource & {readonly port: MessagePort};
export type WorkerLike = ErrorSource & {
  postMessage(message: unknown, transfer: Transferable[]): void;
  terminate(): void;
};

export interface WorkerPlatform {
  /** The page's origin. */
  readonly origin: string;
  readonly SharedWorker?: new (url: string, options: {type: 'module'}) => SharedWorkerLike;
  readonly Worker?: new (url: string, options: {type: 'module'}) => WorkerLike;
}

export interface OpenPort {
  readonly port: MessagePort;
  /** Resolves with `worker-failed` if the script does not load or start. */
  readonly failed: Promise<GemmaError>;
  /** The port is no longer needed. */
  release(): void;
}

/** @throws GemmaError `worker-failed` */
export function openShared(url: URL, {SharedWorker}: WorkerPlatform): OpenPort {
  const worker = start(url, () => new SharedWorker!(workerScript(url.href), {type: 'module'}));
  return {port: worker.port, failed: failure(worker, url), release() {}};
}

interface PageWorker {
  worker: WorkerLike;
  failed: Promise<GemmaError>;
  users: number;
}

/** This page's dedicated workers, by the script's URL and whoever made them. */
const pageWorkers = new Map<string, PageWorker>();

/**
 * A worker of this page's: every client of the page that asks for the same script gets a port to the same one.
 * A script from another origin is loaded by a small module of ours that imports it: browsers start no foreign worker.
 * @throws GemmaError `worker-failed`
 */
export function openDedicated(url: URL, {Worker, origin}: WorkerPlatform): OpenPort {
  if (!Worker) throw workerFailed(url, 'this browser has no module workers');
  let entry = pageWorkers.get(url.href);
  if (!entry) {
    const script = url.origin === origin ? url.href : foreign(url);
    const worker = start(url, () => new Worker(workerScript(script), {type: 'module'}));
    const made = {worker, failed: failure(worker, url), users: 0};
    made.failed.then(() => forget(url.href, made));
    pageWorkers.set(url.href, made);
    entry = made;
  }
  const {worker, failed} = entry;
  const used = entry;
  used.users += 1;
  const {port1, port2} = new MessageChannel();
  worker.postMessage({type: 'connect'} satisfies Connect, [port2]);
  let released = false;
  const release = (): void => {
    if (released) return;
    released = true;
    used.users -= 1;
    if (used.users > 0) return;
    forget(url.href, used);
    worker.terminate();
  };
  return {port: port1, failed, release};
}

function forget(key: string, entry: PageWorker): void {
  if (pageWorkers.get(key) === entry) pageWorkers.delete(key);
}

/** The blob's URL stays alive: a worker may be started from it at any later time, and it is a hundred bytes. */
function foreign(url: URL): string {
  if (url.protocol === 'blob:' || url.protocol === 'data:') return url.href;
  return URL.createObjectURL(new Blob([`import ${JSON.stringify(url.href)};`], {type: 'text/javascript'}));
}

/** Constructors throw for what a Content-Security-Policy forbids, among others. */
function start<T>(url: URL, make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw workerFailed(url, cause instanceof Error ? cause.message : String(cause), cause);
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

function workerFailed(url: URL, reason: string, cause?: unknown): GemmaError {
  const where = url.href.split(/[?#]/)[0].slice(0, 200);
  return new GemmaError(
    'worker-failed',
    `the worker ${where} did not start: ${reason}. Check that the built gemma-chat.worker.js is there and that worker-src of the page's Content-Security-Policy allows it`,
    {detail: {url: where}, cause},
  );
}
