// Reads a text aloud with the browser's own voice, one text at a time. Knows no messages.

/** The browser's voice, of which a page has one. `Id`: what tells texts apart. */
export class Speech<Id> {
  readonly #changed: () => void;
  #current: {id: Id; utterance: SpeechSynthesisUtterance} | null = null;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Whether the browser has a voice at all. */
  get available(): boolean {
    return typeof speechSynthesis !== 'undefined' && typeof SpeechSynthesisUtterance !== 'undefined';
  }

  /** What is being read. */
  get id(): Id | null {
    return this.#current?.id ?? null;
  }

  read(id: Id, text: string, lang: string): void {
    this.stop();
    const utterance = new SpeechSynthesisUtterance(text);
    utterance.lang = lang;
    const ended = () => {
      if (this.#current?.utterance !== utterance) return;
      this.#current = null;
      this.#changed();
    };
    utterance.addEventListener('end', ended);
    utterance.addEventListener('error', ended);
    this.#current = {id, utterance};
    speechSynthesis.speak(utterance);
    this.#changed();
  }

  stop(): void {
    if (!this.#current) return;
    this.#current = null;
    speechSynthesis.cancel();
    this.#changed();
  }
}
