// The languages there are, and which of them a `lang` attribute means. English is here; the others are modules of their
// own, fetched when a page needs one.
import {en, type Strings} from './en.ts';
import {Language} from './language.ts';

export type {StringKey, Strings} from './en.ts';
export {Language} from './language.ts';

/** Each module exports `strings`. */
const LOADERS = {
  ar: () => import('./ar.ts'),
  de: () => import('./de.ts'),
  es: () => import('./es.ts'),
  fr: () => import('./fr.ts'),
  ja: () => import('./ja.ts'),
  pt: () => import('./pt.ts'),
  zh: () => import('./zh.ts'),
} as const;

type Loadable = keyof typeof LOADERS;
export type LanguageTag = 'en' | Loadable;
export const LANGUAGE_TAGS: readonly LanguageTag[] = ['en', ...(Object.keys(LOADERS) as Loadable[])];

export const ENGLISH = new Language({tag: 'en', strings: en});

/** `de-CH` means `de`; null for a language that we do not have. */
export function matchLanguage(lang: string): LanguageTag | null {
  const primary = lang.trim().split(/[-_]/)[0].toLowerCase();
  return LANGUAGE_TAGS.find((tag) => tag === primary) ?? null;
}

/** Rejects where the language's module cannot be fetched. */
export async function loadStrings(tag: LanguageTag): Promise<Strings> {
  return tag === 'en' ? en : (await LOADERS[tag]()).strings;
}
