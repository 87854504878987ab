// A short list of the largest of many values, by a workgroup of 256. The values are cut into 256 parts or fewer; the count-th
// largest of the parts' maxima is a bound: no value below it can be among the `count` largest, and of values that are spread
// at random hardly more than `count` are not below it. What is listed is put in order by counting who is larger.

const LISTED = 256u;

var<workgroup> part_keys: array<u32, 256>;
var<workgroup> list_bound: u32;
var<workgroup> listed: array<vec2u, LISTED>; // key, id
var<workgroup> n_offered: atomic<u32>;
var<workgroup> n_listed_all: u32;

// The bound, at least 1: a key of 0 is absent. `own`: the largest key of part lid, 0 where there is no such part. Every
// invocation must call; count is from 1 to 256.
fn key_bound(lid: u32, own: u32, count: u32) -> u32 {
  part_keys[lid] = own;
  if (lid == 0u) {
    list_bound = 1u;
    atomicStore(&n_offered, 0u);
  }
  workgroupBarrier();
  var rank = 0u;
  for (var i = 0u; i < 256u; i++) {
    rank += u32(part_keys[i] > own || (part_keys[i] == own && i < lid));
  }
  if (own != 0u && rank == count - 1u) {
    list_bound = own;
  }
  return workgroupUniformLoad(&list_bound);
}

fn offer(key: u32, id: u32) {
  let place = atomicAdd(&n_offered, 1u);
  if (place < LISTED) {
    listed[place] = vec2u(key, id);
  }
}

// How many were offered: above LISTED the list has only some of them. Every invocation must call.
fn offered(lid: u32) -> u32 {
  workgroupBarrier();
  if (lid == 0u) {
    n_listed_all = atomicLoad(&n_offered);
  }
  return workgroupUniformLoad(&n_listed_all);
}

// How many of the first n in the list come before this one: larger keys, and of equal keys lower ids.
fn list_rank(own: vec2u, n: u32) -> u32 {
  var rank = 0u;
  for (var i = 0u; i < n; i++) {
    rank += u32(listed[i].x > own.x || (listed[i].x == own.x && listed[i].y < own.y));
  }
  return rank;
}
