// One language as a chat uses it: its texts with the page's own in front, and numbers, sizes and times as its readers
// write them. Knows no element and loads nothing.
import type {en, StringKey, Strings} from './en.ts';
import {fill, type Placeholders, type Text} from './text.ts';

type Values<K extends StringKey> = [Placeholders<(typeof en)[K]>] extends [never]
  ? []
  : [values: Readonly<Record<Placeholders<(typeof en)[K]>, string | number>>];

/** Keeps a name from another script from turning the sentence around it. */
const ISOLATE = '\u2068';
const END_ISOLATE = '\u2069';
const SIZE_UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const;

export interface LanguageSource {
  /** The language of the texts, as `de`. */
  tag: string;
  /** The page's own tag where it names a region of that language, as `de-CH`: numbers follow it. */
  locale?: string;
  strings: Strings;
  /** A page's texts in the place of ours. */
  overrides?: Partial<Strings> | null;
}

/** Texts, numbers and times in one language. Throws nothing: a missing text is English. */
export class Language {
  readonly tag: string;
  readonly dir: 'ltr' | 'rtl';
  readonly #strings: Strings;
  readonly #overrides: Partial<Strings>;
  readonly #locale: string;
  readonly #number: Intl.NumberFormat;
  readonly #plural: Intl.PluralRules;

  constructor({tag, locale, strings, overrides}: LanguageSource) {
    this.tag = tag;
    this.dir = tag === 'ar' ? 'rtl' : 'ltr';
    this.#strings = strings;
    this.#overrides = overrides ?? {};
    this.#locale = usable(locale) ?? tag;
    this.#number = new Intl.NumberFormat(this.#locale, {maximumFractionDigits: 1});
    this.#plural = new Intl.PluralRules(this.#locale);
  }

  /** The text of `key`. `count` chooses the plural form; numbers are written as the language writes them. */
  text<K extends StringKey>(key: K, ...[values]: Values<K>): string {
    const text = (this.#overrides[key] ?? this.#strings[key]) as Text;
    const given: Readonly<Record<string, string | number>> = values ?? {};
    const form = typeof text === 'string' ? text : (text[this.#plural.select(Number(given.count))] ?? text.other);
    const written = Object.entries(given).map(([name, value]) => [name, this.#write(value)]);
    return fill(form, Object.fromEntries(written));
  }

  number(value: number): string {
    return this.#number.format(value);
  }

  /** `11800000` → `11.8 MB`; decimal units, as file managers and model hosts use them. */
  bytes(bytes: number): string {
    let value = bytes;
    let step = 0;
    while (value >= 999.95 && step < SIZE_UNITS.length - 1) {
      value /= 1000;
      step += 1;
    }
    return this.#unit(value, SIZE_UNITS[step], step === 0 ? 'long' : 'short');
  }

  /** `0.42` → `42%`; never more than there is. */
  percent(share: number): string {
    return new Intl.NumberFormat(this.#locale, {style: 'percent'}).format(Math.floor(share * 100) / 100);
  }

  /** `4.2` → `4.2 sec`; minutes and hours in whole numbers. */
  duration(seconds: number): string {
    if (seconds < 60) return this.#unit(seconds < 10 ? seconds : Math.round(seconds), 'second', 'short');
    const minutes = Math.round(seconds / 60);
    if (minutes < 60) return this.#unit(minutes, 'minute', 'short');
    return this.#unit(Math.round(minutes / 60), 'hour', 'short');
  }

  /** A moment, to the minute. */
  time(milliseconds: number): string {
    return new Intl.DateTimeFormat(this.#locale, {dateStyle: 'medium', timeStyle: 'short'}).format(milliseconds);
  }

  #unit(value: number, unit: string, unitDisplay: 'short' | 'long'): string {
    const options = {style: 'unit', unit, unitDisplay, maximumFractionDigits: 1} as const;
    return new Intl.NumberFormat(this.#locale, options).format(value);
  }

  #write(value: string | number): string {
    if (typeof value === 'number') return this.number(value);
    return this.dir === 'rtl' ? `${ISOLATE}${value}${END_ISOLATE}` : value;
  }
}

/** A page's `lang` may hold anything. */
function usable(locale: string | undefined): string | null {
  try {
    return locale === undefined ? null : (Intl.getCanonicalLocales(locale)[0] ?? null);
  } catch {
    return null;
  }
}
