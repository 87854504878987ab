// One worker for the tabs of a site that have no shared worker with WebGPU: by a Web Lock they elect a host, one tab
// whose worker serves them all. Owns who is host and for how long. A lazy chunk: what the client has too is passed in.
import type {GemmaError} from '../errors.ts';
import {HostPort} from './host-port.ts';
import type {OpenPort, StartedWorker, WorkerPlatform} from './worker-platform.ts';

/** How often a host looks whether its worker answers, and after how many looks without an answer it is ended. */
const BEAT_MS = 4000;
const MAX_SILENT_BEATS = 3;

interface Means {
  startWorker(url: URL, platform: WorkerPlatform): StartedWorker;
  workerFailed(url: URL, cause: unknown): GemmaError;
}

/**
 * Stands for election and gives a port to the host. It fails when the page may hold no lock, or is elected and its
 * worker fails. A page that is host stays it for the others when it needs its own port no longer.
 * @throws GemmaError `worker-failed` where there can be no election
 */
export function elect(url: URL, platform: WorkerPlatform, {startWorker, workerFailed}: Means): OpenPort {
  const {locks, BroadcastChannel, onPageStops} = platform;
  if (!locks || !BroadcastChannel || !onPageStops) throw workerFailed(url, 'this browser has no Web Locks');
  const name = `gemma-chat ${url.href}`;
  const port = new HostPort(name, BroadcastChannel);
  const leave = new AbortController();
  const {signal} = leave;
  const left = new Promise<null>((resolve) => signal.addEventListener('abort', () => resolve(null)));
  void left.then(onPageStops(() => leave.abort()));
  let host = false;
  /** Runs the worker as long as the page lives and the worker works. The lock is held until then. */
  const run = async (): Promise<void> => {
    host = true;
    const {worker, failed} = startWorker(url, platform);
    worker.postMessage({type: 'host', name});
    let timer: ReturnType<typeof setInterval> | undefined;
    const hung = new Promise<GemmaError>((resolve) => {
      let silent = 0;
      worker.addEventListener('message', () => {
        silent = 0;
      });
      timer = setInterval(() => {
        if (++silent > MAX_SILENT_BEATS) resolve(workerFailed(url, 'it hangs'));
        else worker.postMessage({type: 'ping'});
      }, platform.beatMs ?? BEAT_MS);
    });
    const error = await Promise.race([failed, left, hung]);
    clearInterval(timer);
    worker.terminate();
    if (error) throw error;
  };
  const failed = new Promise<GemmaError>((resolve) => {
    locks.request(name, {signal}, run).catch((cause) => {
      if (!signal.aborted) resolve(workerFailed(url, cause));
    });
  });
  const release = (): void => {
    if (!host) leave.abort();
  };
  return {port, failed, release, retire() {}};
}
