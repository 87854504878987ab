// The line beneath the text field: what the model is doing, in the visitor's words. Pure.
import type {ChatController} from './chat-controller.ts';
import {strings} from './strings.ts';

export function statusText({status, finishReason, activity, client}: ChatController): string {
  if (status === 'generating') {
    if (activity?.phase === 'queued') return strings.statusQueued;
    if (activity?.phase === 'prefill') return strings.statusReading(activity.done, activity.total);
    return strings.statusGenerating;
  }
  if (status === 'ready' && finishReason === 'abort') return strings.statusStopped;
  if (status === 'ready' && finishReason === 'length') return strings.statusLength;
  return strings.statusReady(client?.model.name ?? '');
}
