// Colours for code in the usual languages: a chunk of its own, fetched with the first code block. Gives data, no markup.
import {common, createLowlight} from 'lowlight';

const lowlight = createLowlight(common);

/** Larger code stays in one colour. */
const MAX_LENGTH = 50_000;

/** Text, or pieces of one kind: `keyword`, `string`, `comment`, … */
export type Piece = string | {readonly kind: string; readonly pieces: readonly Piece[]};

/** Null for a language that is not known. */
export function colourCode(code: string, language: string): readonly Piece[] | null {
  if (code.length > MAX_LENGTH || !lowlight.registered(language)) return null;
  return lowlight.highlight(language, code).children.map(toPiece);
}

type Node = ReturnType<typeof lowlight.highlight>['children'][number];

function toPiece(node: Node): Piece {
  if (node.type === 'text') return node.value;
  if (node.type !== 'element') return '';
  const {className} = node.properties;
  const [first] = Array.isArray(className) ? className : [];
  return {
    kind: String(first ?? '').replace(/^hljs-|[^a-z]/g, ''),
    pieces: node.children.map((child) => toPiece(child as Node)),
  };
}
