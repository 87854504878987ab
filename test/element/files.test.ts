// A visitor's own model: chosen, dropped, several at once, used again at the next visit.
import {expect, fixture, html, waitUntil} from '@open-wc/testing';
import type {GemmaChatElement} from '../../src/element/gemma-chat-element.ts';
import {forgetFiles} from '../../src/element/model/files/handles.ts';
import {type FakeLoad, fakeLoads} from './fake-client.ts';
import {Harness, MODEL_SRC} from './harness.ts';

type Picker = {showOpenFilePicker?: unknown};
const DIGEST = 'a'.repeat(64);

describe('<gemma-chat> with a model of the visitor’s', () => {
  let loads: FakeLoad[];
  beforeEach(async () => {
    loads = fakeLoads();
    await forgetFiles();
  });
  const {showOpenFilePicker} = window as Picker;
  afterEach(() => {
    (window as Picker).showOpenFilePicker = showOpenFilePicker;
  });

  const chatWith = async (markup = html`<gemma-chat></gemma-chat>`) => {
    const chat = new Harness(await fixture<GemmaChatElement>(markup));
    await chat.settle();
    return chat;
  };
  const has = (chat: Harness, part: string) => chat.part(part) !== null;
  /** A file of the browser's own file system: its handle is kept as a picked file's is. */
  async function handleOf(name: string, text: string): Promise<FileSystemFileHandle> {
    const handle = await (await navigator.storage.getDirectory()).getFileHandle(name, {create: true});
    const writable = await handle.createWritable();
    await writable.write(text);
    await writable.close();
    return handle;
  }
  const picks = (...handles: FileSystemFileHandle[]) => {
    (window as Picker).showOpenFilePicker = async () => handles;
  };
  function drop(chat: Harness, ...files: File[]): DragEvent {
    const dataTransfer = new DataTransfer();
    for (const file of files) dataTransfer.items.add(file);
    const event = new DragEvent('drop', {dataTransfer, bubbles: true, cancelable: true, composed: true});
    chat.part('base')!.dispatchEvent(event);
    return event;
  }

  it('lets a file be chosen where the page names no model, accessibly; loads it when the visitor agrees', async () => {
    picks(await handleOf('mine.gguf', 'GGUF'));
    const chat = await chatWith();
    await expect(chat.el).to.be.accessible();
    await chat.click('Use a model file of yours');
    await waitUntil(() => chat.el.status === 'consent', 'the file was taken');
    await chat.settle();
    expect((chat.el.modelSrc as File).name).to.equal('mine.gguf');
    expect(chat.part('facts')!.textContent).to.include('mine.gguf').and.to.include('this device');
    await expect(chat.el).to.be.accessible();
    expect(loads).to.have.lengthOf(0);
    await chat.click('Load the model');
    expect(loads[0].options.modelSrc).to.equal(chat.el.modelSrc);
  });

  it('offers none beside the page’s model, unless the page allows it', async () => {
    expect(has(await chatWith(html`<gemma-chat model-src=${MODEL_SRC}></gemma-chat>`), 'choose-button')).to.equal(
      false,
    );
    const closed = await chatWith(html`<gemma-chat model-src=${MODEL_SRC}></gemma-chat>`);
    expect(drop(closed, new File(['x'], 'm.gguf')).defaultPrevented).to.equal(false);
    expect(closed.el.modelSrc).to.equal(MODEL_SRC);
    const open = await chatWith(html`<gemma-chat model-src=${MODEL_SRC} local-files></gemma-chat>`);
    expect(has(open, 'choose-button')).to.equal(true);
  });

  it('takes a file that is dropped, an Ollama blob with its hash, and all parts of a model', async () => {
    const chat = await chatWith(html`<gemma-chat local-files></gemma-chat>`);
    expect(drop(chat, new File(['x'], 'm.gguf')).defaultPrevented).to.equal(true);
    await waitUntil(() => chat.el.status === 'consent', 'the file was taken');
    expect([(chat.el.modelSrc as File).name, chat.el.integrity]).to.deep.equal(['m.gguf', null]);
    drop(chat, new File(['x'], `sha256-${DIGEST}`));
    await waitUntil(() => chat.el.integrity !== null, 'the blob was taken');
    expect(chat.el.integrity).to.equal(`sha256-${DIGEST}`);
    drop(chat, new File(['x'], 'm-00001-of-00002.gguf'), new File(['y'], 'm-00002-of-00002.gguf'));
    await waitUntil(() => Array.isArray(chat.el.modelSrc), 'the parts were taken');
    expect(chat.el.integrity).to.equal(null);
    await chat.settle();
    expect(chat.part('facts')!.textContent).to.include('2 byte');
  });

  it('asks which, where several models were dropped', async () => {
    const chat = await chatWith();
    drop(chat, new File(['x'], 'one.gguf'), new File(['yy'], 'two.gguf'));
    await waitUntil(() => chat.parts('choice-button').length === 2, 'the choice is offered');
    await expect(chat.el).to.be.accessible();
    await chat.click('two.gguf (2 bytes)');
    await chat.settle();
    expect((chat.el.modelSrc as File).name).to.equal('two.gguf');
    expect(has(chat, 'choice-button')).to.equal(false);
  });

  it('offers the file that was used last at the next visit, and forgets one that is gone', async () => {
    const handle = await handleOf('again.gguf', 'GGUF');
    picks(handle);
    const first = await chatWith();
    await first.click('Use a model file of yours');
    await waitUntil(() => first.el.status === 'consent', 'the file was taken');
    const next = await chatWith();
    await waitUntil(() => has(next, 'again-button'), 'the last file is offered');
    await next.click('Use again.gguf again');
    await waitUntil(() => next.el.status === 'consent', 'the file was taken again');
    expect((next.el.modelSrc as File).name).to.equal('again.gguf');
    const later = await chatWith();
    await waitUntil(() => has(later, 'again-button'), 'the last file is offered');
    await (await navigator.storage.getDirectory()).removeEntry('again.gguf');
    await later.click('Use again.gguf again');
    await waitUntil(() => !has(later, 'again-button'), 'the last file is forgotten');
    expect(
      later
        .parts('note')
        .map((note) => note.textContent)
        .join(),
    ).to.match(/No model was found/);
    expect(later.el.modelSrc).to.equal(null);
  });

  it('changes nothing where the visitor closes the picker, or may not act', async () => {
    (window as Picker).showOpenFilePicker = () => Promise.reject(new DOMException('closed', 'AbortError'));
    const chat = await chatWith();
    await chat.click('Use a model file of yours');
    expect(chat.el.status).to.equal('idle');
    const disabled = await chatWith(html`<gemma-chat disabled></gemma-chat>`);
    expect(has(disabled, 'choose-button')).to.equal(false);
  });
});
