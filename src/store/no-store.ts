// A model store that keeps nothing: every file comes from its server each time.
import {GemmaError} from '../errors.ts';
import {httpSource} from './http-source.ts';
import type {ModelAddress, ModelStore} from './model-store.ts';

const HEAD_BYTES = 64 * 1024;

export function noStore(): ModelStore {
  const nothing = {identity: {size: 0, etag: null, lastModified: null}, sha256: null, storage: 'memory' as const};
  return {
    storage: 'memory',
    async inspect(address: ModelAddress, signal) {
      const source = await httpSource(address.url, {signal});
      const head = await source.read(0, Math.min(HEAD_BYTES, source.size), signal);
      source.close?.();
      const {name, size} = source;
      return {...nothing, address, name, size, head, storedBytes: 0, online: true, ranges: true};
    },
    async open({url, integrity}, {signal} = {}) {
      if (integrity !== undefined) throw new GemmaError('internal', 'integrity cannot be checked here');
      const source = await httpSource(url, {signal});
      const {name, size} = source;
      return {
        ...nothing,
        name,
        size,
        storedBytes: 0,
        read: source.read.bind(source),
        stream: source.stream.bind(source),
        verify: async () => {},
        settle: async () => {},
        close: () => source.close?.(),
      };
    },
    list: async () => [],
    remove: async () => {},
    removeAll: async () => {},
    idOf: async ({url}) => url,
    estimate: async () => ({usage: null, quota: null, free: null, persisted: false}),
    suggestRemoval: async () => [],
    persist: async () => false,
  };
}
