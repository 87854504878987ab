// What a text for visitors is: words with {placeholders}, in several plural forms where a number is in it. Data only,
// so that a language is a module of its own and a page can override any text. Fills in; knows no language.

/** By the plural category of `{count}`, as `Intl.PluralRules` names them. */
export type Plural = Readonly<Partial<Record<Intl.LDMLPluralRule, string>> & {other: string}>;
export type Text = string | Plural;

/** The placeholders in a text: `'{a} of {b}'` has `'a' | 'b'`. */
type Named<T> = T extends `${string}{${infer Name}}${infer Rest}` ? Name | Named<Rest> : never;
export type Placeholders<T> = T extends string ? Named<T> : T extends Plural ? Named<T[keyof T]> : never;

/** The names in a text, in the order in which they stand there. */
export function placeholders(text: Text): string[] {
  const forms = typeof text === 'string' ? [text] : Object.values(text);
  const names = forms.flatMap((form) => [...form.matchAll(/\{(\w+)\}/g)].map(([, name]) => name));
  return [...new Set(names)];
}

/** A name without a value stays as it is: a page's own text may hold any braces. */
export function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => (Object.hasOwn(values, name) ? values[name] : whole));
}
