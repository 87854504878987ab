// Whether a value that a schema lists (enum, const) fulfils what else the schema says. Knows no grammar but the patterns.
import {plainText} from './code-points.ts';
import {patternRegex} from './pattern.ts';
import {refuse} from './refusal.ts';
import type {Regexes} from './regexes.ts';
import type {Located} from './schema-document.ts';
import {typeOf} from './schema-document.ts';
import type {Shape, ShapeReader} from './schema-shapes.ts';

const MAX_DEPTH = 64;
const encoder = new TextEncoder();

/** Checks values against shapes. */
export class ValueCheck {
  readonly #reader: ShapeReader;
  readonly #regexes: Regexes;

  constructor(reader: ShapeReader, regexes: Regexes) {
    this.#reader = reader;
    this.#regexes = regexes;
  }

  /** Whether all of the shape but its own list of values allows the value. */
  fits(value: unknown, shape: Shape, depth = 0): boolean {
    if (depth > MAX_DEPTH) throw refuse(`a value is nested deeper than ${MAX_DEPTH} levels`, shape.pointer);
    if (!shape.types.has(typeOf(value))) return false;
    if (typeof value === 'number') return this.#fitsNumber(value, shape);
    if (typeof value === 'string') return this.#fitsText(value, shape);
    if (Array.isArray(value)) return this.#fitsList(value, shape, depth);
    if (typeof value === 'object' && value !== null) return this.#fitsObject(value, shape, depth);
    return true;
  }

  #fulfils(value: unknown, schemas: readonly Located[], depth: number): boolean {
    return this.#reader.shapes(schemas).some((shape) => {
      if (shape.values && !shape.values.some((each) => JSON.stringify(each) === JSON.stringify(value))) return false;
      return this.fits(value, shape, depth);
    });
  }

  #fitsNumber(value: number, {numbers}: Shape): boolean {
    const {integer, min, max, aboveMin, belowMax, multiples} = numbers;
    if (integer && !Number.isInteger(value)) return false;
    if (value < min || value > max || (aboveMin && value === min) || (belowMax && value === max)) return false;
    return multiples.every((multiple) => Number.isInteger(value / multiple));
  }

  #fitsText(value: string, {text}: Shape): boolean {
    const length = Array.from(value).length;
    if (length < text.low || length > text.high) return false;
    const bytes = encoder.encode(value);
    return text.patterns.every(({source, whole}) =>
      this.#regexes.matches(patternRegex(this.#regexes, source, whole ? 'whole' : 'anywhere', plainText), bytes),
    );
  }

  #fitsList(value: readonly unknown[], {list}: Shape, depth: number): boolean {
    if (value.length < list.low || value.length > list.high) return false;
    return value.every((each, i) => {
      const schemas = schemasOfItem(list, i);
      return schemas !== null && this.#fulfils(each, schemas, depth + 1);
    });
  }

  #fitsObject(value: object, {object}: Shape, depth: number): boolean {
    const names = Object.keys(value);
    if (names.length < object.low || names.length > object.high) return false;
    if ([...object.required].some((name) => !Object.hasOwn(value, name))) return false;
    return Object.entries(value).every(([name, each]) => {
      if (object.names.length > 0 && !this.#fulfils(name, object.names, depth + 1)) return false;
      const schemas = schemasOfName(object, name, this.#regexes);
      return schemas !== null && this.#fulfils(each, schemas, depth + 1);
    });
  }
}

/** What item i of a list has to fulfil; null where there may be none. */
export function schemasOfItem({prefixes, rests}: Shape['list'], i: number): Located[] | null {
  const schemas: (Located | false)[] = prefixes.map((prefix, part) => prefix.at(i) ?? rests[part]);
  return schemas.some((schema) => schema === false) ? null : (schemas as Located[]);
}

/** What a property of that name has to fulfil; null where there may be none. */
export function schemasOfName(object: Shape['object'], name: string, regexes: Regexes): Located[] | null {
  const schemas: Located[] = [];
  for (const {names, patterns, others} of object.parts) {
    const own = names.get(name);
    const matching = patterns
      .filter(({source}) => regexes.matches(patternRegex(regexes, source, 'anywhere', plainText), encoder.encode(name)))
      .map(({schema}) => schema);
    const found = own ? [own, ...matching] : matching;
    schemas.push(...found);
    if (found.length > 0) continue;
    if (others === false) return null;
    if (others !== 'open' && others !== 'closed') schemas.push(others as Located);
  }
  return schemas;
}
