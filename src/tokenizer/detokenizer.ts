// Ids to text. Tokens are bytes, and a character may be spread over several: only whole ones come out.
import type {DecodeOptions, Detokenizer} from './tokenizer.ts';
import type {Vocabulary} from './vocabulary.ts';

const NOTHING = new Uint8Array(0);
/** ▁ in UTF-8: a space. */
const MARK = [0xe2, 0x96, 0x81] as const;

/** The bytes a token stands for in text, perhaps a view of the vocabulary's. Control, unknown and unused tokens are silent unless `special`. */
export function bytesOfToken(vocabulary: Vocabulary, id: number, options: DecodeOptions = {}): Uint8Array {
  switch (vocabulary.type(id)) {
    case 'byte':
      return Uint8Array.of(vocabulary.byteValue(id));
    case 'normal':
    case 'user': // runs of spaces, which some converters store as spaces and others as marks
      return withSpaces(vocabulary.bytes(id));
    default:
      return options.special ? vocabulary.bytes(id) : NOTHING;
  }
}

function withSpaces(stored: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(stored.length);
  let length = 0;
  for (let i = 0; i < stored.length; i++) {
    if (stored[i] === MARK[0] && stored[i + 1] === MARK[1] && stored[i + 2] === MARK[2]) {
      bytes[length++] = 0x20;
      i += 2;
    } else {
      bytes[length++] = stored[i];
    }
  }
  return bytes.subarray(0, length);
}

/** Text as its ids come. One a stretch of text. */
export class StreamingDetokenizer implements Detokenizer {
  readonly #bytesOf: (id: number) => Uint8Array;
  // A byte order mark is text like any other.
  readonly #decoder = new TextDecoder('utf-8', {ignoreBOM: true});

  constructor(bytesOf: (id: number) => Uint8Array) {
    this.#bytesOf = bytesOf;
  }

  push(id: number): string {
    return this.#decoder.decode(this.#bytesOf(id), {stream: true});
  }

  flush(): string {
    return this.#decoder.decode();
  }
}
