// Products of a tile of 32 keys with up to eight heads: a team of 32 invocations takes four keys, so that a quad of each
// head serves four. Their parts are added up among four neighbours by exchanging, which every subgroup is large enough for,
// then once through workgroup memory: the order of the sums, hence the bits, is the same for every subgroup size. Needs
// `enable subgroups`, and that invocations whose indices differ in the last two bits are neighbours in a subgroup: the
// self-test at load finds out.
const TEAM = 32u;

fn score_tile(lid: u32, q_base: u32, last: u32, kv_quad: u32) {
  let first_key = lid / TEAM * 4u;
  let slot_0 = slots[first_key];
  let slot_1 = slots[first_key + 1u];
  let slot_2 = slots[first_key + 2u];
  let slot_3 = slots[first_key + 3u];
  var low = mat4x4f(); // a column a key
  var high = mat4x4f();
  // Two quads of each at a time: eight loads are on their way together.
  for (var i = lid % TEAM; i < QUADS; i += 2u * TEAM) {
    let both = i + TEAM < QUADS;
    let j = select(i, i + TEAM, both);
    let key_0 = cache_k(slot_0, kv_quad + i);
    let key_1 = cache_k(slot_1, kv_quad + i);
    let key_2 = cache_k(slot_2, kv_quad + i);
    let key_3 = cache_k(slot_3, kv_quad + i);
    let next_0 = cache_k(slot_0, kv_quad + j);
    let next_1 = cache_k(slot_1, kv_quad + j);
    let next_2 = cache_k(slot_2, kv_quad + j);
    let next_3 = cache_k(slot_3, kv_quad + j);
    low = plus_products(low, query(q_base, 0u, last, i), key_0, key_1, key_2, key_3);
    if (both) {
      low = plus_products(low, query(q_base, 0u, last, j), next_0, next_1, next_2, next_3);
    }
    if (HEAD_QUADS > 1u) {
      high = plus_products(high, query(q_base, 4u, last, i), key_0, key_1, key_2, key_3);
      if (both) {
        high = plus_products(high, query(q_base, 4u, last, j), next_0, next_1, next_2, next_3);
      }
    }
  }
  scratch[lid] = exchanged(lid, low);
  if (HEAD_QUADS > 1u) {
    scratch[WORKGROUP_SIZE + lid] = exchanged(lid, high);
  }
  workgroupBarrier();
  // One invocation a (key, four heads): the sums of the team's eight groups of neighbours.
  if (lid < KEY_TILE * HEAD_QUADS) {
    let key = lid % KEY_TILE;
    let begin = lid / KEY_TILE * WORKGROUP_SIZE + key / 4u * TEAM + lane_of_key(key % 4u);
    let upper = (scratch[begin + 16u] + scratch[begin + 20u]) + (scratch[begin + 24u] + scratch[begin + 28u]);
    scores[lid] = (scratch[begin] + scratch[begin + 4u]) + (scratch[begin + 8u] + scratch[begin + 12u]) + upper;
  }
  workgroupBarrier();
}

// Products of a quad of four keys with four heads, added to those of other quads.
fn plus_products(
  sums: mat4x4f,
  heads: mat4x4f,
  key_0: vec4f,
  key_1: vec4f,
  key_2: vec4f,
  key_3: vec4f,
) -> mat4x4f {
  return mat4x4f(sums[0] + key_0 * heads, sums[1] + key_1 * heads, sums[2] + key_2 * heads, sums[3] + key_3 * heads);
}

// The sum over four neighbours of one key: a neighbour keeps half of what it has, and gives the other half away.
fn exchanged(lid: u32, keys: mat4x4f) -> vec4f {
  let odd = (lid & 1u) == 1u;
  let first = select(keys[0], keys[2], odd) + subgroupShuffleXor(select(keys[2], keys[0], odd), 1u);
  let second = select(keys[1], keys[3], odd) + subgroupShuffleXor(select(keys[3], keys[1], odd), 1u);
  let upper = (lid & 2u) == 2u;
  return select(first, second, upper) + subgroupShuffleXor(select(second, first, upper), 2u);
}

// Which of four neighbours has the sum of a key.
fn lane_of_key(key: u32) -> u32 {
  return key / 2u + 2u * (key % 2u);
}
