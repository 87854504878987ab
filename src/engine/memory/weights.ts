// How a model's tensors are laid out on the GPU, each in its own quantised form, and the buffers for them. Owns the cutting
// of large tensors into slices of rows; how the rows of a matrix are arranged is kernels/weight-layout.ts. Fills nothing:
// upload.ts does.
import {GemmaError} from '../../errors.ts';
import {rowBytes} from '../../gguf/ggml-types.ts';
import type {TensorInfo} from '../../gguf/gguf-file.ts';
import type {Buffers} from '../../gpu/buffers.ts';
import {matrixBytes, ROWS_BESIDE, rowWords} from '../kernels/weight-layout.ts';
import type {WeightType} from '../kernels/weight-types.ts';

/** Rows `firstRow` … `firstRow + nRows − 1` of a tensor, in a buffer of their own. */
export interface SliceLayout {
  firstRow: number;
  nRows: number;
}

/** How a tensor is cut and arranged, before there are buffers for it. */
export interface WeightLayout {
  tensor: TensorInfo;
  /** Values of a row, and rows: a linear layer is [nOut][nIn]. */
  nIn: number;
  nOut: number;
  /** Bytes of a row in the file. */
  rowBytes: number;
  /** Rows of a matrix are beside each other by fours; a vector's values are as in the file. */
  matrix: boolean;
  /** u32 words of a row on the GPU. */
  strideWords: number;
  slices: readonly SliceLayout[];
}

/** A slice and its buffer. */
export interface WeightSlice extends SliceLayout {
  buffer: GPUBuffer;
}

/** A tensor on the GPU. */
export interface Weight {
  name: string;
  type: WeightType;
  nIn: number;
  nOut: number;
  strideWords: number;
  slices: readonly WeightSlice[];
  /** The table stays in the file, and its one slice has the rows of the current step, in the step's order. */
  hosted: boolean;
}

/**
 * How a tensor is laid out on the GPU when no buffer may exceed `maxSliceBytes`.
 * @throws GemmaError `out-of-memory` when not even four rows fit.
 */
export function layOut(tensor: TensorInfo, maxSliceBytes: number): WeightLayout {
  const nIn = tensor.shape[0];
  const nOut = tensor.shape.slice(1).reduce((product, extent) => product * extent, 1);
  const bytes = rowBytes(tensor.type, nIn);
  const matrix = tensor.shape.length > 1;
  const strideWords = matrix ? rowWords(tensor.type, nIn) : Math.ceil(bytes / 4);
  const step = matrix ? ROWS_BESIDE : 1;
  const rowsPerSlice = step * Math.floor((maxSliceBytes - (maxSliceBytes % 16)) / (4 * step * strideWords));
  if (rowsPerSlice < 1) {
    throw new GemmaError(
      'out-of-memory',
      `${step} rows of ${tensor.name} take ${4 * step * strideWords} bytes; this GPU binds at most ${maxSliceBytes}. Use another device or a smaller model`,
      {detail: {tensor: tensor.name, rowBytes: 4 * strideWords, limit: maxSliceBytes}},
    );
  }
  const slices: SliceLayout[] = [];
  for (let firstRow = 0; firstRow < nOut; firstRow += rowsPerSlice) {
    slices.push({firstRow, nRows: Math.min(rowsPerSlice, nOut - firstRow)});
  }
  return {tensor, nIn, nOut, rowBytes: bytes, matrix, strideWords, slices};
}

/** Buffers for a tensor. Wrap in `guarded`. */
export function allocateWeight(pool: Buffers, layout: WeightLayout): Weight {
  const {tensor, slices} = layout;
  return {
    ...described(layout),
    hosted: false,
    slices: slices.map((slice) => ({
      ...slice,
      buffer: pool.create(`${tensor.name}[${slice.firstRow}]`, 'weights', sliceBytes(layout, slice.nRows)),
    })),
  };
}

/** A buffer for the rows that one step of at most `maxRows` rows asks of a table that stays in the file. */
export function allocateHosted(pool: Buffers, layout: WeightLayout, maxRows: number): Weight {
  const buffer = pool.create(`${layout.tensor.name} of a step`, 'scratch', sliceBytes(layout, maxRows));
  return {...described(layout), hosted: true, slices: [{firstRow: 0, nRows: maxRows, buffer}]};
}

const sliceBytes = ({tensor, nIn, matrix, strideWords}: WeightLayout, nRows: number): number =>
  matrix ? matrixBytes(tensor.type, nIn, nRows) : 4 * strideWords * nRows;

const described = ({tensor, nIn, nOut, strideWords}: WeightLayout) => ({
  name: tensor.name,
  type: tensor.type as WeightType,
  nIn,
  nOut,
  strideWords,
});
