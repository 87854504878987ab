// What a visitor is told before a model is loaded, and whether it may start by itself. Asks the worker, which reads the
// beginning of the file's header; loads nothing.
import type {InspectOptions, ModelsOptions} from '../../client/models.ts';
import {GemmaError, isAbort} from '../../errors.ts';
import type {ModelInspection} from '../../protocol/messages.ts';
import type {ChatState} from '../chat/chat-state.ts';
import {concernsOwner} from '../chat/error-advice.ts';
import {warnOfPretrained, warnOwner} from '../page/warn-owner.ts';
import {consents} from './consent.ts';
import {describeSource, type ModelSource} from './model-source.ts';

/** What is asked of the worker; a test brings its own. */
export interface ModelQuestions {
  inspect(options: InspectOptions): Promise<ModelInspection>;
  remove(id: string, options: ModelsOptions): Promise<void>;
}

/** What is known of the model that one chat offers. */
export class ModelOffer {
  readonly #state: ChatState;
  readonly #questions: ModelQuestions;
  #unlisten: (() => void) | null = null;
  #seen = false;
  #asking: {abort: AbortController; answer: Promise<ModelInspection | null>} | null = null;

  /** Null where the page has named no model. */
  source: ModelSource | null = null;
  /** Undefined until it is known; null where it could not be learnt. */
  inspection: ModelInspection | null | undefined;
  /** Why the model will not run here, or why nothing could be learnt of it. */
  problem: GemmaError | null = null;
  /** It would have started by itself, but the visitor's connection is to be spared. */
  heldBack = false;
  /** What the visitor is asked about, before it is removed: ids of stored models. */
  asking: readonly string[] | null = null;
  /** Something stored is being removed. */
  removing = false;
  /** Why it could not be. */
  failure: GemmaError | null = null;

  constructor(state: ChatState, questions: ModelQuestions) {
    this.#state = state;
    this.#questions = questions;
  }

  /** The visitor has agreed to this model before, on this site. */
  get agreed(): boolean {
    const url = this.source?.url;
    return url !== null && url !== undefined && consents.has(url);
  }

  /** Whether the poster is before the visitor's eyes: only then is anything asked, and only then can it be out of date. */
  see(seen: boolean, changed: () => void): void {
    if (seen === this.#seen) return;
    this.#seen = seen;
    this.#unlisten?.();
    this.#unlisten = seen ? consents.listen((url) => url === this.source?.url && changed()) : null;
    if (seen) this.look();
  }

  /** Learns what the poster shows, where one is shown. */
  look(): void {
    if (this.#seen && this.#state.status === 'consent') void this.inspect();
  }

  /** The visitor agrees, for this site and from now on; or takes it back. */
  agree(agreed: boolean): void {
    const url = this.source?.url;
    if (!url || agreed === consents.has(url)) return;
    if (agreed) consents.add(url);
    else consents.remove(url);
  }

  /** Tells the site's owner what only they can mend. */
  warn(error: GemmaError): void {
    const situation = {ownFile: this.source?.host === null, secure: globalThis.isSecureContext};
    if (concernsOwner(error, situation)) void warnOwner(error);
  }

  /** Other chats may show something else now. */
  tell(): void {
    if (this.source?.url) consents.tell(this.source.url);
  }

  /** It will not run here, whatever the visitor does: what the file, the page or the browser lacks stays away. */
  get hopeless(): boolean {
    return Boolean(this.inspection?.problem) || this.problem?.code === 'option-invalid';
  }

  /** Asks before something stored is removed; null asks no more. */
  ask(ids: readonly string[] | null): void {
    this.asking = ids;
    this.#state.host.changed();
  }

  /** All of it is on this device. */
  get complete(): boolean {
    const {source, inspection} = this;
    if (source && source.size !== null) return true; // a file of the visitor's
    return Boolean(inspection && inspection.size > 0 && inspection.storedBytes >= inspection.size);
  }

  /** The model's address has changed. */
  sourceChanged(): void {
    const {modelSrc} = this.#state.host.settings();
    this.forget();
    this.heldBack = false;
    this.failure = null;
    this.source = modelSrc === null || modelSrc === '' ? null : describeSource(modelSrc, document.baseURI);
    this.#state.host.changed();
  }

  /** What was learnt is no longer true: a load has changed what is stored. */
  forget(): void {
    this.#asking?.abort.abort();
    this.#asking = null;
    this.inspection = undefined;
    this.problem = null;
  }

  /** Learns what there is to know; asks once. Null where it cannot be learnt: loading will say why. */
  inspect(): Promise<ModelInspection | null> {
    if (this.inspection !== undefined) return Promise.resolve(this.inspection);
    const {modelSrc, workerSrc, contextLength, integrity} = this.#state.host.settings();
    if (modelSrc === null || modelSrc === '') return Promise.resolve(null);
    if (this.#asking) return this.#asking.answer;
    const abort = new AbortController();
    const options: InspectOptions = {modelSrc, signal: abort.signal};
    if (workerSrc !== null) options.workerSrc = workerSrc;
    if (contextLength !== null) options.contextLength = contextLength;
    if (integrity) options.integrity = integrity;
    const answer = this.#ask(options, abort.signal);
    this.#asking = {abort, answer};
    return answer;
  }

  async #ask(options: InspectOptions, signal: AbortSignal): Promise<ModelInspection | null> {
    let found: ModelInspection | null = null;
    let problem: GemmaError | null = null;
    try {
      found = await this.#questions.inspect(options);
    } catch (error) {
      if (isAbort(error)) return null;
      problem = GemmaError.from(error);
    }
    if (signal.aborted) return null;
    this.#asking = null;
    this.inspection = found;
    this.problem = found?.problem ? GemmaError.fromWire(found.problem) : problem;
    if (this.problem) this.warn(this.problem);
    else if (found?.looksPretrained && this.source?.host !== null) warnOfPretrained(found.name);
    this.#state.host.changed();
    return found;
  }

  /** The site answers for the visitor's consent, or there is nothing to fetch: no one has to be asked, nor the worker. */
  maySkipAsking(): boolean {
    return this.complete || (this.#given && !savesData());
  }

  /** Whether `loading="eager"` may load by itself: with a consent, or a model that is here as a whole. */
  async mayStart(): Promise<boolean> {
    if (this.maySkipAsking()) return true;
    await this.inspect();
    if (this.complete || this.inspection?.loaded) return true;
    this.heldBack = this.#given;
    this.#state.host.changed();
    return false;
  }

  /** Whether it may be ready without a word: the visitor has agreed before, and there is nothing to fetch. */
  async mayGoOn(): Promise<boolean> {
    if (!this.agreed) return false;
    await this.inspect();
    return this.agreed && (this.complete || Boolean(this.inspection?.loaded));
  }

  get #given(): boolean {
    return this.#state.host.settings().consent === 'given';
  }

  /** Removes what is stored of this model, or another one by its id. @throws GemmaError */
  async remove(ids: readonly string[] = this.inspection?.storedIds ?? []): Promise<void> {
    const {workerSrc} = this.#state.host.settings();
    this.removing = true;
    this.asking = null;
    this.failure = null;
    this.#state.host.changed();
    try {
      for (const id of ids) await this.#questions.remove(id, workerSrc === null ? {} : {workerSrc});
    } catch (error) {
      this.failure = GemmaError.from(error);
      throw this.failure;
    } finally {
      this.removing = false;
      this.agree(false);
      this.forget();
      this.#state.host.changed();
      this.tell();
      this.look();
    }
  }
}

/** The visitor has asked the browser to save data, on a metered connection for one. */
function savesData(): boolean {
  const {connection} = navigator as {connection?: {saveData?: boolean}};
  return connection?.saveData === true;
}

/** Asks the browser not to clear what the visitor has agreed to store. What it answers changes nothing for us. */
export function askToKeep(): void {
  navigator.storage?.persist?.().catch(() => undefined);
}
