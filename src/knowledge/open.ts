// An index, open to be searched. The worker fetches this chunk with the first question.
import {platformFiles} from './manifest.ts';
import {SiteSearch} from './search.ts';

/** @throws KnowledgeFailure as SiteSearch.open */
export function openIndex(url: string, integrity?: string): Promise<SiteSearch> {
  const {connection} = navigator as {connection?: {saveData?: boolean}};
  return SiteSearch.open(platformFiles(url), {integrity, meaning: connection?.saveData !== true});
}
