// What keeps conversations: the contract between a chat's history and its store, which a page may replace by its own.
// Types, and what is believed of data that comes back.
import type {ConversationData} from '../chat/conversation.ts';

/** A conversation as the list shows it. */
export interface ConversationSummary {
  readonly id: string;
  readonly title: string;
  /** Milliseconds since 1970. */
  readonly updated: number;
  /** Messages on the path that is shown. */
  readonly messages: number;
}

export interface StoredConversation extends ConversationSummary {
  readonly created: number;
  /** The visitor gave it its title. */
  readonly named: boolean;
  /** 1 when it is first written, and one more each time. */
  readonly revision: number;
  readonly conversation: ConversationData;
}

/** Plain data goes in and comes out; a store need not understand it. Every method may reject. */
export interface HistoryStore {
  /** The conversations of a scope, in any order. */
  list(scope: string): Promise<readonly ConversationSummary[]>;
  read(scope: string, id: string): Promise<StoredConversation | null>;
  /**
   * Keeps a conversation if what is there has the revision before it, or nothing is there; else gives false and
   * changes nothing, so that two tabs never overwrite each other.
   */
  write(scope: string, conversation: StoredConversation): Promise<boolean>;
  remove(scope: string, id: string): Promise<void>;
  /** Calls back when the scope may have changed elsewhere; gives how to stop. */
  watch?(scope: string, changed: () => void): () => void;
}

const TITLE = 200;
const ID = /^[\w-]{1,64}$/;

const isTime = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value < 8.64e15;

/** The summary in a record, or null: stored data may be of another release, or of anyone's making. */
export function checkSummary(value: unknown): ConversationSummary | null {
  if (typeof value !== 'object' || value === null) return null;
  const {id, title, updated, messages} = value as Partial<Record<keyof ConversationSummary, unknown>>;
  if (typeof id !== 'string' || !ID.test(id) || typeof title !== 'string' || !isTime(updated)) return null;
  const count = Number.isSafeInteger(messages) && (messages as number) >= 0 ? (messages as number) : 0;
  return {id, title: title.slice(0, TITLE), updated, messages: count};
}

/** A whole record, or null. Its turns are checked where they become a conversation. */
export function checkStored(value: unknown): StoredConversation | null {
  const summary = checkSummary(value);
  if (!summary) return null;
  const {created, named, revision, conversation} = value as Partial<Record<keyof StoredConversation, unknown>>;
  if (!Number.isSafeInteger(revision) || typeof conversation !== 'object' || conversation === null) return null;
  return {
    ...summary,
    created: isTime(created) ? created : summary.updated,
    named: named === true,
    revision: revision as number,
    conversation: conversation as ConversationData,
  };
}
