// Shows live what the worker of this site does: clients of all tabs, the batch, pages of keys and values, speed. Starts
// as many answers as asked for, each with a client of its own.
import {GemmaClient} from '../src/client/index.ts';
import {find, messageOf} from './dom.ts';

const MODEL = new URLSearchParams(location.search).get('model') ?? 'models/gemma-chat-demo.gguf';
const QUESTIONS = ['How do I put you on my page?', 'Who are you?', 'What does it need?', 'Is it private?'];
const PAGE = 'gemma-chat puts a private Gemma chat on any web page. '.repeat(12);
const LOOK_EVERY_MS = 500;

type Stats = Awaited<ReturnType<GemmaClient['stats']>>;

const show = (id: string, text: string): void => {
  find(`#${id}`).textContent = text;
};
const number = new Intl.NumberFormat('en', {maximumFractionDigits: 1});
const size = (bytes: number): string => `${number.format(bytes / 2 ** 20)} MiB`;

let watching = false;
let running = new AbortController();

find<HTMLFormElement>('#start-form').addEventListener('submit', (event) => {
  event.preventDefault();
  running = new AbortController();
  const {signal} = running;
  const count = find<HTMLInputElement>('#count').valueAsNumber;
  find<HTMLButtonElement>('#stop').disabled = false;
  find('#answers').replaceChildren();
  if (!watching) void watch();
  for (let i = 0; i < count; i++) void answer(QUESTIONS[i % QUESTIONS.length], signal);
});
find('#stop').addEventListener('click', () => running.abort());

async function answer(question: string, signal: AbortSignal): Promise<void> {
  const item = document.createElement('li');
  const state = (text: string): void => {
    item.dataset.state = text;
  };
  state('loading');
  find('#answers').append(item);
  let client: GemmaClient | null = null;
  try {
    client = await GemmaClient.load({modelSrc: MODEL, signal});
    const system = find<HTMLInputElement>('#common').checked ? PAGE : 'Answer in one sentence.';
    const stream = await client.chat.completions.create({
      messages: [
        {role: 'system', content: system},
        {role: 'user', content: question},
      ],
      stream: true,
      max_tokens: 200,
      signal,
      onProgress: (progress) => {
        if (progress.phase === 'queued')
          state(progress.position > 0 ? `waiting, place ${progress.position}` : 'starting');
        if (progress.phase === 'prefill') state(`reading ${progress.done} of ${progress.total}`);
      },
    });
    for await (const {choices, usage} of stream) {
      if (choices[0].delta.content) item.append(choices[0].delta.content);
      if (usage)
        state(`done: ${usage.completion_tokens} tokens, ${usage.cached_tokens} of ${usage.prompt_tokens} found`);
      else state('answering');
    }
  } catch (error) {
    state(messageOf(error));
  } finally {
    client?.close();
  }
}

/** A client that asks nothing but how things are. */
async function watch(): Promise<void> {
  watching = true;
  const client = await GemmaClient.load({
    modelSrc: MODEL,
    onProgress: ({fraction}) => show('summary', `Loading the model: ${Math.round(100 * fraction)} %`),
  });
  const {name, quantization} = client.model;
  show('summary', `${name}, ${quantization}${client.shared ? ', shared by all tabs' : ''}`);
  let last: Stats | null = null;
  const timer = setInterval(async () => {
    const stats = await client.stats().catch(() => null);
    if (!stats) return clearInterval(timer);
    draw(stats, last);
    last = stats;
  }, LOOK_EVERY_MS);
}

function draw(stats: Stats, last: Stats | null): void {
  const {batch, gpu, sessions} = stats;
  show('clients', number.format(stats.clients));
  show('running', number.format(batch.running));
  show('queued', number.format(batch.queued));
  show('rows', `${batch.decodeRows} + ${batch.prefillRows} of a prompt`);
  show('bytes', size(gpu.weightBytes + gpu.kvBytes + gpu.scratchBytes));
  // Sessions keep their order; a new one has no earlier figure.
  const speeds = sessions.map(({decodedTokens}, i) => {
    const before = last && last.sessions.length === sessions.length ? last.sessions[i].decodedTokens : decodedTokens;
    return (1000 * (decodedTokens - before)) / LOOK_EVERY_MS;
  });
  show('speed', number.format(speeds.reduce((sum, speed) => sum + Math.max(0, speed), 0)));
  find('#sessions').replaceChildren(
    ...sessions.map(({attention, running: answers}, i) =>
      row([String(i + 1), attention, String(answers), number.format(Math.max(0, speeds[i]))]),
    ),
  );
  find('#pages').replaceChildren(
    ...bar('Full-attention layers', gpu.kvPages.full),
    ...bar('Sliding layers', gpu.kvPages.sliding),
  );
}

function row(cells: string[]): HTMLTableRowElement {
  const made = document.createElement('tr');
  for (const text of cells) made.insertCell().textContent = text;
  return made;
}

function bar(name: string, pages: Stats['gpu']['kvPages']['full']): HTMLElement[] {
  const {used, shared, cached, free} = pages;
  const total = Math.max(1, used + cached + free);
  const label = document.createElement('div');
  label.textContent = `${name}: ${used} in use, ${shared} of them shared; ${cached} kept for later; ${free} free`;
  const strip = document.createElement('div');
  strip.className = 'bar';
  for (const [kind, count] of Object.entries({shared, own: used - shared, cached})) {
    const part = document.createElement('span');
    part.className = kind;
    part.style.inlineSize = `${(100 * count) / total}%`;
    strip.append(part);
  }
  return [label, strip];
}
