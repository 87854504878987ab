// Character references (`&amp;`, `&#65;`) to characters: those with a number, letters with their accents, and the
// names that people write. Any other name stays as it is written. Pure.

const NAMES = (
  'amp lt gt quot apos nbsp shy copy reg trade deg plusmn times divide minus frac12 sup2 sup3 middot bull ' +
  'hellip ndash mdash lsquo rsquo sbquo ldquo rdquo bdquo laquo raquo euro pound yen cent sect larr uarr ' +
  'rarr darr harr rArr infin ne le ge szlig aelig oslash iexcl iquest'
).split(' ');
const CHARACTERS =
  '&<>"\x27\xa0\xad\xa9\xae\u2122\xb0\xb1\xd7\xf7\u2212\xbd\xb2\xb3\xb7\u2022\u2026\u2013\u2014\u2018\u2019\u201a\u201c\u201d\u201e\xab\xbb\u20ac\xa3\xa5\xa2\xa7\u2190\u2191\u2192\u2193\u2194\u21d2\u221e\u2260\u2264\u2265\xdf\xe6\xf8\xa1\xbf';
/** As combining characters. */
const ACCENTS: Readonly<Record<string, string>> = {
  grave: '\u0300',
  acute: '\u0301',
  circ: '\u0302',
  tilde: '\u0303',
  uml: '\u0308',
  ring: '\u030a',
  cedil: '\u0327',
  caron: '\u030c',
};

/** The text with its references as characters. */
export function decodeEntities(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(
    /&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|([A-Za-z][A-Za-z0-9]{1,15}));/g,
    (whole, dec, hex, name) => {
      if (name) return decodeName(name) ?? whole;
      const code = Number.parseInt(dec ?? hex, dec ? 10 : 16);
      const valid = code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
      return String.fromCodePoint(valid ? code : 0xfffd);
    },
  );
}

function decodeName(name: string): string | null {
  const at = NAMES.indexOf(name);
  if (at >= 0) return CHARACTERS[at];
  const accent = ACCENTS[name.slice(1)];
  const letter = accent && (name[0] + accent).normalize();
  return letter?.length === 1 ? letter : null;
}
