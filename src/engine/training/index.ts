// Training, as the worker fetches it when a page asks for it. No architecture can be walked backwards yet: each is refused.
import {GemmaError} from '../../errors.ts';
import type {GgufFile} from '../../gguf/gguf-file.ts';
import type {CreateTraining, PlanTraining} from './training.ts';

export const createTraining: CreateTraining = async (engine) => {
  throw refused(engine.file);
};

export const planTraining: PlanTraining = (file) => {
  throw refused(file);
};

function refused(file: GgufFile): GemmaError {
  const architecture = file.metadata.string('general.architecture');
  return new GemmaError('architecture-unsupported', `${architecture} cannot be trained on yet`, {
    detail: {architecture},
  });
}
