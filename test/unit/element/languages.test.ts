import {expect} from 'chai';
import {en, type StringKey} from '../../../src/element/languages/en.ts';
import {ENGLISH, LANGUAGE_TAGS, Language, loadStrings, matchLanguage} from '../../../src/element/languages/index.ts';
import {placeholders, type Text} from '../../../src/element/languages/text.ts';
import {ERROR_CODES} from '../../../src/errors.ts';

const KEYS = Object.keys(en) as StringKey[];

describe('the languages', () => {
  it('are the eight that are documented', () => {
    expect([...LANGUAGE_TAGS].sort()).to.deep.equal(['ar', 'de', 'en', 'es', 'fr', 'ja', 'pt', 'zh']);
  });

  it('have a text for every error code', () => {
    for (const code of ERROR_CODES) expect(en).to.have.property(`error-${code}`);
  });

  for (const tag of LANGUAGE_TAGS) {
    describe(tag, () => {
      let strings: Readonly<Record<string, Text>>;
      before(async () => {
        strings = await loadStrings(tag);
      });

      it('has every key, and none besides', () => {
        expect(Object.keys(strings).sort()).to.deep.equal([...KEYS].sort());
      });

      it('has the placeholders of the English text', () => {
        for (const key of KEYS) {
          const [own, english] = [placeholders(strings[key]), placeholders(en[key])];
          expect(own.sort(), key).to.deep.equal(english.sort());
        }
      });

      it('has the plural forms of its language', () => {
        const {pluralCategories} = new Intl.PluralRules(tag).resolvedOptions();
        for (const key of KEYS) {
          const text = strings[key];
          expect(typeof text, key).to.equal(typeof en[key]);
          if (typeof text !== 'string') {
            expect(Object.keys(text).sort(), key).to.deep.equal([...pluralCategories].sort());
          }
        }
      });

      it('leaves no text empty, and none in English', () => {
        // Names, and words that these languages share with English.
        const same = /^(authorAssistant|sizeAsking|input|send|stop|history|historyMessages|conversation)$/;
        for (const key of KEYS) {
          expect(JSON.stringify(strings[key]).length, key).to.be.greaterThan(2);
          if (tag !== 'en' && !same.test(key)) expect(strings[key], key).not.to.deep.equal(en[key]);
        }
      });
    });
  }
});

describe('matchLanguage', () => {
  for (const [lang, tag] of [
    ['de', 'de'],
    ['DE-ch', 'de'],
    ['zh-Hans-CN', 'zh'],
    ['pt_BR', 'pt'],
    ['nl', null],
    ['', null],
    // No prefix of a tag is one.
    ['deu', null],
  ] as const) {
    it(`takes ${JSON.stringify(lang)} for ${tag}`, () => expect(matchLanguage(lang)).to.equal(tag));
  }
});

describe('Language', () => {
  const language = async (tag: 'de' | 'ar' | 'fr', locale?: string) =>
    new Language({tag, locale, strings: await loadStrings(tag)});

  it('writes sizes in decimal units, with one digit after the point', () => {
    const sizes = [0, 1, 999, 1000, 11_800_000, 3_500_000_000, 12_000_000_000_000];
    expect(sizes.map((size) => ENGLISH.bytes(size))).to.deep.equal([
      '0 bytes',
      '1 byte',
      '999 bytes',
      '1 kB',
      '11.8 MB',
      '3.5 GB',
      '12,000 GB',
    ]);
  });

  it('never shows a thousand of the smaller unit', () => {
    expect(ENGLISH.bytes(999_950)).to.equal('1 MB');
  });

  it('writes numbers as the language does, or as the page’s region does', async () => {
    expect((await language('de')).number(1234.5)).to.equal('1.234,5');
    expect((await language('de', 'de-CH')).number(1234.5)).to.match(/^1[’']234\.5$/);
    expect((await language('fr')).bytes(11_800_000)).to.match(/^11,8\sMo$/);
  });

  it('does without a locale that is none', async () => {
    expect((await language('de', 'de-x-!')).number(0.5)).to.equal('0,5');
  });

  it('writes durations in the largest unit that fits', () => {
    const seconds = [0.42, 4.25, 59.4, 61, 3600 * 2.2];
    expect(seconds.map((time) => ENGLISH.duration(time))).to.deep.equal([
      '0.4 sec',
      '4.3 sec',
      '59 sec',
      '1 min',
      '2 hr',
    ]);
  });

  it('chooses the plural form by the count', async () => {
    const counts = [1, 2, 1234];
    expect(counts.map((count) => ENGLISH.text('historyMessages', {count}))).to.deep.equal([
      '1 message',
      '2 messages',
      '1,234 messages',
    ]);
    const arabic = await language('ar');
    expect(arabic.text('historyMessages', {count: 2})).to.equal('رسالتان');
    expect(arabic.text('historyMessages', {count: 3})).to.match(/^.+ رسائل$/);
  });

  it('isolates a name within a text of the other direction', async () => {
    const text = (await language('ar')).text('statusReadyModel', {model: 'Gemma (3)'});
    expect(text).to.include('\u2068Gemma (3)\u2069');
    expect(ENGLISH.text('statusReadyModel', {model: 'Gemma (3)'})).to.equal('Gemma (3), on your device');
  });

  it('takes a page’s text in front of its own, with any braces in it', () => {
    const overrides = {send: 'Go {now}', historyMessages: '{count}×'};
    const own = new Language({tag: 'en', strings: en, overrides});
    expect(own.text('send')).to.equal('Go {now}');
    expect(own.text('historyMessages', {count: 2})).to.equal('2×');
    expect(own.text('stop')).to.equal('Stop');
  });

  it('puts a value in as it is, whatever it looks like', () => {
    expect(ENGLISH.text('statusReadyModel', {model: '{model}$&'})).to.equal('{model}$&, on your device');
  });
});
