// What the worker says about itself. Counts nothing of its own.
import type {WorkerStats} from '../protocol/messages.ts';
import type {WorkerContext} from './serve.ts';

const NOTHING = {weightBytes: 0, kvBytes: 0, scratchBytes: 0, kvPagesUsed: 0, kvPages: 0};
const NO_STEPS = {dispatches: 0, submits: 0, bytesWritten: 0, bytesRead: 0, objectsCreated: 0};
const NO_ADAPTER = {vendor: '', architecture: '', device: '', description: '', features: []};

export function workerStats({host, sessions}: WorkerContext): WorkerStats {
  const {instance} = host;
  const engine = instance?.model.engine.stats();
  const {weightBytes, kvBytes, scratchBytes, kvPagesUsed, kvPages} = engine ?? NOTHING;
  return {
    clients: sessions.size,
    models: instance ? 1 : 0,
    sequences: instance?.conversations.size ?? 0,
    queued: instance?.scheduler.queued ?? 0,
    gpu: {weightBytes, kvBytes, scratchBytes, kvPagesUsed, kvPages},
    perToken: engine?.perToken ?? NO_STEPS,
    decodeTokensPerSecond: instance?.meter.decodeTokensPerSecond ?? 0,
    prefillTokensPerSecond: instance?.meter.prefillTokensPerSecond ?? 0,
    adapter: instance?.model.adapter ?? NO_ADAPTER,
  };
}
