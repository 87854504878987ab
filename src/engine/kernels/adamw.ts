// Binds shaders/adamw.wgsl. nRows counts values.
import shader from '../../../shaders/adamw.wgsl';
import {elementwise} from '../../gpu/grid.ts';
import {defineKernel, type RowShape} from '../../gpu/kernel.ts';

/** AdamW's settings. */
export interface AdamWSettings {
  /** Multiplies gradients. */
  scale: number;
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
  /** Of the update, from 1. */
  step: number;
}

/** The uniform `settings`, in the order of the shader's `Update`. */
export function packAdamW(settings: AdamWSettings): Float32Array<ArrayBuffer> {
  const {scale, learningRate, beta1, beta2, epsilon, weightDecay, step} = settings;
  const stepSize = learningRate / (1 - beta1 ** step);
  const rootC2 = Math.sqrt(1 - beta2 ** step);
  return new Float32Array([
    scale,
    1 - beta1,
    beta2,
    1 - beta2,
    1 - learningRate * weightDecay,
    stepSize,
    rootC2,
    epsilon,
  ]);
}

/** Values and moments after a step over gradients, which are cleared. */
export const adamw = defineKernel(shader, {
  bindings: ['settings', 'values', 'gradients', 'first', 'second'],
  constants: ['WORKGROUP_SIZE'],
  grid: ({nRows}: RowShape, {WORKGROUP_SIZE}) => elementwise(nRows, WORKGROUP_SIZE),
});
