// Training on the loaded model, for the clients that ask for it. What trains stands by itself and is fetched when it is first
// needed. Knows no data and no gradient.
import {ours} from '../protocol/foreign-error.ts';
import type {TrainingAsk} from '../protocol/training.ts';
import type {TrainingHome} from '../train/home.ts';

/** What trains on one model. */
interface Trainer {
  ask(client: object, ask: TrainingAsk, signal: AbortSignal): Promise<unknown>;
  leave(client: object): void;
}

export type OpenTraining = (home: TrainingHome) => Promise<Trainer>;

const openLazily: OpenTraining = async (home) => (await import('../train/index.ts')).openTraining(home);

/** Lives as long as its model. */
export class TrainingHost {
  readonly #open: OpenTraining;
  readonly #home: TrainingHome;
  #trainer: Promise<Trainer> | null = null;

  constructor(home: TrainingHome, open: OpenTraining = openLazily) {
    this.#home = home;
    this.#open = open;
  }

  /** @param ask checked by the trainer. @throws GemmaError: the trainer's; AbortError */
  async ask(client: object, ask: {act: string}, signal: AbortSignal) {
    try {
      this.#trainer ??= this.#open(this.#home);
      const trainer = await this.#trainer.catch((error) => {
        // It could not be fetched: the next to ask tries again.
        this.#trainer = null;
        throw error;
      });
      return await trainer.ask(client, ask as TrainingAsk, signal);
    } catch (error) {
      throw ours(error);
    }
  }

  /** The client is gone. */
  leave(client: object): void {
    this.#trainer?.then((trainer) => trainer.leave(client)).catch(() => undefined);
  }
}
