// A chunk of its own: goes on with an answer that reached its length limit, where it ended. The prompt is the one that the
// answer was written for, with the answer's own words after it. Knows no view.
import type {GemmaClient} from '../../client/index.ts';
import type {ChatMessage, GenerationOptions} from '../../protocol/messages.ts';
import type {Chunk} from './answering.ts';

export interface Continuing {
  client: GemmaClient;
  /** What the answer was asked with. */
  messages: readonly ChatMessage[];
  /** The answer so far. */
  content: string;
  generation: Omit<GenerationOptions, 'logprobs' | 'top_logprobs'>;
  /** Leaves the oldest messages out where not all fit. */
  truncates: boolean;
  signal: AbortSignal;
}

/** Tokens that there is to be room for. */
const ROOM = 64;

/** The rest of the answer. */
export async function* continuing(request: Continuing): AsyncGenerator<Chunk> {
  const {client, generation, signal} = request;
  const prompt = await promptOf(request);
  signal.throwIfAborted();
  const stream = await client.completions.create({...generation, prompt, stream: true, signal});
  for await (const {choices, usage} of stream) {
    const [{text, finish_reason}] = choices;
    yield {choices: [{delta: {content: text}, finish_reason}], usage};
  }
}

async function promptOf({client, messages, content, truncates, signal}: Continuing): Promise<number[]> {
  // What the model wrote is text, also where it spells a control token.
  const written = await client.tokenize(content, {addBos: false});
  const left = [...messages];
  for (;;) {
    signal.throwIfAborted();
    const template = await client.applyTemplate(left);
    const asked = await client.tokenize(template, {addBos: false, parseSpecial: true});
    const ids = [...asked, ...written];
    const first = left.findIndex(({role}) => role !== 'system');
    const next = left.findIndex(({role}, index) => index > first && role === 'user');
    if (!truncates || ids.length + ROOM <= client.model.contextLength || next < 0) return ids;
    left.splice(first, next - first);
  }
}
