// The line beneath the text field: what the model is doing, in the visitor's words. Pure.
import type {ChatController} from './chat-controller.ts';
import type {Language} from './languages/index.ts';

export function statusText(language: Language, {status, finishReason, answering, client}: ChatController): string {
  const {activity} = answering;
  if (status === 'generating') {
    if (activity?.phase === 'queued') return language.text('statusQueued');
    if (activity?.phase === 'prefill')
      return language.text('statusReading', {done: activity.done, total: activity.total});
    return language.text('statusGenerating');
  }
  if (status === 'ready' && finishReason === 'abort') return language.text('statusStopped');
  if (status === 'ready' && finishReason === 'length') return language.text('statusLength');
  const model = client?.model.name;
  return model ? language.text('statusReadyModel', {model}) : language.text('statusReady');
}
