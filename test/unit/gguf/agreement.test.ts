// An independent reader, @huggingface/gguf, finds the same in the same files.
import {GGMLQuantizationType, gguf} from '@huggingface/gguf';
import {expect} from 'chai';
import {
  type WritableGguf,
  type WritableTensor,
  type WritableValue,
  writeGguf,
} from '../../../scripts/model-files/gguf-writer.ts';
import {type Random, seededRandom} from '../../../scripts/model-files/random.ts';
import {GGML_TYPES, tensorBytes} from '../../../src/gguf/ggml-types.ts';
import type {GgufFile} from '../../../src/gguf/gguf-file.ts';
import type {MetadataValue} from '../../../src/gguf/metadata.ts';
import {readGguf} from '../../../src/gguf/read-gguf.ts';
import {countingSource} from './counting-source.ts';

const TYPE_IDS = ['u8', 'i8', 'u16', 'i16', 'u32', 'i32', 'f32', 'bool', 'string', 'array', 'u64', 'i64', 'f64'];

describe('readGguf and @huggingface/gguf', () => {
  for (let seed = 0; seed < 40; seed++) {
    it(`agree on random file ${seed}`, async () => {
      const bytes = writeGguf(randomFile(seededRandom(seed)));
      const theirs = await readTheirs(bytes);
      expect(comparable(await readGguf(countingSource(bytes)))).to.deep.equal(theirs);
    });
  }

  it('give every tensor type the same number', () => {
    for (const {name, id} of GGML_TYPES) {
      const theirs = (GGMLQuantizationType as unknown as Record<string, number>)[name];
      // It knows no type that is younger than itself.
      if (theirs !== undefined) expect(theirs, name).to.equal(id);
    }
    expect(GGML_TYPES.filter(({name}) => name in GGMLQuantizationType).length).to.be.above(25);
  });
});

/** Their result in plain numbers. */
async function readTheirs(bytes: Uint8Array): Promise<unknown> {
  const serve = (async (_: unknown, init?: RequestInit) => {
    const range = /bytes=(\d+)-(\d+)/.exec(new Headers(init?.headers).get('Range') ?? '');
    if (!range) throw new Error('expected a ranged request');
    return new Response(bytes.slice(Number(range[1]), Number(range[2]) + 1) as BodyInit, {status: 206});
  }) as typeof fetch;
  const {typedMetadata, tensorInfos, tensorDataOffset} = await gguf('https://models.example/a.gguf', {
    fetch: serve,
    typedMetadata: true,
  });
  const {version, tensor_count, kv_count, ...metadata} = typedMetadata;
  return {
    version: version.value,
    counts: [Number(tensor_count.value), Number(kv_count.value)],
    dataOffset: Number(tensorDataOffset),
    metadata: Object.entries(metadata).map(([key, entry]) => {
      const {value, type, subType} = entry as {value: unknown; type: number; subType?: number};
      return [key, type, subType, plain(value)];
    }),
    tensors: tensorInfos.map(({name, shape, dtype, offset}) => [name, shape.map(Number), dtype, Number(offset)]),
  };
}

function comparable(file: GgufFile): unknown {
  return {
    version: file.version,
    counts: [file.tensors.size, file.metadata.size],
    dataOffset: file.dataOffset,
    metadata: Array.from(file.metadata.keys(), (key) => {
      const found = file.metadata.raw(key)!;
      const subType = found.type === 'array' ? TYPE_IDS.indexOf(found.of) : undefined;
      return [key, TYPE_IDS.indexOf(found.type), subType, plainValue(found)];
    }),
    tensors: Array.from(file.tensors.values(), ({name, type, shape, offset}) => [
      name,
      shape,
      GGML_TYPES.find((entry) => entry.name === type)?.id,
      offset - file.dataOffset,
    ]),
  };
}

function plainValue(found: MetadataValue): unknown {
  if (found.type !== 'array') return plain(found.value);
  if (found.of === 'string') return Array.from({length: found.value.length}, (_, i) => found.value.get(i));
  if (found.of === 'bool') return Array.from(found.value, (byte) => byte === 1);
  return Array.from(found.value as Iterable<number | bigint>, plain);
}

/** 64-bit integers in one form: they have bigints everywhere, we where needed. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

function randomFile(random: Random): WritableGguf {
  const below = (n: number) => random.u32() % n;
  const words = () => Uint8Array.from({length: 8 * below(50)}, () => random.u32()).buffer;
  const strings = () => Array.from({length: below(50)}, (_, i) => '🙂é a'.repeat(below(9)) + i);
  const makers: (() => MetadataValue)[] = [
    () => ({type: 'u8', value: below(256)}),
    () => ({type: 'i8', value: below(256) - 128}),
    () => ({type: 'u16', value: below(65536)}),
    () => ({type: 'i16', value: below(65536) - 32768}),
    () => ({type: 'u32', value: random.u32()}),
    () => ({type: 'i32', value: random.u32() | 0}),
    () => ({type: 'f32', value: random.gauss()}),
    () => ({type: 'f64', value: random.gauss()}),
    () => ({type: 'bool', value: below(2) === 1}),
    () => ({type: 'u64', value: 2n ** 64n - 1n - BigInt(below(1000))}),
    () => ({type: 'i64', value: -BigInt(random.u32()) * 2n ** BigInt(below(31))}),
    () => ({type: 'string', value: 'ü{{ bos }}\n'.repeat(below(30))}),
    () => ({type: 'array', of: 'i8', value: new Int8Array(words())}),
    () => ({type: 'array', of: 'u16', value: new Uint16Array(words())}),
    () => ({type: 'array', of: 'i32', value: new Int32Array(words())}),
    () => ({type: 'array', of: 'u64', value: new BigUint64Array(words())}),
    () => ({type: 'array', of: 'f64', value: Float64Array.from({length: below(20)}, random.gauss)}),
  ];
  const metadata: Record<string, WritableValue> = {
    'general.architecture': 'gemma4',
  };
  for (let i = below(40); i > 0; i--) metadata[`gemma4.key_${i}`] = makers[below(makers.length)]();
  metadata['tokenizer.ggml.tokens'] = strings();
  metadata.flags = Array.from({length: 1 + below(9)}, () => below(2) === 1);
  const known = GGML_TYPES.filter(({blockSize, name}) => blockSize > 0 && name in GGMLQuantizationType);
  const tensors = Array.from({length: below(30)}, (_, i): WritableTensor => {
    const {name: type, blockSize} = known[below(known.length)];
    const shape = [blockSize * (1 + below(3)), 1 + below(4), 1 + below(2), 1].slice(0, 1 + below(4));
    return {name: `blk.${i}.weight`, type, shape, data: new Uint8Array(tensorBytes(type, shape))};
  });
  return {version: 2 + below(2), alignment: 2 ** (3 + below(6)), metadata, tensors};
}
