// LoRA adapters in GGUF files, by llama.cpp's rules (convert_lora_to_gguf.py, src/llama-adapter.cpp): tensors
// `<base tensor>.lora_a` and `.lora_b` in F32, F16, BF16 or Q8_0, alpha in the metadata.
import type {ByteSource} from '../gguf/byte-source.ts';
import type {GgmlTypeName} from '../gguf/ggml-types.ts';
import type {GgufFile, TensorInfo} from '../gguf/gguf-file.ts';
import {readGguf} from '../gguf/read-gguf.ts';
import {
  type Adapter,
  type BaseModel,
  checkFactors,
  checkTotal,
  type Factor,
  invalid,
  type LowRankTerm,
  readFactor,
} from './adapter.ts';

const TYPES: readonly GgmlTypeName[] = ['F32', 'F16', 'BF16', 'Q8_0'];
const SUFFIX = /^(.*)\.lora_([ab])$/;
const ALPHA = 'adapter.lora.alpha';
const INVOCATION_TOKENS = 'adapter.alora.invocation_tokens';
const MAX_INVOCATION_TOKENS = 1024;

/**
 * Reads the whole adapter.
 * @throws GemmaError `adapter-invalid`; every code of `readGguf`; the source's own; AbortError when `signal` aborts
 */
export async function readGgufAdapter(source: ByteSource, base: BaseModel, signal?: AbortSignal): Promise<Adapter> {
  const file = await readGguf(source, {signal});
  const {name} = source;
  checkKind(name, file, base);
  const alpha = file.metadata.number(ALPHA, 0);
  const {pairs, ignored} = pairUp(name, file);
  const checked = [...pairs].map(([tensor, {a, b}]) => ({tensor, a, b, rank: checkPair(name, base, tensor, a, b)}));
  checkTotal(
    name,
    checked.flatMap(({a, b}) => [factorOf(name, a), factorOf(name, b)]),
  );
  const terms = new Map<string, LowRankTerm>();
  for (const {tensor, a, b, rank} of checked) {
    // llama.cpp: a scale of alpha / rank where the file has an alpha, else the request's alone.
    const scale = alpha === 0 ? 1 : alpha / rank;
    terms.set(tensor, {
      tensor,
      rank,
      a: await readFactor(source, a, signal),
      b: await readFactor(source, b, signal),
      scale,
    });
  }
  return {name, terms, invocationTokens: invocationTokens(name, file), ignored};
}

function checkKind(name: string, {metadata}: GgufFile, base: BaseModel): void {
  const kind = metadata.string('general.type', '');
  if (kind !== 'adapter') throw invalid(name, `is no adapter: its general.type is ${JSON.stringify(kind)}`);
  const type = metadata.string('adapter.type', '');
  if (type !== 'lora') throw invalid(name, `is an adapter of type ${JSON.stringify(type)}; supported: lora`);
  const architecture = metadata.string('general.architecture', '');
  if (architecture !== base.architecture) {
    throw invalid(name, `is for ${JSON.stringify(architecture)}; the model is ${base.architecture}`, {architecture});
  }
}

function pairUp(
  name: string,
  {tensors}: GgufFile,
): {pairs: Map<string, {a: TensorInfo; b: TensorInfo}>; ignored: string[]} {
  const halves = new Map<string, Partial<Record<'a' | 'b', TensorInfo>>>();
  const ignored: string[] = [];
  for (const tensor of tensors.values()) {
    const [, target, half] = SUFFIX.exec(tensor.name) ?? [];
    if (target !== undefined) halves.set(target, {...halves.get(target), [half]: tensor});
    else if (tensor.name.endsWith('_norm.weight')) ignored.push(tensor.name);
    else throw invalid(name, `has a tensor ${tensor.name}; expected names that end in .lora_a or .lora_b`);
  }
  const pairs = new Map<string, {a: TensorInfo; b: TensorInfo}>();
  for (const [target, {a, b}] of halves) {
    if (!a || !b) throw invalid(name, `has no ${target}.lora_${a ? 'b' : 'a'}`, {tensor: target});
    pairs.set(target, {a, b});
  }
  if (pairs.size === 0) throw invalid(name, 'changes no tensor');
  return {pairs, ignored};
}

function checkPair(name: string, base: BaseModel, tensor: string, a: TensorInfo, b: TensorInfo): number {
  for (const {name: half, type} of [a, b]) {
    if (!TYPES.includes(type)) throw invalid(name, `${half} is ${type}; supported: ${TYPES.join(', ')}`, {type});
  }
  return checkFactors(name, base, tensor, factorOf(name, a), factorOf(name, b));
}

function factorOf(name: string, {name: half, shape}: TensorInfo): Factor {
  if (shape.length > 2 && shape.slice(2).some((extent) => extent !== 1)) {
    throw invalid(name, `${half} has ${shape.length} dimensions; adapters of experts are not supported`);
  }
  return {columns: shape[0], rows: shape[1] ?? 1};
}

function invocationTokens(name: string, {metadata}: GgufFile): number[] {
  if (!metadata.has(INVOCATION_TOKENS)) return [];
  const tokens = metadata.numericArray(INVOCATION_TOKENS);
  if (tokens.length === 0 || tokens.length > MAX_INVOCATION_TOKENS) {
    throw invalid(name, `has ${tokens.length} invocation tokens; expected 1 to ${MAX_INVOCATION_TOKENS}`);
  }
  return Array.from(tokens);
}
