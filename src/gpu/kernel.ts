// What a compute kernel is to the rest of the engine: a WGSL text, the names of its buffers and constants, and its grid.
// The shader is the single source: names and access come out of its text, and a binding file that disagrees
// fails on import. Knows no device.
import {GemmaError} from '../errors.ts';
import {structFields} from './wgsl.ts';

/** Workgroups in x, y, z. A zero anywhere means: nothing to dispatch. */
export type Grid = readonly [x: number, y: number, z: number];

/** How a shader uses a buffer. */
export type BindingAccess = 'uniform' | 'read' | 'read_write';

/** A buffer of a shader. */
export interface Binding {
  readonly name: string;
  readonly access: BindingAccess;
}

/** What a dispatch is recorded with, and no step changes. */
export interface Constant {
  readonly name: string;
  readonly type: 'u32' | 'i32' | 'f32';
  /** Undefined: a value must be given. */
  readonly default: number | undefined;
  /**
   * An override is compiled in: another value is another pipeline. A field of the uniform `shape` is read: kernels that
   * cost long to compile have one pipeline for all matrices of a model.
   */
  readonly place: 'override' | 'shape';
}

/** The shape of most kernels: how many rows they cover. Their constants have the rest. */
export interface RowShape {
  nRows: number;
}

/** A compute shader, its buffers and constants by name, and its grid. */
export interface Kernel<B extends string = string, C extends string = string, S = never> {
  /** The entry point, and the name of its files. */
  readonly name: string;
  readonly code: string;
  /** In binding order, group 0. The uniform `shape`, where there is one, is none of them: it is bound after the last. */
  readonly bindings: readonly Binding[];
  /** Overrides, then the fields of `shape` in the order of its memory, 4 bytes each. */
  readonly constants: readonly Constant[];
  /** Type-level only: which names `buffers` must have. */
  readonly bindingNames: readonly B[];
  // A method, not a property: kernels of any shape fit in one list.
  grid(shape: S, constants: Readonly<Record<C, number>>): Grid;
}

/** Values by the names of a kernel's constants; those with a default may be left out. */
export type Constants<C extends string> = Readonly<Partial<Record<C, number>>>;

interface Definition<B extends string, C extends string, S> {
  /** Names of the buffers in binding order. Checked against the shader on import. */
  bindings: readonly B[];
  /** Names of the overrides and of the fields of `shape`, in any order. Checked against the shader on import. */
  constants: readonly C[];
  /** Values of fields of `shape` that need not be given. An override's is in the shader. */
  defaults?: Readonly<Partial<Record<C, number>>>;
  /** Workgroups for a shape; `constants` are complete, defaults filled in. */
  grid: (shape: S, constants: Readonly<Record<C, number>>) => Grid;
}

/**
 * Binds a shader to TypeScript.
 * @throws GemmaError `internal` when the shader's bindings or constants are not the ones listed.
 */
export function defineKernel<const B extends string, const C extends string, S = RowShape>(
  shader: string,
  definition: Definition<B, C, S>,
): Kernel<B, C, S> {
  const {name, bindings, constants: found} = reflect(shader);
  same(`${name}: bindings`, names(bindings), definition.bindings);
  same(`${name}: constants`, names(found).sort(), [...definition.constants].sort());
  const defaults: Readonly<Record<string, number | undefined>> = definition.defaults ?? {};
  const constants = found.map((one) => (one.place === 'shape' ? {...one, default: defaults[one.name]} : one));
  return {name, code: shader, bindings, constants, bindingNames: definition.bindings, grid: definition.grid};
}

/** The constants of a dispatch: what was given, and the defaults. */
export function completeConstants<C extends string>(
  kernel: Kernel<string, C>,
  given: Constants<C>,
): Readonly<Record<C, number>> {
  const values: Record<string, number | undefined> = given;
  const complete: Record<string, number> = {};
  for (const {name, type, default: standard} of kernel.constants) {
    const value = values[name] ?? standard;
    if (value === undefined) throw internal(`${kernel.name}: constant ${name} is missing`);
    if (!Number.isFinite(value) || (type !== 'f32' && !Number.isInteger(value))) {
      throw internal(`${kernel.name}: constant ${name} is ${value}, expected ${type}`);
    }
    complete[name] = value;
  }
  for (const name of Object.keys(given)) {
    if (!(name in complete)) throw internal(`${kernel.name}: constant ${name} is not in the shader`);
  }
  return complete as Record<C, number>;
}

/** Reads entry point, bindings and constants out of WGSL text. Exported for its tests. */
export function reflect(shader: string): {name: string; bindings: Binding[]; constants: Constant[]} {
  const code = shader.replace(/\/\/.*$/gm, '');
  const entries = [...code.matchAll(/@compute\b[^{;]*?\bfn\s+(\w+)/g)];
  if (entries.length !== 1) throw internal(`a shader has ${entries.length} compute entry points, expected one`);
  const name = entries[0][1];

  const bindings: Binding[] = [];
  for (const match of code.matchAll(/@group\((\d+)\)\s*@binding\((\d+)\)\s*var<([^>]+)>\s*(\w+)/g)) {
    const [, group, index, space, variable] = match;
    if (group !== '0') throw internal(`${name}: ${variable} is in group ${group}, expected 0`);
    if (Number(index) in bindings) throw internal(`${name}: binding ${index} is declared twice`);
    bindings[Number(index)] = {name: variable, access: accessOf(space)};
  }
  // Object.keys leaves holes out, length does not.
  if (Object.keys(bindings).length !== bindings.length) throw internal(`${name}: binding numbers have a gap`);

  const constants: Constant[] = [];
  for (const match of code.matchAll(/\boverride\s+(\w+)\s*:\s*(u32|i32|f32)\s*(?:=\s*([^;]+))?;/g)) {
    const [, variable, type, text] = match;
    const value = text === undefined ? undefined : Number(text.trim().replace(/[uif]$/, ''));
    if (Number.isNaN(value)) throw internal(`${name}: default of ${variable} is no literal`);
    constants.push({name: variable, type: type as Constant['type'], default: value, place: 'override'});
  }
  const shape = bindings.findIndex((binding) => binding.name === 'shape');
  if (shape >= 0) {
    const last = bindings.pop();
    if (last?.name !== 'shape' || last.access !== 'uniform') throw internal(`${name}: shape is not the last uniform`);
    for (const field of structFields(code, 'Shape')) constants.push({...field, default: undefined, place: 'shape'});
  }
  return {name, bindings, constants};
}

function accessOf(space: string): BindingAccess {
  const [kind, mode = 'read'] = space.split(',').map((part) => part.trim());
  if (kind === 'uniform') return 'uniform';
  return mode === 'read_write' ? 'read_write' : 'read';
}

function same(what: string, found: readonly string[], expected: readonly string[]): void {
  if (found.join() !== expected.join())
    throw internal(`${what} are [${found}] in the shader, [${expected}] in the binding`);
}

const names = (list: readonly {name: string}[]): string[] => list.map(({name}) => name);

const internal = (message: string): GemmaError => new GemmaError('internal', message);
