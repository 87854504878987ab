// The grids of a recording, worked out once for each shape of a step: of a model's dispatches most are left out of a step, and
// all but attention's are as many workgroups in every step of the same shape. Knows no kernel.
import type {Grid} from './kernel.ts';

/** As many shapes as answers in parallel have; those of prompts come and go. */
const MAX_PLANS = 16;

/** What has a grid for a step. */
export interface Gridded<Step> {
  readonly grid: (step: Step) => Grid;
}

/** An item of the list, with its grid for the step that was asked for last. */
export interface Planned<Item> {
  readonly item: Item;
  grid: Grid;
  /** Whether the grid follows what varies from step to step. */
  readonly varies: boolean;
}

interface Plan<Step, Item> {
  readonly step: Step;
  readonly planned: readonly Planned<Item>[];
}

/** Grids of a list, kept by the shape of a step. */
export class GridPlans<Step extends object, Item extends Gridded<Step>> {
  readonly #items: readonly Item[];
  readonly #varying: keyof Step;
  /** The last one used first. */
  #plans: Plan<Step, Item>[] = [];

  /** @param varying the property of a step that is another in nearly every one */
  constructor(items: readonly Item[], varying: keyof Step) {
    this.#items = items;
    this.#varying = varying;
  }

  /** The items that a step runs, in order; a grid with a zero is among them only where it may have none in another step. */
  of(step: Step): readonly Planned<Item>[] {
    const at = this.#plans.findIndex((plan) => this.#isSame(plan.step, step));
    const plan = at < 0 ? this.#plan(step) : this.#plans[at];
    if (at !== 0) {
      if (at > 0) this.#plans.splice(at, 1);
      this.#plans = [plan, ...this.#plans.slice(0, MAX_PLANS - 1)];
    }
    for (const each of plan.planned) if (each.varies) each.grid = each.item.grid(step);
    return plan.planned;
  }

  #plan(step: Step): Plan<Step, Item> {
    let varies = false;
    const watched = Object.defineProperty({...step}, this.#varying, {
      get: () => {
        varies = true;
        return step[this.#varying];
      },
    });
    const planned: Planned<Item>[] = [];
    for (const item of this.#items) {
      varies = false;
      const grid = item.grid(watched);
      if (varies || !isEmpty(grid)) planned.push({item, grid, varies});
    }
    return {step: {...step}, planned};
  }

  #isSame(a: Step, b: Step): boolean {
    const keys = Object.keys(b) as (keyof Step)[];
    return (
      keys.length === Object.keys(a).length && keys.every((key) => key === this.#varying || Object.is(a[key], b[key]))
    );
  }
}

/** Whether there is nothing to dispatch. */
export const isEmpty = ([x, y, z]: Grid): boolean => x * y * z === 0;
