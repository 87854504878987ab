// From text to the tokens of an uncased BERT: words in small letters without accents, cut into the longest pieces that the
// vocabulary has. Equal to `BertTokenizer` of Hugging Face transformers with `do_lower_case`.

/** Longest word that is cut into pieces, in code points; a longer one is unknown. */
const LONGEST_WORD = 100;
const REMOVED = /[\0\ufffd\p{C}]/gu;
const WHITE = /[\t\n\r\p{Zs}]/gu;
const MARKS = /\p{Mn}/gu;
/** Letters that are words by themselves. Hangul, kana and the rest of CJK are written like other scripts. */
const IDEOGRAPH =
  /[\u4e00-\u9fff\u3400-\u4dbf\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b820}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/u;
const PUNCTUATION = /[!-/:-@[-`{-~\p{P}]/u;
/** A run of letters, or one sign that stands by itself. */
const PIECE = new RegExp(
  `${IDEOGRAPH.source}|${PUNCTUATION.source}|(?:(?!${IDEOGRAPH.source}|${PUNCTUATION.source})\\S)+`,
  'gu',
);

/** A vocabulary of word pieces. */
export class WordPiece {
  readonly #ids: ReadonlyMap<string, number>;
  readonly #unknown: number;
  readonly #first: number;
  readonly #last: number;

  /** @param vocabulary pieces by id; those within a word begin with `##` @throws Error where a special token is missing */
  constructor(vocabulary: readonly string[]) {
    this.#ids = new Map(vocabulary.map((piece, id) => [piece, id]));
    const special = (name: string): number => {
      const id = this.#ids.get(name);
      if (id === undefined) throw new Error(`the vocabulary has no ${name}`);
      return id;
    };
    this.#unknown = special('[UNK]');
    this.#first = special('[CLS]');
    this.#last = special('[SEP]');
  }

  /** Token ids between [CLS] and [SEP], at most `most` with both. */
  encode(text: string, most: number): number[] {
    const ids = [this.#first];
    for (const word of plain(text).match(PIECE) ?? []) {
      if (ids.length >= most - 1) break;
      ids.push(...this.#pieces(word));
    }
    ids.length = Math.min(ids.length, most - 1);
    ids.push(this.#last);
    return ids;
  }

  #pieces(word: string): number[] {
    const letters = [...word];
    if (letters.length > LONGEST_WORD) return [this.#unknown];
    const ids: number[] = [];
    for (let start = 0; start < letters.length; ) {
      let end = letters.length;
      let id: number | undefined;
      for (; end > start && id === undefined; end--) {
        id = this.#ids.get((start > 0 ? '##' : '') + letters.slice(start, end).join(''));
      }
      if (id === undefined) return [this.#unknown];
      ids.push(id);
      start = end + 1;
    }
    return ids;
  }
}

function plain(text: string): string {
  return text.replace(WHITE, ' ').replace(REMOVED, '').toLowerCase().normalize('NFD').replace(MARKS, '');
}
