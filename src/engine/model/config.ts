// What a model is, read from a GGUF header: sizes, layers, and the tensors it uses. Nothing of a file's data is read
// before the header has passed here. Knows no device. Each architecture's keys and tensors are in its folder.
import {GemmaError} from '../../errors.ts';
import type {GgmlTypeName} from '../../gguf/ggml-types.ts';
import type {GgufFile, TensorInfo} from '../../gguf/gguf-file.ts';
import type {Metadata} from '../../gguf/metadata.ts';
import {WEIGHT_TYPES} from '../kernels/weight-types.ts';
import {describeGemma, type GemmaConfig} from './gemma/config.ts';
import {describeGemma2, type Gemma2Config} from './gemma2/config.ts';
import {describeGemma3, type Gemma3Config} from './gemma3/config.ts';
import {describeGemma3n, type Gemma3nConfig} from './gemma3n/config.ts';
import {describeGemma4, type Gemma4Config} from './gemma4/config.ts';

/** One transformer block, as far as every architecture has it; what only one has, its own config adds. */
export interface LayerConfig {
  index: number;
  /** Attends the last `window` positions only. */
  sliding: boolean;
  /** Positions a query sees, itself included; 0 sees all. */
  window: number;
  headDim: number;
  nHead: number;
  nHeadKv: number;
  /** Width of the feed-forward's inner layer. */
  ffn: number;
  /** Whether this layer computes and stores keys and values; otherwise it reads its donor's. */
  ownsKv: boolean;
  /** The layer whose keys and values this one attends; `index` itself when it owns them. */
  donor: number;
  ropeBase: number;
  /** Positions are divided by it before RoPE (linear scaling); 1: none. */
  ropeScale: number;
  /** Whether `rope_freqs.weight` divides this layer's angular frequencies. */
  ropeFactors: boolean;
}

/** What every architecture has: all that loading needs to know. */
export interface CommonConfig {
  architecture: string;
  nEmbd: number;
  nVocab: number;
  /** Width of a layer's per-layer embedding; 0 when the model has none. */
  nEmbdPerLayer: number;
  /** Positions the model was trained for. */
  contextLength: number;
  normEps: number;
  /** logits = cap·tanh(logits / cap); 0 when there is none. */
  softcap: number;
  /** The head is `token_embd.weight`, not a tensor of its own. */
  tiedHead: boolean;
  layers: readonly LayerConfig[];
  /** The tensors the model uses, in file order. What else the file holds is never fetched. */
  tensors: ReadonlyMap<string, TensorInfo>;
}

/** By `architecture`. A new one needs a line here, in `ARCHITECTURES`, in models.ts and in test/reference/forward.ts. */
export type ModelConfig = Gemma4Config | Gemma3nConfig | Gemma3Config | Gemma2Config | GemmaConfig;
export type Architecture = ModelConfig['architecture'];

/** A tensor the architecture asks for. `shape` is GGUF's `ne`. */
export interface TensorRule {
  name: string;
  shape: readonly number[];
  /** A matrix is multiplied or gathered in its stored type; a vector is read as f32. */
  kind: 'matrix' | 'vector';
  /** The tensor may have more rows than this, which are never fetched. */
  cut?: boolean;
}

/** A config before its tensors are checked. */
export type Untensored<C extends ModelConfig> = C extends unknown ? Omit<C, 'tensors'> : never;

/** A description of a model without its tensors, and the rules these must meet. */
export interface ModelDescription {
  config: Untensored<ModelConfig>;
  rules: readonly TensorRule[];
}

const ARCHITECTURES: Record<Architecture, (file: GgufFile) => ModelDescription> = {
  gemma4: describeGemma4,
  gemma3n: describeGemma3n,
  gemma3: describeGemma3,
  gemma2: describeGemma2,
  gemma: describeGemma,
};

/**
 * The architecture of a model that can be run here.
 * @throws GemmaError `architecture-unsupported`, `config-invalid`
 */
export function supportedArchitecture(metadata: Metadata): Architecture {
  const kind = metadata.string('general.type', 'model');
  const architecture = metadata.string('general.architecture');
  if (kind === 'model' && Object.hasOwn(ARCHITECTURES, architecture)) return architecture as Architecture;
  const found = kind === 'model' ? `architecture ${architecture}` : `a file of type ${kind} for ${architecture}`;
  throw new GemmaError(
    'architecture-unsupported',
    `found ${found}; supported: text models of ${Object.keys(ARCHITECTURES).join(', ')}. Choose another GGUF file`,
    {detail: {architecture, type: kind}},
  );
}

/**
 * @throws GemmaError `architecture-unsupported`, `config-invalid`, `tensor-missing`, `tensor-shape`,
 *   `quant-unsupported`
 */
export function readConfig(file: GgufFile): ModelConfig {
  const describe = ARCHITECTURES[supportedArchitecture(file.metadata)];
  const {config, rules} = describe(file);
  const used = new Map(rules.map((rule) => [rule.name, checkTensor(file, rule)]));
  const tensors = new Map(
    [...file.tensors.keys()].flatMap((name) => {
      const tensor = used.get(name);
      return tensor ? [[name, tensor] as const] : [];
    }),
  );
  return {...config, tensors};
}

function checkTensor(file: GgufFile, {name, shape, kind, cut}: TensorRule): TensorInfo {
  const whole = file.tensors.get(name);
  const tensor = whole && cut ? cutTo(whole, shape) : whole;
  if (!tensor) {
    throw new GemmaError(
      'tensor-missing',
      `the file has no tensor ${name}; expected one of shape [${shape.join(', ')}]. The file is incomplete: get another`,
      {detail: {tensor: name, expected: [...shape]}},
    );
  }
  if (!sameShape(tensor.shape, shape)) {
    throw new GemmaError(
      'tensor-shape',
      `${name} has shape [${tensor.shape.join(', ')}]; expected [${shape.join(', ')}]. The file is damaged or was not made for this architecture`,
      {detail: {tensor: name, found: [...tensor.shape], expected: [...shape]}},
    );
  }
  const supported: readonly GgmlTypeName[] = kind === 'matrix' ? WEIGHT_TYPES : ['F32'];
  if (!supported.includes(tensor.type)) {
    throw new GemmaError(
      'quant-unsupported',
      `${name} is ${tensor.type}; supported here: ${supported.join(', ')}. Choose a file in another quantization`,
      {detail: {tensor: name, type: tensor.type, supported: [...supported]}},
    );
  }
  return tensor;
}

/** The first rows of a matrix, where it has more of them. */
function cutTo(tensor: TensorInfo, shape: readonly number[]): TensorInfo {
  const [nIn, nOut] = shape;
  if (tensor.shape.length !== 2 || tensor.shape[0] !== nIn || tensor.shape[1] <= nOut) return tensor;
  return {...tensor, shape: [nIn, nOut], byteLength: (tensor.byteLength / tensor.shape[1]) * nOut};
}

/** Equal up to trailing ones, which some writers leave out. */
function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return Array.from({length: Math.max(a.length, b.length)}).every((_, i) => (a[i] ?? 1) === (b[i] ?? 1));
}
