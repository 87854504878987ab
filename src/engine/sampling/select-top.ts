// The n largest of many logits without sorting them all. Knows nothing of probabilities.

/**
 * Ids of the n largest logits, largest first; of equal ones the lower id comes first. −Infinity never counts.
 * One pass with a heap of n: about one comparison a logit while n is far below the vocabulary.
 */
export function selectTop(logits: Float32Array, n: number): Uint32Array {
  const size = Math.min(n, logits.length);
  const heap = new Uint32Array(size); // the root is the weakest of those kept
  let count = 0;
  let weakest = Number.NEGATIVE_INFINITY;
  const weaker = (a: number, b: number) => logits[a] < logits[b] || (logits[a] === logits[b] && a > b);

  const siftDown = (end: number) => {
    const id = heap[0];
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= end) break;
      if (child + 1 < end && weaker(heap[child + 1], heap[child])) child++;
      if (!weaker(heap[child], id)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = id;
  };

  for (let id = 0; id < logits.length && size > 0; id++) {
    // A later id never displaces an equal logit, so > suffices once the heap is full; it drops −Infinity and NaN before.
    if (!(logits[id] > weakest)) continue;
    if (count < size) {
      let at = count++;
      while (at > 0) {
        const parent = (at - 1) >> 1;
        if (!weaker(id, heap[parent])) break;
        heap[at] = heap[parent];
        at = parent;
      }
      heap[at] = id;
      if (count === size) weakest = logits[heap[0]];
    } else {
      heap[0] = id;
      siftDown(size);
      weakest = logits[heap[0]];
    }
  }

  // The weakest goes to the end, again and again: what is left is sorted, largest first.
  for (let end = count - 1; end > 0; end--) {
    const id = heap[0];
    heap[0] = heap[end];
    heap[end] = id;
    siftDown(end);
  }
  return heap.subarray(0, count);
}
