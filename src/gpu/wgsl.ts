// Reads numbers and structs out of WGSL text, so that TypeScript does not repeat what is in a shader. Knows no kernel.
import {GemmaError} from '../errors.ts';

/** A member of a struct of numbers: 4 bytes each, so they follow each other in memory as in the text. */
export interface StructField {
  name: string;
  type: 'u32' | 'i32' | 'f32';
}

/**
 * The value of `const NAME = 16u;` in a shader.
 * @throws GemmaError `internal` where there is no such constant, or its value is no literal
 */
export function constantIn(shader: string, name: string): number {
  const [, text] = shader.match(new RegExp(`\\bconst\\s+${name}\\b[^=;]*=\\s*([^;]+);`)) ?? [];
  const value = Number(text?.trim().replace(/[uif]$/, '') || Number.NaN);
  if (Number.isNaN(value)) throw new GemmaError('internal', `the shader has no literal constant ${name}`);
  return value;
}

/**
 * The members of `struct NAME` in the order of memory.
 * @throws GemmaError `internal` where there is no such struct, or a member is no number
 */
export function structFields(shader: string, name: string): StructField[] {
  const code = shader.replace(/\/\/.*$/gm, '');
  const [, body] = code.match(new RegExp(`\\bstruct\\s+${name}\\s*\\{([^}]*)\\}`)) ?? [];
  if (body === undefined) throw new GemmaError('internal', `the shader has no struct ${name}`);
  const fields = body.split(',').map((field) => field.trim());
  if (fields.at(-1) === '') fields.pop();
  return fields.map((field) => {
    const [, variable, type] = field.match(/^(\w+)\s*:\s*(u32|i32|f32)$/) ?? [];
    if (variable !== undefined) return {name: variable, type: type as StructField['type']};
    throw new GemmaError('internal', `a member of ${name} is "${field}", expected NAME: u32, i32 or f32`);
  });
}
