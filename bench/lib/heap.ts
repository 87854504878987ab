// What JavaScript takes of memory: kept after a collection, and passing through.
import {Session} from 'node:inspector/promises';
import {setFlagsFromString} from 'node:v8';
import {runInNewContext} from 'node:vm';

interface SampleNode {
  callFrame: {url: string; functionName: string};
  selfSize: number;
  children: SampleNode[];
}

let collect: (() => void) | null = null;

/** Bytes of the heap that are left after a collection. */
export function heapAfterCollection(): number {
  if (!collect) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
  return process.memoryUsage().heapUsed;
}

/**
 * Bytes of heap that functions of `src/` allocate while `work` runs, whether collected since or not: an estimate from
 * samples. What the platform allocates is not counted: in Node, Dawn polls by timers while it waits.
 */
export async function allocatedBytes(work: () => Promise<void>): Promise<number> {
  const session = new Session();
  session.connect();
  await session.post('HeapProfiler.startSampling', {
    samplingInterval: 512,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  });
  await work();
  const {profile} = await session.post('HeapProfiler.stopSampling');
  session.disconnect();
  return ours(profile.head, false);
}

/** What JavaScript itself does (`push`, `slice`) belongs to who called it; what is behind the platform's API to no one. */
function ours({callFrame: {url, functionName}, selfSize, children}: SampleNode, inherited: boolean): number {
  const own = url === '' ? inherited && functionName !== '(V8 API)' : url.includes('/src/');
  return children.reduce((sum, child) => sum + ours(child, own), own ? selfSize : 0);
}
