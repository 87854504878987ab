// Adds up what the 16 invocations of a team have of the products of its four keys with eight heads: among four
// neighbours by exchanging, which every subgroup is large enough for, then once through workgroup memory. The order of
// the sums, hence the bits, is the same for every subgroup size. Needs `enable subgroups`, and that invocations whose
// indices differ in the last two bits are neighbours in a subgroup: the self-test at load finds out.

fn add_up_scores(lid: u32, low: array<vec4f, 4>, high: array<vec4f, 4>) {
  scratch[lid] = exchanged(lid, low);
  if (HEAD_QUADS > 1u) {
    scratch[WORKGROUP_SIZE + lid] = exchanged(lid, high);
  }
  workgroupBarrier();
  // One invocation a (key, four heads): the sums of the team's four groups of neighbours.
  if (lid < KEY_TILE * HEAD_QUADS) {
    let key = lid % KEY_TILE;
    let begin = lid / KEY_TILE * WORKGROUP_SIZE + key / 4u * TEAM + lane_of_key(key % 4u);
    scores[lid] = (scratch[begin] + scratch[begin + 4u]) + (scratch[begin + 8u] + scratch[begin + 12u]);
  }
  workgroupBarrier();
}

// The sum over four neighbours of one key: a neighbour keeps half of what it has, and gives the other half away.
fn exchanged(lid: u32, keys: array<vec4f, 4>) -> vec4f {
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
