import {expect, fixture, html} from '@open-wc/testing';
import {GemmaError} from '../../src/errors.ts';
import {FakeClient} from './fake-client.ts';
import {Harness} from './harness.ts';

/** A chat that is ready inside `box`, once the box's language is there. */
async function within(box: HTMLElement): Promise<Harness & {client: FakeClient}> {
  const chat = Object.assign(new Harness(box.querySelector('gemma-chat')!), {client: new FakeClient()});
  chat.el.client = chat.client.asClient();
  await chat.spoken();
  return chat;
}

describe('<gemma-chat> in other languages', () => {
  it('is accessible in Arabic, and runs from right to left', async () => {
    const chat = await within(await fixture(html`<div lang="ar"><gemma-chat></gemma-chat></div>`));
    await chat.ask('مرحبا');
    chat.client.lastAnswer.text('أهلا').fail(new GemmaError('internal', 'oops'));
    await chat.settle();
    await expect(chat.el).to.be.accessible();
    expect(chat.button('إرسال')).not.to.equal(null);
    const left = (name: string) => chat.part(name)!.getBoundingClientRect().left;
    expect(left('send-button')).to.be.lessThan(left('input'));
    expect(left('message-user')).to.be.lessThan(left('message-assistant'));
  });

  it('follows the nearest lang, out of shadow roots, and its changes', async () => {
    const box = await fixture<HTMLElement>(html`<div lang="de-AT"><div></div></div>`);
    const root = box.firstElementChild!.attachShadow({mode: 'open'});
    const el = document.createElement('gemma-chat');
    root.append(el);
    const chat = new Harness(el);
    await chat.spoken();
    expect(chat.part('poster-title')!.textContent).to.equal('Fragen Sie hier, ganz privat');
    expect(chat.part('base')!.lang).to.equal('de');
    box.lang = 'es';
    await chat.spoken();
    expect(chat.part('poster-title')!.textContent).to.equal('Pregunte aquí, en privado');
    // Moved out of it, the document's language counts: it has none.
    box.after(el);
    await chat.spoken();
    expect(chat.part('poster-title')!.textContent).to.equal('Ask here, in private');
  });

  it('shows nothing in English before its language is there', async () => {
    const el = document.createElement('gemma-chat');
    el.lang = 'ja';
    (await fixture(html`<div></div>`)).append(el);
    const chat = new Harness(el);
    await el.updateComplete;
    if (chat.part('base')!.lang !== 'ja') expect(getComputedStyle(chat.part('base')!).visibility).to.equal('hidden');
    await chat.spoken();
    expect(getComputedStyle(chat.part('base')!).visibility).to.equal('visible');
    expect(chat.part('poster-title')!.textContent).to.equal('ここで、人に知られずに質問できます');
  });

  it('speaks English where it does not know the language, and leaves the direction to the page', async () => {
    const chat = await within(await fixture(html`<div lang="he" dir="rtl"><gemma-chat></gemma-chat></div>`));
    expect(chat.button('Send')).not.to.equal(null);
    expect(chat.part('base')!.lang).to.equal('en');
    expect(getComputedStyle(chat.part('base')!).direction).to.equal('rtl');
  });

  it("takes the page's own texts, in any language", async () => {
    const chat = await within(await fixture(html`<div lang="fr"><gemma-chat></gemma-chat></div>`));
    chat.el.strings = {send: 'Demander', 'error-internal': 'Oups.'};
    await chat.spoken();
    await chat.ask('Bonjour');
    chat.client.lastAnswer.fail(new GemmaError('internal', 'oops'));
    await chat.settle();
    expect(chat.button('Demander')).not.to.equal(null);
    expect(chat.part('error-text')!.textContent).to.include('Oups.');
    expect(chat.button('Réessayer')).not.to.equal(null);
    chat.el.strings = null;
    await chat.spoken();
    expect(chat.button('Envoyer')).not.to.equal(null);
  });
});
