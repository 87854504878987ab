// `gemma-chat/index-site`: what `npx gemma-chat index` does, as a function. Runs in Node.
export {type IndexReport, type IndexSiteOptions, indexSite} from './site-index.ts';
