// The adapter that a chat answers with: loaded at the first question that needs it, let go when the page names another.
import type {GemmaClient} from '../../client/index.ts';
import type {GenerationOptions} from '../../protocol/messages.ts';

/** What the page has set. */
export interface AdapterSetting {
  src: string | File | null;
  scale: number;
}

/** The adapter that one element names. */
export class ChatAdapter {
  #client: GemmaClient | null = null;
  #src: string | File | null = null;
  #id = '';

  /** The options of a request with the adapter in it. @throws GemmaError: that of `client.adapters.load` */
  async use(
    generation: GenerationOptions,
    {src, scale}: AdapterSetting,
    client: GemmaClient,
    signal: AbortSignal,
  ): Promise<GenerationOptions> {
    if (this.#id && (client !== this.#client || src !== this.#src)) {
      const [before, id] = [this.#client, this.#id];
      this.#id = '';
      // A client that is closed has let go of it.
      before?.adapters.unload(id).catch(() => undefined);
    }
    if (!src) return generation;
    if (!this.#id) {
      const loaded = await client.adapters.load(typeof src === 'string' ? {src, signal} : {file: src, signal});
      [this.#client, this.#src, this.#id] = [client, src, loaded.id];
    }
    return {...generation, adapters: [{id: this.#id, scale}]};
  }
}
