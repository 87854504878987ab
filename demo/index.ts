// The start page's script: asks the model through GemmaClient, and shows what the worker holds. The widgets need none
// of it.
import {GemmaClient} from '../src/index.ts';
import {find, messageOf} from './dom.ts';

const MODEL = 'models/gemma-chat-demo.gguf';

const form = find<HTMLFormElement>('#ask');
const question = find<HTMLInputElement>('#question');
const button = find<HTMLButtonElement>('#ask button');
const answer = find<HTMLElement>('#answer');

let client: GemmaClient | null = null;

async function load(): Promise<GemmaClient> {
  const loaded = await GemmaClient.load({
    modelSrc: MODEL,
    onProgress: ({fraction}) => {
      answer.textContent = `Loading the model: ${Math.round(fraction * 100)} %`;
    },
  });
  // A lost client is of no more use; the next question loads anew.
  loaded.lost.then(() => {
    client = null;
  });
  return loaded;
}

async function ask(content: string): Promise<void> {
  client ??= await load();
  const stream = await client.chat.completions.create({messages: [{role: 'user', content}], stream: true});
  answer.textContent = '';
  for await (const chunk of stream) answer.append(chunk.choices[0].delta.content ?? '');
}

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  button.disabled = true;
  answer.hidden = false;
  answer.textContent = '…';
  // A screen reader hears the answer once it is whole.
  answer.ariaBusy = 'true';
  try {
    await ask(question.value);
  } catch (error) {
    answer.textContent = messageOf(error);
  } finally {
    button.disabled = false;
    answer.ariaBusy = 'false';
  }
});

/** Any client will do: there is one worker. */
function anyClient(): GemmaClient | null {
  const widgets = [...document.querySelectorAll('gemma-chat')];
  return client ?? widgets.map((widget) => widget.client).find((one) => one !== null) ?? null;
}

async function showStats(): Promise<void> {
  const stats = await anyClient()?.stats();
  const show = (name: string, text: string | undefined) => {
    find(`[data-stat="${name}"]`).textContent = text ?? '–';
  };
  show('clients', stats?.clients.toString());
  show('models', stats?.models.toString());
  show('weights', stats && `${(stats.gpu.weightBytes / 1e6).toFixed(1)} MB`);
}

// Other tabs come and go unseen, so the figures are asked for now and then, while somebody looks.
setInterval(() => {
  if (!document.hidden) showStats().catch(() => {});
}, 1000);
