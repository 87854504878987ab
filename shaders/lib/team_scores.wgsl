// Adds up, without subgroups, what the 16 invocations of a team have of the products of its four keys with eight heads:
// a round through workgroup memory for each key. low has heads 0 to 3, high 4 to 7.
const PADDED_TEAM = TEAM + 1u; // rows of a bank each

fn add_up_scores(lid: u32, low: array<vec4f, 4>, high: array<vec4f, 4>) {
  add_up_key(lid, 0u, low[0], high[0]);
  add_up_key(lid, 1u, low[1], high[1]);
  add_up_key(lid, 2u, low[2], high[2]);
  add_up_key(lid, 3u, low[3], high[3]);
}

fn add_up_key(lid: u32, key: u32, low: vec4f, high: vec4f) {
  let place = lid / TEAM * PADDED_TEAM + lid % TEAM;
  scratch[place] = low;
  if (HEAD_QUADS > 1u) {
    scratch[TEAMS * PADDED_TEAM + place] = high;
  }
  workgroupBarrier();
  // One invocation a (team, four heads).
  if (lid < TEAMS * HEAD_QUADS) {
    let begin = lid * PADDED_TEAM;
    var sum = vec4f();
    for (var i = 0u; i < TEAM; i++) {
      sum += scratch[begin + i];
    }
    scores[lid / TEAMS * KEY_TILE + 4u * (lid % TEAMS) + key] = sum;
  }
  workgroupBarrier();
}
