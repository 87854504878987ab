// A model's tokens as grammars see them. Made once a model, in pieces. Knows no grammar.
import {RunTables} from './masks.ts';
import {buildTrie, type TokenTrie} from './token-trie.ts';

/** What is needed of a tokenizer. */
export interface TokenSource {
  readonly vocabSize: number;
  readonly stopIds: ReadonlySet<number>;
  readonly suppressedIds: readonly number[];
  tokenBytes(id: number): Uint8Array;
  idOf(text: string): number | undefined;
  encode(text: string, options: {addBos: boolean}): number[];
}

/** A token that opens, and the one that closes. */
export interface TagPair {
  readonly open: number;
  readonly close: number;
}

/** The tags of a model's answers. */
export interface Tags {
  /** Null: the model has no thoughts, or no calls. */
  readonly thought: TagPair | null;
  readonly call: (TagPair & {readonly quote: number}) | null;
}

/** Gemma 4's tags, and FunctionGemma's. */
export function tagsOf({idOf}: Pick<TokenSource, 'idOf'>): Tags {
  const [opens, closes] = [idOf('<|channel>'), idOf('<channel|>')];
  const calls = [
    ['<|tool_call>', '<tool_call|>', '<|"|>'],
    ['<start_function_call>', '<end_function_call>', '<escape>'],
  ].map((tags) => tags.map(idOf));
  const [open, close, quote] = calls.find((ids) => !ids.includes(undefined)) ?? [];
  return {
    thought: opens !== undefined && closes !== undefined ? {open: opens, close: closes} : null,
    call: open !== undefined && close !== undefined && quote !== undefined ? {open, close, quote} : null,
  };
}

/** Tokens by their bytes, and which of them end an answer. */
export interface Vocabulary {
  readonly source: TokenSource;
  readonly tags: Tags;
  readonly trie: TokenTrie;
  readonly runs: RunTables;
  /** Ids that may end an answer. */
  readonly stops: readonly number[];
}

/** About half a second for 262,144 tokens. */
export function* makeVocabulary(source: TokenSource): Generator<void, Vocabulary, void> {
  const tags = tagsOf({idOf: (text) => source.idOf(text)});
  const {thought, call} = tags;
  const never = new Set([
    ...source.suppressedIds,
    ...source.stopIds,
    ...(thought ? [thought.open, thought.close] : []),
  ]);
  const nothing = new Uint8Array(0);
  const trie = yield* buildTrie({
    size: source.vocabSize,
    bytes: (id) => (never.has(id) ? nothing : source.tokenBytes(id)),
    controls: call ? [call.open, call.close, call.quote] : [],
  });
  const suppressed = new Set(source.suppressedIds);
  const stops = [...source.stopIds].filter((id) => id < source.vocabSize && !suppressed.has(id));
  return {source, tags, trie, runs: new RunTables(trie), stops};
}
