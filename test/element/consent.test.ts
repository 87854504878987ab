// What a visitor is asked before a model is loaded, and what they can do while it is.
import {expect, fixture, html} from '@open-wc/testing';
import type {GemmaChatElement} from '../../src/element/gemma-chat-element.ts';
import {ENGLISH} from '../../src/element/languages/index.ts';
import {GemmaError} from '../../src/errors.ts';
import type {ModelInspection} from '../../src/protocol/messages.ts';
import {type FakeLoad, fakeLoads, fakeQuestions, inspection} from './fake-client.ts';
import {Harness, MODEL_SRC, record} from './harness.ts';

describe('<gemma-chat> asks before it loads', () => {
  let loads: FakeLoad[];
  beforeEach(() => {
    loads = fakeLoads();
  });

  async function asking(found: Partial<ModelInspection>, attributes = {loading: 'lazy', consent: ''}) {
    const fakes = fakeQuestions(() => inspection(found));
    const {loading, consent} = attributes;
    const el = await fixture<GemmaChatElement>(
      html`<gemma-chat model-src=${MODEL_SRC} loading=${loading} consent=${consent}></gemma-chat>`,
    );
    const chat = new Harness(el);
    await chat.settle();
    return {...fakes, chat};
  }
  const factsOf = (chat: Harness) => chat.part('facts')!.textContent.replaceAll(/\s+/g, ' ');
  const notesOf = (chat: Harness) => chat.parts('note').map((note) => note.textContent);
  const hasButton = (chat: Harness, name: string) =>
    [...chat.el.shadowRoot!.querySelectorAll('button')].some((button) => button.textContent.trim() === name);

  it('shows name, file, size, host, licence, memory and free space, accessibly, and loads nothing', async () => {
    const {chat, asked} = await asking({
      license: {name: 'Gemma Terms', link: 'https://ai.google.dev/gemma/terms'},
      memory: {weightBytes: 2e9, contextBytes: 1e8},
      freeBytes: 9e9,
    });
    const facts = factsOf(chat);
    for (const text of ['Fake Gemma', 'tiny.gguf', '2 GB', location.host, 'about 2.1 GB', '9 GB']) {
      expect(facts).to.include(text);
    }
    const link = chat.part<HTMLAnchorElement>('license-link')!;
    expect([link.textContent, link.href, link.rel]).to.deep.equal([
      'Gemma Terms',
      'https://ai.google.dev/gemma/terms',
      'noopener noreferrer',
    ]);
    expect([asked.length, loads.length, notesOf(chat).length]).to.deep.equal([1, 0, 0]);
    await expect(chat.el).to.be.accessible();
  });

  it('says of a base model that it will not chat, and tells the owner once', async () => {
    const warnings: string[] = [];
    const {warn} = console;
    console.warn = (...parts) => warnings.push(parts.join(' '));
    try {
      const found = {name: 'Gemma 3 270m', looksPretrained: true};
      for (const {chat} of [await asking(found), await asking(found)]) {
        expect(notesOf(chat)).to.deep.equal([ENGLISH.text('noteBaseModel')]);
      }
    } finally {
      console.warn = warn;
    }
    expect(warnings.length).to.equal(1);
    expect(warnings[0]).to.match(/base-model: Gemma 3 270m .*-it.*docs\/models\.md/s);
  });

  it('shows a licence that is no link, and names with markup, as text', async () => {
    const {chat} = await asking({name: '<img src=x>', license: {name: 'javascript:alert(1)', link: null}});
    expect(factsOf(chat)).to.include('<img src=x>').and.to.include('javascript:alert(1)');
    expect(chat.el.shadowRoot!.querySelector('[part=facts] a, [part=facts] img')).to.equal(null);
    const forged = await asking({license: {name: 'x', link: 'javascript:alert(1)'}});
    expect(forged.chat.part('license-link')).to.equal(null);
  });

  for (const [title, found, text] of [
    ['a private window', {storage: 'memory'}, /cannot keep the model/],
    ['too little space', {freeBytes: 1e9}, /2 GB are needed, 1 GB are free/],
    ['a server without ranges', {resumable: false}, /cannot continue a download/],
    ['a server that is away', {online: false, storedBytes: 5}, /could not be fetched/],
  ] as const) {
    it(`says what stands in the way: ${title}`, async () => {
      const {chat} = await asking(found as Partial<ModelInspection>);
      expect(notesOf(chat)).to.have.lengthOf(1);
      expect(notesOf(chat)[0]).to.match(text);
      await expect(chat.el).to.be.accessible();
    });
  }

  it('offers no Load where it cannot run, says why, and shows what the page has instead', async () => {
    for (const [code, text, hopeless] of [
      ['adapter-missing', /No usable GPU/, true],
      ['architecture-unsupported', /not supported/, false],
    ] as const) {
      fakeQuestions(() => inspection({problem: {code, message: 'x'}}));
      const el = await fixture<GemmaChatElement>(
        html`<gemma-chat model-src=${MODEL_SRC}><a slot="fallback" href="/contact">Write to us</a></gemma-chat>`,
      );
      const chat = new Harness(el);
      await chat.settle();
      expect(chat.part('load-button')).to.equal(null);
      expect(chat.part('poster-text')!.textContent).to.match(text);
      expect(el.querySelector('a')!.checkVisibility()).to.equal(hopeless);
      await expect(el).to.be.accessible();
    }
  });

  it('names the missing https where that is why there is no WebGPU', async () => {
    Object.defineProperty(globalThis, 'isSecureContext', {configurable: true, value: false});
    try {
      const {chat} = await asking({problem: {code: 'webgpu-missing', message: 'navigator.gpu is missing'}});
      expect(chat.part('poster-text')!.textContent).to.include('without https').and.not.to.include('Chrome');
      expect(notesOf(chat)).to.deep.equal(['Only the owner of this site can change that.']);
    } finally {
      Reflect.deleteProperty(globalThis, 'isSecureContext');
    }
  });

  it('says why nothing can be learnt of a model, and calls no address this device', async () => {
    for (const [src, code, load] of [
      ['hf:foo', 'option-invalid', false],
      ['http://', 'option-invalid', false],
      ['/gone.gguf', 'http-status', true],
      ['https://no-cors.example/m.gguf', 'cors', true],
    ] as const) {
      fakeQuestions(() => null).questions.inspect = async () => {
        throw new GemmaError(code, 'x');
      };
      const chat = new Harness(await fixture(html`<gemma-chat model-src=${src}></gemma-chat>`));
      await chat.settle();
      const text = chat.part('poster')!.textContent;
      expect(text, src)
        .to.include(ENGLISH.text(`error-${code}`))
        .and.not.to.include('this device');
      expect(chat.part('load-button') !== null, src).to.equal(load);
      await expect(chat.el).to.be.accessible();
    }
  });

  it('says nothing of space or network where all is here', async () => {
    const {chat} = await asking({storedBytes: 2e9, freeBytes: 1, online: false, resumable: false});
    expect(factsOf(chat)).to.include('2 GB, already on this device').and.not.to.include('Free space');
    expect(notesOf(chat)).to.deep.equal([]);
  });

  it('says how much is here, goes on with it, and deletes it', async () => {
    let storedBytes = 5e8;
    const {asked, removed} = fakeQuestions(() => inspection({storedBytes, storedIds: ['one', 'two']}));
    const chat = await Harness.poster();
    await chat.settle();
    expect(factsOf(chat)).to.include('2 GB, 500 MB of it already on this device');
    expect(hasButton(chat, 'Continue loading the model')).to.equal(true);
    storedBytes = 0;
    await chat.click('Delete what is stored');
    // Gigabytes are not gone at one press; the answer has the focus.
    expect(removed).to.deep.equal([]);
    await expect(chat.el).to.be.accessible();
    expect(chat.el.shadowRoot!.activeElement).to.equal(chat.button('Delete'));
    await chat.click('Cancel');
    expect(hasButton(chat, 'Delete')).to.equal(false);
    await chat.click('Delete what is stored');
    await chat.click('Delete');
    await chat.settle();
    expect(removed).to.deep.equal(['one', 'two']);
    expect(asked).to.have.lengthOf(2);
    expect(factsOf(chat)).not.to.include('already');
    expect(hasButton(chat, 'Load the model')).to.equal(true);
    expect(chat.announced).to.include('Deleted from this device.');
  });

  it('offers to delete other models where space is short', async () => {
    const other = {
      id: 'x',
      url: 'https://a.example/old.gguf',
      size: 9e8,
      storedBytes: 9e8,
      complete: true,
      lastUsed: 0,
    };
    const {chat, removed} = await asking({freeBytes: 1e9, removable: [other]});
    await chat.click('Delete old.gguf (900 MB)');
    await chat.click('Delete');
    expect(removed).to.deep.equal(['x']);
  });

  it('says why something could not be deleted', async () => {
    const {chat, questions} = await asking({storedBytes: 5, storedIds: ['one']});
    questions.remove = () => Promise.reject(new GemmaError('model-in-use', 'it is being written'));
    await chat.click('Delete what is stored');
    await chat.click('Delete');
    await chat.settle();
    expect(notesOf(chat).join()).to.match(/Another chat on this site/);
  });

  it('asks the browser to keep what the visitor agreed to, and does not ask for what is here', async () => {
    const asked: string[] = [];
    const persist = navigator.storage.persist;
    navigator.storage.persist = async () => {
      asked.push('persist');
      return true;
    };
    try {
      const {chat} = await asking({});
      await chat.click('Load the model');
      expect(asked).to.deep.equal(['persist']);
      localStorage.removeItem('gemma-chat-consent');
      chat.el.remove();
      const here = await asking({storedBytes: 2e9});
      await here.chat.click('Load the model');
      expect([loads.length, asked.length]).to.deep.equal([2, 1]);
    } finally {
      navigator.storage.persist = persist;
    }
  });

  it('hands on the hash, in the question and in the load', async () => {
    const {asked} = fakeQuestions(() => inspection());
    const el = await fixture<GemmaChatElement>(
      html`<gemma-chat model-src=${MODEL_SRC} integrity="sha256-x"></gemma-chat>`,
    );
    const chat = new Harness(el);
    await chat.click('Load the model');
    expect([asked[0].integrity, loads[0].options.integrity]).to.deep.equal(['sha256-x', 'sha256-x']);
  });

  describe('when it is eager', () => {
    const eager = {loading: 'eager', consent: ''};
    const given = {loading: 'eager', consent: 'given'};
    const saving = async (test: () => Promise<void>) => {
      Object.defineProperty(navigator, 'connection', {value: {saveData: true}, configurable: true});
      try {
        await test();
      } finally {
        delete (navigator as {connection?: unknown}).connection;
      }
    };

    it('still asks for a model that is not here, or not all', async () => {
      for (const storedBytes of [0, 2e9 - 1]) {
        const {chat} = await asking({storedBytes}, eager);
        expect(chat.el.status).to.equal('consent');
      }
      expect(loads).to.have.lengthOf(0);
    });

    it('loads one that is here', async () => {
      const {chat} = await asking({storedBytes: 2e9}, eager);
      expect(chat.el.status).to.equal('downloading');
      expect(loads).to.have.lengthOf(1);
    });

    it('loads where the site answers for the consent, without asking anything', async () => {
      const {asked} = await asking({}, given);
      expect([loads.length, asked.length]).to.deep.equal([1, 0]);
    });

    it('asks where nothing can be learnt', async () => {
      fakeQuestions(() => null);
      const el = await fixture<GemmaChatElement>(
        html`<gemma-chat loading="eager" model-src=${MODEL_SRC}></gemma-chat>`,
      );
      await new Harness(el).settle();
      expect([el.status, loads.length]).to.deep.equal(['consent', 0]);
    });

    it('waits on a connection that is to be spared, and says so; what is here costs nothing', () =>
      saving(async () => {
        const {chat} = await asking({}, given);
        expect(loads).to.have.lengthOf(0);
        expect(notesOf(chat).join()).to.match(/set to save data/);
        await asking({storedBytes: 2e9}, given);
        expect(loads).to.have.lengthOf(1);
        await chat.click('Load the model');
        expect(loads).to.have.lengthOf(2);
      }));

    it('loads a file of the visitor’s', async () => {
      const el = await fixture<GemmaChatElement>(
        html`<gemma-chat loading="eager" .modelSrc=${new File(['x'], 'mine.gguf')}></gemma-chat>`,
      );
      await new Harness(el).settle();
      expect(loads).to.have.lengthOf(1);
    });
  });

  it('tells the site’s owner in the console what only they can mend, once, with what to do', async () => {
    const warned: string[] = [];
    const {warn} = console;
    console.warn = (text: string) => void warned.push(text);
    try {
      for (let turn = 0; turn < 2; turn++) {
        fakeQuestions(() => null).questions.inspect = async () => {
          throw new GemmaError('cors', 'https://a.example/m.gguf may not be read');
        };
        const chat = await Harness.poster();
        chat.el.load().catch(() => {});
        // A visitor's network is no business of the owner's.
        loads.at(-1)!.fail(new GemmaError('network', 'x'));
        await chat.until(() => warned.length > 0);
      }
    } finally {
      console.warn = warn;
    }
    expect(warned).to.have.lengthOf(1);
    expect(warned[0]).to.match(
      /cors: https:.*may not be read\n.*Access-Control-Allow-Origin[\s\S]*docs\/errors.md#cors/,
    );
  });

  describe('while it loads', () => {
    const bar = (chat: Harness) => chat.part<HTMLProgressElement & HTMLElement>('progress-bar')!.value;
    const text = (chat: Harness) => chat.part('progress-text')!.textContent;
    async function downloading(more = {}) {
      const {chat} = await asking({});
      await chat.click('Load the model');
      loads[0].progress('download', 0.5, more);
      await chat.settle();
      return chat;
    }

    it('pauses and goes on, with a bar that never goes back', async () => {
      const chat = await downloading();
      const seen = record<{status: string}>(chat.el, 'gemma-chat-status');
      const errors = record(chat.el, 'error');
      await chat.click('Pause');
      expect(loads[0].options.signal.aborted).to.equal(true);
      expect([text(chat), bar(chat)]).to.deep.equal(['Paused: 1 kB of 2 kB', 0.5]);
      await expect(chat.el).to.be.accessible();
      await chat.click('Continue');
      loads[1].progress('header', 0).progress('download', 0.1);
      await chat.settle();
      expect(bar(chat)).to.equal(0.5);
      loads[1].progress('download', 0.75);
      await chat.settle();
      expect(bar(chat)).to.equal(0.75);
      expect(seen.map(({detail}) => detail.status)).to.deep.equal(['paused', 'downloading']);
      expect(errors).to.have.lengthOf(0);
      expect(chat.announced).to.include('Paused.');
    });

    it('gives up from the pause: the poster is back, and says what is here by now', async () => {
      const chat = await downloading();
      await chat.click('Pause');
      fakeQuestions(() => inspection({storedBytes: 1e9, storedIds: ['one']}));
      await chat.click('Cancel');
      await chat.settle();
      expect(chat.el.status).to.equal('consent');
      expect(factsOf(chat)).to.include('1 GB of it already');
    });

    for (const phase of ['waiting', 'retry'] as const) {
      it(`can pause while it says ${phase}`, async () => {
        const chat = await downloading();
        loads[0].progress(phase, 0.6, {storage: 'opfs'});
        await chat.settle();
        expect(hasButton(chat, 'Pause')).to.equal(true);
      });
    }

    it('cannot pause what would be lost, nor what is no download', async () => {
      const chat = await downloading({storage: 'memory'});
      expect(hasButton(chat, 'Pause')).to.equal(false);
      loads[0].progress('upload', 0.6);
      await chat.settle();
      expect(hasButton(chat, 'Pause')).to.equal(false);
      chat.el.pause();
      expect(chat.el.status).to.equal('paused');
    });

    for (const [phase, expected] of [
      ['connect', 'Loading the model'],
      ['header', 'Loading the model: 1 kB of 2 kB'],
      ['download', 'Loading the model: 1 kB of 2 kB'],
      ['upload', 'Reading the model: 1 kB of 2 kB'],
      ['verify', 'Checking the file'],
      ['waiting', 'Another tab is loading this model'],
      ['retry', 'Interrupted. Trying again…'],
      ['compile', 'Preparing the model on your GPU'],
    ] as const) {
      it(`says what it does: ${phase}`, async () => {
        const {chat} = await asking({});
        await chat.click('Load the model');
        loads[0].progress(phase, 0.5);
        await chat.settle();
        expect(text(chat)).to.equal(expected);
      });
    }

    it('says how far it is, and that nothing comes any more', async () => {
      const chat = await downloading();
      expect(chat.part('progress-rate')!.textContent).to.equal('50% done');
      const {setTimeout: real} = globalThis;
      let late = () => {};
      globalThis.setTimeout = ((act: () => void, ms?: number) => {
        if (ms !== 5000) return real(act, ms);
        late = act;
        return 0;
      }) as typeof setTimeout;
      try {
        loads[0].progress('download', 0.6);
      } finally {
        globalThis.setTimeout = real;
      }
      late();
      await chat.settle();
      expect(chat.part('progress-rate')!.textContent).to.include('has not sent anything');
      await expect(chat.el).to.be.accessible();
      loads[0].progress('download', 0.7);
      await chat.settle();
      expect(chat.part('progress-rate')!.textContent).to.equal('70% done');
    });

    it('keeps the keyboard where it was: Pause, Continue, Cancel', async () => {
      const chat = await downloading();
      chat.button('Pause').focus();
      await chat.click('Pause');
      expect(chat.el.shadowRoot!.activeElement).to.equal(chat.button('Continue'));
      await chat.click('Continue');
      expect(chat.el.shadowRoot!.activeElement).to.equal(chat.button('Cancel'));
    });
  });
});
