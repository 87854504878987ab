// The browser's page as a client sees it.
import type {Attention} from '../protocol/messages.ts';
import type {Platform} from './connect.ts';

/** Listens to several events of the window; returns how to stop. */
function on(types: string[], listener: () => void): () => void {
  const stop = new AbortController();
  for (const type of types) addEventListener(type, listener, {signal: stop.signal, capture: true});
  return () => stop.abort();
}

/** The globals of this page that a client needs. */
export function pagePlatform(): Platform {
  // Not the location's origin: a frame with srcdoc has its parent's at about:srcdoc.
  const {origin, SharedWorker, Worker, BroadcastChannel} = globalThis;
  let memory: Storage | undefined;
  try {
    memory = localStorage;
  } catch {
    // A page without an origin, or a visitor who allows no storage.
  }
  return {
    memory,
    origin,
    SharedWorker,
    Worker,
    BroadcastChannel,
    baseUrl: document.baseURI,
    locks: navigator.locks,
    onPageGone: (listener) => on(['pagehide'], listener),
    onPageStops: (listener) => on(['pagehide', 'freeze'], listener),
    onAttention(listener) {
      let last: Attention | null = null;
      const look = (): void => {
        const now = document.visibilityState === 'hidden' ? 'hidden' : document.hasFocus() ? 'focused' : 'visible';
        if (now !== last) listener(now);
        last = now;
      };
      const stop = on(['focus', 'blur', 'visibilitychange'], look);
      look();
      return stop;
    },
  };
}
