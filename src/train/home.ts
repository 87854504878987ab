// What training is given: by the worker, whose model it trains on, and by the engine, which trains.
import type {Adapter, BaseModel} from '../adapters/adapter.ts';
import type {ChatTemplate} from '../chat/template.ts';
import type {Engine} from '../engine/engine.ts';
import type {CreateTraining, PlanTraining, TrainingRoom} from '../engine/training/training.ts';
import type {AdapterRef} from '../protocol/messages.ts';
import type {BlockStore} from '../store/blocks/block-store.ts';
import type {LocksLike} from '../store/folder/writer-lock.ts';
import type {Tokenizer} from '../tokenizer/tokenizer.ts';

/** The model that is trained on. */
export interface TrainedModel {
  readonly info: {readonly name: string};
  readonly engine: Engine;
  readonly tokenizer: Tokenizer;
  /** @throws GemmaError `template-invalid` */
  template(): ChatTemplate;
}

/** The worker, as training sees it. */
export interface TrainingHome {
  /** Of now: on another engine after the device was lost. */
  model(): TrainedModel;
  /**
   * Runs a piece of GPU work between two of the chats' steps.
   * @throws what it throws; `device-lost` when the device goes meanwhile, and what ended the model
   */
  aside<T>(work: () => Promise<T>): Promise<T>;
  readAdapter(ref: AdapterRef, base: BaseModel, signal: AbortSignal): Promise<Adapter>;
  /** Files of an adapter that is loaded. @throws GemmaError `option-invalid` */
  adapterRef(id: string): AdapterRef;
}

/** The platform and the engine. Tests bring their own. */
export interface TrainingTools {
  readonly planTraining: PlanTraining;
  readonly createTraining: CreateTraining;
  readonly trainingRoom: TrainingRoom;
  /** Where runs are kept. */
  readonly blocks: Promise<BlockStore>;
  readonly locks: LocksLike | undefined;
  /** Milliseconds. */
  now(): number;
  /** Milliseconds between two times that the state is kept. */
  readonly keepEvery: number;
}
