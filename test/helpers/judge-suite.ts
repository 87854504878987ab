// The official JSON Schema Test Suite's draft 2020-12, as far as its schemas are supported: no instance that it calls invalid may be
// writable. Which valid ones are writable is counted: an answer's form may be narrower than the schema.
import {readdirSync, readFileSync} from 'node:fs';
import path from 'node:path';
import {hasCode} from '../../src/errors.ts';
import {compileFormat} from '../../src/grammar/compile.ts';
import {takes} from './grammar.ts';

interface Group {
  description: string;
  schema: unknown;
  tests: {description: string; data: unknown; valid: boolean}[];
}

export interface SuiteVerdict {
  /** By file. */
  files: Record<string, {groups: number; refused: number; invalid: number; valid: number; writable: number}>;
  /** What is refused, by the keyword at which it is. */
  refused: Record<string, number>;
  wrong: string[];
}

/** @param folder `tests/draft2020-12` of the suite */
export function judgeSuite(folder: string): SuiteVerdict {
  const verdict: SuiteVerdict = {files: {}, refused: {}, wrong: []};
  const names = readdirSync(folder, {recursive: true, encoding: 'utf8'}).filter((name) => name.endsWith('.json'));
  for (const name of names.sort()) {
    const counts = {groups: 0, refused: 0, invalid: 0, valid: 0, writable: 0};
    verdict.files[name] = counts;
    for (const {description, schema, tests} of JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as Group[]) {
      counts.groups++;
      let grammar: ReturnType<typeof compileFormat>;
      try {
        grammar = compileFormat({type: 'json_schema', json_schema: {schema}});
      } catch (error) {
        if (!hasCode(error, 'grammar-invalid')) throw error;
        counts.refused++;
        const pointer = (error as {detail?: {pointer?: string}}).detail?.pointer;
        const keyword = pointer?.split('/').at(-1) || (error as Error).message;
        verdict.refused[keyword] = (verdict.refused[keyword] ?? 0) + 1;
        continue;
      }
      for (const {description: what, data, valid} of tests) {
        const writable = takes(grammar, JSON.stringify(data));
        counts[valid ? 'valid' : 'invalid']++;
        if (valid && writable) counts.writable++;
        if (!valid && writable) verdict.wrong.push(`${name}: ${description}: ${what}: ${JSON.stringify(data)}`);
      }
    }
  }
  return verdict;
}
