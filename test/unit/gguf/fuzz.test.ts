// Property: whatever the bytes, the reader parses or throws GemmaError, reads no byte twice, none beyond the end, and
// takes memory in proportion to the file. Mutations come from a seed; a failure names its own.
import {expect} from 'chai';
import {writeGguf} from '../../../scripts/model-files/gguf-writer.ts';
import {type Random, seededRandom} from '../../../scripts/model-files/random.ts';
import {GemmaError} from '../../../src/errors.ts';
import {splitInfo} from '../../../src/gguf/file-kind.ts';
import {readGguf} from '../../../src/gguf/read-gguf.ts';
import {countingSource} from './counting-source.ts';

const ORIGINAL = writeGguf({
  alignment: 64,
  metadata: {
    'general.architecture': 'gemma4',
    'general.type': 'model',
    'gemma4.block_count': 2,
    'gemma4.rope.freq_base': 1e6,
    'gemma4.attention.sliding_window_pattern': [true, false],
    'gemma4.feed_forward_length': Int32Array.of(64, 128),
    'tokenizer.ggml.tokens': ['<pad>', '<eos>', '<bos>', 'a', 'é', '🙂'],
    'tokenizer.ggml.scores': Float32Array.of(0, 0, 0, -1, -2, -3),
    wide: {type: 'u64', value: 2n ** 60n},
    double: {type: 'f64', value: 0.1},
  },
  tensors: [
    {name: 'token_embd.weight', type: 'Q8_0', shape: [32, 6], data: new Uint8Array(204)},
    {name: 'blk.0.attn_q.weight', type: 'Q4_K', shape: [256, 2], data: new Uint8Array(288)},
    {name: 'output_norm.weight', type: 'F32', shape: [32], data: new Uint8Array(128)},
  ],
});
// Where the tensor data begin; mutations behind it change nothing.
const HEADER = ORIGINAL.length - 256 - 320 - 128;

// Lengths and counts on the edges of what fits, of i32, u32, 2^53 and i64.
const COUNTS = [
  0n,
  1n,
  0xffn,
  2n ** 16n,
  2n ** 26n,
  2n ** 31n,
  2n ** 32n - 1n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 64n - 1n,
];

const MUTATIONS: Record<string, (bytes: Uint8Array, random: Random) => Uint8Array> = {
  'flipped bits'(bytes, random) {
    for (let n = 1 + (random.u32() % 4); n > 0; n--) bytes[random.u32() % HEADER] ^= 1 << (random.u32() % 8);
    return bytes;
  },
  'random bytes'(bytes, random) {
    for (let n = 1 + (random.u32() % 16); n > 0; n--) bytes[random.u32() % HEADER] = random.u32();
    return bytes;
  },
  'huge counts and lengths'(bytes, random) {
    const count = COUNTS[random.u32() % COUNTS.length];
    new DataView(bytes.buffer).setBigUint64(4 + (random.u32() % (HEADER - 12)), count, true);
    return bytes;
  },
  truncation: (bytes, random) => bytes.subarray(0, random.u32() % bytes.length),
  'a piece cut out'(bytes, random) {
    const at = random.u32() % HEADER;
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + (random.u32() % 40))]);
  },
  'a piece spliced in'(bytes, random) {
    const [at, from] = [random.u32() % HEADER, random.u32() % HEADER];
    const piece = bytes.subarray(from, from + 1 + (random.u32() % 100));
    return Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
  },
  'noise behind the counts'(bytes, random) {
    for (let i = 24; i < HEADER; i++) bytes[i] = random.u32() % (random.u32() % 2 ? 256 : 4);
    return bytes;
  },
};

const ROUNDS = 1500;

// Zeros parse as empty keys and empty strings: in a file of 1 TiB only the limit ends a long run of them.
const LIMITS = {headerBytes: 2 ** 20};

describe('readGguf on mutated headers', () => {
  it('parses the original', async () => {
    const file = await readGguf(countingSource(ORIGINAL));
    expect(file.dataOffset).to.equal(HEADER);
  });

  for (const [title, mutate] of Object.entries(MUTATIONS)) {
    // In a file of its own size, and at the front of one that claims to hold anything.
    for (const claimed of [undefined, 2 ** 40]) {
      it(`only ever throws GemmaError: ${title}${claimed ? ' in a file of 1 TiB' : ''}`, async () => {
        let refused = 0;
        for (let seed = 0; seed < ROUNDS; seed++) {
          const mutant = new Uint8Array(mutate(ORIGINAL.slice(), seededRandom(seed)));
          const source = countingSource(mutant, claimed ?? mutant.length);
          if (!(await parses(source, seed))) refused++;
          expectFrugal(source, seed);
        }
        // Both outcomes occur, or the mutation is pointless; truncation leaves nothing to parse but in zeros.
        expect(refused).to.be.above(ROUNDS / 10);
      });
    }
  }

  it('takes no more memory than a few times the header', async () => {
    const before = process.memoryUsage().arrayBuffers;
    let highest = 0;
    for (let seed = 0; seed < ROUNDS; seed++) {
      const mutant = MUTATIONS['huge counts and lengths'](ORIGINAL.slice(), seededRandom(seed));
      await parses(countingSource(mutant), seed);
      const {arrayBuffers} = process.memoryUsage();
      highest = Math.max(highest, arrayBuffers - before);
    }
    // All parses together, garbage included; one false count of 2^26 that was believed would be 64 MiB or more.
    expect(highest)
      .to.be.below(ROUNDS * 16 * ORIGINAL.length)
      .and.below(48 * 2 ** 20);
  });
});

/** False where it was refused with a GemmaError that says something. Anything else fails the test. */
async function parses(source: ReturnType<typeof countingSource>, seed: number): Promise<boolean> {
  try {
    const file = await readGguf(source, {limits: LIMITS});
    for (const tensor of file.tensors.values()) {
      if (tensor.offset + tensor.byteLength > source.size) throw new Error(`${tensor.name} lies outside the file`);
    }
    splitInfo(file.metadata);
    return true;
  } catch (error) {
    if (error instanceof GemmaError && error.code !== 'internal' && error.message.length > 20) return false;
    throw new Error(`seed ${seed}: ${error instanceof Error ? error.stack : error}`);
  }
}

/** Time and memory go with the bytes that are read: in order, none twice, and few requests. */
function expectFrugal(source: ReturnType<typeof countingSource>, seed: number): void {
  let end = 0;
  for (const [offset, length] of source.reads) {
    if (offset !== end) expect.fail(`seed ${seed}: read at ${offset} after ${end}`);
    end = offset + length;
  }
  if (source.reads.length > 10 || end > LIMITS.headerBytes) {
    expect.fail(`seed ${seed}: ${source.reads.length} reads, ${end} bytes`);
  }
}
