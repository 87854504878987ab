// What a parsed GGUF header looks like to the rest of the engine. The reader that makes it is read-gguf.ts.
import type {GgmlTypeName} from './ggml-types.ts';
import type {Metadata} from './metadata.ts';

/** One entry of the tensor directory, checked: it lies inside the file and overlaps no other. */
export interface TensorInfo {
  readonly name: string;
  readonly type: GgmlTypeName;
  /** GGUF's `ne`, fastest dimension first: a linear layer is [in, out]. 1 to 4 entries, all ≥ 1. */
  readonly shape: readonly number[];
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly byteLength: number;
}

/** A GGUF header. Tensor data stay where they are. */
export interface GgufFile {
  readonly version: 2 | 3;
  readonly metadata: Metadata;
  /** In file order. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly alignment: number;
  /** Bytes from the start of the file to the tensor data section. */
  readonly dataOffset: number;
  /** Size of the file in bytes. */
  readonly size: number;
}
