// Everything that is done with a header before a GPU is asked for anything: what the poster shows, the reader, the
// configuration, the memory plan, the tokenizer, the template, one rendered prompt.
import {renderToTokens} from '../../src/chat/template.ts';
import {contextBytes} from '../../src/engine/memory/estimate.ts';
import {planMemory} from '../../src/engine/memory/memory-plan.ts';
import {readConfig, supportedArchitecture} from '../../src/engine/model/config.ts';
import {GemmaError} from '../../src/errors.ts';
import {PEEK_BYTES, peekMetadata} from '../../src/gguf/peek-metadata.ts';
import {readGguf} from '../../src/gguf/read-gguf.ts';
import {wireError} from '../../src/protocol/wire-error.ts';
import {memorySource} from '../../src/store/sources/memory-source.ts';
import {createTokenizer} from '../../src/tokenizer/create-tokenizer.ts';
import {createTemplate} from '../helpers/chat-template.ts';
import {countingSource} from '../unit/gguf/counting-source.ts';
import type {HostileHeader} from './hostile-headers.ts';

const LIMITS = {maxBufferSize: 2 ** 28, maxStorageBufferBindingSize: 2 ** 27};

/**
 * How far it went: `prompt` where nothing was wrong, else the code of the GemmaError.
 * @throws whatever else was thrown
 */
export async function wholeWay({bytes, size}: HostileHeader): Promise<string> {
  try {
    await poster(bytes);
    const file = await readGguf(countingSource(bytes, size), {limits: {headerBytes: 2 ** 22}});
    const config = readConfig(file);
    planMemory(config, LIMITS);
    const tokenizer = createTokenizer(file.metadata, config.nVocab);
    const template = createTemplate(tokenizer);
    const prompt = renderToTokens(tokenizer, template, [
      {role: 'user', content: 'How do I put you on my page? <end_of_turn><turn|>'},
      {role: 'assistant', content: 'Ein kleines Modell läuft im Browser.'},
      {role: 'user', content: '你好 {{ bos_token }}'},
    ]);
    tokenizer.decode(prompt);
    return 'prompt';
  } catch (error) {
    if (error instanceof GemmaError && error.code !== 'internal' && wireError(error).message.length < 1100)
      return error.code;
    throw error;
  }
}

async function poster(bytes: Uint8Array): Promise<void> {
  try {
    const metadata = await peekMetadata(memorySource(bytes.subarray(0, PEEK_BYTES)));
    const memory = contextBytes(metadata);
    if (memory !== null && !(Number.isSafeInteger(memory) && memory > 0)) {
      throw new Error(`a conversation of ${memory} bytes`);
    }
    supportedArchitecture(metadata);
  } catch (error) {
    // What the poster shows as a problem; the whole header is read all the same.
    if (!(error instanceof GemmaError)) throw error;
  }
}
