// A model store that keeps nothing and waits for nothing, for tests of a single source.

import {memoryBlocks} from '../../../src/store/blocks/memory-blocks.ts';
import {createModelStore} from '../../../src/store/create-model-store.ts';
import type {ModelSource} from '../../../src/store/model-store.ts';
import {FakeClock} from '../../helpers/store-fakes.ts';

export interface OpenUrlOptions {
  readonly signal?: AbortSignal;
  readonly fetch?: typeof fetch;
  readonly origin?: string;
}

export async function openUrl(url: string, {signal, fetch, origin}: OpenUrlOptions = {}): Promise<ModelSource> {
  const store = await createModelStore({blocks: memoryBlocks(), clock: new FakeClock(), fetch, origin});
  return store.open({url}, {signal});
}
