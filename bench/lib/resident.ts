// Resident memory of processes as Linux counts it: now, and the highest since it was last asked to forget. Linux only.
import {readdirSync, readFileSync, writeFileSync} from 'node:fs';

function status(pid: number | 'self', field: string): number {
  const line = readFileSync(`/proc/${pid}/status`, 'utf8').match(new RegExp(`^${field}:\\s+(\\d+)`, 'm'));
  return line ? 1024 * Number(line[1]) : 0;
}

/** A process and all that descend from it. */
export function family(root: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      parents.set(Number(name), status(Number(name), 'PPid') / 1024);
    } catch {
      // It ended in between.
    }
  }
  const found = [root];
  for (let i = 0; i < found.length; i++) {
    for (const [pid, parent] of parents) if (parent === found[i]) found.push(pid);
  }
  return found;
}

/** Bytes in memory, shared pages counted in every process. */
export function resident(pids: readonly (number | 'self')[]): number {
  return pids.reduce<number>((sum, pid) => sum + status(pid, 'VmRSS'), 0);
}

/** The highest of each process since `forgetPeak`, in sum: not less than the highest sum. */
export function peak(pids: readonly (number | 'self')[]): number {
  return pids.reduce<number>((sum, pid) => sum + status(pid, 'VmHWM'), 0);
}

export function forgetPeak(pids: readonly (number | 'self')[]): void {
  for (const pid of pids) writeFileSync(`/proc/${pid}/clear_refs`, '5');
}
