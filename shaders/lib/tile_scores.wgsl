// Products of a tile of 32 keys with up to eight heads, without subgroups: eight invocations share a key, whose parts are
// added up through workgroup memory.
const SHARERS = 8u;
const PADDED = SHARERS + 1u; // rows of a bank each

fn score_tile(lid: u32, q_base: u32, last: u32, kv_quad: u32) {
  let slot = slots[lid / SHARERS];
  var low = vec4f();
  var high = vec4f();
  for (var i = lid % SHARERS; i < QUADS; i += SHARERS) {
    let key = cache_k(slot, kv_quad + i);
    low += key * query(q_base, 0u, last, i);
    if (HEAD_QUADS > 1u) {
      high += key * query(q_base, 4u, last, i);
    }
  }
  let place = lid / SHARERS * PADDED + lid % SHARERS;
  scratch[place] = low;
  if (HEAD_QUADS > 1u) {
    scratch[KEY_TILE * PADDED + place] = high;
  }
  workgroupBarrier();
  // One invocation a (key, four heads).
  if (lid < KEY_TILE * HEAD_QUADS) {
    var sum = vec4f();
    for (var i = 0u; i < SHARERS; i++) {
      sum += scratch[lid * PADDED + i];
    }
    scores[lid] = sum;
  }
  workgroupBarrier();
}
