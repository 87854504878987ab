// Reads and checks the tensor directory of a GGUF header: every tensor has a known layout, lies inside the file
// and overlaps no other. Knows no architecture.
import {GemmaError} from '../errors.ts';
import {DEQUANTIZABLE} from './dequantize.ts';
import type {GgmlTypeName} from './ggml-types.ts';
import {ggmlType, ggmlTypeById, tensorBytes} from './ggml-types.ts';
import type {TensorInfo} from './gguf-file.ts';
import type {HeaderCursor} from './header-cursor.ts';
import type {GgufLimits} from './limits.ts';
import {readName} from './read-metadata.ts';

// Name, dimension count, type, offset: 8 + 1 + 4 + 4 + 8.
export const MIN_TENSOR_BYTES = 25;

const MAX_DIMENSIONS = 4;

/**
 * The directory, with offsets from the start of the tensor data section as the file has them.
 * @throws GemmaError `gguf-invalid`, `gguf-truncated` or `quant-unsupported`, naming the tensor.
 */
export async function readTensors(cursor: HeaderCursor, count: number, limits: GgufLimits): Promise<TensorInfo[]> {
  const names = new Set<string>();
  const tensors: TensorInfo[] = [];
  for (let i = 0; i < count; i++) {
    cursor.where = `tensor ${i + 1} of ${count}`;
    const name = await readName(cursor, limits, 'name');
    cursor.where = `tensor ${name}`;
    if (names.has(name)) throw cursor.invalid('is there twice', {tensor: name});
    names.add(name);
    tensors.push(await readTensor(cursor, name));
  }
  return tensors;
}

async function readTensor(cursor: HeaderCursor, name: string): Promise<TensorInfo> {
  if (cursor.available < 4) await cursor.fill(4);
  const nDims = cursor.u32();
  if (nDims > MAX_DIMENSIONS) throw cursor.invalid(`has ${nDims} dimensions; expected at most ${MAX_DIMENSIONS}`);
  const rest = nDims * 8 + 12;
  if (cursor.available < rest) await cursor.fill(rest);
  const shape = Array.from({length: nDims}, () => cursor.count('dimension'));
  if (shape.includes(0)) throw cursor.invalid(`has the shape [${shape.join(', ')}]; expected no dimension of 0`);
  if (nDims === 0) shape.push(1); // a scalar

  const type = supportedType(name, cursor.u32());
  const {blockSize} = ggmlType(type);
  if (shape[0] % blockSize !== 0) {
    throw cursor.invalid(`is ${type} with rows of ${shape[0]} values; expected a multiple of ${blockSize}`);
  }
  return {name, type, shape, offset: cursor.count('offset'), byteLength: tensorBytes(type, shape)};
}

function supportedType(tensor: string, id: number): GgmlTypeName {
  const type = ggmlTypeById(id);
  if (type && type.blockSize > 0) return type.name;
  throw new GemmaError(
    'quant-unsupported',
    `tensor ${tensor} has the type ${type?.name ?? `number ${id}`}; supported: ${DEQUANTIZABLE.join(', ')}. ` +
      'Use another quantization of the model, such as Q4_0, Q4_K_M or Q8_0',
    {detail: {tensor, type: type?.name ?? id, supported: [...DEQUANTIZABLE]}},
  );
}

/** Where the tensor data section begins, how it is aligned, and where the file ends. */
export interface DataSection {
  readonly name: string;
  readonly dataOffset: number;
  readonly alignment: number;
  readonly size: number;
}

/**
 * The same tensors with offsets from the start of the file, in file order.
 * @throws GemmaError `gguf-truncated` for a tensor that ends beyond the file, `gguf-invalid` for a misplaced one.
 */
export function placeTensors(tensors: readonly TensorInfo[], file: DataSection): Map<string, TensorInfo> {
  const placed = tensors.map((tensor) => ({...tensor, offset: file.dataOffset + tensor.offset}));
  for (const [i, {name, offset, byteLength}] of placed.entries()) {
    const detail = {tensor: name, offset, byteLength};
    if (tensors[i].offset % file.alignment !== 0) {
      throw invalid(
        file,
        `tensor ${name} has the offset ${tensors[i].offset}; expected a multiple of ${file.alignment}`,
        detail,
      );
    }
    if (offset + byteLength > file.size) {
      throw new GemmaError(
        'gguf-truncated',
        `${file.name}: tensor ${name} takes the bytes ${offset} to ${offset + byteLength}, but the file has ${file.size}. ` +
          'It was cut short: download it again',
        {detail: {...detail, size: file.size}},
      );
    }
  }
  const inOrder = placed.toSorted((a, b) => a.offset - b.offset);
  for (let i = 1; i < inOrder.length; i++) {
    const [before, after] = [inOrder[i - 1], inOrder[i]];
    if (before.offset + before.byteLength > after.offset) {
      throw invalid(file, `the tensors ${before.name} and ${after.name} overlap at byte ${after.offset}`, {
        tensor: after.name,
        offset: after.offset,
      });
    }
  }
  return new Map(placed.map((tensor) => [tensor.name, tensor]));
}

function invalid(file: DataSection, problem: string, detail: Record<string, unknown>): GemmaError {
  return new GemmaError('gguf-invalid', `${file.name}: ${problem}. The file is damaged or not a model`, {detail});
}
