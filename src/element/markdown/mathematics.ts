// Formulas: a chunk of its own, fetched with the first one. TeX to MathML elements; of what the library makes, only
// known elements, attributes and styles are taken over, as far as a formula stays in its place and of a size to be read.
import temml from 'temml';

const NAMESPACE = 'http://www.w3.org/1998/Math/MathML';

const ELEMENTS = new Set(
  (
    'math semantics mrow mi mn mo ms mtext mspace mfrac msqrt mroot mstyle merror mpadded mphantom msub msup msubsup ' +
    'munder mover munderover mmultiscripts mprescripts none mtable mtr mtd menclose'
  ).split(' '),
);
const ATTRIBUTES = new Set(
  (
    'display displaystyle scriptlevel mathvariant mathcolor mathbackground mathsize stretchy symmetric fence separator ' +
    'form lspace rspace accent accentunder minsize maxsize movablelimits largeop linethickness width height depth ' +
    'voffset columnalign rowalign columnspacing rowspacing columnlines rowlines columnspan rowspan notation'
  ).split(' '),
);
const STYLES = ['text-align', 'padding', 'border', 'color', 'background-color', 'width', 'math-depth', 'math-style'];

/** Elements of one formula, and how deep they may be nested: a browser lays out some of them again at each level. */
const MAX_ELEMENTS = 1500;
const MAX_DEPTH = 40;
/** In em, summed over a formula: how far pieces may be moved up or down, and what else may be asked for in lengths. */
const MAX_RAISED = 4;
const MAX_LENGTHS = 60;
const LENGTHS = new Set(
  'voffset height depth width lspace rspace mathsize minsize maxsize linethickness columnspacing rowspacing'.split(' '),
);
/** Of one em. */
const UNITS: Readonly<Record<string, number>> = {
  em: 1,
  ex: 0.5,
  mu: 1 / 18,
  pt: 1 / 12,
  px: 1 / 16,
  pc: 1,
  mm: 0.24,
  cm: 2.4,
  in: 6,
};

/** Null where it is no TeX that we know, or would not stay in its place: the text then stays as it was written. */
export function renderFormula(tex: string, display: boolean): Element | null {
  const box = document.createElement('span');
  try {
    temml.render(tex, box, {displayMode: display, throwOnError: true, trust: false, maxExpand: 200, maxSize: [20, 20]});
    const math = box.querySelector('math');
    const copy = math && new Copier().copy(math, 0);
    if (!(copy instanceof Element)) return null;
    copy.setAttribute('alttext', tex);
    return copy;
  } catch {
    return null;
  }
}

/** Copies one formula; throws where it is too large. */
class Copier {
  #elements = 0;
  #raised = 0;
  #lengths = 0;

  copy(node: Element, depth: number): Element | DocumentFragment {
    this.#elements += 1;
    if (this.#elements > MAX_ELEMENTS || depth > MAX_DEPTH) throw new Error('too large');
    const known = node.namespaceURI === NAMESPACE && ELEMENTS.has(node.localName);
    const copy = known ? document.createElementNS(NAMESPACE, node.localName) : document.createDocumentFragment();
    if (copy instanceof MathMLElement) this.#copyLook(node as MathMLElement, copy);
    for (const child of node.childNodes) {
      if (child instanceof Text) copy.append(child.data);
      else if (child instanceof Element) copy.append(this.copy(child, depth + 1));
    }
    return copy;
  }

  #copyLook(from: MathMLElement, to: MathMLElement): void {
    for (const {name, value} of from.attributes) {
      if (!ATTRIBUTES.has(name)) continue;
      if (LENGTHS.has(name)) this.#measure(name, value);
      to.setAttribute(name, value);
    }
    // Through the object model: a policy refuses style attributes, not this.
    for (const name of STYLES) {
      const value = from.style.getPropertyValue(name);
      if (value) to.style.setProperty(name, value);
    }
  }

  #measure(name: string, value: string): void {
    for (const [, number, unit] of value.matchAll(/(-?\d*\.?\d+)([a-z]*)/g)) {
      const em = Math.abs(Number(number)) * (UNITS[unit] ?? 1);
      this.#lengths += em;
      if (name === 'voffset') this.#raised += em;
    }
    if (this.#raised > MAX_RAISED || this.#lengths > MAX_LENGTHS) throw new Error('too large');
  }
}
