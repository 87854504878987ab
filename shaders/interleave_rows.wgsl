// interleave_rows — bring rows of a weight, as they are in the file, into the layout that products read: four rows beside
// each other, the fields of all blocks of a row apart ("planes"). Bytes are moved, none is changed.
//
//   weight[ROW_WORDS · (first_quad + quad) + w][c] = word w of the planes of row 4 · quad + c;  zero for a row that is not there
//
// A plane is the bytes PLANE_AT … PLANE_AT + PLANE_BYTES − 1 of every block in turn, filled up with zeros to whole words.
//
// Shapes    source: {first_quad, n_rows, 0, 0}, then n_rows rows of ROW_BYTES bytes, without gaps; weight: vec4u
// Dispatch  one invocation a vec4 of words: x over the words of a row, y over quads of rows; those beyond the end do nothing
// Numerics  a copy
// Reference src/engine/kernels/weight-layout.ts (interleaveRows)

const WORKGROUP_SIZE = 64u;
const SOURCE_BYTES = 16u; // where the rows begin

struct Shape {
  ROW_BYTES: u32,
  ROW_WORDS: u32,
  BLOCK_BYTES: u32,
  N_BLOCKS: u32,
  PLANE_0_AT: u32,
  PLANE_0_BYTES: u32,
  PLANE_1_AT: u32,
  PLANE_1_BYTES: u32,
  PLANE_2_AT: u32,
  PLANE_2_BYTES: u32,
  PLANE_3_AT: u32,
  PLANE_3_BYTES: u32,
}

@group(0) @binding(0) var<storage, read> source: array<u32>;
@group(0) @binding(1) var<storage, read_write> weight: array<vec4u>;
@group(0) @binding(2) var<uniform> shape: Shape;

@compute @workgroup_size(WORKGROUP_SIZE)
fn interleave_rows(
  @builtin(workgroup_id) wid: vec3u,
  @builtin(local_invocation_index) lid: u32,
) {
  let first_quad = source[0];
  let n_rows = source[1];
  let w = wid.x * WORKGROUP_SIZE + lid;
  let row = 4u * wid.y;
  if (w >= shape.ROW_WORDS || row >= n_rows) {
    return;
  }
  // Which plane the word is in, and how far.
  var at = shape.PLANE_0_AT;
  var bytes = shape.PLANE_0_BYTES;
  var word = w;
  if (shape.PLANE_1_BYTES > 0u && word >= plane_words(bytes)) {
    word -= plane_words(bytes);
    at = shape.PLANE_1_AT;
    bytes = shape.PLANE_1_BYTES;
    if (word >= plane_words(bytes)) {
      word -= plane_words(bytes);
      at = shape.PLANE_2_AT;
      bytes = shape.PLANE_2_BYTES;
      if (word >= plane_words(bytes)) {
        word -= plane_words(bytes);
        at = shape.PLANE_3_AT;
        bytes = shape.PLANE_3_BYTES;
      }
    }
  }
  var values = vec4u();
  // Rows of single values are filled up to whole tiles.
  let within = word < plane_words(bytes);
  for (var c = 0u; within && c < min(4u, n_rows - row); c++) {
    values[c] = plane_word(SOURCE_BYTES + (row + c) * shape.ROW_BYTES + at, bytes, word);
  }
  weight[(first_quad + wid.y) * shape.ROW_WORDS + w] = values;
}

fn plane_words(bytes: u32) -> u32 {
  return (bytes * shape.N_BLOCKS + 3u) / 4u;
}

// Word `word` of the plane that begins at byte `start` of source.
fn plane_word(start: u32, bytes: u32, word: u32) -> u32 {
  if (bytes % 4u == 0u) {
    return source_word(start + (4u * word / bytes) * shape.BLOCK_BYTES + 4u * word % bytes);
  }
  var value = 0u;
  for (var i = 0u; i < 4u; i++) {
    let byte = 4u * word + i;
    let block = byte / bytes;
    if (block < shape.N_BLOCKS) {
      let address = start + block * shape.BLOCK_BYTES + byte % bytes;
      value |= ((source[address / 4u] >> (8u * (address % 4u))) & 255u) << (8u * i);
    }
  }
  return value;
}

// Four bytes from any address. A shift by 32 is a shift by 0 in WGSL: split in two.
fn source_word(address: u32) -> u32 {
  let skipped = 8u * (address % 4u);
  return (source[address / 4u] >> skipped) | ((source[address / 4u + 1u] << 1u) << (31u - skipped));
}
