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

export class Meter {
  readonly #decode = new Rate();
  readonly #prefill = new Rate();

  /** One step over `rows` tokens of one sequence. */
  add(rows: number, ms: number): void {
    (rows === 1 ? this.#decode : this.#prefill).add(rows, ms);
  }

  get decodeTokensPerSecond(): number {
    return this.#decode.perSecond;
  }

  get prefillTokensPerSecond(): number {
    return this.#prefill.perSecond;
  }
}
