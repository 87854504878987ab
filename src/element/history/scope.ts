// Whose conversations a chat sees: its origin's, its page's or those of a key; for this tab or for good. And which of
// them each chat of a tab had open. Knows `sessionStorage` and does without where it is refused.

export type HistoryKind = 'none' | 'session' | 'local';

const SESSION = 'gemma-chat-session';
export const SESSION_SCOPE = 'session:';

/** `key`: `origin`, `path`, or a name of the page's own. */
export function historyScope(kind: HistoryKind, key: string | null): string {
  const place = key === 'path' ? `path:${location.pathname}` : !key || key === 'origin' ? 'origin' : `key:${key}`;
  return kind === 'session' ? `${SESSION_SCOPE}${sessionId()}:${place}` : place;
}

/** The Web Lock that says that a tab's page is there. */
export const sessionLock = (id: string) => `${SESSION}-${id}`;

let session: string | null = null;

/** Lasts as long as the tab, over reloads and other pages of the site. */
function sessionId(): string {
  if (session) return session;
  const known = read(SESSION);
  session = known !== null && /^[\w-]{1,64}$/.test(known) ? known : crypto.randomUUID();
  write(SESSION, session);
  const alive = () => new Promise<never>(() => {});
  globalThis.navigator?.locks?.request(sessionLock(session), {mode: 'shared'}, alive).catch(() => {});
  return session;
}

/** The places that chats of this page hold, by scope: two of them never resume the same conversation. */
const places = new Map<string, Set<number>>();

/** One chat's memory of what it had open, across reloads of the tab. */
export class OpenConversation {
  readonly #scope: string;
  readonly #place: number;

  constructor(scope: string) {
    this.#scope = scope;
    const taken = places.get(scope) ?? new Set();
    let place = 0;
    while (taken.has(place)) place += 1;
    this.#place = place;
    places.set(scope, taken.add(place));
  }

  get id(): string | null {
    return read(this.#key);
  }

  set id(id: string | null) {
    write(this.#key, id);
  }

  release(): void {
    places.get(this.#scope)?.delete(this.#place);
  }

  get #key(): string {
    return `gemma-chat-open:${this.#scope}#${this.#place}`;
  }
}

function read(key: string): string | null {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(key: string, value: string | null): void {
  try {
    if (value === null) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, value);
  } catch {
    // Refused or full: the next page starts with a new conversation.
  }
}
