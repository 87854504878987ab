// The conversation as data: a tree of turns, of which one path is shown. Editing a message or answering it anew adds a
// branch beside the old one; nothing is lost until it is deleted. Knows no model, no view and no storage.
import {GemmaError} from '../../errors.ts';
import type {ChatMessage, FinishReason, MessageSource, Role, ToolStep} from '../../protocol/messages.ts';

export type TurnId = number;

export interface Turn {
  /** Unique within its conversation. */
  readonly id: TurnId;
  /** The turn that it follows; null for a first turn. Always an earlier id. */
  readonly parent: TurnId | null;
  readonly message: Readonly<ChatMessage>;
  /** Answers: why the model ended. */
  readonly finishReason?: FinishReason;
  /** Answers: how long the model thought, in milliseconds. */
  readonly thinkingMs?: number;
  /** When it was said: milliseconds since 1970. */
  readonly at?: number;
  /** What the visitor thinks of an answer. */
  readonly feedback?: Feedback;
}
export type Feedback = 'up' | 'down';
export type TurnFacts = Pick<Turn, 'finishReason' | 'thinkingMs' | 'feedback' | 'at'>;

/** A whole conversation, as JSON can hold it. */
export interface ConversationData {
  /** Oldest first. */
  readonly turns: readonly Turn[];
  /** The last turn of the path that is shown; null while there is none. */
  readonly head: TurnId | null;
}

/** Where a turn stands among the branches that begin where it does; 0-based. */
export interface Branch {
  readonly index: number;
  readonly ids: readonly TurnId[];
}

/** A tree of turns and the path that is shown. @throws GemmaError `option-invalid` for turns that are not in it */
export class Conversation {
  readonly #turns = new Map<TurnId, Turn>();
  /** By parent, oldest first. */
  readonly #children = new Map<TurnId | null, TurnId[]>();
  /** The branch last shown after a turn, where one was chosen. */
  readonly #chosen = new Map<TurnId | null, TurnId>();
  #head: TurnId | null = null;
  #path: readonly Turn[] | null = null;
  #nextId = 1;
  /** Grows with every change: a store sees by it that there is something new. */
  version = 0;

  /** @throws GemmaError `option-invalid` where `data` is not what `toJSON` gives */
  static from(data: ConversationData): Conversation {
    const conversation = new Conversation();
    for (const turn of checkTurns(data)) conversation.#insert(turn);
    if (data.head !== null && !conversation.#turns.has(data.head)) throw invalid(`head ${data.head} is no turn`);
    if (data.head !== null) conversation.#show(data.head);
    return conversation;
  }

  static ofMessages(messages: readonly ChatMessage[]): Conversation {
    const conversation = new Conversation();
    for (const message of messages) conversation.append(message);
    return conversation;
  }

  toJSON(): ConversationData {
    return {turns: [...this.#turns.values()], head: this.#head};
  }

  get head(): TurnId | null {
    return this.#head;
  }

  /** The turns that are shown, first to last. The same array until something changes. */
  get path(): readonly Turn[] {
    if (!this.#path) {
      const path: Turn[] = [];
      for (let at = this.#head; at !== null; ) {
        const turn = this.#get(at);
        path.push(turn);
        at = turn.parent;
      }
      this.#path = path.reverse();
    }
    return this.#path;
  }

  has(id: TurnId): boolean {
    return this.#turns.has(id);
  }

  branch(id: TurnId): Branch {
    const ids = this.#children.get(this.#get(id).parent) ?? [];
    return {index: ids.indexOf(id), ids};
  }

  /** How many turns follow `parent` directly, each the start of a branch. */
  branches(parent: TurnId | null): number {
    return this.#children.get(parent)?.length ?? 0;
  }

  /** An id for a turn that is about to come, so that it is known before it is whole. */
  reserve(): TurnId {
    return this.#nextId++;
  }

  /** Adds a turn after `parent` (by default the last one shown), or puts it in the place of that with its id, and shows it. */
  append(message: ChatMessage, parent: TurnId | null = this.#head, facts: TurnFacts = {}, id = this.reserve()): Turn {
    const turn: Turn = {id, parent, message, ...facts};
    this.#insert(turn);
    this.#show(id);
    return turn;
  }

  /** Ends the shown path at a turn, or before the first. */
  rewind(id: TurnId | null): void {
    if (id !== null) this.#get(id);
    this.#head = id;
    this.#changed();
  }

  /** Shows the branch that begins with a turn, as far as it was last shown. */
  select(id: TurnId): void {
    let end = this.#get(id).id;
    for (;;) {
      const next = this.#chosen.get(end) ?? this.#children.get(end)?.at(-1);
      if (next === undefined) break;
      end = next;
    }
    this.#show(end);
  }

  /** Removes a turn with all that follows it. A branch beside it is shown instead, if there is one. */
  remove(id: TurnId): void {
    const {parent} = this.#get(id);
    const {index, ids} = this.branch(id);
    const shown = this.path.some((turn) => turn.id === id);
    const left = ids.filter((other) => other !== id);
    this.#children.set(parent, left);
    if (this.#chosen.get(parent) === id) this.#chosen.delete(parent);
    for (const gone = [id]; gone.length > 0; ) {
      const next = gone.pop() as TurnId;
      gone.push(...(this.#children.get(next) ?? []));
      this.#turns.delete(next);
      this.#children.delete(next);
      this.#chosen.delete(next);
    }
    if (!shown) this.#changed();
    else if (left.length > 0) this.select(left[Math.min(index, left.length - 1)]);
    else this.rewind(parent);
  }

  /** Puts back turns that were removed, and shows what was shown. `before` is what `toJSON` gave. */
  restore({turns, head}: ConversationData): void {
    for (const turn of turns) if (!this.#turns.has(turn.id)) this.#insert(turn);
    if (head !== null) this.#show(head);
  }

  /** Notes what is known of a turn beside its message. */
  note(id: TurnId, facts: TurnFacts): Turn {
    const turn = {...this.#get(id), ...facts};
    this.#turns.set(id, turn);
    this.#changed();
    return turn;
  }

  #get(id: TurnId): Turn {
    const turn = this.#turns.get(id);
    if (!turn) throw invalid(`turn ${id} is not in this conversation`);
    return turn;
  }

  #insert(turn: Turn): void {
    this.#turns.set(turn.id, turn);
    const siblings = this.#children.get(turn.parent);
    // Oldest first, also where one was removed and came back.
    if (siblings?.includes(turn.id)) return;
    if (siblings) siblings.splice(siblings.findLastIndex((id) => id < turn.id) + 1, 0, turn.id);
    else this.#children.set(turn.parent, [turn.id]);
    this.#nextId = Math.max(this.#nextId, turn.id + 1);
  }

  #show(end: TurnId): void {
    this.#head = end;
    for (let at: TurnId | null = end; at !== null; ) {
      const {parent} = this.#get(at);
      this.#chosen.set(parent, at);
      at = parent;
    }
    this.#changed();
  }

  #changed(): void {
    this.#path = null;
    this.version += 1;
  }
}

/**
 * A message that a page puts into the conversation.
 * @throws GemmaError `option-invalid`
 */
export function checkMessage(message: ChatMessage): ChatMessage {
  const {role, content} = message;
  if ((role !== 'user' && role !== 'assistant') || typeof content !== 'string') {
    throw invalid(
      `a message has role ${JSON.stringify(role)} and ${typeof content} content; expected user or assistant, and a string`,
    );
  }
  return {...message};
}

const REASONS = new Set<unknown>(['stop', 'length', 'abort', 'tool_calls'] satisfies FinishReason[]);

/** Only what is known is taken over: stored data may be of another release, or of anyone's making. */
function checkTurns({turns}: ConversationData): Turn[] {
  if (!Array.isArray(turns)) throw invalid('a conversation has no list of turns');
  const seen = new Set<TurnId>();
  return turns.map((turn: Turn) => {
    const {id, parent, message, finishReason, thinkingMs, feedback, at} = turn ?? {};
    if (!Number.isSafeInteger(id) || id < 1 || seen.has(id)) {
      throw invalid(`a turn has the id ${JSON.stringify(id)}; expected a positive integer of its own`);
    }
    if (parent !== null && !seen.has(parent))
      throw invalid(`turn ${id} follows ${JSON.stringify(parent)}, which is no earlier turn`);
    seen.add(id);
    return {
      id,
      parent,
      message: knownMessage(checkMessage(message ?? {})),
      ...(REASONS.has(finishReason) ? {finishReason} : {}),
      ...(typeof thinkingMs === 'number' && thinkingMs >= 0 ? {thinkingMs} : {}),
      ...(isTime(at) ? {at} : {}),
      ...(feedback === 'up' || feedback === 'down' ? {feedback} : {}),
    };
  });
}

/** What a Date can hold. */
const isTime = (at: unknown): at is number => typeof at === 'number' && at >= 0 && at < 8.64e15;

function knownMessage({role, content, reasoning, sources, steps}: ChatMessage): ChatMessage {
  return {
    role: role as Role,
    content,
    ...(typeof reasoning === 'string' ? {reasoning} : {}),
    ...(Array.isArray(steps) ? {steps: knownSteps(steps)} : {}),
    ...(Array.isArray(sources) ? {sources: knownSources(sources)} : {}),
  };
}

/** As far as they are well formed: a number in the text names a place in the list. */
function knownSources(sources: readonly (MessageSource | null)[]): MessageSource[] {
  const known: MessageSource[] = [];
  for (const source of sources.slice(0, 50)) {
    const {url, title, headings, text} = source ?? ({} as MessageSource);
    const strings = [url, title, text, ...(Array.isArray(headings) ? headings : [null])];
    if (!strings.every((each) => typeof each === 'string' && each.length < 1e5) || !/^https?:/i.test(url)) break;
    known.push({url, title, headings: headings.slice(0, 10), text});
  }
  return known;
}

const STATES = new Set<unknown>(['done', 'failed', 'refused', 'stopped'] satisfies ToolStep['state'][]);

/** As far as they are well formed, and none that still runs. */
function knownSteps(steps: readonly (ToolStep | null)[]): ToolStep[] {
  const known: ToolStep[] = [];
  for (const step of steps.slice(0, 128)) {
    const {id, name, arguments: args, text, round, state, result} = step ?? ({} as ToolStep);
    const strings = [id, name, args, text, result].every((each) => typeof each === 'string' && each.length < 1e5);
    if (!strings || !Number.isSafeInteger(round) || !STATES.has(state)) break;
    known.push({id, name, arguments: args, text, round, state, result});
  }
  return known;
}

function invalid(message: string): GemmaError {
  return new GemmaError('option-invalid', message);
}
