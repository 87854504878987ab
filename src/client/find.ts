// One question to the index of a site's pages, over a connection of its own. For the element; a script has knowledge.ts.
import type {FoundPassages, KnowledgeRef} from '../protocol/messages.ts';
import {ask} from './models.ts';
import {pagePlatform} from './platform.ts';

export interface FindRequest {
  knowledge: KnowledgeRef;
  question: string;
  language?: string;
  workerSrc?: string;
  signal?: AbortSignal;
}

/** @throws GemmaError as SiteKnowledge.find */
export function findPassages({workerSrc, signal, ...question}: FindRequest): Promise<FoundPassages> {
  return ask(
    {workerSrc, signal},
    pagePlatform(),
    ({caller}) => caller.call({type: 'find', ...question}, {signal}),
    true,
  );
}
