// The task interfaces over the real client and a fake worker: what they ask, give and refuse.
import {readFileSync} from 'node:fs';
import {expect} from 'chai';
import {configure} from '../../../src/language-model/index.ts';
import * as entry from '../../../src/language-tasks/index.ts';
import {
  LanguageDetector,
  Proofreader,
  Rewriter,
  Summarizer,
  Translator,
  Writer,
} from '../../../src/language-tasks/index.ts';
import {changes} from '../../../src/language-tasks/proofreader.ts';
import {says} from '../../helpers/fake-engine.ts';
import {closePorts, FakeWorker, rejection} from '../../helpers/fake-worker.ts';
import {programsOf, runProgram} from '../../helpers/run-program.ts';
import {all, withClient} from '../language-model/harness.ts';

const page = readFileSync(new URL('../../../docs/language-model.md', import.meta.url), 'utf8');
const bad = (value: unknown) => value as never;
const nameOf = async (promise: Promise<unknown>): Promise<string> => (await rejection(promise)).name;
const contextLength = 1024;

/** What the model is told and asked. */
async function listening(next = says('ok')) {
  const {client} = await withClient({contextLength, next});
  const asked: string[][] = [];
  const {create} = client.chat.completions;
  client.chat.completions.create = ((params: {messages: readonly {content?: unknown}[]; max_tokens?: number}) => {
    if (params.max_tokens !== 0) asked.push(params.messages.map(({content}) => String(content)));
    return create(params as never);
  }) as unknown as typeof create;
  return {client, asked};
}

describe('language tasks', () => {
  afterEach(closePorts);

  it('summarize, write, rewrite and translate: what was asked, with its context, in a conversation of its own', async () => {
    const {asked} = await listening();
    const summarizer = await Summarizer.create({
      type: 'headline',
      length: 'medium',
      sharedContext: 'A shop.',
      outputLanguage: 'de',
    });
    expect(await summarizer.summarize('A long text', {context: 'From 2020'})).to.equal('ok');
    expect((await all(summarizer.summarizeStreaming('Another'))).join('')).to.equal('ok');
    const [first, second] = asked;
    expect(first[0])
      .to.match(/headline.*17 words.*plain|Write in German/s)
      .and.contain('A shop.');
    expect(first.slice(1)).to.deep.equal(['About this text: From 2020\n\nTEXT:\nA long text']);
    expect(second.slice(1)).to.deep.equal(['TEXT:\nAnother']);
    const writer = await Writer.create({tone: 'formal'});
    expect(await writer.write('An invitation')).to.equal('ok');
    const rewriter = await Rewriter.create({length: 'shorter'});
    expect(await rewriter.rewrite('Some text')).to.equal('ok');
    const translator = await Translator.create({sourceLanguage: 'EN', targetLanguage: 'de-de'});
    expect(await translator.translate('Hello')).to.equal('ok');
    expect(asked.slice(2).map(([system, input]) => [system.slice(0, 40), input])).to.deep.equal([
      ['You write the texts that you are asked fo', 'TASK:\nAn invitation'].map((text, i) =>
        i ? text : text.slice(0, 40),
      ),
      ['You rewrite texts, one in each message, ', 'TEXT:\nSome text'],
      ['You translate texts from English into Ge', 'Hello'],
    ]);
    expect([translator.sourceLanguage, translator.targetLanguage]).to.deep.equal(['en', 'de-DE']);
  });

  it('have the defaults and attributes of the specification', async () => {
    await withClient({contextLength});
    const {type, format, length, preference, sharedContext, outputLanguage, expectedInputLanguages} =
      await Summarizer.create();
    expect([type, format, length, preference, sharedContext]).to.deep.equal([
      'key-points',
      'markdown',
      'short',
      'auto',
      '',
    ]);
    expect([outputLanguage, expectedInputLanguages]).to.deep.equal([null, null]);
    const writer = await Writer.create({expectedInputLanguages: ['EN-us'], expectedContextLanguages: ['fr']});
    expect([writer.tone, writer.format, writer.length]).to.deep.equal(['neutral', 'markdown', 'short']);
    expect([writer.expectedInputLanguages, writer.expectedContextLanguages]).to.deep.equal([['en-US'], ['fr']]);
    const rewriter = await Rewriter.create();
    expect([rewriter.tone, rewriter.format, rewriter.length]).to.deep.equal(['as-is', 'as-is', 'as-is']);
    expect(rewriter.inputQuota).to.be.within(1, contextLength - 1);
    expect(await rewriter.measureInputUsage('word')).to.be.within(1, 50);
    expect(await Summarizer.availability({outputLanguage: 'de'})).to.equal('available');
    expect(await Translator.availability({sourceLanguage: 'en', targetLanguage: 'tlh'})).to.equal('unavailable');
  });

  it('answer what is blank without the model', async () => {
    const {asked} = await listening();
    expect(await (await Summarizer.create()).summarize(' \n')).to.equal('');
    expect(await (await Translator.create({sourceLanguage: 'en', targetLanguage: 'fr'})).translate('  ')).to.equal(
      '  ',
    );
    expect(await (await Proofreader.create()).proofread('')).to.deep.equal({correctedInput: '', corrections: []});
    const detected = await (await LanguageDetector.create()).detect('');
    expect(detected).to.deep.equal([{detectedLanguage: 'und', confidence: 1}]);
    expect(asked).to.deep.equal([]);
  });

  it('tell languages in order, what is left of certainty last', async () => {
    const answer = '[{"language":"fr","percent":20},{"language":"de","percent":70},{"language":"und","percent":5}]';
    await withClient({contextLength, next: says(answer)});
    const detector = await LanguageDetector.create({expectedInputLanguages: ['de', 'fr']});
    const found = await detector.detect('Guten Tag');
    expect(found.map(({detectedLanguage}) => detectedLanguage)).to.deep.equal(['de', 'fr', 'und']);
    expect(found.map(({confidence}) => confidence.toFixed(2))).to.deep.equal(['0.70', '0.20', '0.10']);
    // Whatever a model likes to say, it is of that form.
    await withClient({contextLength, next: says('I think it is German')});
    const form = await (await LanguageDetector.create()).detect('Guten Tag');
    expect(form.at(-1)?.detectedLanguage).to.equal('und');
    expect(form.reduce((sum, {confidence}) => sum + confidence, 0)).to.be.closeTo(1, 1e-9);
  });

  it('proofread: the text, and where it changed', async () => {
    await withClient({contextLength, next: says('{"corrected":"I see the cat."}')});
    const proofreader = await Proofreader.create({expectedInputLanguages: ['en']});
    expect(await proofreader.proofread('i sea the cat')).to.deep.equal({
      correctedInput: 'I see the cat.',
      corrections: [
        {startIndex: 0, endIndex: 1, correction: 'I'},
        {startIndex: 2, endIndex: 5, correction: 'see'},
        {startIndex: 13, endIndex: 13, correction: '.'},
      ],
    });
  });

  it('find changes that turn one text into the other', () => {
    const texts = [
      '',
      'a',
      'a b c',
      'a  c',
      'c b a',
      'Ä ö, ü!',
      'x'.repeat(50),
      'one two three four',
      'two one four three 😀',
    ];
    for (const before of texts) {
      for (const after of texts) {
        let [text, at] = ['', 0];
        for (const {startIndex, endIndex, correction} of changes(before, after)) {
          text += before.slice(at, startIndex) + correction;
          at = endIndex;
        }
        expect(text + before.slice(at), `${before} → ${after}`).to.equal(after);
      }
    }
    expect(changes('w '.repeat(5000), `x${'w '.repeat(5000)}`)).to.have.length(1);
  });

  it('end at a signal and when they are destroyed, and refuse what is no option', async () => {
    await withClient({contextLength});
    const writer = await Writer.create();
    expect(await nameOf(writer.write('x', {signal: AbortSignal.abort()}))).to.equal('AbortError');
    const pending = writer.write('x');
    writer.destroy();
    expect(await nameOf(pending)).to.equal('AbortError');
    expect(await nameOf(writer.write('x'))).to.equal('AbortError');
    expect(await nameOf(Writer.create({tone: bad('rude')}))).to.equal('TypeError');
    expect(await nameOf(Summarizer.create({outputLanguage: 'no language'}))).to.equal('RangeError');
    expect(await nameOf(Translator.create(bad({sourceLanguage: 'en'})))).to.equal('TypeError');
    expect(await nameOf((await Rewriter.create()).rewrite(...(bad([]) as [string])))).to.equal('TypeError');
    expect(() => new Writer(bad(Symbol('x')), bad({}), bad({}))).to.throw(TypeError);
    const stopping = new AbortController();
    const made = Writer.create({signal: stopping.signal});
    stopping.abort();
    expect(await nameOf(made)).to.equal('AbortError');
  });

  it('run the program of docs/language-model.md', async () => {
    const code = programsOf(page).find((each) => each.includes('language-tasks')) ?? '';
    const worker = new FakeWorker({contextLength, next: says('- open on Sundays')});
    const client = await worker.load();
    const modules = {
      'gemma-chat/language-model': {configure: () => configure({client})},
      'gemma-chat/language-tasks': entry,
    };
    expect((await runProgram(code.replaceAll('console.log', 'print'), modules)).printed).to.equal('- open on Sundays');
  });
});
