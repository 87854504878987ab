// What a chat loads, asks and keeps: the element's options, and the page's model where the element names none.
import type {ChatSettings, Ground} from './chat/chat-state.ts';
import type {HistorySettings} from './history/history.ts';
import {pageModel} from './model/page-model.ts';
import {generationOptions, type Options} from './options.ts';

/** @param ground how a question finds passages; null where the chat knows no pages */
export function chatSettings(options: Options, ground: Ground | null): ChatSettings {
  const {consent, systemPrompt, thinking, beforeSend} = options;
  const shared = options.modelSrc ? null : pageModel();
  const {modelSrc, integrity} = shared ?? options;
  return {
    modelSrc,
    integrity,
    consent,
    workerSrc: options.workerSrc ?? shared?.workerSrc ?? null,
    contextLength: options.contextLength ?? shared?.contextLength ?? null,
    systemPrompt,
    generation: generationOptions(options),
    adapter: {src: options.adapterSrc, scale: options.adapterScale ?? 1},
    thinking,
    contextOverflow: options.contextOverflow === 'stop' ? 'stop' : 'truncate-oldest',
    beforeSend,
    tools: options.tools ?? [],
    ground,
  };
}

/** What of the options concerns the history. */
export function historySettings({history, historyKey, historyStore}: Options): HistorySettings {
  return {kind: history, key: historyKey, store: historyStore};
}
