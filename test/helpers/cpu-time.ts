// Time against size, for tests that hold it to a straight line: processor time, and hostile texts that are generated.

/** A garbage collection, or a compilation beside it, may fall into any one measurement. */
const TRIES = 6;

/**
 * Milliseconds of this process's own, whatever else the machine does: the least of some runs, until one takes at most
 * `enough`. What is slow is slow in all of them.
 */
export function cpu(run: () => void, enough = 0): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < TRIES && (i === 0 || least > enough); i++) {
    const before = process.cpuUsage();
    run();
    const {user, system} = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}

/** For what is known the second time. */
export const ONCE = Number.POSITIVE_INFINITY;

/** A shape that can be made of any length: a few marks again and again, sometimes with something around them. */
export function shape(next: () => number, marks: readonly string[]): (length: number) => string {
  const mark = () => marks[Math.floor(next() * marks.length)];
  const unit = Array.from({length: 1 + Math.floor(next() * 4)}, mark).join('');
  const [before, after] = [next() < 0.3 ? mark() : '', next() < 0.3 ? mark() : ''];
  return (length) => before + unit.repeat(Math.ceil(length / unit.length)) + after;
}
