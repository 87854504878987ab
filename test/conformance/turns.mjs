// Who works when: two models are judged at a time, so that a browser computes for one while this process does for the
// other; each engine takes one model at a time.

/** Gives a function that runs what it is given one after the other. */
export function oneAtATime() {
  let last = Promise.resolve();
  return (work) => {
    const result = last.then(work);
    last = result.catch(() => {});
    return result;
  };
}

/** Results of `work` on all items, in their order, two under way at a time. */
export async function twoAtATime(items, work) {
  const results = [];
  let next = 0;
  const takeTurns = async () => {
    while (next < items.length) {
      const i = next++;
      results[i] = await work(items[i]);
    }
  };
  await Promise.all([takeTurns(), takeTurns()]);
  return results;
}
