// LoRA adapters as PEFT writes them: adapter_model.safetensors beside adapter_config.json. What the configuration asks
// for and is not supported is refused by name, never skipped.
import type {ByteSource} from '../gguf/byte-source.ts';
import {
  type Adapter,
  type BaseModel,
  checkFactors,
  checkTotal,
  EMBEDDING,
  type Factor,
  invalid,
  type LowRankTerm,
  readFactor,
} from './adapter.ts';
import {ggufName} from './peft-names.ts';
import {readSafetensors, type SafeTensor} from './safetensors.ts';

const MAX_CONFIG_BYTES = 2 ** 20;
const SUFFIX = /^(.*)\.(?:lora_([AB])\.weight|lora_embedding_([AB]))$/;

/** Options of adapter_config.json that change what is computed, and the values that leave it unchanged. */
const UNSUPPORTED: Readonly<Record<string, (value: unknown) => boolean>> = {
  use_dora: isOff,
  use_qalora: isOff,
  fan_in_fan_out: isOff,
  lora_bias: isOff,
  rank_pattern: isOff,
  alpha_pattern: isOff,
  modules_to_save: isOff,
  trainable_token_indices: isOff,
  layer_replication: isOff,
  target_parameters: isOff,
  bias: (value) => isOff(value) || value === 'none',
  alora_invocation_tokens: (value) => isOff(value) || Array.isArray(value),
};

/** Missing, null, false, or an empty list, object or text. */
function isOff(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === '') return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

interface PeftConfig {
  alpha: number;
  rankStabilized: boolean;
  invocationTokens: number[];
}

/**
 * Reads the whole adapter.
 * @param config the bytes of adapter_config.json
 * @throws GemmaError `adapter-invalid`, or the sources' own; AbortError when `signal` aborts
 */
export async function readPeftAdapter(
  weights: ByteSource,
  config: ByteSource,
  base: BaseModel,
  signal?: AbortSignal,
): Promise<Adapter> {
  const {alpha, rankStabilized, invocationTokens} = await readConfig(config, signal);
  const {name} = weights;
  const checked = [...pairUp(name, await readSafetensors(weights, signal))].map(([tensor, {a, b}]) => {
    const [factorA, factorB] = [a, b].map((half) => factorOf(name, half));
    return {tensor, a, b, factorA, factorB};
  });
  checkTotal(
    name,
    checked.flatMap(({factorA, factorB}) => [factorA, factorB]),
  );
  const terms = new Map<string, LowRankTerm>();
  for (const {tensor, a, b, factorA, factorB} of checked) {
    // PEFT keeps an embedding's factor as [rank][nVocab].
    const embedding = tensor === EMBEDDING;
    const flipped = embedding ? {rows: factorA.columns, columns: factorA.rows} : factorA;
    const rank = checkFactors(name, base, tensor, flipped, factorB);
    const values = await readFactor(weights, a, signal);
    terms.set(tensor, {
      tensor,
      rank,
      a: embedding ? transpose(values, factorA) : values,
      b: await readFactor(weights, b, signal),
      scale: alpha / (rankStabilized ? Math.sqrt(rank) : rank),
    });
  }
  return {name, terms, invocationTokens, ignored: []};
}

async function readConfig(source: ByteSource, signal: AbortSignal | undefined): Promise<PeftConfig> {
  const {name, size} = source;
  if (size > MAX_CONFIG_BYTES) throw invalid(name, `has ${size} bytes; expected an adapter_config.json`);
  let config: unknown;
  try {
    config = JSON.parse(new TextDecoder().decode(await source.read(0, size, signal)));
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof RangeError)) throw cause;
    throw invalid(name, 'is no JSON; expected the adapter_config.json of PEFT');
  }
  if (typeof config !== 'object' || config === null) throw invalid(name, 'is no JSON object');
  const values = new Map<string, unknown>(Object.entries(config));
  if (values.get('peft_type') !== 'LORA') {
    throw invalid(name, `its peft_type is ${JSON.stringify(values.get('peft_type'))}; supported: "LORA"`);
  }
  for (const [option, allowed] of Object.entries(UNSUPPORTED)) {
    if (!allowed(values.get(option))) throw invalid(name, `${option} is set, which is not supported`, {option});
  }
  const alpha = values.get('lora_alpha');
  if (typeof alpha !== 'number' || !Number.isFinite(alpha)) throw invalid(name, 'lora_alpha is no number');
  const tokens = values.get('alora_invocation_tokens') ?? [];
  if (!Array.isArray(tokens) || tokens.length > 1024 || !tokens.every((id) => Number.isInteger(id) && id >= 0)) {
    throw invalid(name, 'alora_invocation_tokens is no list of at most 1024 token ids');
  }
  return {alpha, rankStabilized: values.get('use_rslora') === true, invocationTokens: tokens as number[]};
}

function pairUp(name: string, tensors: ReadonlyMap<string, SafeTensor>): Map<string, {a: SafeTensor; b: SafeTensor}> {
  const halves = new Map<string, Partial<Record<'A' | 'B', SafeTensor>>>();
  for (const tensor of tensors.values()) {
    const [, module, half, embeddingHalf] = SUFFIX.exec(tensor.name) ?? [];
    const target = module === undefined ? null : ggufName(module);
    if (target === null) {
      throw invalid(name, `has a tensor ${tensor.name}, which has no place in the model`, {tensor: tensor.name});
    }
    const which = half ?? embeddingHalf;
    if (halves.get(target)?.[which as 'A' | 'B']) throw invalid(name, `has two factors ${which} for ${target}`);
    halves.set(target, {...halves.get(target), [which]: tensor});
  }
  const pairs = new Map<string, {a: SafeTensor; b: SafeTensor}>();
  for (const [target, {A: a, B: b}] of halves) {
    if (!a || !b) throw invalid(name, `has no factor ${a ? 'B' : 'A'} for ${target}`, {tensor: target});
    pairs.set(target, {a, b});
  }
  if (pairs.size === 0) throw invalid(name, 'changes no tensor');
  return pairs;
}

function factorOf(file: string, {name, shape}: SafeTensor): Factor {
  if (shape.length !== 2) throw invalid(file, `${name} has ${shape.length} dimensions; expected 2`);
  return {rows: shape[0], columns: shape[1]};
}

function transpose(values: Float32Array, {rows, columns}: Factor): Float32Array<ArrayBuffer> {
  const out = new Float32Array(values.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = values[r * columns + c];
  return out;
}
