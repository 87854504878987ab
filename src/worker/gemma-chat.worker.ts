// The worker's entry, one module for both kinds: a SharedWorker gets a port with each `connect`, a dedicated worker
// with each message of that type. Owns the worker's one context.
import {createModelStore} from '../store/create-model-store.ts';
import {loadModel} from './load-model.ts';
import {ModelHost} from './model-host.ts';
import {ModelLibrary} from './model-library.ts';
import {type Session, serve, type WorkerContext} from './serve.ts';

const {locks, gpu} = navigator as {locks?: LockManager; gpu?: GPU};

/** A lock of ours that is never released: it goes when the worker goes, and tells those who queue for it. */
function holdLock(): Promise<string | null> {
  if (!locks) return Promise.resolve(null);
  const name = `gemma-chat-worker-${crypto.randomUUID()}`;
  return new Promise((resolve) => {
    const forever = new Promise<never>(() => {});
    locks
      .request(name, () => {
        resolve(name);
        return forever;
      })
      .catch(() => resolve(null));
  });
}

const store = createModelStore();
const context: WorkerContext = {
  host: new ModelHost((ref, options) => loadModel(ref, store, options)),
  library: new ModelLibrary(() => store, gpu),
  locks,
  lock: holdLock(),
  webgpu: gpu !== undefined,
  sessions: new Set<Session>(),
};

function connect(event: Event): void {
  const {ports, data, type} = event as MessageEvent;
  if (type === 'message' && (data as {type?: unknown} | null)?.type !== 'connect') return;
  for (const port of ports) serve(port, context);
}

self.addEventListener('onconnect' in self ? 'connect' : 'message', connect);
