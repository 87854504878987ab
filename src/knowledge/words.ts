// Words of a text, in any script. Knows no language.

const UNSPACED = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}ー`;
const WORD = new RegExp(
  String.raw`[${UNSPACED}]+|(?:(?![${UNSPACED}])[\p{L}\p{M}\p{N}])+(?:['’](?:(?![${UNSPACED}])[\p{L}\p{M}])+)*`,
  'gu',
);
/** Begins with a letter of a script that has no spaces. */
export const FIRST_UNSPACED = new RegExp(`^[${UNSPACED}]`, 'u');
/** What no word has, of ASCII: text is cut there first, and only what is not ASCII is looked at closely. */
const BETWEEN = /[\0-&(-/:-@[-`{-\x7f]+/;
export const PLAIN = /^[a-z0-9]+$/;

/** Words as they are written, in small letters. */
export function words(text: string): string[] {
  const found: string[] = [];
  for (const piece of text.toLowerCase().split(BETWEEN)) {
    if (PLAIN.test(piece)) found.push(piece);
    else if (piece !== '') found.push(...(piece.normalize('NFKC').toLowerCase().match(WORD) ?? []));
  }
  return found;
}

/** How many words a reader would count; letters of scripts without spaces count half. */
export function countWords(text: string): number {
  let count = 0;
  let inside = false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return countPieces(text);
    if (isLetter(code) || isDigit(code)) {
      if (!inside) count += 1;
      inside = true;
    } else inside = inside && code === APOSTROPHE && isLetter(text.charCodeAt(i + 1));
  }
  return count;
}

const APOSTROPHE = 39;
const isLetter = (code: number): boolean => (code >= 97 && code <= 122) || (code >= 65 && code <= 90);
const isDigit = (code: number): boolean => code >= 48 && code <= 57;

function countPieces(text: string): number {
  let count = 0;
  for (const piece of text.toLowerCase().split(BETWEEN)) {
    if (PLAIN.test(piece)) count += 1;
    else
      for (const word of piece.match(WORD) ?? []) count += FIRST_UNSPACED.test(word) ? Math.ceil(word.length / 2) : 1;
  }
  return count;
}
