// Attention over the rows of a batch, which is the same walk forwards and backwards: a workgroup has 4 · GROUPS vectors of its
// own (queries, or keys) and goes over the others (keys, or queries) in tiles of 64. Each tile gives products of the own with
// the others; from those come coefficients, by which the others are added up. Eight invocations an own vector: group
// lid / 32 has four, and lane lid % 32 has two of the tile's in products and every 32nd quad in sums.
//
// Needs BLOCKS, `shape` with QUADS, four_vectors.wgsl, and of each kernel own_quad(which, place) and other_quad(which, place): which of two
// buffers, and where in it.
override GROUPS: u32 = 8u; // 4 or 8

const TILE = 64u;
const CHUNK = 8u; // quads of vectors at a time
const PADDED = TILE + 1u; // neighbours in different banks

// Quads of the tile's vectors, [CHUNK][PADDED]; then coefficients of four own vectors, [GROUPS][PADDED].
var<workgroup> tile: array<vec4f, CHUNK * PADDED>;
var<workgroup> own_tile: array<vec4f, CHUNK * (4u * GROUPS + 1u)>;
var<workgroup> places: array<u32, TILE>; // where the tile's vectors begin

// Of a group's four own vectors with vectors lane and lane + 32 of the tile.
struct Products {
  low: vec4f,
  high: vec4f,
}

// `own`: where own vector lid / CHUNK begins. Every invocation must call; places have been written.
fn products(which: u32, own: u32, lid: u32) -> Products {
  let vector = lid / CHUNK;
  let at = lid % CHUNK;
  let lane = lid % 32u;
  let first_own = lid / 32u * 4u;
  var sums = Products();
  // The next chunk is on its way while one is used.
  var next = tile_quads(which, vector, at);
  var next_own = own_quad(which, own + min(at, shape.QUADS - 1u));
  for (var chunk = 0u; chunk < shape.QUADS; chunk += CHUNK) {
    workgroupBarrier();
    tile[at * PADDED + vector] = next[0];
    tile[at * PADDED + vector + 4u * GROUPS] = next[1];
    if (GROUPS < 8u) {
      tile[at * PADDED + vector + 8u * GROUPS] = next[2];
      tile[at * PADDED + vector + 12u * GROUPS] = next[3];
    }
    own_tile[at * (4u * GROUPS + 1u) + vector] = next_own;
    workgroupBarrier();
    if (chunk + CHUNK < shape.QUADS) {
      let quad = chunk + CHUNK + at;
      next = tile_quads(which, vector, quad);
      next_own = own_quad(which, own + min(quad, shape.QUADS - 1u));
    }
    for (var i = 0u; i < CHUNK; i++) {
      let first = i * (4u * GROUPS + 1u) + first_own;
      let four = mat4x4f(own_tile[first], own_tile[first + 1u], own_tile[first + 2u], own_tile[first + 3u]);
      sums.low += tile[i * PADDED + lane] * four;
      sums.high += tile[i * PADDED + lane + 32u] * four;
    }
  }
  return sums;
}

// One quad of those vectors of the tile that an invocation fetches: four of them, or two with eight groups.
fn tile_quads(which: u32, vector: u32, quad: u32) -> mat4x4f {
  var quads = mat4x4f(tile_quad(which, vector, quad), tile_quad(which, vector + 4u * GROUPS, quad), vec4f(), vec4f());
  if (GROUPS < 8u) {
    quads[2] = tile_quad(which, vector + 8u * GROUPS, quad);
    quads[3] = tile_quad(which, vector + 12u * GROUPS, quad);
  }
  return quads;
}

// Zero past the end of a vector.
fn tile_quad(which: u32, vector: u32, quad: u32) -> vec4f {
  return select(vec4f(), other_quad(which, places[vector] + min(quad, shape.QUADS - 1u)), quad < shape.QUADS);
}

// Every invocation must call, between a tile's products and its sums.
fn set_coefficients(low: vec4f, high: vec4f, lid: u32) {
  let at = lid / 32u * PADDED + lid % 32u;
  workgroupBarrier(); // the tile has been read
  tile[at] = low;
  tile[at + 32u] = high;
  workgroupBarrier();
}

// Four vectors at quads lane, lane + 32, lane + 64, lane + 96. Unrolled: an indexed array would spill to memory.
struct Sums {
  quad_0: mat4x4f,
  quad_1: mat4x4f,
  quad_2: mat4x4f,
  quad_3: mat4x4f,
}

// Each own vector plus the first n of the tile's by their coefficients; those up to the next multiple of four are 0.
fn plus_tile(sums: Sums, which: u32, n: u32, lid: u32) -> Sums {
  var all = sums;
  let lane = lid % 32u;
  if (lane < shape.QUADS) {
    // Four at a time, so that their loads are on their way together.
    for (var i = 0u; i < n; i += 4u) {
      let place = vec4u(places[i], places[i + 1u], places[i + 2u], places[i + 3u]);
      let at = lid / 32u * PADDED + i;
      let weight = mat4x4f(tile[at], tile[at + 1u], tile[at + 2u], tile[at + 3u]);
      all.quad_0 = plus_four(all.quad_0, which, place + lane, weight);
      if (BLOCKS > 1u) {
        all.quad_1 = plus_four(all.quad_1, which, place + min(lane + 32u, shape.QUADS - 1u), weight);
      }
      if (BLOCKS > 2u) {
        all.quad_2 = plus_four(all.quad_2, which, place + min(lane + 64u, shape.QUADS - 1u), weight);
      }
      if (BLOCKS > 3u) {
        all.quad_3 = plus_four(all.quad_3, which, place + min(lane + 96u, shape.QUADS - 1u), weight);
      }
    }
  }
  return all;
}

// One quad of four of the tile's vectors, each times its coefficients: column i of `weight` is that of vector i.
fn plus_four(sums: mat4x4f, which: u32, place: vec4u, weight: mat4x4f) -> mat4x4f {
  let value_0 = other_quad(which, place.x);
  let value_1 = other_quad(which, place.y);
  let value_2 = other_quad(which, place.z);
  let value_3 = other_quad(which, place.w);
  let two = weighted(weighted(sums, value_0, weight[0]), value_1, weight[1]);
  return weighted(weighted(two, value_2, weight[2]), value_3, weight[3]);
}
