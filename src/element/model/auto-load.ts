// When a chat asks about its model, and when it loads it without a word: follows what the page names, whether the chat is
// seen, and what other chats do with the same model. Loads through the session; shows nothing.
import type {LitElement} from 'lit';
import type {ChatController} from '../chat/chat-controller.ts';
import type {ChatSettings} from '../chat/chat-state.ts';
import type {Options} from '../options.ts';
import {PageCache} from '../page/page-cache.ts';
import {ModelFiles} from './model-files.ts';
import {offPageModel, onPageModel} from './page-model.ts';

export interface AutoLoadHost {
  element: LitElement & Options;
  chat: ChatController;
  settings(): ChatSettings;
  changed(): void;
  /** Follows what was started. */
  run(act: () => Promise<unknown>): void;
}

/** Loads without being asked, where that is allowed. */
export class AutoLoad {
  readonly #host: AutoLoadHost;
  readonly #pageCache: PageCache;
  readonly #files: ModelFiles;
  /** What the model's session knows as the source. */
  #source: Pick<ChatSettings, 'modelSrc' | 'integrity'> | null = null;

  constructor(host: AutoLoadHost) {
    this.#host = host;
    const {element, chat} = host;
    this.#pageCache = new PageCache({
      leave: () => {
        this.look();
        chat.close();
      },
      comeBack: () => {
        chat.model.resume();
        this.look();
      },
    });
    this.#files = new ModelFiles({
      open: () => this.files !== null,
      use: (files, integrity) => {
        element.modelSrc = files.length === 1 ? files[0] : files;
        element.integrity = integrity;
      },
      changed: host.changed,
    });
    element.addEventListener('dragover', (event) => this.#files.dragOver(event));
    element.addEventListener('drop', (event) => this.#files.drop(event));
  }

  /**
   * Models of the visitor's own. Null where the visitor may not bring one: a model is loaded, or the page names one and
   * does not allow another.
   */
  get files(): ModelFiles | null {
    const {element, chat, settings} = this.#host;
    const {status} = chat;
    const asked = element.localFiles || status === 'idle' || typeof settings().modelSrc !== 'string';
    const idle = status === 'idle' || status === 'consent' || status === 'error';
    return asked && idle && !element.disabled ? this.#files : null;
  }

  connect(): void {
    this.#pageCache.connect();
    onPageModel(this.sourceNamed);
  }

  disconnect(): void {
    this.#pageCache.disconnect();
    offPageModel(this.sourceNamed);
  }

  /** The page, or the visitor, may have named another model. */
  readonly sourceNamed = (): void => {
    const {modelSrc, integrity} = this.#host.settings();
    if (modelSrc === this.#source?.modelSrc && integrity === this.#source?.integrity) return;
    this.#source = {modelSrc, integrity};
    this.#host.chat.model.sourceChanged();
    this.start();
  };

  /** Whether the chat is seen may have changed, or what it may ask: learns what the poster shows. */
  look(): void {
    this.#host.chat.model.offer.see(this.#seen, () => this.#modelChanged());
    this.lookForFiles();
    this.start();
  }

  /** Where the visitor may bring a model: which one was used last. */
  lookForFiles(): void {
    if (this.#seen) void this.files?.look();
  }

  /** Loads without a word, where that is allowed. */
  start(): void {
    const {element, chat, run} = this.#host;
    const {status} = chat;
    const idle = status === 'consent' || (status === 'error' && !chat.client);
    const eager = element.loading === 'eager';
    if (!idle || !element.isConnected || !(eager || (this.#seen && status === 'consent'))) return;
    run(() => chat.model.start(eager));
  }

  /** A launcher that was not opened asks nothing, nor does a page that was left. */
  get #seen(): boolean {
    const {isConnected, display, open} = this.#host.element;
    return isConnected && (display !== 'launcher' || open) && !this.#pageCache.away;
  }

  /** Another chat, here or in another tab, has done something with this model. */
  #modelChanged(): void {
    const {chat, changed} = this.#host;
    changed();
    if (chat.status !== 'consent') return;
    chat.model.offer.forget();
    chat.model.offer.look();
    this.start();
  }
}
