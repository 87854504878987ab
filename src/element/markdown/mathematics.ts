// Formulas: a chunk of its own, fetched with the first one. TeX to MathML elements; of what the library makes, only
// known elements, attributes and styles are taken over.
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

/** Null where it is no TeX that we know: the text then stays as it was written. */
export function renderFormula(tex: string, display: boolean): Element | null {
  const box = document.createElement('span');
  try {
    temml.render(tex, box, {displayMode: display, throwOnError: true, trust: false, maxExpand: 200, maxSize: [20, 20]});
  } catch {
    return null;
  }
  const math = box.querySelector('math');
  const copy = math && copyKnown(math);
  if (copy instanceof Element) copy.setAttribute('alttext', tex);
  return copy instanceof Element ? copy : null;
}

function copyKnown(node: Element): Element | DocumentFragment {
  const known = node.namespaceURI === NAMESPACE && ELEMENTS.has(node.localName);
  const copy = known ? document.createElementNS(NAMESPACE, node.localName) : document.createDocumentFragment();
  if (copy instanceof MathMLElement) copyLook(node as MathMLElement, copy);
  for (const child of node.childNodes) {
    if (child instanceof Text) copy.append(child.data);
    else if (child instanceof Element) copy.append(copyKnown(child));
  }
  return copy;
}

function copyLook(from: MathMLElement, to: MathMLElement): void {
  for (const {name, value} of from.attributes) if (ATTRIBUTES.has(name)) to.setAttribute(name, value);
  // Through the object model: a policy refuses style attributes, not this.
  for (const name of STYLES) {
    const value = from.style.getPropertyValue(name);
    if (value) to.style.setProperty(name, value);
  }
}
