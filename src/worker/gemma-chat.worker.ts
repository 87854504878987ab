// The worker's entry, one module for all kinds: a SharedWorker gets a port with each `connect`, a dedicated worker
// with each message of that type, and the elected host's finds its clients itself. Owns the worker's one context.
import type {WorkerMessage} from '../protocol/messages.ts';
import {createModelStore} from '../store/create-model-store.ts';
import {EncoderHost} from './encoder-host.ts';
import {KnowledgeHost} from './knowledge-host.ts';
import {loadModel} from './load-model.ts';
import {ModelHost} from './model-host.ts';
import {ModelLibrary} from './model-library.ts';
import {type Session, serve} from './serve.ts';
import {serveTabs} from './serve-tabs.ts';
import type {WorkerContext} from './worker-context.ts';

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
  knowledge: new KnowledgeHost(),
  encoders: new EncoderHost(store),
  library: new ModelLibrary(() => store, gpu),
  locks,
  lock: holdLock(),
  // Null, too, is what a browser may say in a shared worker.
  webgpu: Boolean(gpu),
  sessions: new Set<Session>(),
};

function connect({ports}: Event & {ports?: readonly MessagePort[]}): void {
  for (const port of ports ?? []) serve(port, context);
}

function receive(event: MessageEvent<WorkerMessage | null>): void {
  if (event.data?.type === 'connect') connect(event);
  else if (event.data?.type === 'host') serveTabs(event.data.name, context);
  // The page that is host asks whether its worker hangs.
  else if (event.data?.type === 'ping') postMessage({type: 'pong'});
}

if ('onconnect' in self) self.addEventListener('connect', connect);
else self.addEventListener('message', receive);
