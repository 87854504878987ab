// The file of an index that says where its encoder's weights come from. Knows no weights.
import {readFile, rm, writeFile} from 'node:fs/promises';
import path from 'node:path';
import type {BertModel} from './bert-model.ts';

const NOTICE = 'encoder-notice.txt';

/** What the notice says of a model that was read from `folder`. */
export async function encoderNotice(folder: string, {name, sha256, license}: BertModel): Promise<string> {
  const text = await readFile(path.join(folder, 'LICENSE'), 'utf8').catch(() => null);
  const lines = [
    `Files in this folder have the weights and the vocabulary of ${name}`,
    `(model.safetensors, SHA-256 ${sha256}).`,
    'Changed: the weights were rounded to 4 bits and cut into files.',
    `Licence, as the model's own README names it: ${license || 'not named'}`,
  ];
  return `${lines.join('\n')}\n${text === null ? '' : `\n${text}`}`;
}

/** Writes the notice, or removes it where there is nothing to say. */
export async function writeNotice(folder: string, notice: string | null): Promise<void> {
  const file = path.join(folder, NOTICE);
  if (notice === null) return rm(file, {force: true});
  if ((await readFile(file, 'utf8').catch(() => null)) !== notice) await writeFile(file, notice);
}
