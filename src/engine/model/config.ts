// Reads what a model is from a GGUF header, and checks the tensors it uses. Nothing of a file's data is read
// before the header has passed here. Knows no device. Each architecture's keys and tensors are in its folder.
import {GemmaError} from '../../errors.ts';
import type {GgmlTypeName} from '../../gguf/ggml-types.ts';
import type {GgufFile, TensorInfo} from '../../gguf/gguf-file.ts';
import type {Metadata} from '../../gguf/metadata.ts';
import {WEIGHT_TYPES} from '../kernels/weight-types.ts';
import type {ModelConfig, ModelDescription, TensorRule} from './model-config.ts';
import {ARCHITECTURES, type Architecture} from './registry.ts';

/**
 * The architecture of a model that can be run here.
 * @throws GemmaError `architecture-unsupported`, `config-invalid`
 */
export function supportedArchitecture(metadata: Metadata): Architecture {
  const kind = metadata.string('general.type', 'model');
  const architecture = metadata.string('general.architecture');
  if (kind === 'model' && Object.hasOwn(ARCHITECTURES, architecture)) return architecture as Architecture;
  if (kind === 'model' && architecture.startsWith('gemma-embedding')) {
    throw new GemmaError(
      'architecture-unsupported',
      `found ${architecture}, a model that gives vectors and writes nothing. Load it with gemma-chat/embeddings, or choose a chat model`,
      {detail: {architecture, type: kind}},
    );
  }
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
  return withTensors(file, ARCHITECTURES[supportedArchitecture(file.metadata)].describe(file));
}

/**
 * A described model with its tensors, which are checked against its rules.
 * @throws GemmaError `tensor-missing`, `tensor-shape`, `quant-unsupported`
 */
export function withTensors<C extends ModelConfig>(file: GgufFile, {config, rules}: ModelDescription<C>): C {
  const used = new Map(rules.map((rule) => [rule.name, checkTensor(file, rule)]));
  const tensors = new Map(
    [...file.tensors.keys()].flatMap((name) => {
      const tensor = used.get(name);
      return tensor ? [[name, tensor] as const] : [];
    }),
  );
  return {...config, tensors} as unknown as C;
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
