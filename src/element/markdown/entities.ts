// Character references (`&amp;`, `&#65;`) to characters: those with a number, and the names of HTML 4. A name that is
// not here stays as it is written. Pure.

/** From U+00A0 on, one a code point. */
const LATIN =
  'nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2' +
  ' sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc' +
  ' Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve' +
  ' Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute' +
  ' acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde' +
  ' ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml';
/** From U+0391 and, in lower case, from U+03B1 on. */
const GREEK =
  'Alpha Beta Gamma Delta Epsilon Zeta Eta Theta Iota Kappa Lambda Mu Nu Xi Omicron Pi Rho - Sigma Tau' +
  ' Upsilon Phi Chi Psi Omega';
const OTHER =
  'quot amp lt gt apos OElig oelig Scaron scaron Yuml fnof circ tilde ensp emsp thinsp zwnj zwj lrm rlm' +
  ' ndash mdash lsquo rsquo sbquo ldquo rdquo bdquo dagger Dagger bull hellip permil prime Prime lsaquo' +
  ' rsaquo oline frasl euro image weierp real trade alefsym larr uarr rarr darr harr crarr lArr uArr' +
  ' rArr dArr hArr forall part exist empty nabla isin notin ni prod sum minus lowast radic prop infin' +
  ' ang and or cap cup int there4 sim cong asymp ne equiv le ge sub sup nsub sube supe oplus otimes perp' +
  ' sdot lceil rceil lfloor rfloor loz spades clubs hearts diams thetasym upsih piv';
const OTHER_CHARACTERS =
  '"&<>\u0027\u0152\u0153\u0160\u0161\u0178\u0192\u02c6\u02dc\u2002\u2003\u2009\u200c\u200d\u200e\u200f\u2013\u2014\u2018\u2019\u201a\u201c\u201d\u201e\u2020\u2021\u2022\u2026\u2030\u2032\u2033\u2039\u203a\u203e\u2044\u20ac\u2111\u2118\u211c\u2122\u2135\u2190\u2191\u2192\u2193\u2194\u21b5\u21d0\u21d1\u21d2\u21d3\u21d4\u2200\u2202\u2203\u2205\u2207\u2208\u2209\u220b\u220f\u2211\u2212\u2217\u221a\u221d\u221e\u2220\u2227\u2228\u2229\u222a\u222b\u2234\u223c\u2245\u2248\u2260\u2261\u2264\u2265\u2282\u2283\u2284\u2286\u2287\u2295\u2297\u22a5\u22c5\u2308\u2309\u230a\u230b\u25ca\u2660\u2663\u2665\u2666\u03d1\u03d2\u03d6';

const NAMED = new Map<string, string>([
  ...inOrder(LATIN, 0xa0),
  ...inOrder(GREEK, 0x391),
  ...inOrder(GREEK.toLowerCase().replace('-', 'sigmaf'), 0x3b1),
  ...OTHER.split(' ').map((name, i): [string, string] => [name, OTHER_CHARACTERS[i]]),
]);

function inOrder(names: string, from: number): [string, string][] {
  return names.split(' ').map((name, i) => [name, String.fromCodePoint(from + i)]);
}

export function decodeEntities(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(
    /&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|([A-Za-z][A-Za-z0-9]{1,15}));/g,
    (whole, dec, hex, name) => {
      if (name) return NAMED.get(name) ?? whole;
      const code = Number.parseInt(dec ?? hex, dec ? 10 : 16);
      const valid = code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
      return String.fromCodePoint(valid ? code : 0xfffd);
    },
  );
}
