// The browser's page as a client sees it.
import type {Attention} from '../protocol/messages.ts';
import type {Platform} from './connect.ts';

export function pagePlatform(): Platform {
  return {
    // Not the location's: a frame with srcdoc has its parent's origin at about:srcdoc.
    origin: globalThis.origin,
    baseUrl: document.baseURI,
    SharedWorker: globalThis.SharedWorker,
    Worker: globalThis.Worker,
    locks: navigator.locks,
    onPageGone(listener) {
      addEventListener('pagehide', listener);
      return () => removeEventListener('pagehide', listener);
    },
    onAttention(listener) {
      let last: Attention | null = null;
      const look = (): void => {
        const now = document.visibilityState === 'hidden' ? 'hidden' : document.hasFocus() ? 'focused' : 'visible';
        if (now !== last) listener(now);
        last = now;
      };
      const stop = new AbortController();
      for (const type of ['focus', 'blur']) addEventListener(type, look, {signal: stop.signal});
      document.addEventListener('visibilitychange', look, {signal: stop.signal});
      look();
      return () => stop.abort();
    },
  };
}
