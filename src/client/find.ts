// One question to the index of a site's pages, over a connection of its own. For the element; a script has knowledge.ts.
import type {FoundPassages, KnowledgeRef} from '../protocol/messages.ts';
import {connect} from './connect.ts';
import {pagePlatform} from './platform.ts';
import {workerUrl} from './worker-url.ts';

export interface FindRequest {
  knowledge: KnowledgeRef;
  question: string;
  language?: string;
  workerSrc?: string;
  signal?: AbortSignal;
}

/** @throws GemmaError as SiteKnowledge.find */
export async function findPassages({workerSrc, signal, ...question}: FindRequest): Promise<FoundPassages> {
  const platform = pagePlatform();
  const connection = await connect(workerUrl(workerSrc, platform.baseUrl), platform, {signal, withoutGpu: true});
  try {
    return await connection.caller.call({type: 'find', ...question}, {signal});
  } finally {
    connection.close();
  }
}
