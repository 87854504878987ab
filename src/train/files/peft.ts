// An adapter as PEFT keeps it: adapter_model.safetensors and adapter_config.json (peft 0.17, `LoraConfig`).
import {EMBEDDING} from '../../adapters/adapter.ts';
import {peftModule} from '../../adapters/peft-names.ts';
import {GemmaError} from '../../errors.ts';
import {bytesOf, type WritableAdapter, type WritableFactors} from './factors.ts';

/** The two files of a PEFT adapter, in pieces. */
export type PeftFiles = Record<'adapter_model.safetensors' | 'adapter_config.json', Uint8Array<ArrayBuffer>[]>;

/** @throws GemmaError `adapter-invalid` for a tensor that no module of Hugging Face's classes stands for */
export function peftAdapter({base, alpha, factors}: WritableAdapter): PeftFiles {
  const named = factors.map((each) => ({...each, module: moduleOf(each)}));
  const {rank} = named[0];
  const config = {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: base,
    r: rank,
    lora_alpha: alpha,
    lora_dropout: 0,
    // Each by its path: of layers without a term none is made.
    target_modules: named.map(({module}) => module.replace('base_model.model.', '')),
    bias: 'none',
    fan_in_fan_out: false,
    use_rslora: false,
    use_dora: false,
    modules_to_save: null,
    inference_mode: true,
  };
  return {
    'adapter_model.safetensors': safetensors(named.flatMap(halvesOf)),
    'adapter_config.json': [encode(`${JSON.stringify(config, null, 2)}\n`)],
  };
}

interface Half {
  name: string;
  /** As in PyTorch, slowest dimension first. */
  shape: number[];
  values: Float32Array<ArrayBuffer>;
}

function moduleOf({tensor}: WritableFactors): string {
  const module = peftModule(tensor);
  if (module !== null) return module;
  throw new GemmaError('adapter-invalid', `${tensor} has no module in PEFT; export the adapter as GGUF`, {
    detail: {tensor},
  });
}

function halvesOf({module, tensor, rank, a, b}: WritableFactors & {module: string}): Half[] {
  const shapes = {a: [rank, a.length / rank], b: [b.length / rank, rank]};
  if (tensor !== EMBEDDING) {
    return [
      {name: `${module}.lora_A.weight`, shape: shapes.a, values: a},
      {name: `${module}.lora_B.weight`, shape: shapes.b, values: b},
    ];
  }
  return [
    {name: `${module}.lora_embedding_A`, shape: shapes.a, values: transposed(a, rank)},
    {name: `${module}.lora_embedding_B`, shape: shapes.b, values: b},
  ];
}

/** [n][rank] → [rank][n] */
function transposed(values: Float32Array, rank: number): Float32Array<ArrayBuffer> {
  const n = values.length / rank;
  const out = new Float32Array(values.length);
  for (let i = 0; i < n; i++) for (let r = 0; r < rank; r++) out[r * n + i] = values[i * rank + r];
  return out;
}

/** 8 bytes with the header's length, the header, padded with spaces to 8 bytes, then the tensors. */
function safetensors(halves: readonly Half[]): Uint8Array<ArrayBuffer>[] {
  let at = 0;
  const entries = halves.map(({name, shape, values}) => {
    const from = at;
    at += values.byteLength;
    return [name, {dtype: 'F32', shape, data_offsets: [from, at]}] as const;
  });
  const text = JSON.stringify({__metadata__: {format: 'pt'}, ...Object.fromEntries(entries)});
  const header = encode(text.padEnd(Math.ceil(text.length / 8) * 8));
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(header.length), true);
  return [length, header, ...halves.map(({values}) => bytesOf(values))];
}

const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);
