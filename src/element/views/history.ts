// The list of conversations, over the chat: open, rename, delete, export; a new one; export and import of all. Each row
// asks in its own place. Keeps nothing. A lazy chunk, so it imports nothing of the element but types.
import type {TemplateResult} from 'lit';
import {html, repeat} from '../handed.ts';
import type {ConversationSummary} from '../history/store.ts';
import type {Language} from '../languages/index.ts';
import {backIcon, editIcon, exportIcon, newIcon, removeIcon} from './late-icons.ts';

/** What a row asks, in the place of its buttons. */
export type RowQuestion = {id: string; ask: 'rename' | 'delete' | 'export'} | null;

export interface HistoryActions {
  close(): void;
  fresh(): void;
  search(query: string): void;
  open(id: string): void;
  ask(question: RowQuestion): void;
  rename(id: string, title: string): void;
  remove(id: string): void;
  export(id: string | null, format: 'json' | 'markdown'): void;
  import(file: File): void;
}

export interface HistoryView {
  language: Language;
  /** Null before the list was read. */
  list: readonly ConversationSummary[] | null;
  /** The words that are looked for; the list is what has them. */
  query: string;
  /** The conversation on screen. */
  current: string | null;
  /** Nothing can be kept. */
  failed: boolean;
  question: RowQuestion;
  act: HistoryActions;
}

/** The list over the chat. */
export function renderHistory(view: HistoryView): TemplateResult {
  const {language, list, query, failed, question, act} = view;
  const searched = query.trim() !== '';
  const keydown = (event: KeyboardEvent) => {
    if (event.key === 'Tab') holdFocus(event);
    if (event.key !== 'Escape' || event.isComposing) return;
    event.preventDefault();
    if (question) act.ask(null);
    else act.close();
  };
  return html`
  <div part="history" role="dialog" aria-label=${language.text('history')} @keydown=${keydown}>
    <div part="history-header">
      <button part="button icon-button history-back" type="button" aria-label=${language.text('historyBack')} @click=${act.close}>
        ${backIcon()}
      </button>
      <div part="label" role="heading" aria-level="2">${language.text('history')}</div>
      <button part="button icon-button history-new" type="button" aria-label=${language.text('historyNew')} title=${language.text('historyNew')} @click=${act.fresh}>
        ${newIcon()}
      </button>
    </div>
    ${
      !failed && (searched || (list?.length ?? 0) > 1)
        ? html`<input
              part="history-search"
              type="search"
              dir="auto"
              maxlength="200"
              aria-label=${language.text('historySearch')}
              placeholder=${language.text('historySearch')}
              .value=${query}
              @input=${(event: Event) => act.search((event.currentTarget as HTMLInputElement).value)}
            />`
        : null
    }
      ${failed ? html`<p part="history-note" role="status">${language.text('historyFailed')}</p>` : null}
    ${
      list?.length === 0 && !failed
        ? html`<p part="history-note" role="status">${language.text(searched ? 'historyNoMatch' : 'historyNone')}</p>`
        : null
    }
    <ul part="history-list">
      ${repeat(
        list ?? [],
        ({id}) => id,
        (each) => renderRow(view, each),
      )}
    </ul>
    ${failed ? null : renderFooter(view)}
  </div>
`;
}

function renderRow({language, current, question, act}: HistoryView, summary: ConversationSummary): TemplateResult {
  const {id, updated, messages} = summary;
  const title = summary.title || language.text('historyUntitled');
  const asked = question?.id === id ? question.ask : null;
  return html`
  <li part=${id === current ? 'history-item history-current' : 'history-item'}>
    ${
      asked === 'rename'
        ? renderRename(language, id, title, act)
        : html`<button part="history-open" type="button" aria-current=${id === current} @click=${() => act.open(id)}>
            <span part="history-title" dir="auto">${title}</span>
            <span part="history-facts">
              ${language.time(updated)} · ${language.text('historyMessages', {count: messages})}
            </span>
          </button>`
    }
    ${asked === null ? renderTools(language, id, title, act) : null}
    ${asked === 'delete' ? renderDelete(language, id, act) : null}
    ${asked === 'export' ? renderExport(language, id, act) : null}
  </li>
`;
}

function renderTools(language: Language, id: string, title: string, act: HistoryActions): TemplateResult {
  const tools = [
    ['rename', language.text('historyRenameOne', {title}), editIcon()],
    ['export', language.text('historyExportOne', {title}), exportIcon()],
    ['delete', language.text('historyDeleteOne', {title}), removeIcon()],
  ] as const;
  return html`<div class="row-tools">
  ${tools.map(
    ([ask, name, icon]) =>
      html`<button
        part="button icon-button history-tool"
        type="button"
        data-ask="${id} ${ask}"
        aria-label=${name}
        @click=${() => act.ask({id, ask})}
      >
        ${icon}
      </button>`,
  )}
</div>`;
}

function renderRename(language: Language, id: string, title: string, act: HistoryActions): TemplateResult {
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const input = (event.currentTarget as HTMLFormElement).elements[0] as HTMLInputElement;
    act.rename(id, input.value);
  };
  return html`<form class="row-form" @submit=${submit}>
  <input part="history-input" dir="auto" maxlength="200" aria-label=${language.text('historyRenameInput')} .value=${title} />
  <button part="button history-answer" type="submit">${language.text('historySave')}</button>
  ${renderCancel(language, act)}
</form>`;
}

function renderDelete(language: Language, id: string, act: HistoryActions): TemplateResult {
  return html`<div class="row-form" role="group" aria-label=${language.text('historyDeleteAsk')}>
  <span class="grows">${language.text('historyDeleteAsk')}</span>
  <button part="button history-answer history-danger" type="button" @click=${() => act.remove(id)}>
    ${language.text('historyDelete')}
  </button>
  ${renderCancel(language, act)}
</div>`;
}

function renderExport(language: Language, id: string, act: HistoryActions): TemplateResult {
  return html`<div class="row-form">
  <button part="button history-answer" type="button" @click=${() => act.export(id, 'markdown')}>
    ${language.text('historyExportMarkdown')}
  </button>
  <button part="button history-answer" type="button" @click=${() => act.export(id, 'json')}>
    ${language.text('historyExportJson')}
  </button>
  ${renderCancel(language, act)}
</div>`;
}

function renderCancel(language: Language, act: HistoryActions): TemplateResult {
  return html`<button part="button" type="button" @click=${() => act.ask(null)}>${language.text('cancel')}</button>`;
}

function renderFooter({language, list, act}: HistoryView): TemplateResult {
  const change = (event: Event) => {
    const input = event.currentTarget as HTMLInputElement;
    const [file] = input.files ?? [];
    // The same file may be chosen again.
    input.value = '';
    if (file) act.import(file);
  };
  return html`<div part="history-footer">
  <label part="button history-import">
    ${language.text('historyImport')}
    <input class="visually-hidden" type="file" accept=".json,.md,application/json,text/markdown" @change=${change} />
  </label>
  ${
    list?.length
      ? html`<button part="button history-export-all" type="button" @click=${() => act.export(null, 'json')}>
          ${language.text('historyExportAll')}
        </button>`
      : null
  }
</div>`;
}

/** The list is over the chat: the Tab key goes round in it. */
function holdFocus(event: KeyboardEvent): void {
  const panel = event.currentTarget as HTMLElement;
  const stops = [...panel.querySelectorAll<HTMLElement>('button:not(:disabled), input')].filter((stop) =>
    stop.checkVisibility(),
  );
  const edge = event.shiftKey ? stops[0] : stops.at(-1);
  if (event.target !== edge) return;
  event.preventDefault();
  (event.shiftKey ? stops.at(-1) : stops[0])?.focus();
}
