// Files that cannot run, through the worker's own load path: each is refused by what is wrong with it and with what would
// be right, before a byte of a tensor is asked for.
import {expect} from 'chai';
import {findGpu} from '../../scripts/lib/gpu.ts';
import {ggufHeader, type TensorEntry, type WritableValue} from '../../scripts/model-files/gguf-writer.ts';
import {modelMetadata, planTensors, SHAPES, type ShapeName} from '../../scripts/model-files/model.ts';
import {GemmaError} from '../../src/errors.ts';
import {tensorBytes} from '../../src/gguf/ggml-types.ts';
import type {ModelSource} from '../../src/store/model-store.ts';
import {memorySource} from '../../src/store/sources/memory-source.ts';
import {loadModel} from '../../src/worker/load-model.ts';
import {FakeStore} from '../helpers/fake-store.ts';
import {withDevice} from '../helpers/gpu.ts';

interface Changes {
  shape?: ShapeName;
  metadata?: Record<string, WritableValue | null>;
  tensors?: (tensors: TensorEntry[]) => TensorEntry[];
}

const URL = 'https://site.example/model.gguf';
/** The reader fetches ahead: what it reads beyond a header is at most so much, and here all tensors begin after it. */
const AHEAD = 2 ** 20;

/** A store with one file whose tensors are all zeros and never in memory; it says which bytes were asked for. */
class CountingStore extends FakeStore {
  readonly size: number;
  /** The furthest byte read, and whether anything was streamed, as tensors are. */
  end = 0;
  streamed = false;
  readonly #header: Uint8Array;

  constructor({shape = 'tiny', metadata = {}, tensors = (all) => all}: Changes) {
    const all = {...modelMetadata(SHAPES[shape], 'F32', shape, 1), ...metadata};
    const kept = Object.entries(all).filter((entry): entry is [string, WritableValue] => entry[1] !== null);
    const entries = tensors(
      planTensors(SHAPES[shape], 'F32').map((plan) => ({...plan, byteLength: tensorBytes(plan.type, plan.shape)})),
    );
    // A first tensor that no model reads keeps the others away from the header.
    const ahead = {name: 'ahead', type: 'F32', shape: [AHEAD / 4], byteLength: AHEAD} as const;
    const header = ggufHeader({metadata: Object.fromEntries(kept), tensors: [ahead, ...entries]});
    super({[URL]: {bytes: header}});
    this.#header = header;
    this.size = [ahead, ...entries].reduce((sum, {byteLength}) => sum + byteLength + 32, header.length);
  }

  override async open(address: {url: string; integrity?: string}): Promise<ModelSource> {
    const source = await super.open(address);
    return {
      ...source,
      size: this.size,
      read: async (offset, length, signal) => {
        this.end = Math.max(this.end, offset + length);
        const bytes = new Uint8Array(length);
        const stored = memorySource(this.#header);
        const inHeader = Math.max(0, Math.min(length, this.#header.length - offset));
        if (inHeader > 0) bytes.set(await stored.read(offset, inHeader, signal));
        return bytes;
      },
      stream: () => {
        this.streamed = true;
        throw new Error('tensors are being read');
      },
    };
  }

  get firstTensor(): number {
    return this.#header.length + AHEAD;
  }
}

const replace =
  (name: string, changes: Partial<TensorEntry>) =>
  (tensors: TensorEntry[]): TensorEntry[] =>
    tensors.map((tensor) => (tensor.name === name ? {...tensor, ...changes} : tensor));

const cases: [name: string, changes: Changes, code: string, says: RegExp][] = [
  [
    'an architecture of another family',
    {metadata: {'general.architecture': 'llama'}},
    'architecture-unsupported',
    /architecture llama; supported: text models of gemma4, .*gemma3/,
  ],
  [
    'a tower alone',
    {metadata: {'general.architecture': 'clip', 'general.type': 'mmproj'}},
    'architecture-unsupported',
    /file of type mmproj for clip; supported/,
  ],
  [
    'an adapter',
    {metadata: {'general.type': 'adapter'}},
    'architecture-unsupported',
    /file of type adapter for gemma4; supported/,
  ],
  [
    'a weight type that is known and not supported',
    {tensors: replace('blk.1.ffn_up.weight', {type: 'IQ1_S', byteLength: 50 * 256})},
    'quant-unsupported',
    /tensor blk\.1\.ffn_up\.weight has the type IQ1_S; supported: F32, .*MXFP4/,
  ],
  [
    'a type that is none for weights',
    {tensors: replace('blk.1.ffn_up.weight', {type: 'I8', byteLength: 256 * 256})},
    'quant-unsupported',
    /blk\.1\.ffn_up\.weight is I8; supported here: F32, F16, BF16, Q4_0.*MXFP4/,
  ],
  [
    'a tensor that is missing',
    {tensors: (all) => all.filter(({name}) => name !== 'blk.2.attn_q.weight')},
    'tensor-missing',
    /no tensor blk\.2\.attn_q\.weight; expected one of shape/,
  ],
  [
    'a tensor of another shape',
    {tensors: replace('output_norm.weight', {shape: [64], byteLength: 256})},
    'tensor-shape',
    /output_norm\.weight has shape \[64\]; expected \[256\]/,
  ],
  [
    'a tokenizer of another family',
    {metadata: {'tokenizer.ggml.model': 'gpt2', 'tokenizer.ggml.pre': 'qwen2'}},
    'tokenizer-invalid',
    /"gpt2" with pre "qwen2"; supported: gemma4 \(BPE\), llama \(SentencePiece\)/,
  ],
  [
    'a tokenizer that is none',
    {metadata: {'tokenizer.ggml.model': 'no_vocab', 'tokenizer.ggml.pre': null}},
    'tokenizer-invalid',
    /"no_vocab".*supported/,
  ],
  [
    'RoPE scaling of another kind, Gemma 4',
    {metadata: {'gemma4.rope.scaling.type': 'yarn'}},
    'config-invalid',
    /gemma4\.rope\.scaling\.type is "?yarn"?; expected none/,
  ],
  [
    'RoPE scaling of another kind, Gemma 3',
    {shape: 'gemma3', metadata: {'gemma3.rope.scaling.type': 'longrope'}},
    'config-invalid',
    /gemma3\.rope\.scaling\.type is "?longrope"?; expected linear or none/,
  ],
  [
    'more layers than any model',
    {metadata: {'gemma4.block_count': 100_000}},
    'config-invalid',
    /gemma4\.block_count is 100000; expected/,
  ],
  [
    'a context that the model was not trained for',
    {metadata: {'gemma4.context_length': 64}},
    'option-invalid',
    /contextLength is 128; this model was trained for 64/,
  ],
];

describe('files that cannot run', () => {
  before(async () => {
    // Node 20 has no navigator; the worker's has the GPU.
    if (typeof navigator === 'undefined') {
      Object.defineProperty(globalThis, 'navigator', {value: {gpu: await findGpu()}, configurable: true});
    }
  });

  const load = async (store: CountingStore): Promise<GemmaError> => {
    try {
      await loadModel({url: URL}, Promise.resolve(store), {
        contextLength: 128,
        onProgress: () => {},
        signal: new AbortController().signal,
      });
    } catch (error) {
      return error as GemmaError;
    }
    throw new Error('the file was loaded');
  };

  it(
    'are told from one that can: its tensors are read',
    withDevice(async () => {
      const store = new CountingStore({});
      await load(store);
      expect(store.streamed).to.equal(true);
    }),
  );

  for (const [name, changes, code, says] of cases) {
    it(
      `are refused before a tensor is read: ${name}`,
      withDevice(async () => {
        const store = new CountingStore(changes);
        const error = await load(store);
        expect(error).to.be.instanceOf(GemmaError);
        expect(error.message).to.match(says);
        expect(error.code).to.equal(code);
        expect(store.streamed).to.equal(false);
        expect(store.end).to.be.at.most(store.firstTensor);
        expect(store.opened.every(({closed}) => closed)).to.equal(true);
      }),
    );
  }
});
