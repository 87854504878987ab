// Errors on their way to a page. They may quote a file, a server or a template, which may be of any length.
import {GemmaError, type WireError} from '../errors.ts';
import {ours} from './foreign-error.ts';

/** Longest text in an error, in UTF-16 units. */
const MAX_TEXT = 1000;

/** Any thrown value as it crosses a port: its message, and the texts in its detail, cut at 1,000 characters. */
export function wireError(thrown: unknown): WireError {
  const {code, message, detail} = GemmaError.from(ours(thrown));
  const cut = Object.entries(detail).map(([key, value]) => [key, typeof value === 'string' ? short(value) : value]);
  return {code, message: short(message), detail: Object.fromEntries(cut)};
}

function short(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}
