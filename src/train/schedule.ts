// The learning rate of each update. The formulas of Hugging Face's schedulers, but that the first update of a warm-up is not
// spent on a rate of 0.

/** `linear` and `cosine` fall to 0 after the last update. */
export const SCHEDULES = ['constant', 'linear', 'cosine'] as const;
export type Schedule = (typeof SCHEDULES)[number];

export interface ScheduleOptions {
  learningRate: number;
  schedule: Schedule;
  /** Updates in which the rate rises to its full value, as a part of all, 0 to 1. */
  warmup: number;
  /** Of the whole run. */
  steps: number;
}

/** @param step from 0 */
export function learningRateAt(step: number, {learningRate, schedule, warmup, steps}: ScheduleOptions): number {
  const rising = Math.ceil(warmup * steps);
  if (step < rising) return (learningRate * (step + 1)) / rising;
  // 0 at the first update after the warm-up.
  const done = (step - rising) / Math.max(1, steps - rising);
  if (schedule === 'linear') return learningRate * (1 - done);
  if (schedule === 'cosine') return learningRate * 0.5 * (1 + Math.cos(Math.PI * done));
  return learningRate;
}
