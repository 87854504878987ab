// The class behind <gemma-chat-model>: names the page's model once, for every chat that names none itself. Shows and
// loads nothing. Registers nothing.
import {css, LitElement} from 'lit';
import type {ModelSrc} from '../client/model-src.ts';
import {offerPageModel, withdrawPageModel} from './model/page-model.ts';

/**
 * The model of every `<gemma-chat>` on the page that has no `model-src` of its own.
 *
 * @tagname gemma-chat-model
 */
export class GemmaChatModelElement extends LitElement {
  static override styles = css`
    :host {
      display: none;
    }
  `;

  static override properties = {
    modelSrc: {attribute: 'model-src'},
    integrity: {},
    workerSrc: {attribute: 'worker-src'},
    contextLength: {attribute: 'context-length', type: Number},
  };

  /** As of `<gemma-chat>`: a URL or `hf:…`; the property also takes a `File`, a `Blob` or the files of a split model. */
  declare modelSrc: ModelSrc | null;
  /** SHA-256 that the file must have, as of `<gemma-chat>`. */
  declare integrity: string | null;
  /** URL of `gemma-chat.worker.js` where it is not beside the script. Read when the model is loaded. */
  declare workerSrc: string | null;
  /** Tokens a conversation may have; null leaves it to the model. Read when the model is loaded. */
  declare contextLength: number | null;

  constructor() {
    super();
    this.modelSrc = null;
    this.integrity = null;
    this.workerSrc = null;
    this.contextLength = null;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    if (this.hasUpdated) offerPageModel(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    withdrawPageModel(this);
  }

  protected override updated(): void {
    if (this.isConnected) offerPageModel(this);
  }
}
