// A chat of the page's own on GemmaClient: a list of turns, a form, a way to stop. No element of ours.
import {GemmaClient} from '../src/client/index.ts';
import {find, messageOf} from './dom.ts';

const turns = find('#turns');
const state = find('#state');
const form = find<HTMLFormElement>('#say');
const field = find<HTMLTextAreaElement>('#message');
const send = find<HTMLButtonElement>('#send');
const stop = find<HTMLButtonElement>('#stop');

const messages: {role: 'user' | 'assistant'; content: string}[] = [];
let client: GemmaClient | null = null;
let answering: AbortController | null = null;

async function load(signal: AbortSignal): Promise<GemmaClient> {
  const loaded = await GemmaClient.load({
    modelSrc: 'models/gemma-chat-demo.gguf',
    signal,
    onProgress: ({fraction}) => {
      state.textContent = `Loading the model: ${Math.round(100 * fraction)} %`;
    },
  });
  // A lost client is of no more use; the next message loads anew.
  loaded.lost.then(() => {
    client = null;
  });
  return loaded;
}

function addTurn(author: string, text = ''): HTMLElement {
  const item = document.createElement('article');
  const name = document.createElement('strong');
  const body = document.createElement('p');
  name.textContent = author;
  body.textContent = text;
  item.append(name, body);
  turns.append(item);
  return body;
}

async function answer(signal: AbortSignal): Promise<void> {
  client ??= await load(signal);
  state.textContent = 'Answering';
  const stream = await client.chat.completions.create({messages, stream: true, signal});
  const turn = addTurn('Gemma');
  // A screen reader hears the answer once it is whole.
  turn.ariaBusy = 'true';
  for await (const {choices} of stream) turn.append(choices[0].delta.content ?? '');
  turn.ariaBusy = 'false';
  messages.push({role: 'assistant', content: turn.textContent ?? ''});
}

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  if (answering) return;
  answering = new AbortController();
  const content = field.value.trim();
  messages.push({role: 'user', content});
  addTurn('You', content);
  field.value = '';
  [send.disabled, stop.disabled] = [true, false];
  try {
    await answer(answering.signal);
    state.textContent = answering.signal.aborted ? 'Stopped' : 'Ready';
  } catch (error) {
    state.textContent = answering.signal.aborted ? 'Stopped' : messageOf(error);
  } finally {
    answering = null;
    [send.disabled, stop.disabled] = [false, true];
    field.focus();
  }
});
stop.addEventListener('click', () => answering?.abort());
field.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});
