// Server-sent events of an answer that is still being written.
import {errorBody, failureOf} from './answers.ts';

interface Streaming {
  signal: AbortSignal;
  leave: () => void;
  /** Ends with `[DONE]`, as completions do; else each event has its type's name. */
  isWhole: boolean;
}

/**
 * An answer in events. It begins with the first event: what is wrong with the request until then has a status of its own. An
 * error after that is an event; a stop is an error of the body, as with any fetch.
 * @throws what the answer throws before its first event
 */
export async function eventStream(
  events: AsyncIterable<object>,
  {signal, leave, isWhole}: Streaming,
): Promise<Response> {
  const iterator = events[Symbol.asyncIterator]();
  let next: IteratorResult<object> | null = await iterator.next();
  signal.throwIfAborted();
  const encoder = new TextEncoder();
  const text = (event: object): string => {
    const name = isWhole ? '' : `event: ${(event as {type: string}).type}\n`;
    return `${name}data: ${JSON.stringify(event)}\n\n`;
  };
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        next ??= await iterator.next();
        if (signal.aborted) return controller.error(signal.reason);
        const {value, done} = next;
        next = null;
        if (!done) return controller.enqueue(encoder.encode(text(value)));
        if (isWhole) controller.enqueue(encoder.encode('data: [DONE]\n\n'));
        controller.close();
      } catch (error) {
        if (signal.aborted) return controller.error(signal.reason);
        const failure = errorBody(failureOf(error));
        controller.enqueue(encoder.encode(text(isWhole ? failure : {...failure.error, type: 'error'})));
        controller.close();
      }
    },
    async cancel() {
      leave();
      await iterator.return?.();
    },
  });
  return new Response(body, {headers: {'content-type': 'text/event-stream', 'cache-control': 'no-store'}});
}
