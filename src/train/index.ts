// The part of the worker that trains, as a whole: it stands by itself, and the worker fetches it when it is first asked.
import {createTraining, planTraining, trainingRoom} from '../engine/training/index.ts';
import {chooseBlocks} from '../store/blocks/choose-blocks.ts';
import type {LocksLike} from '../store/folder/writer-lock.ts';
import type {TrainingHome} from './home.ts';
import {Trainer} from './trainer.ts';

/** Apart from the models, which a visitor may remove all at once. */
const FOLDER = 'gemma-chat-training';
/** What a crash costs at most, in milliseconds of training. */
const KEEP_EVERY = 20_000;

/** What trains on this model, over the platform's own storage and locks. */
export function openTraining(home: TrainingHome): Trainer {
  const {navigator, caches} = globalThis as {
    navigator?: {storage?: StorageManager; locks?: LockManager};
    caches?: CacheStorage;
  };
  return new Trainer(home, {
    planTraining,
    createTraining,
    trainingRoom,
    blocks: chooseBlocks({storage: navigator?.storage, caches}, FOLDER),
    locks: navigator?.locks as LocksLike | undefined,
    now: () => performance.now(),
    keepEvery: KEEP_EVERY,
  });
}
