// Numbers of JSON within bounds, digit by digit. A number has at most 15 digits, so that the nearest double is the number that
// was written and a bound means the same in decimal and in JavaScript. Knows no schema.
import {ascii} from './code-points.ts';
import {EMPTY, NEVER, type Regex, type Regexes} from './regexes.ts';

const MAX_DIGITS = 15;
const MOST = 10 ** MAX_DIGITS - 1;

/** All that is asked of a number. Bounds are doubles. */
export interface NumberBounds {
  integer: boolean;
  min: number;
  max: number;
  /** Whether the bound itself is left out. */
  aboveMin: boolean;
  belowMax: boolean;
  multiples: readonly number[];
}

/** Null where a multiple cannot be told by a number's last digits: only divisors of a power of ten can. */
export function numberRegex(regexes: Regexes, bounds: NumberBounds): Regex | null {
  const writer = new NumberWriter(regexes);
  const multiples: Regex[] = [];
  for (const multiple of bounds.multiples) {
    const regex = writer.multiple(multiple);
    if (regex === null) return null;
    multiples.push(regex);
  }
  const shape = bounds.integer ? writer.integer(bounds) : writer.decimal(bounds);
  return regexes.and([shape, ...multiples]);
}

class NumberWriter {
  readonly #regexes: Regexes;
  readonly #digit: Regex;
  readonly #minus: Regex;
  readonly #point: Regex;

  constructor(regexes: Regexes) {
    this.#regexes = regexes;
    this.#digit = regexes.range(0x30, 0x39);
    this.#minus = ascii(regexes, '-');
    this.#point = ascii(regexes, '.');
  }

  integer({min, max, aboveMin, belowMax}: NumberBounds): Regex {
    const low = Math.max(-MOST, Number.isInteger(min) && aboveMin ? min + 1 : Math.ceil(min));
    const high = Math.min(MOST, Number.isInteger(max) && belowMax ? max - 1 : Math.floor(max));
    const parts: Regex[] = [];
    if (low <= high && high >= 0) parts.push(this.#wholes(Math.max(0, low), high));
    if (low <= high && low < 0) parts.push(this.#regexes.cat(this.#minus, this.#wholes(Math.max(1, -high), -low)));
    return this.#regexes.or(parts);
  }

  decimal({min, max, aboveMin, belowMax}: NumberBounds): Regex {
    const regexes = this.#regexes;
    const whole = regexes.or([
      ascii(regexes, '0'),
      regexes.cat(regexes.range(0x31, 0x39), this.#digits(0, MAX_DIGITS - 1)),
    ]);
    const fraction = regexes.optional(regexes.cat(this.#point, this.#digits(1, MAX_DIGITS)));
    if (min === Number.NEGATIVE_INFINITY && max === Number.POSITIVE_INFINITY) {
      const exponent = regexes.sequence(
        regexes.or([ascii(regexes, 'e'), ascii(regexes, 'E')]),
        regexes.optional(regexes.or([ascii(regexes, '+'), this.#minus])),
        this.#digits(1, 2),
      );
      return regexes.sequence(regexes.optional(this.#minus), whole, fraction, regexes.optional(exponent));
    }
    const few = regexes.repeat(regexes.cat(this.#digit, regexes.optional(this.#point)), 1, MAX_DIGITS);
    const size = regexes.and([regexes.cat(whole, fraction), few]);
    const parts: Regex[] = [];
    if (max > 0 || (max === 0 && !belowMax)) {
      const sides = [size, this.#atMost(max, belowMax)];
      if (min > 0 || (min === 0 && aboveMin)) sides.push(this.#atLeast(min, aboveMin));
      parts.push(regexes.and(sides));
    }
    if (min < 0) {
      const sides = [size, this.#atMost(-min, aboveMin), this.#atLeast(Math.max(0, -max), max >= 0 || belowMax)];
      parts.push(regexes.cat(this.#minus, regexes.and(sides)));
    }
    return regexes.or(parts);
  }

  /** Multiples of a divisor of a power of ten. */
  multiple(multiple: number): Regex | null {
    const regexes = this.#regexes;
    const {whole, fraction} = decimalDigits(multiple);
    const places = fraction.length;
    const step = Number(whole + fraction);
    const sign = regexes.optional(this.#minus);
    if (!(step > 0) || places > 6 || whole.length > 6) return null;
    if (places > 0) {
      if (10 ** places % step !== 0) return null;
      const endings: Regex[] = [];
      for (let n = 0; n < 10 ** places; n += step) {
        if (endings.length > 1000) break;
        endings.push(ascii(regexes, String(n).padStart(places, '0')));
      }
      // Every number of so many places: without a list of them.
      const ending = step === 1 ? this.#digits(1, places) : regexes.or(endings);
      if (step !== 1 && endings.length > 1000) return null;
      return regexes.sequence(sign, this.#digits(1, MAX_DIGITS), regexes.optional(regexes.cat(this.#point, ending)));
    }
    let places10 = 0;
    while (places10 < 4 && 10 ** places10 % step !== 0) places10++;
    if (10 ** places10 % step !== 0) return null;
    const small: Regex[] = [];
    const endings: Regex[] = [];
    for (let n = 0; n < 10 ** places10; n += step) {
      small.push(ascii(regexes, String(n)));
      endings.push(ascii(regexes, String(n).padStart(places10, '0')));
    }
    const ending = places10 === 0 ? EMPTY : regexes.or(endings);
    const zeros = regexes.optional(regexes.cat(this.#point, regexes.repeat(ascii(regexes, '0'), 1, MAX_DIGITS)));
    return regexes.sequence(sign, regexes.or([...small, regexes.cat(this.#digits(1, MAX_DIGITS), ending)]), zeros);
  }

  #digits(low: number, high: number): Regex {
    return this.#regexes.repeat(this.#digit, low, high);
  }

  /** Whole numbers of 0 or more, without zeros before them. */
  #wholes(low: number, high: number): Regex {
    const regexes = this.#regexes;
    if (low === 0) {
      const zero = ascii(regexes, '0');
      return high === 0 ? zero : regexes.or([zero, this.#wholes(1, high)]);
    }
    const [least, most] = [String(low), String(high)];
    if (least.length === most.length) return this.#between(least, most);
    const parts: Regex[] = [];
    // Lengths of which every number is within the bounds.
    let [from, to] = [least.length, most.length];
    if (low > 10 ** (from - 1)) parts.push(this.#between(least, '9'.repeat(from++)));
    if (high < 10 ** to - 1) parts.push(this.#between(`1${'0'.repeat(--to)}`, most));
    if (from <= to) parts.push(regexes.cat(regexes.range(0x31, 0x39), this.#digits(from - 1, to - 1)));
    return regexes.or(parts);
  }

  /** Digits of one length. */
  #between(low: string, high: string): Regex {
    if (low === '') return EMPTY;
    const regexes = this.#regexes;
    let first = low.charCodeAt(0);
    let last = high.charCodeAt(0);
    const rest = low.length - 1;
    if (first === last) return regexes.cat(regexes.range(first), this.#between(low.slice(1), high.slice(1)));
    const parts: Regex[] = [];
    const [nines, zeros] = ['9'.repeat(rest), '0'.repeat(rest)];
    if (low.slice(1) !== zeros) parts.push(regexes.cat(regexes.range(first++), this.#between(low.slice(1), nines)));
    if (high.slice(1) !== nines) parts.push(regexes.cat(regexes.range(last--), this.#between(zeros, high.slice(1))));
    if (first <= last) parts.push(regexes.cat(regexes.range(first, last), this.#digits(rest, rest)));
    return regexes.or(parts);
  }

  /** Decimals of 0 or more from a bound on. */
  #atLeast(bound: number, above: boolean): Regex {
    const regexes = this.#regexes;
    if (bound > MOST) return NEVER;
    const {whole, fraction} = decimalDigits(bound);
    const more = Number(whole) + 1 > MOST ? NEVER : this.#wholes(Number(whole) + 1, MOST);
    const any = regexes.optional(regexes.cat(this.#point, this.#digits(1, MAX_DIGITS)));
    const equal = regexes.cat(ascii(regexes, whole), this.#fraction(this.#fractionAtLeast(fraction, above)));
    return regexes.or([regexes.cat(more, any), equal]);
  }

  #atMost(bound: number, below: boolean): Regex {
    const regexes = this.#regexes;
    const any = regexes.optional(regexes.cat(this.#point, this.#digits(1, MAX_DIGITS)));
    if (bound > MOST) return regexes.cat(this.#wholes(0, MOST), any);
    const {whole, fraction} = decimalDigits(bound);
    const less = Number(whole) === 0 ? NEVER : this.#wholes(0, Number(whole) - 1);
    const equal = regexes.cat(ascii(regexes, whole), this.#fraction(this.#fractionAtMost(fraction, below)));
    return regexes.or([regexes.cat(less, any), equal]);
  }

  /** `digits` after a point, or nothing where they may be none. */
  #fraction(digits: Regex): Regex {
    const regexes = this.#regexes;
    const some = regexes.and([digits, this.#digits(1, MAX_DIGITS)]);
    const part = regexes.cat(this.#point, some);
    return regexes.nullable(digits) ? regexes.optional(part) : part;
  }

  #fractionAtLeast(bound: string, above: boolean): Regex {
    const regexes = this.#regexes;
    const any = this.#digits(0, Number.POSITIVE_INFINITY);
    const zeros = regexes.repeat(ascii(regexes, '0'), 0, Number.POSITIVE_INFINITY);
    if (bound === '') return above ? regexes.sequence(zeros, regexes.range(0x31, 0x39), any) : any;
    const digit = bound.charCodeAt(0);
    const more = digit < 0x39 ? regexes.cat(regexes.range(digit + 1, 0x39), any) : NEVER;
    return regexes.or([more, regexes.cat(regexes.range(digit), this.#fractionAtLeast(bound.slice(1), above))]);
  }

  #fractionAtMost(bound: string, below: boolean): Regex {
    const regexes = this.#regexes;
    const any = this.#digits(0, Number.POSITIVE_INFINITY);
    if (bound === '') return below ? NEVER : regexes.repeat(ascii(regexes, '0'), 0, Number.POSITIVE_INFINITY);
    const digit = bound.charCodeAt(0);
    // Digits that are missing are zeros; the bound's last one is not zero.
    const less = digit > 0x30 ? regexes.cat(regexes.range(0x30, digit - 1), any) : NEVER;
    const equal = regexes.cat(regexes.range(digit), this.#fractionAtMost(bound.slice(1), below));
    return regexes.or([EMPTY, less, equal]);
  }
}

/** The digits of the shortest decimal that is this double, without an exponent and without zeros at the end. */
function decimalDigits(value: number): {whole: string; fraction: string} {
  const [mantissa, exponent = '0'] = String(value).split('e');
  const [whole, fraction = ''] = mantissa.split('.');
  const shift = Number(exponent);
  if (shift >= 0) {
    const moved = fraction.padEnd(shift, '0');
    return {whole: whole + moved.slice(0, shift), fraction: moved.slice(shift)};
  }
  const digits = whole.padStart(1 - shift, '0');
  return {whole: digits.slice(0, digits.length + shift), fraction: digits.slice(digits.length + shift) + fraction};
}
