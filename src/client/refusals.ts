// What is wrong with a request, found one thing after another and told all together. Knows no option.
import type {Specs} from './option-specs.ts';
import {own} from './own.ts';

interface Problem {
  option: string;
  text: string;
  unknown: boolean;
  /** Of the message in `messages`. */
  index?: number;
}

/** The refusals of one request. */
export class Refusals {
  readonly #where: string;
  readonly #problems: Problem[] = [];

  constructor(where: string) {
    this.#where = where;
  }

  /** An option that does not exist here; `why`, or what there is instead. */
  unknown(option: string, why: string): void {
    const text = `${this.#where} has no option ${JSON.stringify(option)}${why}`;
    this.#problems.push({option, text, unknown: true});
  }

  /** An option or a part of one (`place`) that is not what is expected. */
  invalid(option: string, value: unknown, expected: string, {place = option, index}: Place = {}): void {
    const is = value === undefined ? 'missing' : own.found(value);
    this.#problems.push({option, text: `${place} is ${is}; expected ${expected}`, unknown: false, index});
  }

  /** Everything that `specs` does not know, or knows otherwise. Undefined counts as left out. */
  check(options: Record<string, unknown>, specs: Specs): void {
    const names = Object.keys(specs);
    for (const [name, value] of Object.entries(options)) {
      if (value === undefined) continue;
      if (!names.includes(name)) this.unknown(name, `; it has ${names.join(', ')}`);
      else if (!specs[name].check(value)) this.invalid(name, value, specs[name].expected);
    }
  }

  /** @throws GemmaError `option-unknown` where nothing but options that do not exist was found, else `option-invalid` */
  throwAny(): void {
    const problems = this.#problems;
    if (problems.length === 0) return;
    const [{option}] = problems;
    const index = problems.find((problem) => problem.index !== undefined)?.index;
    const code = problems.every(({unknown}) => unknown) ? 'option-unknown' : 'option-invalid';
    const options = [...new Set(problems.map((problem) => problem.option))];
    const text = problems.map((problem) => problem.text);
    const message = text.length === 1 ? text[0] : `${text.length} things are wrong: ${text.join(' · ')}`;
    throw new own.GemmaError(code, message, {detail: {option, options, ...(index === undefined ? {} : {index})}});
  }
}

interface Place {
  /** Where in the option it is. */
  place?: string;
  /** Of a message. */
  index?: number;
}
