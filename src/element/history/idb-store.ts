// Conversations in IndexedDB: the store that is used where a page brings none. A lazy chunk, so it imports nothing of the
// element but types. Knows records, not what is in them: the reader checks it.
import {type DBSchema, type IDBPDatabase, openDB} from 'idb';
import type {ConversationSummary, HistoryStore, StoredConversation} from './store.ts';

/** Apart, so that the list reads no conversation. */
interface Schema extends DBSchema {
  summaries: {key: [scope: string, id: string]; value: ConversationSummary & {scope: string; revision: number}};
  conversations: {key: [scope: string, id: string]; value: StoredConversation & {scope: string}};
}
const STORES = ['summaries', 'conversations'] as const;
const NAME = 'gemma-chat-history';
/** How long the conversations of a tab that is gone are kept: it may be restored. */
const SESSION_MS = 24 * 60 * 60 * 1000;

/** How long changes in other tabs are gathered before the list is read again. */
const REREAD_MS = 200;

/** Every key of a scope: an array of a scope and any string lies below one of a scope and an array. */
const within = (scope: string) => IDBKeyRange.bound([scope], [scope, []]);

export interface IdbStoreOptions {
  name?: string;
  /** Scopes that begin so last as long as a tab, which follows up to the next colon. */
  sessionPrefix: string;
  /** The Web Lock that a tab holds while it is there. */
  sessionLock: (session: string) => string;
}

/** @throws DOMException where the browser refuses IndexedDB */
export async function openIdbStore(options: IdbStoreOptions): Promise<HistoryStore & {close(): void}> {
  const {name = NAME} = options;
  let opened: Promise<IDBPDatabase<Schema>> | null = null;
  /** Opens it anew where it was closed: by `blocking`, or by the browser when the site's data was cleared. */
  const open = (): Promise<IDBPDatabase<Schema>> => {
    const closed = () => {
      opened = null;
    };
    opened ??= openDB<Schema>(name, 1, {
      upgrade(created) {
        for (const store of STORES) created.createObjectStore(store, {keyPath: ['scope', 'id']});
      },
      blocking: (_current, _blocked, event) => {
        closed();
        (event.target as IDBDatabase).close();
      },
      terminated: closed,
    }).catch((error: unknown) => {
      closed();
      throw error;
    });
    return opened;
  };
  await dropOldSessions(await open(), options);
  const channel = new BroadcastChannel(name);
  const tell = (scope: string) => channel.postMessage(scope);

  return {
    async list(scope) {
      return (await open()).getAll('summaries', within(scope));
    },

    async read(scope, id) {
      return (await (await open()).get('conversations', [scope, id])) ?? null;
    },

    async write(scope, conversation) {
      const {id, title, updated, messages, revision} = conversation;
      const change = (await open()).transaction(STORES, 'readwrite');
      const before = await change.objectStore('summaries').get([scope, id]);
      const free = before === undefined || before.revision === revision - 1;
      if (free) {
        change.objectStore('summaries').put({scope, id, title, updated, messages, revision});
        change.objectStore('conversations').put({...conversation, scope});
      }
      await change.done;
      if (free) tell(scope);
      return free;
    },

    async remove(scope, id) {
      const change = (await open()).transaction(STORES, 'readwrite');
      for (const store of STORES) change.objectStore(store).delete([scope, id]);
      await change.done;
      tell(scope);
    },

    watch(scope, changed) {
      let waiting: ReturnType<typeof setTimeout> | null = null;
      // An import writes thousands of conversations: their readers look again from time to time, not for each.
      const heard = ({data}: MessageEvent) => {
        if (data !== scope) return;
        waiting ??= setTimeout(() => {
          waiting = null;
          changed();
        }, REREAD_MS);
      };
      channel.addEventListener('message', heard);
      return () => {
        channel.removeEventListener('message', heard);
        if (waiting !== null) clearTimeout(waiting);
      };
    },

    close() {
      channel.close();
      opened?.then((db) => db.close());
      opened = null;
    },
  };
}

async function dropOldSessions(db: IDBPDatabase<Schema>, {sessionPrefix, sessionLock}: IdbStoreOptions): Promise<void> {
  const {held = []} = (await navigator.locks?.query()) ?? {};
  const alive = new Set(held.map((lock) => lock.name));
  const change = db.transaction(STORES, 'readwrite');
  const sessions = IDBKeyRange.bound([sessionPrefix], [`${sessionPrefix}\uffff`]);
  for (const {scope, id, updated} of await change.objectStore('summaries').getAll(sessions)) {
    const session = scope.slice(sessionPrefix.length).split(':')[0];
    if (alive.has(sessionLock(session)) || Date.now() - updated < SESSION_MS) continue;
    for (const store of STORES) change.objectStore(store).delete([scope, id]);
  }
  await change.done;
}
