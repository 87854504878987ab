// The libraries of programs that were written for OpenAI, for a page: bundled by the test that uses them.
import {createOpenAICompatible} from '@ai-sdk/openai-compatible';
import {ChatOpenAI} from '@langchain/openai';
import {streamText} from 'ai';
import OpenAI from 'openai';

/** What the page's script finds on its window. */
export const LIBRARIES = {OpenAI, ChatOpenAI, createOpenAICompatible, streamText};
