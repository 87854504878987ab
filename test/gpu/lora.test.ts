import {expect} from 'chai';
import {noise} from '../../scripts/lib/noise.ts';
import {AdapterPool, MAX_ADAPTERS, type PooledAdapter} from '../../src/engine/adapters/pool.ts';
import {MIX_WORDS, packMix, packTerms, type TermRecord, type Use} from '../../src/engine/adapters/tables.ts';
import type {Site} from '../../src/engine/graph/low-rank.ts';
import {lora, loraA, loraB, loraGeglu} from '../../src/engine/kernels/kernels.ts';
import {BufferPool} from '../../src/gpu/buffers.ts';
import {expectClose, expectSame} from '../helpers/close.ts';
import {rowData, runKernel, stepData, withDevice} from '../helpers/gpu.ts';
import * as reference from '../reference/kernels.ts';

interface Scene {
  nIn: number;
  nOut: number;
  /** By slot, ranks and outputs of its terms. */
  adapters: readonly (readonly {rank: number; firstOutput: number; nOut: number}[])[];
}

/** What one request each uses; none, one, two of them, the same at another scale, one that has no term here. */
const MIXES: readonly (readonly Use[])[] = [
  [],
  [{slot: 0, scale: 1}],
  [
    {slot: 2, scale: 0.5},
    {slot: 0, scale: -1.25},
  ],
  [{slot: 2, scale: 2}],
  [{slot: 3, scale: 1}],
];
const ROW_MIXES = [1, 0, 2, 3, 1, 4];

/** Appends values from a multiple of 4 on, and says where. What is between is not to be read into any sum. */
function placed(factors: number[], values: Float32Array): number {
  const at = factors.length;
  factors.push(...values);
  while (factors.length % 4 !== 0) factors.push(Number.NaN);
  return at;
}

function laidOut({nIn, adapters}: Scene) {
  const records: TermRecord[] = [];
  const factors: number[] = [];
  let column = 0;
  adapters.forEach((terms, slot) => {
    for (const term of terms) {
      const a = placed(factors, noise(term.rank * nIn, factors.length + 1));
      const b = placed(factors, noise(term.rank * term.nOut, factors.length + 2));
      records.push({...term, slot, column, a, b, scale: 0.75});
      column += term.rank;
    }
  });
  const mixes = new Uint32Array(MIX_WORDS * MIXES.length);
  const floats = new Float32Array(mixes.buffer);
  MIXES.forEach((mix, i) => {
    packMix(mixes, floats, i, mix);
  });
  return {records, factors: Float32Array.from(factors), nColumns: column, mixes};
}

describe('lora, lora_geglu, lora_a and lora_b', () => {
  const scenes: Scene[] = [
    // One of everything.
    {nIn: 1, nOut: 1, adapters: [[{rank: 1, firstOutput: 0, nOut: 1}]]},
    // Queries, keys and values beside each other, of which adapters change some; ranks that are no multiple of anything.
    {
      nIn: 37,
      nOut: 70 + 9 + 9,
      adapters: [
        [
          {rank: 3, firstOutput: 0, nOut: 70},
          {rank: 5, firstOutput: 79, nOut: 9},
        ],
        [{rank: 2, firstOutput: 70, nOut: 9}],
        [
          {rank: 16, firstOutput: 0, nOut: 70},
          {rank: 1, firstOutput: 70, nOut: 9},
        ],
      ],
    },
    {nIn: 36, nOut: 10, adapters: [[{rank: 5, firstOutput: 1, nOut: 7}], [], [{rank: 17, firstOutput: 0, nOut: 1}]]},
    // 270M's width; matrices that end within a workgroup.
    {
      nIn: 640,
      nOut: 1024,
      adapters: [
        [],
        [],
        [
          {rank: 64, firstOutput: 0, nOut: 600},
          {rank: 20, firstOutput: 600, nOut: 424},
        ],
      ],
    },
  ];
  for (const scene of scenes) {
    const {nIn, nOut} = scene;
    it(
      `equal the reference, and each row alone, at [${nIn}] to [${nOut}]`,
      withDevice(async (device) => {
        const {records, factors, nColumns, mixes} = laidOut(scene);
        const x = noise(ROW_MIXES.length * nIn, 5);
        const y = noise(ROW_MIXES.length * nOut, 6);
        const terms = packTerms(records);
        const run = async (rowMixes: readonly number[], from: number, inOne: boolean) => {
          const n = rowMixes.length;
          const common = {
            step: stepData(n),
            rows: rowData(rowMixes.map((adapters) => ({adapters}))),
            mixes,
            terms,
            factors,
          };
          const input = {...common, x: x.slice(from * nIn, (from + n) * nIn)};
          const output = {y: y.slice(from * nOut, (from + n) * nOut)};
          const shape = {nRows: n + 1}; // a grid that is too large writes nothing more
          if (inOne) {
            const constants = {N_IN: nIn, N_OUT: nOut, N_TERMS: records.length};
            return runKernel(device, lora, {input, output, constants, shape});
          }
          const t = await runKernel(device, loraA, {
            input,
            output: {t: Math.max(1, n * nColumns)},
            constants: {N_IN: nIn, N_COLUMNS: nColumns},
            shape,
          });
          return runKernel(device, loraB, {
            input: {...common, t},
            output,
            constants: {N_OUT: nOut, N_COLUMNS: nColumns, N_TERMS: records.length},
            shape,
          });
        };
        const expected = Float64Array.from(y);
        ROW_MIXES.forEach((mix, r) => {
          for (const {slot, scale} of MIXES[mix]) {
            for (const record of records.filter((one) => one.slot === slot)) {
              const added = reference.lowRank(x.subarray(r * nIn, (r + 1) * nIn), {
                rank: record.rank,
                a: factors.subarray(record.a, record.a + record.rank * nIn),
                b: factors.subarray(record.b, record.b + record.rank * record.nOut),
                scale: scale * record.scale,
              });
              added.forEach((value, o) => {
                expected[r * nOut + record.firstOutput + o] += value;
              });
            }
          }
        });
        for (const inOne of nIn % 4 === 0 ? [false, true] : [false]) {
          const together = await run(ROW_MIXES, 0, inOne);
          expectClose(together, expected, 1e-5); // f32 sums against f64
          for (const [r, mix] of ROW_MIXES.entries()) {
            expectSame(await run([mix], r, inOne), together.slice(r * nOut, (r + 1) * nOut));
          }
          expectSame(together.slice(nOut, 2 * nOut), y.slice(nOut, 2 * nOut)); // a row without adapters
        }
        if (nIn % 4 !== 0 || nOut % 2 !== 0) return;
        // The same outputs as gates and ups.
        const gated = (rowMixes: readonly number[], from: number) =>
          runKernel(device, loraGeglu, {
            input: {
              step: stepData(rowMixes.length),
              rows: rowData(rowMixes.map((adapters) => ({adapters}))),
              mixes,
              terms,
              factors,
              x: x.slice(from * nIn, (from + rowMixes.length) * nIn),
              gate_up: y.slice(from * nOut, (from + rowMixes.length) * nOut),
            },
            output: {y: (rowMixes.length * nOut) / 2},
            constants: {N_IN: nIn, N: nOut / 2, N_TERMS: records.length},
            shape: {nRows: rowMixes.length + 1},
          });
        const together = await gated(ROW_MIXES, 0);
        const judged = ROW_MIXES.flatMap((_, r) => {
          const row = expected.subarray(r * nOut, (r + 1) * nOut);
          return [...reference.geglu(row.subarray(0, nOut / 2), row.subarray(nOut / 2), nOut / 2)];
        });
        expectClose(together, Float64Array.from(judged), 1e-5); // f32 sums against f64
        for (const [r, mix] of ROW_MIXES.entries()) {
          expectSame(await gated([mix], r), together.slice((r * nOut) / 2, ((r + 1) * nOut) / 2));
        }
      }),
    );
  }

  it(
    'gather rows of an embedding table by token',
    withDevice(async (device) => {
      const [nVocab, nEmbd, rank] = [11, 70, 3];
      const a = noise(nVocab * rank, 1);
      const b = noise(nEmbd * rank, 2);
      const y = noise(2 * nEmbd, 3);
      const factors: number[] = [];
      const record = {
        slot: 0,
        rank,
        column: 0,
        a: placed(factors, a),
        b: placed(factors, b),
        firstOutput: 0,
        nOut: nEmbd,
        scale: 8,
      };
      const {mixes} = laidOut({nIn: 1, nOut: 1, adapters: []});
      const values = Float32Array.from(factors);
      const changed = await runKernel(device, loraB, {
        input: {
          step: stepData(2),
          rows: rowData([{token: 10, adapters: 1}, {token: 4}]),
          mixes,
          terms: packTerms([record]),
          factors: values,
          t: values,
        },
        output: {y},
        constants: {GATHER: 1, N_OUT: nEmbd, N_COLUMNS: rank, N_TERMS: 1},
        shape: {nRows: 2},
      });
      const added = reference.lowRankRow(10, {rank, a, b, scale: 8});
      expectClose(
        changed,
        Float64Array.from(y, (value, i) => value + (added[i] ?? 0)),
        1e-5, // f32 sums against f64
      );
    }),
  );
});

describe('the pool of adapters', () => {
  const part = (tensor: string, nOut: number, firstOutput: number) => ({tensor, nOut, firstOutput});
  const sites: Site[] = [
    {name: 'qk', parts: [part('q', 70, 0), part('k', 9, 70)], nIn: 37, nOut: 79, gathers: false, factor: 1},
    {name: 'down', parts: [part('down', 5, 0)], nIn: 3, nOut: 5, gathers: false, factor: 1},
  ];
  const shape = (tensor: string, rank: number) => ({tensor, rank, scale: 1});
  const factorsOf = (pool: AdapterPool, adapter: PooledAdapter, tensor: string, seed: number) => {
    const {a, b} = pool.term(adapter, tensor)!;
    return {a: noise(a.size / 4, seed), b: noise(b.size / 4, seed + 1)};
  };

  it(
    'keeps factors while adapters come and go, and makes bindings that every device accepts',
    withDevice(async (device) => {
      const buffers = new BufferPool(device);
      const pool = new AdapterPool(device, buffers, sites);
      const first = await pool.create([shape('q', 3), shape('down', 2), shape('v', 4)]);
      expect(first.dropped).to.deep.equal(['v']);
      expectSame([...(await pool.read(first, 'q')).b], Array(210).fill(0));
      const written = factorsOf(pool, first, 'q', 1);
      pool.write(first, 'q', written);
      const second = await pool.create([shape('k', 1), shape('q', 2)]);
      pool.write(second, 'q', factorsOf(pool, second, 'q', 3));
      const third = await pool.create([shape('q', 1)]);
      await pool.remove(second);
      pool.release();
      expectSame((await pool.read(first, 'q')).a, written.a);
      expectSame((await pool.read(first, 'q')).b, written.b);
      for (const {a, b} of [pool.term(first, 'q')!, pool.term(third, 'q')!]) {
        expectSame([a.offset % 256, b.offset % 256], [0, 0]);
      }
      expectSame([(await pool.create([shape('k', 1)])).slot], [second.slot]);
      pool.release();
      await pool.remove(first);
      await pool.remove(third);
      await pool.remove(pool.adapters[0]);
      pool.release();
      expectSame([buffers.stats().bytes.adapters, pool.sites.length], [0, 0]);
    }),
  );

  it(
    'refuses one adapter too many, and one without room, and changes nothing',
    withDevice(async (device) => {
      const buffers = new BufferPool(device);
      const small = new BufferPool(device, {...device.limits, maxBufferSize: 4096, maxStorageBufferBindingSize: 4096});
      const cramped = new AdapterPool(device, small, sites);
      const fits = await cramped.create([shape('q', 2)]);
      const error = await cramped.create([shape('q', 64)]).catch(({code}) => code);
      expect([error, cramped.adapters.length, cramped.term(fits, 'q')!.rank]).to.deep.equal(['out-of-memory', 1, 2]);
      small.destroy();
      const pool = new AdapterPool(device, buffers, sites);
      for (let i = 0; i < MAX_ADAPTERS; i++) await pool.create([shape('down', 1)]);
      expect(await pool.create([shape('down', 1)]).catch(({code}) => code)).to.equal('out-of-memory');
      buffers.destroy();
    }),
  );
});
