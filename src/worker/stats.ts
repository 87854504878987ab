// What the worker says about itself. Counts nothing of its own.
import type {WorkerStats} from '../protocol/messages.ts';
import type {WorkerContext} from './worker-context.ts';

const NO_PAGES = {used: 0, shared: 0, cached: 0, free: 0};
const NOTHING = {
  weightBytes: 0,
  adapterBytes: 0,
  kvBytes: 0,
  scratchBytes: 0,
  kvPages: {full: NO_PAGES, sliding: NO_PAGES},
};
const NO_BATCH = {running: 0, queued: 0, decodeRows: 0, prefillRows: 0};
const NO_STEPS = {dispatches: 0, submits: 0, bytesWritten: 0, bytesRead: 0, objectsCreated: 0};
const NO_ADAPTER = {vendor: '', architecture: '', device: '', description: '', features: []};

/** What `client.stats()` gives. */
export function workerStats({host, sessions}: WorkerContext): WorkerStats {
  const {instance} = host;
  const engine = instance?.model.engine.stats();
  const {weightBytes, adapterBytes, kvBytes, scratchBytes, kvPages} = engine ?? NOTHING;
  const batch = instance?.scheduler.stats() ?? NO_BATCH;
  return {
    clients: sessions.size,
    sessions: [...sessions].map((session) => ({
      attention: session.attention,
      ...(instance?.scheduler.clientStats(session) ?? {running: 0, decodedTokens: 0}),
    })),
    models: instance ? 1 : 0,
    recoveries: host.recoveries,
    batch,
    gpu: {weightBytes, adapterBytes, kvBytes, scratchBytes, kvPages},
    perToken: engine?.perToken ?? NO_STEPS,
    decodeTokensPerSecond: instance?.meter.decodeTokensPerSecond ?? 0,
    prefillTokensPerSecond: instance?.meter.prefillTokensPerSecond ?? 0,
    adapter: instance?.model.adapter ?? NO_ADAPTER,
  };
}
