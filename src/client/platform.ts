// The browser's page as a client sees it.
import type {Platform} from './connect.ts';

export function pagePlatform(): Platform {
  return {
    origin: location.origin,
    baseUrl: document.baseURI,
    SharedWorker: globalThis.SharedWorker,
    Worker: globalThis.Worker,
    locks: navigator.locks,
    onPageGone(listener) {
      // A page that goes into the back-forward cache may come back.
      const gone = (event: PageTransitionEvent): void => {
        if (!event.persisted) listener();
      };
      addEventListener('pagehide', gone);
      return () => removeEventListener('pagehide', gone);
    },
  };
}
