// What `gemma-chat/ai-sdk` exports.
export {createGemma, type GemmaProvider, type GemmaProviderOptions, type GivenClient} from './provider.ts';
