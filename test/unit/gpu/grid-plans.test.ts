import {expect} from 'chai';
import {GridPlans} from '../../../src/gpu/grid-plans.ts';
import type {Grid} from '../../../src/gpu/kernel.ts';

interface Step {
  rows: number;
  keys: number;
  mixed?: boolean;
}

const asked: string[] = [];
const item = (name: string, grid: (step: Step) => Grid) => ({
  name,
  grid(step: Step): Grid {
    asked.push(name);
    return grid(step);
  },
});
const ITEMS = [
  item('rows', ({rows}) => [rows, 2, 1]),
  item('keys', (step) => [Math.ceil(step.keys / 10), 1, 1]),
  item('mixed', ({rows, mixed}) => [mixed ? rows : 0, 1, 1]),
  // Reads the keys in some shapes only.
  item('both', (step) => (step.rows > 1 ? [1, 1, 1] : [step.keys > 20 ? 1 : 0, 1, 1])),
];

/** What a step runs, as each item says by itself. */
const plain = (step: Step) =>
  ITEMS.map(({name, grid}) => [name, grid(step)] as const).filter(([, grid]) => grid[0] > 0);

describe('grid plans', () => {
  const plans = new GridPlans<Step, (typeof ITEMS)[number]>(ITEMS, 'keys');
  const planned = (step: Step) =>
    plans
      .of(step)
      .map(({item: {name}, grid}) => [name, grid] as const)
      .filter(([, grid]) => grid[0] > 0);

  it('give the grids that the items give, in any order of steps', () => {
    const steps: Step[] = [];
    for (const rows of [1, 2, 1, 3]) for (const keys of [5, 25, 15]) steps.push({rows, keys});
    steps.push({rows: 2, keys: 7, mixed: true}, {rows: 2, keys: 8}, {rows: 2, keys: 9, mixed: false});
    for (let rows = 1; rows < 40; rows++) steps.push({rows, keys: 30}, {rows: 1, keys: rows});
    for (const step of steps) expect(planned(step), JSON.stringify(step)).to.deep.equal(plain(step));
  });

  it('ask again only what follows the property that varies', () => {
    plans.of({rows: 1, keys: 1});
    asked.length = 0;
    plans.of({rows: 1, keys: 2});
    expect(asked).to.deep.equal(['keys', 'both']);
    asked.length = 0;
    plans.of({rows: 2, keys: 2});
    plans.of({rows: 2, keys: 3});
    expect(asked.slice(-1)).to.deep.equal(['keys']);
  });
});
