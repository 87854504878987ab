// Tokens a second, of late. Knows no engine.

/** After this much measured time older steps count half. */
const HALF_LIFE_MS = 5000;

class Rate {
  #tokens = 0;
  #ms = 0;

  add(tokens: number, ms: number): void {
    this.#tokens += tokens;
    this.#ms += ms;
    if (this.#ms < HALF_LIFE_MS) return;
    this.#tokens /= 2;
    this.#ms /= 2;
  }

  get perSecond(): number {
    return this.#ms > 0 ? (1000 * this.#tokens) / this.#ms : 0;
  }
}

/** Tokens a second of the last seconds, of answers and of prompts. */
export class Meter {
  readonly #decode = new Rate();
  readonly #prefill = new Rate();

  /** One step: the next tokens of so many sequences, and so many tokens of a prompt beside them. */
  add(decodeRows: number, prefillRows: number, ms: number): void {
    if (decodeRows > 0) this.#decode.add(decodeRows, ms);
    if (prefillRows > 0) this.#prefill.add(prefillRows, ms);
  }

  get decodeTokensPerSecond(): number {
    return this.#decode.perSecond;
  }

  get prefillTokensPerSecond(): number {
    return this.#prefill.perSecond;
  }
}
