// To which models a visitor has agreed on this site, kept in the browser; and the word that goes round between the chats
// of a page and of all tabs when something about a model changed. Knows models by their addresses.

const KEY = 'gemma-chat-consent';
const CHANNEL = 'gemma-chat-models';
/** A site has few models; what is older was forgotten. */
const MOST = 20;
const LONGEST = 2000;

/** The visitor's agreements on this site. Where the browser keeps nothing, they last as long as the page. */
export class Consents {
  /** What could not be kept holds for this page. */
  #here = new Set<string>();
  #listeners = new Set<(url: string) => void>();
  #channel: BroadcastChannel | null | undefined;

  has(url: string): boolean {
    return this.#here.has(url) || read().includes(url);
  }

  add(url: string): void {
    if (!write([url, ...read().filter((other) => other !== url)].slice(0, MOST))) this.#here.add(url);
    this.tell(url);
  }

  remove(url: string): void {
    this.#here.delete(url);
    write(read().filter((other) => other !== url));
    this.tell(url);
  }

  /** Something about a model has changed that other chats show: a consent, what is stored, what is loaded. */
  tell(url: string): void {
    for (const listener of this.#listeners) listener(url);
    this.#channel?.postMessage(url);
  }

  /** Hears of changes of this page and of other tabs; gives what ends that. */
  listen(listener: (url: string) => void): () => void {
    this.#listeners.add(listener);
    if (this.#channel === undefined) this.#open();
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size > 0) return;
      this.#channel?.close();
      this.#channel = undefined;
    };
  }

  #open(): void {
    this.#channel = globalThis.BroadcastChannel ? new BroadcastChannel(CHANNEL) : null;
    this.#channel?.addEventListener('message', ({data}: MessageEvent<unknown>) => {
      if (typeof data !== 'string') return;
      for (const listener of this.#listeners) listener(data);
    });
  }
}

export const consents = new Consents();

/** A page may be refused its storage, and anything may stand there. */
function read(): string[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    if (!Array.isArray(found)) return [];
    return found.filter((url) => typeof url === 'string' && url.length <= LONGEST).slice(0, MOST);
  } catch {
    return [];
  }
}

/** False where the browser keeps nothing. */
function write(urls: readonly string[]): boolean {
  try {
    if (urls.length > 0) localStorage.setItem(KEY, JSON.stringify(urls));
    else localStorage.removeItem(KEY);
    return true;
  } catch {
    return false;
  }
}
