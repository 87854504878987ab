// A chat's history: keeps its conversation as it grows, and lists, opens, renames, deletes, exports and imports what is
// kept. Knows the store's contract and the chat; no view and no database.
import type {ChatController} from '../chat/chat-controller.ts';
import {Conversation} from '../chat/conversation.ts';
import {type HistoryKind, historyScope, OpenConversation, SESSION_SCOPE, sessionLock} from './scope.ts';
import {
  type ConversationSummary,
  checkStored,
  checkSummary,
  type HistoryStore,
  type StoredConversation,
} from './store.ts';

export interface HistorySettings {
  kind: HistoryKind;
  key: string | null;
  /** The page's own store; null for IndexedDB. */
  store: HistoryStore | null;
}

export interface HistoryHost {
  settings(): HistorySettings;
  changed(): void;
}

/** The conversation on screen, as it is kept. */
interface Entry {
  conversation: Conversation;
  id: string;
  title: string;
  named: boolean;
  created: number;
  revision: number;
  /** The version that was handed to the store last. */
  version: number;
}

/** Newest first. */
const MOST_SEARCHED = 1000;

/** No history of ours is larger. */
const LARGEST_FILE = 50_000_000;
/** Conversations of a file that are taken: each is written by itself. */
const MOST_IMPORTED = 2000;

/** The conversations of one scope. Where nothing can be kept, `failed` says so and the chat goes on. */
export class History {
  readonly #host: HistoryHost;
  readonly #chat: ChatController;
  #scope = '';
  #store: Promise<HistoryStore> | null = null;
  #open: OpenConversation | null = null;
  #entry: Entry | null = null;
  /** Writes, one after the other. */
  #writing: Promise<void> = Promise.resolve();
  #unwatch: (() => void) | null = null;
  /** What is kept, newest first; null before it was read. */
  list: readonly ConversationSummary[] | null = null;
  /** The store cannot be used. */
  failed = false;

  constructor(host: HistoryHost, chat: ChatController) {
    this.#host = host;
    this.#chat = chat;
  }

  get on(): boolean {
    return this.#store !== null;
  }

  get currentId(): string | null {
    return this.#entry?.conversation === this.#chat.conversation ? this.#entry.id : null;
  }

  /** The attributes have changed, or the element has come into a document. Resumes what the tab had open. */
  async start(): Promise<void> {
    const {kind, key, store} = this.#host.settings();
    this.stop();
    if (kind === 'none') return this.#host.changed();
    const scope = historyScope(kind, key);
    // Back in the document, the same conversation is the same record.
    if (scope !== this.#scope) this.#entry = null;
    this.#scope = scope;
    this.#open = new OpenConversation(this.#scope);
    this.failed = false;
    const opening = store ? Promise.resolve(store) : builtInStore();
    this.#store = opening;
    this.#host.changed();
    await this.#guard(async () => {
      const opened = await opening;
      if (this.#store !== opening) return;
      this.#unwatch = opened.watch?.(this.#scope, () => this.refresh()) ?? null;
      const id = this.#open?.id;
      // What the page or the visitor has begun meanwhile stays.
      if (id && this.#chat.conversation.version === 0) await this.#show(id);
      else this.note();
    });
  }

  /** The element has left the document, or history was turned off. */
  stop(): void {
    this.#unwatch?.();
    this.#unwatch = null;
    this.#open?.release();
    this.#open = null;
    this.#store = null;
    this.list = null;
  }

  /** Something may have changed in the chat: keeps it. */
  note(): void {
    if (!this.#store) return;
    const {conversation} = this.#chat;
    if (this.#entry?.conversation !== conversation) {
      if (conversation.head === null) return;
      this.#entry = this.#newEntry(conversation);
    }
    const entry = this.#entry;
    if (entry.version === conversation.version) return;
    entry.version = conversation.version;
    if (!entry.named) entry.title = titleOf(conversation);
    this.#write(entry);
  }

  /** Everything that was handed over has been written. */
  get written(): Promise<void> {
    return this.#writing;
  }

  async refresh(): Promise<void> {
    await this.#guard(async (store) => {
      const found = (await store.list(this.#scope)).map(checkSummary).filter((summary) => summary !== null);
      this.list = found.sort((a, b) => b.updated - a.updated);
      this.#host.changed();
    });
  }

  /** Starts a conversation; the present one stays in the list. */
  fresh(): void {
    this.#leave();
    if (this.#open) this.#open.id = null;
    this.#chat.replace(new Conversation());
  }

  /** False where it is not there, or cannot be read. */
  async open(id: string): Promise<boolean> {
    await this.#writing;
    return (await this.#guard(() => this.#show(id))) ?? false;
  }

  async rename(id: string, title: string): Promise<void> {
    const name = title.trim();
    if (name === '') return;
    if (id === this.currentId && this.#entry) {
      Object.assign(this.#entry, {title: name, named: true});
      this.#write(this.#entry);
    } else {
      await this.#guard(async (store) => {
        const stored = checkStored(await store.read(this.#scope, id));
        if (stored)
          await store.write(this.#scope, {...stored, title: name, named: true, revision: stored.revision + 1});
      });
    }
    await this.#writing;
    await this.refresh();
  }

  async remove(id: string): Promise<void> {
    const current = id === this.currentId;
    await this.#writing;
    if (current) {
      this.#entry = null;
      if (this.#open) this.#open.id = null;
      this.#chat.replace(new Conversation());
    }
    await this.#guard((store) => store.remove(this.#scope, id));
    await this.refresh();
  }

  /** Which of the list has all these words, in its title or in any of its messages, the ones not shown included. */
  async search(words: string): Promise<ReadonlySet<string>> {
    const fold = (text: string) => text.normalize('NFKC').toLocaleLowerCase();
    const wanted = fold(words).split(/\s+/).filter(Boolean);
    const found = new Set<string>();
    for (const {id, title} of (this.list ?? []).slice(0, MOST_SEARCHED)) {
      const stored = await this.#read(id);
      const turns = stored?.conversation.turns;
      const contents = Array.isArray(turns) ? turns.map((turn) => turn?.message?.content) : [];
      const text = fold([title, ...contents.filter((content) => typeof content === 'string')].join('\n'));
      if (wanted.every((word) => text.includes(word))) found.add(id);
    }
    return found;
  }

  /** One conversation as Markdown; null where it cannot be read. */
  async markdown(id: string, authors: {user: string; assistant: string}): Promise<string | null> {
    const stored = await this.#read(id);
    const conversation = stored && attempt(() => Conversation.from(stored.conversation));
    if (!stored || !conversation) return null;
    const {toMarkdown} = await import('./exchange.ts');
    return toMarkdown(
      stored.title,
      conversation.path.map(({message}) => message),
      authors,
    );
  }

  /** One conversation, or all, as JSON. */
  async json(id?: string): Promise<string> {
    if (id === undefined) await this.refresh();
    const ids = id === undefined ? (this.list ?? []).map((summary) => summary.id) : [id];
    const found = await Promise.all(ids.map((each) => this.#read(each)));
    const {toJson} = await import('./exchange.ts');
    return toJson(found.filter((stored) => stored !== null));
  }

  /** Adds what is in a file; gives how many conversations that were. */
  async import(file: Blob): Promise<number> {
    if (file.size > LARGEST_FILE) return 0;
    const {fromFile} = await import('./exchange.ts');
    const now = Date.now();
    let count = 0;
    for (const {title, created, updated, conversation: data} of fromFile(await file.text()).slice(0, MOST_IMPORTED)) {
      const conversation = attempt(() => Conversation.from(data));
      if (!conversation || conversation.head === null) continue;
      count += 1;
      const entry = {...this.#newEntry(conversation), created: created ?? now, named: title !== ''};
      if (title) entry.title = title.slice(0, 200);
      await this.#guard((store) =>
        store.write(this.#scope, {...snapshot(entry), updated: updated ?? now, revision: 1}),
      );
    }
    await this.refresh();
    return this.failed ? 0 : count;
  }

  async #show(id: string): Promise<boolean> {
    const stored = await this.#read(id);
    if (!stored) return false;
    const conversation = attempt(() => Conversation.from(stored.conversation));
    if (!conversation) return false;
    this.#leave();
    const {title, named, created, revision} = stored;
    this.#entry = {conversation, id, title, named, created, revision, version: conversation.version};
    if (this.#open) this.#open.id = id;
    this.#chat.replace(conversation);
    return true;
  }

  async #read(id: string): Promise<StoredConversation | null> {
    await this.#writing;
    return (await this.#guard(async (store) => checkStored(await store.read(this.#scope, id)))) ?? null;
  }

  /** Before another conversation takes the place of this one: what came of an answer is kept. */
  #leave(): void {
    this.#chat.park();
    this.note();
  }

  #newEntry(conversation: Conversation): Entry {
    const title = titleOf(conversation);
    return {conversation, id: crypto.randomUUID(), title, named: false, created: Date.now(), revision: 0, version: -1};
  }

  #write(entry: Entry): void {
    const written = snapshot(entry);
    const scope = this.#scope;
    this.#writing = this.#writing.then(async () => {
      await this.#guard(async (store) => {
        const revision = entry.revision + 1;
        const kept = await store.write(scope, {...written, id: entry.id, revision});
        if (kept) entry.revision = revision;
        else {
          // Another tab went on with it: this one goes on with a copy, and neither loses a word.
          entry.id = crypto.randomUUID();
          entry.revision = 1;
          await store.write(scope, {...written, id: entry.id, revision: 1});
        }
        if (this.#open && this.currentId === entry.id) this.#open.id = entry.id;
      });
      if (this.list) await this.refresh();
    });
  }

  /** Runs on the store; whatever goes wrong there is shown, and the chat goes on. */
  async #guard<T>(act: (store: HistoryStore) => Promise<T>): Promise<T | undefined> {
    const opening = this.#store;
    try {
      const store = await opening;
      if (!store) return undefined;
      const result = await act(store);
      this.failed = false;
      return result;
    } catch {
      if (this.#store === opening) this.failed = true;
      this.#host.changed();
      return undefined;
    }
  }
}

function snapshot({conversation, ...entry}: Entry): StoredConversation {
  const {id, title, named, created, revision} = entry;
  const messages = conversation.path.length;
  return {id, title, named, created, revision, messages, updated: Date.now(), conversation: conversation.toJSON()};
}

/** The first words of the visitor's. */
function titleOf(conversation: Conversation): string {
  const first = conversation.path.find(({message}) => message.role === 'user')?.message.content ?? '';
  const words = [...first.replaceAll(/\s+/g, ' ').trim()];
  return words.length > 60 ? `${words.slice(0, 59).join('')}…` : words.join('');
}

function attempt<T>(act: () => T): T | null {
  try {
    return act();
  } catch {
    return null;
  }
}

let opened: Promise<HistoryStore> | null = null;

/** One database for all chats of a page. */
function builtInStore(): Promise<HistoryStore> {
  opened ??= import('./idb-store.ts').then(({openIdbStore}) =>
    openIdbStore({sessionPrefix: SESSION_SCOPE, sessionLock}),
  );
  // Refused now may be allowed later.
  opened.catch(() => {
    opened = null;
  });
  return opened;
}
