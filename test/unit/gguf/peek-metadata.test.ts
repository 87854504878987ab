import {expect} from 'chai';
import {writeGguf} from '../../../scripts/model-files/gguf-writer.ts';
import {PEEK_BYTES, peekMetadata} from '../../../src/gguf/peek-metadata.ts';
import {memorySource} from '../../../src/store/sources/memory-source.ts';
import {rejection} from '../store/rejection.ts';
import {countingSource} from './counting-source.ts';

const general = {'general.architecture': 'gemma4', 'general.license': 'apache-2.0', 'gemma4.block_count': 30};
const tokens = Array.from({length: 20_000}, (_, i) => `token ${i}`);

describe('peekMetadata', () => {
  it('knows what stands before a long vocabulary, and reads no further', async () => {
    const bytes = writeGguf({metadata: {...general, 'tokenizer.ggml.tokens': tokens, 'general.name': 'too late'}});
    const source = countingSource(bytes);
    const metadata = await peekMetadata(source);
    expect([...metadata.keys()]).to.deep.equal(Object.keys(general));
    expect(metadata.string('general.license')).to.equal('apache-2.0');
    expect(source.reads.every(([offset, length]) => offset + length <= PEEK_BYTES)).to.equal(true);
  });

  it('knows everything of a short header, and of one that was cut off what came before', async () => {
    const bytes = writeGguf({metadata: general});
    expect((await peekMetadata(memorySource(bytes))).size).to.equal(3);
    expect((await peekMetadata(memorySource(bytes.subarray(0, 75)))).size).to.equal(1);
  });

  it('ends at damage instead of refusing the file', async () => {
    const bytes = writeGguf({metadata: general});
    const at = Buffer.from(bytes).indexOf('general.license');
    bytes[at + 'general.license'.length] = 99; // the value's type
    expect((await peekMetadata(memorySource(bytes))).size).to.equal(1);
  });

  for (const [title, bytes, code] of [
    ['a web page', Buffer.from('<!doctype html>'), 'not-gguf'],
    ['another version', Buffer.from('GGUF\x09\0\0\0'), 'gguf-version'],
    ['nothing', new Uint8Array(0), 'not-gguf'],
  ] as const) {
    it(`refuses ${title}: ${code}`, async () => {
      expect(await rejection(peekMetadata(memorySource(bytes)))).to.include({code});
    });
  }
});
