import {expect} from 'chai';
import {createTokenizer, createTokenizerInSlices} from '../../../src/tokenizer/create-tokenizer.ts';
import {inSlices} from '../../../src/tokenizer/pieces.ts';
import {type SmallVocabulary, SPECIALS, smallMetadata} from './vocabularies.ts';

const TOKENS: SmallVocabulary['tokens'] = [...SPECIALS, ['a'], ['b'], ['ab']];
const BPE: SmallVocabulary = {tokens: TOKENS, merges: ['a b']};
const SPM: SmallVocabulary = {tokens: TOKENS};

const stopTexts = (vocabulary: SmallVocabulary) => {
  const tokenizer = createTokenizer(smallMetadata(vocabulary));
  return [...tokenizer.stopIds].map((id) => tokenizer.tokenText(id)).sort();
};

describe('createTokenizer', () => {
  it('reads what the file says', () => {
    const tokenizer = createTokenizer(
      smallMetadata({
        ...BPE,
        keys: {'tokenizer.ggml.suppress_tokens': Int32Array.of(4, 5), 'tokenizer.chat_template': '{{ messages }}'},
      }),
    );
    expect(tokenizer.vocabSize).to.equal(7);
    expect(tokenizer.bosId).to.equal(2);
    expect(tokenizer.suppressedIds).to.deep.equal([4, 5]);
    expect(tokenizer.chatTemplate).to.equal('{{ messages }}');
  });

  it('does without what a file may lack', () => {
    const keys = {
      'tokenizer.ggml.scores': null,
      'tokenizer.ggml.bos_token_id': null,
      'tokenizer.ggml.eos_token_id': null,
    };
    const tokenizer = createTokenizer(smallMetadata({...BPE, keys}));
    expect(tokenizer.bosId).to.equal(2);
    expect(tokenizer.chatTemplate).to.equal(null);
    expect(tokenizer.suppressedIds).to.deep.equal([]);
  });

  for (const type of ['normal', 'user', 'control'] as const) {
    it(`has one bos token before a text, and none in it, where the file types it ${type}`, () => {
      const tokens = TOKENS.map(([text, was]): SmallVocabulary['tokens'][number] =>
        text === '<bos>' ? [text, type] : [text, was],
      );
      const tokenizer = createTokenizer(smallMetadata({...BPE, tokens}));
      expect(tokenizer.encode('<bos>ab', {parseSpecial: true})).to.deep.equal([2, tokenizer.idOf('ab')]);
      expect(tokenizer.encode('<bos>', {addBos: false})).not.to.include(2);
    });
  }

  describe('stop tokens', () => {
    const more: SmallVocabulary['tokens'] = [
      ...TOKENS,
      ['<turn|>', 'control'],
      ['<|tool_response>', 'user'],
      ['</s>'],
      ['<end_of_turn>'],
    ];

    it('are those of the metadata and those known by their text', () => {
      expect(stopTexts({...BPE, tokens: more, keys: {'tokenizer.ggml.eot_token_id': 4}})).to.deep.equal(
        ['<eos>', '<turn|>', '<|tool_response>', '<end_of_turn>', 'a'].sort(),
      );
    });

    it('may be listed, as some makers do', () => {
      const keys = {'tokenizer.ggml.eos_token_ids': Int32Array.of(4, 5)};
      expect(stopTexts({...BPE, keys})).to.deep.equal(['<eos>', 'a', 'b']);
    });

    it('are those of other formats that a Gemma may be fine-tuned on', () => {
      const chatMl: SmallVocabulary['tokens'] = [...TOKENS, ['<|im_start|>', 'control'], ['<|im_end|>', 'control']];
      expect(stopTexts({...BPE, tokens: chatMl})).to.deep.equal(['<eos>', '<|im_end|>']);
      expect(stopTexts({...BPE, tokens: [...TOKENS, ['<start_function_response>']]})).to.deep.equal([
        '<eos>',
        '<start_function_response>',
      ]);
    });

    it('never include </s>, which is an HTML tag here', () => {
      const keys = {'tokenizer.ggml.eos_token_id': more.findIndex(([text]) => text === '</s>')};
      expect(stopTexts({...BPE, tokens: more, keys})).not.to.include('</s>');
    });

    it('opens of turns are control tokens whatever the file types them', () => {
      const tokens: SmallVocabulary['tokens'] = [
        ...SPM.tokens,
        ['<start_of_turn>', 'normal'],
        ['<end_of_turn>', 'normal'],
      ];
      const tokenizer = createTokenizer(smallMetadata({tokens}));
      for (const text of ['<start_of_turn>', '<end_of_turn>']) {
        expect(tokenizer.tokenType(tokenizer.idOf(text)!)).to.equal('control');
      }
    });

    it('are control tokens whatever the file types them', () => {
      const tokenizer = createTokenizer(smallMetadata({...BPE, tokens: more}));
      const id = tokenizer.idOf('<|tool_response>')!;
      expect(tokenizer.tokenType(id)).to.equal('control');
      expect(tokenizer.encode('<|tool_response>', {parseSpecial: false})).not.to.include(id);
    });
  });

  const broken: [name: string, vocabulary: SmallVocabulary, says: RegExp][] = [
    ['no model', {...BPE, keys: {'tokenizer.ggml.model': null}}, /tokenizer\.ggml\.model is missing/],
    ['an unknown model', {...SPM, keys: {'tokenizer.ggml.model': 'bert'}}, /"bert".*supported: gemma4/],
    [
      'GPT-2 merges over another alphabet',
      {...BPE, keys: {'tokenizer.ggml.model': 'gpt2', 'tokenizer.ggml.pre': 'qwen2'}},
      /"qwen2"/,
    ],
    ['no tokens key', {...BPE, keys: {'tokenizer.ggml.tokens': null}}, /tokens is missing/],
    [
      'no tokens',
      {...BPE, keys: {'tokenizer.ggml.tokens': {type: 'array', of: 'string', value: emptyStrings()}}},
      /tokens is empty/,
    ],
    [
      'tokens of another type',
      {...BPE, keys: {'tokenizer.ggml.tokens': Int32Array.of(1)}},
      /expected an array of strings/,
    ],
    ['too few scores', {...SPM, keys: {'tokenizer.ggml.scores': new Float32Array(3)}}, /3 values for 7 tokens/],
    ['no scores', {...SPM, keys: {'tokenizer.ggml.scores': null}}, /scores is missing/],
    [
      'a score that is no number',
      {...SPM, keys: {'tokenizer.ggml.scores': Float32Array.of(0, 0, 0, Number.NaN, 0, 0, 0)}},
      /token 3 is NaN/,
    ],
    ['too many types', {...BPE, keys: {'tokenizer.ggml.token_type': new Int32Array(8)}}, /8 values for 7 tokens/],
    [
      'a type that is none',
      {...BPE, keys: {'tokenizer.ggml.token_type': Int32Array.of(3, 3, 3, 2, 1, 9, 1)}},
      /token 5 has type 9/,
    ],
    ['no merges', {tokens: TOKENS, keys: {'tokenizer.ggml.model': 'gemma4'}}, /merges is missing/],
    ['a merge of one part', {...BPE, merges: ['a b', 'ab']}, /merge 1 is "ab"/],
    ['a merge with an empty part', {...BPE, merges: ['a ']}, /merge 0 is "a "/],
    ['a merge of an unknown part', {...BPE, merges: ['a c']}, /no token is "c"/],
    ['a merge with an unknown result', {...BPE, merges: ['b a']}, /no token is the two together/],
    ['a bos id out of range', {...BPE, keys: {'tokenizer.ggml.bos_token_id': 7}}, /bos_token_id names token 7.*0 to 6/],
    ['an eos id out of range', {...BPE, keys: {'tokenizer.ggml.eos_token_id': -1}}, /names token -1/],
    [
      'a listed eos id out of range',
      {...BPE, keys: {'tokenizer.ggml.eos_token_ids': Int32Array.of(1, 99)}},
      /names token 99/,
    ],
    [
      'a suppressed id out of range',
      {...BPE, keys: {'tokenizer.ggml.suppress_tokens': Int32Array.of(99)}},
      /names token 99/,
    ],
    ['a token longer than any', {...BPE, tokens: [...TOKENS, ['a'.repeat(2049)]]}, /token 7 has 2049 bytes/],
    [
      'a special token longer than any',
      {...BPE, tokens: [...TOKENS, ['<'.repeat(257), 'user']]},
      /special token 7 has 257 characters/,
    ],
    [
      'more special tokens than any model has',
      {
        ...BPE,
        tokens: [
          ...TOKENS,
          ...Array.from({length: 4200}, (_, i): [string, 'user'] => [`${i}`.padEnd(250, '-'), 'user']),
        ],
      },
      /1048\d{3} in all so far/,
    ],
    [
      'no bos token',
      {tokens: [['a'], ['<eos>']], merges: [], keys: {'tokenizer.ggml.bos_token_id': null}},
      /no bos token/,
    ],
    [
      'no stop token',
      {tokens: [['a'], ['</s>'], ['<bos>']], merges: [], keys: {'tokenizer.ggml.eos_token_id': 1}},
      /no stop token/,
    ],
  ];
  for (const [name, vocabulary, says] of broken) {
    it(`refuses ${name}`, () => {
      expect(() => createTokenizer(smallMetadata(vocabulary)))
        .to.throw(says)
        .with.property('code', 'tokenizer-invalid');
    });
  }
});

describe('createTokenizerInSlices', () => {
  // More tokens than a piece has, and tokens that are only reached by merging.
  const words: SmallVocabulary['tokens'] = Array.from({length: 9000}, (_, i) => [`a${i.toString(26)}`]);
  const letters: SmallVocabulary['tokens'] = [...'0123456789abcdefghijklmnop'].map((letter) => [letter]);
  const tokens: SmallVocabulary['tokens'] = [...SPECIALS, ...letters, ...words];
  const text = Array.from({length: 300}, (_, i) => `a${(i * 29).toString(26)}`).join(' ');

  for (const [name, vocabulary] of Object.entries({SentencePiece: {tokens}, BPE: {...BPE}})) {
    it(`makes the same tokenizer, ${name}`, async () => {
      const metadata = smallMetadata(vocabulary);
      const [whole, sliced] = [createTokenizer(metadata), await createTokenizerInSlices(metadata)];
      expect(sliced.encode(text)).to.deep.equal(whole.encode(text));
    });
  }

  it('answers messages between two slices', async () => {
    let pieces = 0;
    const building = inSlices(
      (function* () {
        for (; pieces < 4; pieces++) {
          const end = performance.now() + 10;
          while (performance.now() < end);
          yield;
        }
        return 'built';
      })(),
    );
    const {port1, port2} = new MessageChannel();
    const answered = new Promise<number>((resolve) => {
      port1.onmessage = () => resolve(pieces);
    });
    port2.postMessage(null);
    expect(await answered).to.be.below(4);
    port1.close();
    expect(await building).to.equal('built');
  });

  it('stops when it is aborted, and refuses what createTokenizer refuses', async () => {
    const aborted = await createTokenizerInSlices(smallMetadata({tokens}), undefined, AbortSignal.abort()).catch(
      (error) => error,
    );
    expect(aborted.name).to.equal('AbortError');
    const refused = await createTokenizerInSlices(smallMetadata({tokens: []})).catch((error) => error);
    expect(refused.code).to.equal('tokenizer-invalid');
  });
});

function emptyStrings() {
  return smallMetadata({tokens: []}).strings('tokenizer.ggml.tokens');
}
