// Serves the clients of all tabs of a site, as the worker of the one that they elected. Clients find it by a channel of
// that name, and then have a channel each for a port. Knows nothing of the election.
import {isObject, isString} from '../protocol/check.ts';
import type {HostMessage} from '../protocol/messages.ts';
import {serve} from './serve.ts';
import type {WorkerContext} from './worker-context.ts';

type Channels = new (name: string) => BroadcastChannel;

/** `name`: the lock that the tab holds, and the channel. */
export function serveTabs(name: string, context: WorkerContext, Channel: Channels = BroadcastChannel): void {
  // The worker of the tab before may still be ending, and no client is to be answered twice.
  void context.locks?.request(`${name} worker`, {}, () => {
    listen(new Channel(name), context, Channel);
    return new Promise<never>(() => {});
  });
}

function listen(forum: BroadcastChannel, context: WorkerContext, Channel: Channels): void {
  const host = crypto.randomUUID();
  const announce = (): void => forum.postMessage({type: 'host', host} satisfies HostMessage);
  forum.addEventListener('message', ({data}) => {
    if (!isObject(data)) return;
    if (data.type === 'seek') announce();
    else if (data.type === 'open' && data.host === host && isString(data.port) && Array.isArray(data.greeting)) {
      const port = new Channel(data.port as string);
      serve(port, context);
      for (const message of data.greeting) port.dispatchEvent(new MessageEvent('message', {data: message}));
    }
  });
  announce();
}
