// One answer in the making: reads the client's stream and grows a turn, measures thinking and speed. Knows neither the
// conversation nor the page.
import type {RequestProgress} from '../../client/index.ts';
import {isAbort} from '../../errors.ts';
import type {FinishReason, MessageSource, ToolCall, ToolStep, Usage} from '../../protocol/messages.ts';
import {abortError} from './chat-state.ts';
import type {Turn, TurnId} from './conversation.ts';

/** What of a chunk is read. */
export interface Chunk {
  choices: {
    delta: {content?: string | null; reasoning_content?: string | null; tool_calls?: ToolCall[]};
    finish_reason?: FinishReason | null;
  }[];
  /** The tools used so far, with what was written before them. */
  steps?: readonly ToolStep[];
  usage?: Usage | null;
}
export type StartStream = (
  signal: AbortSignal,
  onProgress: (progress: RequestProgress) => void,
  cite: (sources: MessageSource[]) => void,
) => Promise<AsyncIterable<Chunk>>;

export interface Outcome {
  /** As far as it came. */
  turn: Turn;
  finishReason: FinishReason;
  usage?: Usage;
  /** Why it failed, where it did. */
  failure?: unknown;
}

export interface AnsweringHost {
  changed(): void;
  grown(turn: Turn): void;
  /** A tool was called, or something came of it. */
  used(turn: Turn): void;
}

interface Run {
  abort: AbortController;
  turn: Turn;
  thinkingSince: number;
  firstAt: number;
  tokens: number;
}

/** The answer that is being written, at most one at a time. */
export class Answering {
  readonly #host: AnsweringHost;
  #run: Run | null = null;
  /** Where the request stands before its first word. */
  activity: RequestProgress | null = null;
  /** How many of the messages that were asked with did not fit and were left out. */
  truncated = 0;
  /** Tokens a second of the answer in the making, or of the last one; null before there are two. */
  speed: number | null = null;

  constructor(host: AnsweringHost) {
    this.#host = host;
  }

  get busy(): boolean {
    return this.#run !== null;
  }

  /** The answer so far. */
  get turn(): Turn | null {
    return this.#run?.turn ?? null;
  }

  /**
   * Resolves with what became of the answer; with null when it was dropped meanwhile. Never rejects.
   * @param message where the answer goes on
   */
  async run(
    id: TurnId,
    parent: TurnId,
    start: StartStream,
    message: Turn['message'] = {role: 'assistant', content: ''},
  ): Promise<Outcome | null> {
    const abort = new AbortController();
    const turn: Turn = {id, parent, message};
    const run: Run = {abort, turn, thinkingSince: 0, firstAt: 0, tokens: 0};
    this.#run = run;
    this.activity = null;
    this.truncated = 0;
    this.speed = null;
    let finishReason: FinishReason = 'abort';
    let usage: Usage | undefined;
    let failure: unknown;
    try {
      const cite = (sources: MessageSource[]): void => {
        run.turn = {...run.turn, message: {...run.turn.message, sources}};
      };
      for await (const chunk of await start(abort.signal, (activity) => this.#waiting(run, activity), cite)) {
        if (this.#run !== run) break;
        if (chunk.usage) usage = chunk.usage;
        if (chunk.steps) this.#use(run, chunk.steps);
        const [choice] = chunk.choices;
        if (choice?.finish_reason) finishReason = choice.finish_reason;
        if (choice) this.#grow(run, choice.delta.content ?? '', choice.delta.reasoning_content ?? '');
      }
    } catch (error) {
      if (!isAbort(error)) failure = error;
    }
    if (this.#run !== run) return null;
    this.#run = null;
    return {turn: endSteps(closeThinking(run)), finishReason, usage, failure};
  }

  /** Ends the answer, which stays as far as it came. */
  stop(): void {
    this.#run?.abort.abort(abortError('stopped'));
  }

  /** Ends the answer; it belongs to nothing any more. Gives what had come. */
  drop(): Turn | null {
    const run = this.#run;
    this.#run = null;
    run?.abort.abort(abortError('stopped'));
    return run && endSteps(closeThinking(run));
  }

  #waiting(run: Run, activity: RequestProgress): void {
    if (this.#run !== run) return;
    if (activity.phase === 'truncated') this.truncated = activity.messages;
    else this.activity = activity;
    this.#host.changed();
  }

  #use(run: Run, steps: readonly ToolStep[]): void {
    run.turn = {...run.turn, message: {...run.turn.message, content: '', steps}};
    this.#host.changed();
    this.#host.used(run.turn);
  }

  #grow(run: Run, content: string, reasoning: string): void {
    if (content === '' && reasoning === '') return;
    const now = performance.now();
    run.tokens += 1;
    if (run.tokens === 1) run.firstAt = now;
    // A chunk is a token, give or take a character that took several.
    else if (now > run.firstAt) this.speed = ((run.tokens - 1) * 1000) / (now - run.firstAt);
    const {message} = run.turn;
    if (reasoning && !run.thinkingSince) run.thinkingSince = now;
    if (content && message.content === '') run.turn = closeThinking(run);
    const next = {...message, content: message.content + content};
    if (reasoning) next.reasoning = (message.reasoning ?? '') + reasoning;
    run.turn = {...run.turn, message: next};
    this.activity = null;
    this.#host.changed();
    this.#host.grown(run.turn);
  }
}

/** What still ran when the answer ended was stopped. */
function endSteps(turn: Turn): Turn {
  const {steps} = turn.message;
  const open = (step: ToolStep) => step.state === 'running' || step.state === 'asking';
  if (!steps?.some(open)) return turn;
  const ended = steps.map((step) =>
    open(step) ? {...step, state: 'stopped' as const, result: 'It was stopped.'} : step,
  );
  return {...turn, message: {...turn.message, steps: ended}};
}

/** Thinking ends with the first word of the answer, or with the answer. */
function closeThinking({turn, thinkingSince}: Run): Turn {
  if (!thinkingSince || turn.thinkingMs !== undefined) return turn;
  return {...turn, thinkingMs: Math.round(performance.now() - thinkingSince)};
}
