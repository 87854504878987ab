import {expect} from 'chai';
import {metadataOf} from '../../../scripts/model-files/gguf-writer.ts';
import {looksPretrained} from '../../../src/worker/pretrained.ts';

describe('looksPretrained', () => {
  const cases: [string, Record<string, string>, string, boolean][] = [
    // The keys of real files: Google's 270M as llama.cpp converts it, and the tuned one.
    ['a converted base model', {'general.name': 'Gemma 3 270m', 'general.basename': 'gemma-3'}, 'm.gguf', true],
    [
      'a converted tuned model',
      {'general.name': 'Gemma 3 270m It', 'general.basename': 'gemma-3', 'general.finetune': 'it'},
      'm.gguf',
      false,
    ],
    ['a tuned model by its key alone', {'general.basename': 'gemma-3', 'general.finetune': 'it'}, 'm.gguf', false],
    ['a tuned model by its file name', {'general.basename': 'gemma-3'}, 'models/gemma-3-1b-it-Q4_K_M.gguf', false],
    ['a base model by its key', {'general.finetune': 'pt'}, 'm.gguf', true],
    ['a base model by its file name', {}, 'gemma-3-1b-pt-q4_0.gguf', true],
    ['a file that says nothing', {}, 'sha256-4f3a', false],
    ['a name with the letters inside a word', {'general.name': 'Italian database'}, 'm.gguf', false],
  ];
  for (const [title, keys, fileName, expected] of cases) {
    it(`${expected ? 'suspects' : 'does not suspect'} ${title}`, () => {
      expect(looksPretrained(metadataOf({'general.architecture': 'gemma3', ...keys}), fileName)).to.equal(expected);
    });
  }
});
