// Long work as a generator that can be left between two pieces: all at once where nothing else waits, or with the event
// loop served in between. Knows no tokenizer.

/** Each piece, up to a `yield`, takes a few milliseconds at most. */
export type Pieces<T> = Generator<void, T, void>;

/** Entries of a list that are handled between two yields: about 2 ms, cold. */
export const PIECE = 4096;

/** How long pieces run before others get their turn. */
const SLICE_MS = 8;

/** Runs the work to its end. */
export function atOnce<T>(work: Pieces<T>): T {
  for (;;) {
    const {done, value} = work.next();
    if (done) return value;
  }
}

/**
 * Runs the work in slices of about 8 ms, each a task of its own, so that messages are answered in between.
 * @throws AbortError when `signal` aborts; what the work throws
 */
export async function inSlices<T>(work: Pieces<T>, signal?: AbortSignal): Promise<T> {
  for (;;) {
    await nextTask();
    signal?.throwIfAborted();
    const end = performance.now() + SLICE_MS;
    do {
      const {done, value} = work.next();
      if (done) return value;
    } while (performance.now() < end);
  }
}

/** A task, not a microtask: messages that have arrived come first. A timer would wait 4 ms each time. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const {port1, port2} = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
