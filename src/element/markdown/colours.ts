// Colours for code in the usual languages: a chunk of its own, fetched with the first code block. Gives data, no markup,
// in bounded time: code whose grammar has not come to an end by then keeps one colour.
import highlighter from 'highlight.js/lib/core';
import bash from 'highlight.js/lib/languages/bash';
import c from 'highlight.js/lib/languages/c';
import cpp from 'highlight.js/lib/languages/cpp';
import csharp from 'highlight.js/lib/languages/csharp';
import css from 'highlight.js/lib/languages/css';
import diff from 'highlight.js/lib/languages/diff';
import go from 'highlight.js/lib/languages/go';
import graphql from 'highlight.js/lib/languages/graphql';
import ini from 'highlight.js/lib/languages/ini';
import java from 'highlight.js/lib/languages/java';
import javascript from 'highlight.js/lib/languages/javascript';
import json from 'highlight.js/lib/languages/json';
import kotlin from 'highlight.js/lib/languages/kotlin';
import less from 'highlight.js/lib/languages/less';
import lua from 'highlight.js/lib/languages/lua';
import makefile from 'highlight.js/lib/languages/makefile';
import objectivec from 'highlight.js/lib/languages/objectivec';
import perl from 'highlight.js/lib/languages/perl';
import php from 'highlight.js/lib/languages/php';
import phpTemplate from 'highlight.js/lib/languages/php-template';
import plaintext from 'highlight.js/lib/languages/plaintext';
import python from 'highlight.js/lib/languages/python';
import pythonRepl from 'highlight.js/lib/languages/python-repl';
import r from 'highlight.js/lib/languages/r';
import ruby from 'highlight.js/lib/languages/ruby';
import rust from 'highlight.js/lib/languages/rust';
import scss from 'highlight.js/lib/languages/scss';
import shell from 'highlight.js/lib/languages/shell';
import sql from 'highlight.js/lib/languages/sql';
import swift from 'highlight.js/lib/languages/swift';
import typescript from 'highlight.js/lib/languages/typescript';
import vbnet from 'highlight.js/lib/languages/vbnet';
import wasm from 'highlight.js/lib/languages/wasm';
import xml from 'highlight.js/lib/languages/xml';
import yaml from 'highlight.js/lib/languages/yaml';

/** Characters. Larger code stays in one colour. */
const MAX_LENGTH = 10_000;
/** Characters of one line. Many grammars look through a whole line again for each of its characters. */
const MAX_LINE = 1000;
/** Words in a row without any other mark. Grammars of C's kind look through all of them again for each, over lines too. */
const ONLY_WORDS = /[\w\s*&]{1000}/;
/** Pieces. Each is an element of the page. */
const MAX_PIECES = 10_000;
/** Milliseconds for one block, asked for between two pieces. */
const MAX_TIME = 50;
/**
 * highlight.js's usual languages but `markdown`, whose grammar looks so far ahead for one piece that nothing stops it. Those
 * that build on others come after them.
 */
const GRAMMARS = {
  bash,
  c,
  cpp,
  csharp,
  css,
  diff,
  go,
  graphql,
  ini,
  java,
  javascript,
  json,
  kotlin,
  less,
  lua,
  makefile,
  objectivec,
  perl,
  php,
  'php-template': phpTemplate,
  plaintext,
  python,
  'python-repl': pythonRepl,
  r,
  ruby,
  rust,
  scss,
  shell,
  sql,
  swift,
  typescript,
  vbnet,
  wasm,
  xml,
  yaml,
};

/** Text, or pieces of one kind: `keyword`, `string`, `comment`, … */
export type Piece = string | {readonly kind: string; readonly pieces: readonly Piece[]};

/** What the highlighter says, piece by piece; its own way to collect that writes HTML. */
class PieceCollector {
  static #until = 0;
  static #left = 0;
  readonly pieces: Piece[] = [];
  readonly #open: Piece[][] = [this.pieces];

  static begin(): void {
    PieceCollector.#until = performance.now() + MAX_TIME;
    PieceCollector.#left = MAX_PIECES;
  }

  addText(text: string): void {
    PieceCollector.#count();
    if (text) this.#open.at(-1)!.push(text);
  }

  openNode(scope: string): void {
    PieceCollector.#count();
    const pieces: Piece[] = [];
    this.#open.at(-1)!.push({kind: scope.split('.')[0].replace(/[^a-z]/g, ''), pieces});
    this.#open.push(pieces);
  }

  closeNode(): void {
    this.#open.pop();
  }

  startScope(scope: string): void {
    this.openNode(scope);
  }

  endScope(): void {
    this.closeNode();
  }

  __addSublanguage(other: PieceCollector): void {
    this.#open.at(-1)!.push(...other.pieces);
  }

  finalize(): void {}

  toHTML(): string {
    return '';
  }

  static #count(): void {
    PieceCollector.#left -= 1;
    if (PieceCollector.#left < 0 || performance.now() > PieceCollector.#until) throw new Error('too much');
  }
}

for (const [name, grammar] of Object.entries(GRAMMARS)) highlighter.registerLanguage(name, grammar);
highlighter.configure({__emitter: PieceCollector as never});

/** Names of the languages that are known, without their other names. */
export const LANGUAGES: readonly string[] = highlighter.listLanguages();

/** Null for a language that is not known, and for code that is too large for colours. */
export function colourCode(code: string, language: string): readonly Piece[] | null {
  if (code.length > MAX_LENGTH || !highlighter.getLanguage(language)) return null;
  if (ONLY_WORDS.test(code)) return null;
  if (code.split('\n').some((line) => line.length > MAX_LINE)) return null;
  PieceCollector.begin();
  const result = highlighter.highlight(code, {language, ignoreIllegals: true});
  return result.errorRaised ? null : (result._emitter as unknown as PieceCollector).pieces;
}
