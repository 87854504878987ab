// Which addresses an answer may link to. An answer is anyone's text: it may have read a page that told it what to say.

const ALLOWED = new Set(['http:', 'https:', 'mailto:', 'tel:']);

/** The address as the browser understands it, or null where following it could do more than open a page. */
export function safeHref(href: string, base: string): string | null {
  const url = URL.canParse(href, base) ? new URL(href, base) : null;
  return url && ALLOWED.has(url.protocol) ? url.href : null;
}

/** As `safeHref`, for what is fetched without a click. */
export function safeImageSrc(src: string, base: string): string | null {
  const href = safeHref(src, base);
  return href && /^https?:/.test(href) ? href : null;
}
