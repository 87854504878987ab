// Finds a worker and proves to it that this side lives; whether the worker does is heartbeat.ts's. Owns which kind of
// worker it is (shared, else that of an elected tab, else one of this page's own) and our lock; knows no model.
import {GemmaError, hasCode} from '../errors.ts';
import {Caller} from '../protocol/caller.ts';
import {type Attention, type HelloResult, PROTOCOL_VERSION} from '../protocol/messages.ts';
import type {Locks, OpenPort, WorkerPlatform} from './worker-platform.ts';
import {openDedicated, openElected, openShared} from './workers.ts';

/** What of the page a connection needs; tests bring their own. */
export interface Platform extends WorkerPlatform {
  /** What relative URLs are relative to. */
  readonly baseUrl: string;
  /** Calls back when the page goes, be it into the back-forward cache; returns how to stop listening. */
  onPageGone(listener: () => void): () => void;
  /** Calls back at once and whenever the page is looked at more or less than before; returns how to stop listening. */
  onAttention?(listener: (attention: Attention) => void): () => void;
}

export interface Connection {
  readonly caller: Caller;
  /** Whether tabs share the worker. */
  readonly shared: boolean;
  /** Ends every request and lets the worker free what it held for us. Idempotent. */
  close(): void;
}

export interface ConnectOptions {
  signal?: AbortSignal;
  /** How long a worker may take to answer its first message. Default 60 s: its script may come over a slow network. */
  patienceMs?: number;
  /** Take a worker that has no WebGPU: what is asked of it needs none. */
  withoutGpu?: boolean;
}

/**
 * @throws GemmaError `worker-failed` when no worker starts, `protocol-mismatch` when one of another release answers;
 *   AbortError
 */
export async function connect(url: URL, platform: Platform, options: ConnectOptions = {}): Promise<Connection> {
  // A script from another origin runs for this page only.
  for (const open of url.origin === platform.origin ? [openShared, openElected] : []) {
    try {
      const {connection, hello} = await greet(await open(url, platform), true, platform, options);
      if (hello.webgpu || options.withoutGpu) return connection;
      // Some browsers have WebGPU in dedicated workers only.
      connection.close();
    } catch (error) {
      // Some have no shared workers, or no module scripts in them; some pages have no locks.
      if (!hasCode(error, 'worker-failed')) throw error;
    }
  }
  return (await greet(openDedicated(url, platform), false, platform, options)).connection;
}

async function greet(
  {port, failed, release, retire}: OpenPort,
  shared: boolean,
  platform: Platform,
  {signal, patienceMs = 60_000}: ConnectOptions,
): Promise<{connection: Connection; hello: HelloResult}> {
  const caller = new Caller(port);
  const gone = new AbortController();
  const close = (): void => {
    if (gone.signal.aborted) return;
    caller.close();
    gone.abort();
    release();
  };
  failed.then((error) => caller.fail(error));
  const timer = setTimeout(() => {
    caller.fail(
      new GemmaError(
        'worker-failed',
        `the worker did not answer within ${patienceMs / 1000} s; is it the built gemma-chat.worker.js?`,
      ),
    );
  }, patienceMs);
  try {
    const lock = await holdLock(platform.locks, gone.signal);
    const hello = await caller.call({type: 'hello', version: PROTOCOL_VERSION, lock}, {signal});
    const {locks, beatMs} = platform;
    const died = (how: string): void => caller.fail(new GemmaError('worker-failed', `the worker ${how}`));
    const heart = {caller, locks, lock: hello.lock, gone: gone.signal, died, retire, beatMs};
    // Without its chunk, a worker's end is noticed where the browser says it.
    import('./heartbeat.ts').then(({watch}) => watch(heart)).catch(() => {});
    gone.signal.addEventListener(
      'abort',
      platform.onPageGone(() => {
        // Should the page come back from the back-forward cache, it must know that nothing is held for it any more.
        caller.fail(new GemmaError('closed', 'the page was left; load the model again'));
      }),
    );
    if (platform.onAttention) {
      gone.signal.addEventListener(
        'abort',
        platform.onAttention((attention) => caller.attend(attention)),
      );
    }
    // A connection that failed for good holds nothing any more, and says goodbye.
    caller.lost.then(close);
    return {connection: {caller, shared, close}, hello};
  } catch (error) {
    close();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** Holds a lock until `gone` aborts; the worker queues for it, and being granted it knows that we are gone. */
function holdLock(locks: Locks | undefined, gone: AbortSignal): Promise<string | null> {
  if (!locks) return Promise.resolve(null);
  const name = `gemma-chat-client-${crypto.randomUUID()}`;
  return new Promise((resolve) => {
    const held = new Promise<void>((end) => gone.addEventListener('abort', () => end()));
    locks
      .request(name, {}, () => {
        resolve(name);
        return held;
      })
      // A page may be denied locks (an opaque origin): the worker then only has our goodbye.
      .catch(() => resolve(null));
  });
}
