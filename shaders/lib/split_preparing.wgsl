// Queries as projected: normed a head and rotated where they are read. With OWN_KEYS a row of q goes on with N_HEAD_KV heads of
// keys and as many of values (with VALUES_FROM_KEYS: none, the values are the keys as projected); the workgroup of a row's
// last split writes them to the caches before it reads there. As qkv_prepare and q_prepare. Needs `enable subgroups`,
// HEAD_DIM a multiple of 8, and at most eight query heads a KV head.
@group(0) @binding(6) var<storage, read_write> k: array<CacheWord>;
@group(0) @binding(7) var<storage, read_write> v: array<CacheWord>;
@group(0) @binding(8) var<storage, read> q_weight: array<vec4f>;
@group(0) @binding(9) var<storage, read> k_weight: array<vec4f>;
@group(0) @binding(10) var<storage, read> frequencies: array<vec4f>; // cos and sin of two pairs, as in rope.wgsl
@group(0) @binding(11) var<uniform> shape: Shape;

override EPS: f32;
override HEAD_NORMS: u32 = 1u;
override OWN_KEYS: u32 = 1u;
override NORM_VALUES: u32 = 0u;
override VALUES_FROM_KEYS: u32 = 0u;

var<workgroup> factors: array<f32, 8>; // of the query heads

var<private> position: u32;

// Quads of half a head.
fn half() -> u32 {
  return QUADS / 2u;
}

struct Turn {
  cos: vec4f,
  sin: vec4f,
}

// cos and sin of the four pairs from 4 · pair on.
fn turn_of(pair: u32) -> Turn {
  let low_at = (position % 256u * half() + pair) * 2u;
  let high_at = ((256u + position / 256u) * half() + pair) * 2u;
  let low_0 = frequencies[low_at];
  let low_1 = frequencies[low_at + 1u];
  let high_0 = frequencies[high_at];
  let high_1 = frequencies[high_at + 1u];
  let low = Turn(vec4f(low_0.xz, low_1.xz), vec4f(low_0.yw, low_1.yw));
  let high = Turn(vec4f(high_0.xz, high_1.xz), vec4f(high_0.yw, high_1.yw));
  return Turn(high.cos * low.cos - high.sin * low.sin, high.sin * low.cos + high.cos * low.sin);
}

fn rotated(a: vec4f, b: vec4f, turn: Turn, upper: bool) -> vec4f {
  return select(a * turn.cos - b * turn.sin, a * turn.sin + b * turn.cos, upper);
}

// Σ of squares of the vector at `first`, by 32 invocations each for up to eight vectors: in scratch, eight parts a vector.
fn square_parts(lid: u32, first: u32, used: bool) {
  var squares = 0.0;
  if (used) {
    for (var i = lid % 32u; i < QUADS; i += 32u) {
      let value = q[first + i];
      squares += dot(value, value);
    }
  }
  squares += subgroupShuffleXor(squares, 1u);
  squares += subgroupShuffleXor(squares, 2u);
  if (lid % 4u == 0u) {
    scratch[lid / 4u].x = squares;
  }
}

// What x / sqrt(mean(x²) + EPS) multiplies a vector with.
fn factor_of(vector: u32) -> f32 {
  var squares = 0.0;
  for (var i = 0u; i < 8u; i++) {
    squares += scratch[8u * vector + i].x;
  }
  return 1.0 / sqrt(squares / f32(4u * QUADS) + EPS);
}

fn begin_row(lid: u32, row: Row, q_base: u32, last: u32, kv_head: u32, is_end: bool) {
  position = row.position;
  if (HEAD_NORMS != 0u) {
    square_parts(lid, q_base + lid / 32u * QUADS, lid / 32u <= last);
    workgroupBarrier();
    if (lid <= last) {
      factors[lid] = factor_of(lid);
    }
    workgroupBarrier();
  }
  if (OWN_KEYS == 0u || !is_end) {
    return;
  }
  // Of the row: its keys and values.
  let own = q_base + (shape.N_HEAD - kv_head * (shape.N_HEAD / shape.N_HEAD_KV) + kv_head) * QUADS;
  let own_values = select(own + shape.N_HEAD_KV * QUADS, own, VALUES_FROM_KEYS != 0u);
  square_parts(lid, select(own, own_values, lid >= 32u), lid < 64u);
  workgroupBarrier();
  let slot = cache_slot(row.page_table, position) * (shape.N_HEAD_KV * QUADS) + kv_head * QUADS;
  for (var i = lid; i < QUADS; i += WORKGROUP_SIZE) {
    let pair = i % half();
    var a = q[own + pair];
    var b = q[own + half() + pair];
    if (HEAD_NORMS != 0u) {
      let factor = factor_of(0u);
      a *= factor * k_weight[pair];
      b *= factor * k_weight[half() + pair];
    }
    k[slot + i] = rotated(a, b, turn_of(pair), i >= half());
    v[slot + i] = q[own_values + i] * select(1.0, factor_of(1u), NORM_VALUES != 0u);
  }
  storageBarrier();
  workgroupBarrier();
}

// Four heads from `head` on at one quad; beyond the last head, the last one again.
fn query(base: u32, head: u32, last: u32, quad: u32) -> mat4x4f {
  let pair = quad % half();
  let turn = turn_of(pair);
  var lower = vec4f(1.0);
  var upper = vec4f(1.0);
  if (HEAD_NORMS != 0u) {
    lower = q_weight[pair];
    upper = q_weight[half() + pair];
  }
  let is_upper = quad >= half();
  return mat4x4f(
    query_of(base, min(head, last), pair, lower, upper, turn, is_upper),
    query_of(base, min(head + 1u, last), pair, lower, upper, turn, is_upper),
    query_of(base, min(head + 2u, last), pair, lower, upper, turn, is_upper),
    query_of(base, min(head + 3u, last), pair, lower, upper, turn, is_upper),
  );
}

fn query_of(base: u32, head: u32, pair: u32, lower: vec4f, upper: vec4f, turn: Turn, is_upper: bool) -> vec4f {
  let factor = select(1.0, factors[head], HEAD_NORMS != 0u);
  let a = q[base + head * QUADS + pair] * factor * lower;
  let b = q[base + head * QUADS + half() + pair] * factor * upper;
  return rotated(a, b, turn, is_upper);
}
