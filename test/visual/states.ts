// Every state of the chat, as `npm run screenshots` photographs it: on fakes, so that each is there at once and stays.
import '../../src/index.ts';
import type {GemmaChatElement} from '../../src/element/gemma-chat-element.ts';
import {type ErrorCode, GemmaError} from '../../src/errors.ts';
import {FakeClient, fakeLoads, fakeQuestions, inspection, usageOf} from '../element/fake-client.ts';

const MODEL_SRC = 'https://models.example/gemma-3-4b-it-Q4_K_M.gguf';
const MODEL = {name: 'Gemma 3 4B Instruct', size: 2.49e9, architecture: 'gemma3', freeBytes: 41e9};

const TEXTS = {
  en: {
    question: 'How long does bread dough need to rise?',
    answer: `About **one hour** at room temperature, until it has doubled.\n\n| Place | Time |\n|---|---|\n| Kitchen, 22 °C | 60 min |\n| Fridge, 4 °C | 8–12 h |\n\n1. Press it with a finger.\n2. If the dent stays, it is ready.\n\n\`\`\`js\nconst ready = dough.size >= 2 * start.size;\n\`\`\``,
    thought: 'The visitor asks about proofing. Temperature decides.',
    next: 'And if my kitchen is cold?',
    part: 'Then give it **more time**: at 18 °C it takes about',
    label: 'Ask the bakery',
  },
  ar: {
    question: 'كم من الوقت يحتاج عجين الخبز ليختمر؟',
    answer: `نحو **ساعة واحدة** في درجة حرارة الغرفة حتى يتضاعف حجمه.\n\n| المكان | الوقت |\n|---|---|\n| المطبخ، 22 °م | 60 دقيقة |\n| الثلاجة، 4 °م | 8–12 ساعة |\n\n1. اضغط عليه بإصبعك.\n2. إذا بقي الأثر فهو جاهز.\n\n\`\`\`js\nconst ready = dough.size >= 2 * start.size;\n\`\`\``,
    thought: 'يسأل الزائر عن التخمير. الحرارة هي الفيصل.',
    next: 'وماذا لو كان مطبخي باردًا؟',
    part: 'عندها امنحه **وقتًا أطول**: عند 18 °م يستغرق نحو',
    label: 'اسأل المخبز',
  },
};
type Texts = (typeof TEXTS)['en'];

const settle = async (el: GemmaChatElement) => {
  for (let turn = 0; turn < 3; turn++) {
    await new Promise((resolve) => setTimeout(resolve));
    await el.updateComplete;
  }
};

async function make(attributes: Record<string, string> = {}): Promise<GemmaChatElement> {
  const el = document.createElement('gemma-chat');
  for (const [name, value] of Object.entries(attributes)) el.setAttribute(name, value);
  document.querySelector('main')!.replaceChildren(el);
  await el.languageReady;
  await settle(el);
  return el;
}

async function loading(move: (load: ReturnType<typeof fakeLoads>[0]) => void): Promise<GemmaChatElement> {
  const loads = fakeLoads();
  const el = await make({'model-src': MODEL_SRC});
  el.load().catch(() => {});
  move(loads[0]);
  await settle(el);
  return el;
}

const failing = (code: ErrorCode, message: string, detail = {}) =>
  loading((load) => load.fail(new GemmaError(code, message, {detail})));

async function say(el: GemmaChatElement, text: string): Promise<void> {
  const input = el.shadowRoot!.querySelector('textarea')!;
  input.value = text;
  input.dispatchEvent(new InputEvent('input', {bubbles: true, composed: true}));
  await settle(el);
  input.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', bubbles: true, composed: true, cancelable: true}));
  await settle(el);
}

async function ready(attributes: Record<string, string> = {}): Promise<{el: GemmaChatElement; client: FakeClient}> {
  const el = await make(attributes);
  const client = new FakeClient();
  client.model.name = MODEL.name;
  el.client = client.asClient();
  await settle(el);
  return {el, client};
}

async function talked(texts: Texts, attributes: Record<string, string> = {}) {
  const {el, client} = await ready({feedback: '', label: texts.label, ...attributes});
  el.send(texts.question).catch(() => {});
  await settle(el);
  client.lastAnswer.think(texts.thought).text(texts.answer).end();
  await settle(el);
  return {el, client};
}

async function history(texts: Texts, ask?: string): Promise<GemmaChatElement> {
  const {el} = await talked(texts, {history: 'session', 'history-key': crypto.randomUUID()});
  await el.historyWritten;
  el.newConversation();
  el.messages = [{role: 'user', content: texts.next}];
  await settle(el);
  await el.historyWritten;
  const press = async (selector: string) => {
    el.shadowRoot!.querySelector<HTMLElement>(selector)!.click();
    await el.conversations();
    await settle(el);
  };
  await press('[part~="history-button"]');
  if (ask) await press(`[data-ask$="${ask}"]`);
  return el;
}

/** In the order of the contact sheet. */
const STATES: Record<string, (texts: Texts) => Promise<unknown>> = {
  idle: () => make(),
  poster: () => make({'model-src': MODEL_SRC}),
  'poster-space': () => {
    fakeQuestions(() => inspection({...MODEL, freeBytes: 8e8}));
    return make({'model-src': MODEL_SRC});
  },
  'poster-starters': async ({question, next}) => {
    const el = await make({'model-src': MODEL_SRC});
    el.starters = [question, next];
    await settle(el);
  },
  'poster-queued': async ({question}) => {
    const el = await make({'model-src': MODEL_SRC});
    await say(el, question);
  },
  'poster-delete': async () => {
    fakeQuestions(() => inspection({...MODEL, storedBytes: 2.49e9, storedIds: ['one']}));
    const el = await make({'model-src': MODEL_SRC});
    el.shadowRoot!.querySelector<HTMLElement>('[part~="remove-stored-button"]')!.click();
    await settle(el);
  },
  refused: () => {
    fakeQuestions(() => inspection({...MODEL, problem: {code: 'adapter-missing', message: 'x'}}));
    return make({'model-src': MODEL_SRC});
  },
  downloading: () => loading((load) => load.progress('download', 0.4)),
  preparing: () => loading((load) => load.progress('compile', 0.9)),
  ready: ({label}) => ready({label}),
  starters: async ({question, next}) => {
    const {el} = await ready();
    el.starters = [question, next];
    await settle(el);
  },
  waiting: async ({question}) => {
    const {el} = await ready();
    el.send(question).catch(() => {});
    await settle(el);
  },
  conversation: (texts) => talked(texts),
  generating: async (texts) => {
    const {el, client} = await talked(texts);
    el.send(texts.next).catch(() => {});
    await settle(el);
    client.lastAnswer.text(texts.part);
    await settle(el);
  },
  queued: async (texts) => {
    const {el, client} = await talked(texts);
    el.send(texts.next).catch(() => {});
    await settle(el);
    client.lastAnswer.text(texts.part);
    await say(el, texts.question);
  },
  named: async (texts) => {
    const {el, client} = await talked(texts, {'show-names': '', 'show-times': '', 'show-avatars': ''});
    el.send(texts.next).catch(() => {});
    await settle(el);
    client.lastAnswer.text(texts.part);
    await settle(el);
    el.stop();
    await settle(el);
  },
  tools: async (texts) => {
    const {el, client} = await ready({label: texts.label});
    el.tools = [
      {name: 'temperature', execute: () => ({celsius: 18})},
      {name: 'order_flour', confirm: true, execute: () => 'ordered'},
    ];
    el.send(texts.next).catch(() => {});
    const asked = async (count: number) => {
      while (client.answers.length < count) await settle(el);
    };
    await asked(1);
    client.lastAnswer.text(texts.part).callTool('temperature', {room: 'kitchen'}).end('tool_calls');
    await asked(2);
    client.lastAnswer.callTool('no_such_tool', {}).end('tool_calls');
    await asked(3);
    client.lastAnswer.callTool('order_flour', {kg: 2}).end('tool_calls');
    await settle(el);
    await settle(el);
  },
  full: async (texts) => {
    const {el, client} = await talked(texts);
    el.send(texts.next).catch(() => {});
    await settle(el);
    client.lastAnswer.call.onProgress({phase: 'truncated', messages: 2});
    client.lastAnswer.text(texts.part).end('length', usageOf(400, 84));
    await settle(el);
  },
  deleted: async (texts) => {
    const {el} = await talked(texts);
    [...el.shadowRoot!.querySelectorAll<HTMLElement>('[part~="delete-message-button"]')].at(-1)!.click();
    await settle(el);
  },
  'answer-failed': async (texts) => {
    const {el, client} = await talked(texts);
    el.send(texts.next).catch(() => {});
    await settle(el);
    client.lastAnswer.fail(new GemmaError('context-overflow', 'the request has 4300 tokens; the context has 4096'));
    await settle(el);
  },
  'error-webgpu': () => failing('webgpu-missing', 'navigator.gpu is missing'),
  'error-space': () => failing('storage-full', '2490000000 bytes are still to be stored', {needed: 2.49e9, free: 8e8}),
  'error-file': () => failing('not-gguf', 'the file begins with 3c21444f; expected GGUF'),
  disabled: ({label}) => ready({label, disabled: ''}),
  history: (texts) => history(texts),
  'history-delete': (texts) => history(texts, 'delete'),
  'launcher-closed': () => ready({display: 'launcher'}),
  'launcher-open': (texts) => talked(texts, {display: 'launcher', open: ''}),
  panel: (texts) => talked(texts, {display: 'panel'}),
};

/** Shows one state. */
async function show(name: string): Promise<void> {
  fakeQuestions(() => inspection(MODEL));
  await STATES[name](TEXTS[document.documentElement.lang as 'en' | 'ar']);
  // What moves for ever stands still for the picture.
  for (const animation of document.getAnimations()) animation.cancel();
}

Object.assign(globalThis, {visual: {names: Object.keys(STATES), show}});
