// Grammars without a model: whether one takes a text, and texts that it lets a random writer write.
import {Automaton, DEAD, type State} from '../../src/grammar/automaton.ts';
import type {Grammar} from '../../src/grammar/grammar.ts';
import {Masks, RunTables} from '../../src/grammar/masks.ts';
import {Matcher} from '../../src/grammar/matcher.ts';
import {buildTrie, type TokenTexts, type TokenTrie} from '../../src/grammar/token-trie.ts';

const encoder = new TextEncoder();

/** Whether a grammar takes the whole text. */
export function takes(grammar: Grammar, text: string): boolean {
  const automaton = new Automaton(grammar);
  let state: State = automaton.start();
  for (const byte of encoder.encode(text)) {
    state = automaton.row(state)[byte];
    if (state === DEAD) return false;
  }
  return automaton.accepts(state);
}

/** A vocabulary of these texts, and of every byte. */
export function vocabulary(texts: readonly string[]): TokenTrie {
  const bytes = [
    ...texts.map((text) => encoder.encode(text)),
    ...Array.from({length: 256}, (_, byte) => Uint8Array.of(byte)),
  ];
  return trieOf({size: bytes.length, bytes: (id) => bytes[id], controls: []});
}

export function trieOf(texts: TokenTexts): TokenTrie {
  const making = buildTrie(texts);
  for (;;) {
    const {done, value} = making.next();
    if (done) return value;
  }
}

/** Tokens as a tokenizer of texts and JSON has them: over several lexemes, emoji, half characters. */
export const AWKWARD = trieOf(awkwardTexts());

function awkwardTexts(): TokenTexts {
  const texts =
    '{" "} ": ":" "," ", " ", "," [{" }] }} }]} ]} "]} "}, {" "}]} {"a": {"b":{"c": 12 0. .5 e+ -1 00 00000 true false null nul ' +
    'tru { { } [ ] \n\n \n\t \\" \\\\ \\n \\u00 🦖 🦖🦖 é ü aa ab the name Name id items value a,b "a" "b" 19 2024- T10: :00Z @ex .com Zoë'
      .split(' ')
      .join(' ');
  const words = [...new Set(texts.split(' ')), '  ', '   ', '\n  ', '": "', '", "', ': "', ', "', '" ', ' a', ' the'];
  const bytes = words.filter((word) => word !== '').map((word) => encoder.encode(word));
  for (let byte = 0; byte < 256; byte++) bytes.push(Uint8Array.of(byte));
  // Half an emoji, the end of one and more, and two tokens of the same bytes.
  bytes.push(
    Uint8Array.of(0xf0, 0x9f),
    Uint8Array.of(0xa6, 0x96, 0x22),
    Uint8Array.of(0x22, 0xf0, 0x9f),
    encoder.encode('{"'),
  );
  return {size: bytes.length, bytes: (id) => bytes[id], controls: []};
}

/** Random numbers from 0 to 1, the same for a seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Ids of a mask. */
export function idsOf(mask: Uint32Array): number[] {
  const ids: number[] = [];
  for (const [i, word] of mask.entries()) {
    for (let bits = word; bits !== 0; bits &= bits - 1) ids.push(32 * i + 31 - Math.clz32(bits & -bits));
  }
  return ids;
}

const tables = new WeakMap<TokenTrie, RunTables>();

/** Masks over a vocabulary; what all grammars share is made once. */
export function masksOf(grammar: Grammar, trie: TokenTrie): Masks {
  const runs = tables.get(trie) ?? new RunTables(trie);
  tables.set(trie, runs);
  return new Masks(new Automaton(grammar), runs);
}

/** A text of random tokens that a grammar allows; null where it has no end within so many tokens. */
export function randomText(
  grammar: Grammar,
  trie: TokenTrie,
  random: () => number,
  maxTokens = 400,
  check: (matcher: Matcher, mask: Uint32Array) => void = () => {},
): string | null {
  const matcher = new Matcher(masksOf(grammar, trie), trie);
  const bytes: number[] = [];
  for (let i = 0; i < maxTokens; i++) {
    if (matcher.mustEnd || (matcher.mayEnd && random() < 0.3)) {
      return new TextDecoder('utf-8', {fatal: true, ignoreBOM: true}).decode(Uint8Array.from(bytes));
    }
    const mask = matcher.mask();
    check(matcher, mask);
    const ids = idsOf(mask);
    if (ids.length === 0)
      throw new Error(`no token may follow ${JSON.stringify(new TextDecoder().decode(Uint8Array.from(bytes)))}`);
    // Towards the end the more closing brackets, quotes and digits, the better.
    const closing = ids.filter((id) => /^["\]},0-9\\n]/.test(String.fromCharCode(trie.bytesOf(id)[0])));
    const from = closing.length > 0 && random() < (i > 40 ? 0.9 : 0.3) ? closing : ids;
    const id = from[Math.floor(random() * from.length)];
    matcher.accept(id);
    bytes.push(...trie.bytesOf(id));
  }
  return null;
}
