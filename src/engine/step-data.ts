// What the engine writes before a step, laid out as shaders/lib/step.wgsl says: the one place where steps and rows are packed.
import structs from '../../shaders/lib/step.wgsl';
import {structFields} from '../gpu/wgsl.ts';

/** A step; see `struct Step`. */
export interface StepFields {
  nRows: number;
  /** Rows that go through the head. Default: all. */
  nOutputs?: number;
  /** Rows in front that continue an answer. Default 0. */
  nDecode?: number;
}

/** One token of one sequence; see `struct Row`. Each is 0 where it is left out. */
export interface RowFields {
  token?: number;
  position?: number;
  /** Where the sequence's table begins in the page tables. */
  pageTable?: number;
  /** The last position it attends. Default: its own. */
  last?: number;
  /** Which mix of adapters it uses (adapters/mixes.ts). */
  adapters?: number;
}

const STEP = placesOf('Step');
const ROW = placesOf('Row');
/** u32 words of a row. */
export const ROW_WORDS = ROW.size;

/** u32 words of the `step` uniform. */
export const STEP_WORDS = STEP.size;

/** The `step` uniform, in `words` where they are given. */
export function packStep(
  {nRows, nOutputs = nRows, nDecode = 0}: StepFields,
  words = new Uint32Array(STEP_WORDS),
): Uint32Array<ArrayBuffer> {
  words[STEP.at('n_rows')] = nRows;
  words[STEP.at('n_outputs')] = nOutputs;
  words[STEP.at('n_decode')] = nDecode;
  return words;
}

/** Writes row `index` of a `rows` buffer. */
export function packRow(
  words: Uint32Array,
  index: number,
  {token = 0, position = 0, pageTable = 0, last = position, adapters = 0}: RowFields,
): void {
  const first = index * ROW.size;
  words[first + ROW.at('token')] = token;
  words[first + ROW.at('position')] = position;
  words[first + ROW.at('page_table')] = pageTable;
  words[first + ROW.at('last')] = last;
  words[first + ROW.at('adapters')] = adapters;
}

/** A `rows` buffer of these rows. */
export function packRows(rows: readonly RowFields[]): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(ROW.size * rows.length);
  rows.forEach((row, i) => {
    packRow(words, i, row);
  });
  return words;
}

function placesOf(struct: string) {
  const names = structFields(structs, struct).map(({name}) => name);
  const places = new Map(names.map((name, i) => [name, i]));
  return {
    size: names.length,
    at(name: string): number {
      const place = places.get(name);
      if (place === undefined) throw new TypeError(`struct ${struct} has no ${name}`);
      return place;
    },
  };
}
