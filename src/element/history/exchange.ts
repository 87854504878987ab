// Conversations as files: JSON for all of them with their branches, Markdown to read one. Both can be read back; the
// reader checks what is in one. Pure, and a lazy chunk, so it imports nothing of the element but types.
import type {ChatMessage, MessageSource} from '../../protocol/messages.ts';
import type {ConversationData, Turn} from '../chat/conversation.ts';
import type {StoredConversation} from './store.ts';

export interface Exchanged {
  title: string;
  /** Milliseconds since 1970; null where the file does not say. */
  created: number | null;
  updated: number | null;
  /** Unchecked. */
  conversation: ConversationData;
}

const FORMAT = 'gemma-chat';
const VERSION = 1;

/** All of them as one file of JSON, with their branches. */
export function toJson(conversations: readonly StoredConversation[]): string {
  const plain = conversations.map(({title, created, updated, conversation: {turns, head}}) => {
    return {title, created, updated, turns, head};
  });
  return `${JSON.stringify({format: FORMAT, version: VERSION, conversations: plain}, null, 1)}\n`;
}

/** Stands before each message, and tells it from a heading that someone wrote. */
const MARK = /^<!-- gemma-chat (user|assistant) -->$/;
const ESCAPED = /^(\\*)(<!-- gemma-chat )/;
/** Stands before the passages that an answer was made of. */
const SOURCES = '<!-- gemma-chat sources -->';
const SOURCE = /^\d+\. \[((?:[^\\\]]|\\.)*)\]\((\S+)\)$/;
const QUOTE = '   > ';
/** Letters of a passage that a reader gets. */
const MOST_QUOTED = 240;

/** The messages that are shown. `authors` are the headings. */
export function toMarkdown(
  title: string,
  shown: readonly Readonly<ChatMessage>[],
  authors: {user: string; assistant: string},
): string {
  const messages = shown.map(({role, content, sources}) => {
    const author = role === 'user' ? authors.user : authors.assistant;
    const text = content.split('\n').map((line) => line.replace(ESCAPED, '\\$1$2'));
    return `<!-- gemma-chat ${role} -->\n## ${author}\n\n${text.join('\n')}\n${sources?.length ? sourceList(sources) : ''}`;
  });
  return [`# ${title.replaceAll(/\s+/g, ' ')}\n`, ...messages].join('\n');
}

/** Numbered as the answer cites them. */
function sourceList(sources: readonly MessageSource[]): string {
  const lines = sources.map(({url, title, headings, text}, i) => {
    const heading = headings.at(-1);
    const label = oneLine(heading && heading !== title ? `${heading} · ${title}` : title).replace(/[\\[\]]/g, '\\$&');
    const address = url.replace(/[()\s]/g, (sign) => `%${sign.charCodeAt(0).toString(16).padStart(2, '0')}`);
    return `${i + 1}. [${label}](${address})\n${QUOTE}${oneLine(text).slice(0, MOST_QUOTED)}\n`;
  });
  return `\n${SOURCES}\n${lines.join('')}`;
}

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();

/** What `sourceList` wrote; unchecked. */
function readSources(lines: readonly string[]): MessageSource[] {
  const sources: MessageSource[] = [];
  for (const line of lines) {
    const [, label, url] = SOURCE.exec(line) ?? [];
    if (url !== undefined) sources.push({url, title: label.replace(/\\(.)/g, '$1'), headings: [], text: ''});
    else if (line.startsWith(QUOTE) && sources.length > 0) sources[sources.length - 1].text = line.slice(QUOTE.length);
  }
  return sources;
}

/** Every conversation in a file that can be read; none for a file of another kind. */
export function fromFile(text: string): Exchanged[] {
  const json = parse(text);
  return json === undefined ? fromMarkdown(text) : fromJson(json);
}

function fromJson(file: unknown): Exchanged[] {
  const {format, conversations} = (file ?? {}) as {format?: unknown; conversations?: unknown};
  if (format !== FORMAT || !Array.isArray(conversations)) return [];
  return conversations.flatMap((each: Partial<Record<string, unknown>> | null) => {
    const {title, created, updated, turns, head} = each ?? {};
    const conversation = {turns, head: head ?? null} as ConversationData;
    const time = (value: unknown) => (typeof value === 'number' && value >= 0 && value < 8.64e15 ? value : null);
    return [
      {title: typeof title === 'string' ? title : '', created: time(created), updated: time(updated), conversation},
    ];
  });
}

function fromMarkdown(text: string): Exchanged[] {
  const lines = text.split(/\r?\n/);
  const title = lines.find((line) => line.startsWith('# '))?.slice(2) ?? '';
  const turns: Turn[] = [];
  let role: 'user' | 'assistant' | null = null;
  let content: string[] = [];
  /** Lines of the list of sources, once it has begun. */
  let listed: string[] | null = null;
  const finish = () => {
    const sources = readSources(listed ?? []);
    // The heading after the mark is for readers.
    const body = content[0]?.startsWith('## ') ? content.slice(1) : content;
    const written = body.join('\n').replace(/^\n/, '').replace(/\n+$/, '');
    const id = turns.length + 1;
    const message = {role: role as 'user' | 'assistant', content: written, ...(sources.length > 0 ? {sources} : {})};
    if (role) turns.push({id, parent: id === 1 ? null : id - 1, message});
    content = [];
    listed = null;
  };
  for (const line of lines) {
    const mark = MARK.exec(line);
    if (mark) {
      finish();
      role = mark[1] as 'user' | 'assistant';
    } else if (line === SOURCES) listed = [];
    else if (listed) listed.push(line);
    else if (role) content.push(line.replace(/^\\(\\*<!-- gemma-chat )/, '$1'));
  }
  finish();
  if (turns.length === 0) return [];
  return [{title, created: null, updated: null, conversation: {turns, head: turns.length}}];
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
