// The line beneath the text field: what the model is doing, in the visitor's words. Pure.

import type {Language} from '../languages/index.ts';
import type {ChatController} from './chat-controller.ts';

/** @param showSpeed with the tokens a second, once they are known */
export function statusText(language: Language, chat: ChatController, showSpeed: boolean): string {
  const {speed} = chat.answering;
  const text = stateText(language, chat);
  if (!showSpeed || speed === null) return text;
  return `${text} · ${language.text('speed', {speed})}`;
}

function stateText(language: Language, {status, finishReason, answering, client, finds}: ChatController): string {
  const {activity} = answering;
  if (status === 'generating') {
    if (activity?.phase === 'queued' && activity.position > 0) return queuedText(language, activity.position);
    if (activity?.phase === 'restarting') return language.text('statusRestarting');
    if (activity?.phase === 'prefill')
      return language.text('statusReading', {done: activity.done, total: activity.total});
    // Until the first token: the prompt is read, or the request is on its way.
    return language.text(
      answering.turn?.message.content || answering.turn?.message.reasoning ? 'statusGenerating' : 'waiting',
    );
  }
  // That an answer reached its length limit is said beneath it.
  if (status === 'ready' && finishReason === 'abort') return language.text('statusStopped');
  // What finds passages answers at once.
  if (!client) return finds ? '' : language.text('statusNotLoaded');
  const model = client.model.name;
  return model ? language.text('statusReadyModel', {model}) : language.text('statusReady');
}

/** @param position how many answers come before this one */
function queuedText(language: Language, position: number): string {
  return position > 1 ? language.text('queued', {count: position}) : language.text('statusQueued');
}
