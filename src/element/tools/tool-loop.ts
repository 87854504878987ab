// A chunk of its own: an answer for which the model may call the page's tools. Asks the model, runs what it calls, tells it
// the results and asks again, until it answers in words. Knows no view; what a visitor is asked goes to the host.
import type {ChatMessage, ToolCall, ToolDefinition, ToolStep} from '../../protocol/messages.ts';
import type {Chunk} from '../chat/answering.ts';
import type {AskVisitor, ChatTool} from './chat-tools.ts';

/** Rounds in which a model may call tools for one answer; after that it has to answer without them. */
const MOST_ROUNDS = 8;
/** Calls in one round. */
const MOST_CALLS = 16;
/** Characters of a result that the model reads, and of arguments that are shown. */
const MOST_TEXT = 20_000;

export interface ToolLoop {
  readonly tools: readonly ChatTool[];
  readonly signal: AbortSignal;
  /** What the model reads after these steps. */
  messagesWith(steps: readonly ToolStep[]): ChatMessage[];
  /** Asks the model. Without definitions it cannot call. */
  create(messages: ChatMessage[], tools: ToolDefinition[] | undefined): Promise<AsyncIterable<Chunk>>;
  ask: AskVisitor;
}

/** A tool as the model is told of it: without what runs it. */
export const definitionOf = ({name, description, parameters}: ChatTool): ToolDefinition => ({
  type: 'function',
  function: {name, ...(description ? {description} : {}), ...(parameters ? {parameters} : {})},
});

/** The answer's chunks. One with `steps` has the tools used so far, and what the model wrote before them moves there. */
export async function* withTools({tools, messagesWith, signal, create, ask}: ToolLoop): AsyncGenerator<Chunk> {
  const definitions = tools.map(definitionOf);
  let steps: readonly ToolStep[] = [];
  for (let round = 0; ; round++) {
    const mayCall = round < MOST_ROUNDS;
    const calls: ToolCall[] = [];
    let text = '';
    let end: Chunk | null = null;
    for await (const chunk of await create(messagesWith(steps), mayCall ? definitions : undefined)) {
      const [choice] = chunk.choices;
      for (const call of choice?.delta.tool_calls ?? []) calls.push(call);
      text += choice?.delta.content ?? '';
      // The end of a round with calls is not the answer's.
      if (choice?.finish_reason === 'tool_calls' && mayCall) end = chunk;
      else yield chunk;
    }
    if (!end) return;
    const begun = steps.length;
    steps = [...steps, ...calls.slice(0, MOST_CALLS).map((call, index) => begin(call, index === 0 ? text : '', round))];
    yield {choices: [], steps};
    for (let at = begun; at < steps.length; at++) {
      const update = (change: Partial<ToolStep>): Chunk => {
        steps = steps.with(at, {...steps[at], ...change});
        return {choices: [], steps};
      };
      const tool = tools.find(({name}) => name === steps[at].name);
      if (tool?.confirm) {
        yield update({state: 'asking'});
        const allowed = await ask(steps[at], signal);
        signal.throwIfAborted();
        if (!allowed) {
          yield update({state: 'refused', result: 'The visitor did not allow this call.'});
          continue;
        }
        yield update({state: 'running'});
      }
      yield update(await outcome(tool, steps[at], signal));
      signal.throwIfAborted();
    }
  }
}

function begin({id, function: {name, arguments: args}}: ToolCall, text: string, round: number): ToolStep {
  return {id, name: name.slice(0, 200), arguments: args.slice(0, MOST_TEXT), text, round, state: 'running', result: ''};
}

/** What came of a call, which never throws: a failure is told to the model. */
async function outcome(
  tool: ChatTool | undefined,
  step: ToolStep,
  signal: AbortSignal,
): Promise<Pick<ToolStep, 'state' | 'result'>> {
  try {
    if (!tool) throw new Error(`there is no tool ${step.name}`);
    const args: unknown = JSON.parse(step.arguments || '{}');
    if (typeof args !== 'object' || args === null || Array.isArray(args))
      throw new Error('the arguments are no object');
    const result = await untilAborted(tool.execute(args as Record<string, unknown>, {signal}), signal);
    const text = typeof result === 'string' ? result : (JSON.stringify(result) ?? 'done');
    return {state: 'done', result: text.slice(0, MOST_TEXT)};
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return {state: signal.aborted ? 'stopped' : 'failed', result: text.slice(0, MOST_TEXT)};
  }
}

/** A tool that does not hear of the abort holds up no one. */
function untilAborted(running: unknown, signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), {once: true});
    Promise.resolve(running).then(resolve, reject);
  });
}
