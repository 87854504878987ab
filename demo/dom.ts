// What the scripts of several pages do with their page: finding elements, plain colours for CSS, a style sheet of the
// script's. Knows no page.

/** @throws Error where the page and its script do not belong together */
export function find<T extends Element>(selector: string): T {
  const found = document.querySelector<T>(selector);
  if (!found) throw new Error(`the page has no ${selector}`);
  return found;
}

/** Every control that stands for a custom property, with the declaration it makes when it was moved. */
export function customProperties(form: HTMLFormElement): string[] {
  return [...form.querySelectorAll<HTMLInputElement>('[data-property]')]
    .filter(({value, defaultValue}) => value !== defaultValue)
    .map(({dataset: {property, unit = ''}, value}) => `  ${property}: ${value}${unit};`);
}

/** A style sheet that a strict policy lets a script have. */
export function ownSheet(): CSSStyleSheet {
  const sheet = new CSSStyleSheet();
  document.adoptedStyleSheets.push(sheet);
  return sheet;
}

/** The link to one of themes/, or none. */
export function themeLink(): (name: string) => void {
  let link: HTMLLinkElement | null = null;
  return (name) => {
    link?.remove();
    link = null;
    if (name === '') return;
    link = document.createElement('link');
    link.rel = 'stylesheet';
    link.href = `themes/${name}.css`;
    document.head.append(link);
  };
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
