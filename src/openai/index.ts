// What `gemma-chat/openai` exports.
export {type ChatClient, type EmbeddingsClient, type OpenAIFetchOptions, openaiFetch} from './openai-fetch.ts';
