// Writes answers at random under random schemas, and has ajv judge them. Both are independent: ajv knows no grammar.
import {Ajv2020, type ValidateFunction} from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import {hasCode} from '../../src/errors.ts';
import {compileFormat} from '../../src/grammar/compile.ts';
import {AWKWARD, randomNumbers, randomText} from './grammar.ts';
import {randomSchema} from './random-schema.ts';

/** A judge of values: by the specification, formats included. Multiples are decimal: 0.07 is one of 0.01. */
export function validatorOf(schema: unknown): ValidateFunction {
  const ajv = new Ajv2020({strict: false, validateFormats: true, multipleOfPrecision: 9});
  addFormats.default(ajv);
  return ajv.compile(schema as object);
}

export interface Verdict {
  /** Schemas, answers that came to their end, and schemas that were refused, by the first words of why. */
  schemas: number;
  answers: number;
  refused: Record<string, number>;
  wrong: {schema: unknown; text: string; why: string}[];
}

/** @param answers for each schema */
export function judgeSchemas(seed: number, count: number, answers: number): Verdict {
  const verdict: Verdict = {schemas: count, answers: 0, refused: {}, wrong: []};
  for (let i = 0; i < count; i++) {
    const random = randomNumbers(seed * 1_000_003 + i);
    const schema = randomSchema(random);
    let grammar: ReturnType<typeof compileFormat>;
    try {
      grammar = compileFormat({type: 'json_schema', json_schema: {schema}});
    } catch (error) {
      if (!hasCode(error, 'grammar-invalid')) throw error;
      const why = (error as Error).message
        .replace(/^at \S+(?: root \(“”\))?: /, '')
        .split(' ')
        .slice(0, 4)
        .join(' ');
      verdict.refused[why] = (verdict.refused[why] ?? 0) + 1;
      continue;
    }
    const validate = validatorOf(schema);
    for (let n = 0; n < answers; n++) {
      const text = randomText(grammar, AWKWARD, random, 300);
      if (text === null) continue;
      verdict.answers++;
      const value: unknown = JSON.parse(text);
      if (!validate(value)) verdict.wrong.push({schema, text, why: JSON.stringify(validate.errors?.[0])});
    }
  }
  return verdict;
}
