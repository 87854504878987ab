// GemmaClient by itself: loading, a streamed answer, tokens, the likelihood of a text, what the worker holds.
import {GemmaClient} from '../src/client/index.ts';
import {find, messageOf} from './dom.ts';

const load = find<HTMLButtonElement>('#load');
const progress = find<HTMLProgressElement>('#progress');
const output = find('#output');
const about = find('#model');
const buttons = [...document.querySelectorAll<HTMLButtonElement>('#use button')];
let client: GemmaClient;

async function loadModel(): Promise<void> {
  progress.hidden = false;
  client = await GemmaClient.load({
    modelSrc: 'models/gemma-chat-demo.gguf',
    onProgress: ({fraction}) => {
      progress.value = fraction;
    },
  });
  const {name, architecture, quantization, contextLength} = client.model;
  about.textContent = `${name}: ${architecture}, ${quantization}, ${contextLength} tokens of context`;
  client.lost.then(({message}) => {
    about.textContent = message;
    load.disabled = false;
    for (const button of buttons) button.disabled = true;
  });
}

const ACTIONS: Record<string, (text: string) => Promise<void>> = {
  async ask(text) {
    const stream = await client.chat.completions.create({messages: [{role: 'user', content: text}], stream: true});
    for await (const {choices} of stream) output.append(choices[0].delta.content ?? '');
  },
  async tokens(text) {
    const ids = await client.tokenize(text);
    const pieces = await Promise.all(ids.map((id) => client.detokenize([id], {special: true})));
    output.textContent = ids.map((id, i) => `${id}\t${JSON.stringify(pieces[i])}`).join('\n');
  },
  async score(text) {
    const {choices} = await client.completions.create({prompt: text, echo: true, logprobs: 0, max_tokens: 0});
    const {tokens, token_logprobs} = choices[0].logprobs!;
    const percent = (logprob: number | null) => (logprob === null ? '–' : `${(100 * Math.exp(logprob)).toFixed(1)} %`);
    output.textContent = tokens.map((token, i) => `${percent(token_logprobs[i])}\t${JSON.stringify(token)}`).join('\n');
  },
  async stats() {
    output.textContent = JSON.stringify(await client.stats(), null, 2);
  },
};

load.addEventListener('click', async () => {
  load.disabled = true;
  try {
    await loadModel();
    for (const button of buttons) button.disabled = false;
  } catch (error) {
    about.textContent = messageOf(error);
    load.disabled = false;
  } finally {
    progress.hidden = true;
  }
});

find('#use').addEventListener('submit', async (event) => {
  event.preventDefault();
  const pressed = (event as SubmitEvent).submitter as HTMLButtonElement | null;
  output.textContent = '';
  // A screen reader hears the result once it is whole.
  output.ariaBusy = 'true';
  try {
    await ACTIONS[pressed?.value ?? 'ask'](find<HTMLInputElement>('#text').value);
  } catch (error) {
    output.textContent = messageOf(error);
  } finally {
    output.ariaBusy = 'false';
  }
});
