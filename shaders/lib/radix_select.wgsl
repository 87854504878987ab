// The largest of many values, by a workgroup of 256: eight bits of their keys at a time, from the top. Keys are compared
// first, ties second; no two values share both. Needs sort_key(i) and tie_key(i), the larger the better.

// What is chosen begins with these bits, or with larger ones.
struct Threshold {
  key: u32,
  key_mask: u32,
  tie: u32,
  tie_mask: u32,
}

var<workgroup> bins: array<atomic<u32>, 256>;
var<workgroup> bin_sums: array<u32, 16>;
var<workgroup> chosen_bin: vec3u; // the bin, values in larger ones, values in it

// The threshold of the `count` largest of `n`; count is from 1 to n.
fn select_largest(lid: u32, n: u32, count: u32) -> Threshold {
  var t = Threshold(0u, 0u, 0u, 0u);
  var left = count;
  for (var digit = 0u; digit < 8u; digit++) {
    let shift = 24u - 8u * (digit % 4u);
    atomicStore(&bins[lid], 0u);
    workgroupBarrier();
    for (var i = lid; i < n; i += 256u) {
      let key = sort_key(i);
      if ((key & t.key_mask) != t.key) {
        continue;
      }
      if (digit < 4u) {
        atomicAdd(&bins[(key >> shift) & 255u], 1u);
      } else {
        let tie = tie_key(i);
        if ((tie & t.tie_mask) == t.tie) {
          atomicAdd(&bins[(tie >> shift) & 255u], 1u);
        }
      }
    }
    workgroupBarrier();
    if (lid < 16u) {
      var sum = 0u;
      for (var i = 0u; i < 16u; i++) {
        sum += atomicLoad(&bins[16u * lid + i]);
      }
      bin_sums[lid] = sum;
    }
    workgroupBarrier();
    var above = 0u;
    for (var i = lid / 16u + 1u; i < 16u; i++) {
      above += bin_sums[i];
    }
    for (var i = lid + 1u; i < 16u * (lid / 16u + 1u); i++) {
      above += atomicLoad(&bins[i]);
    }
    let here = atomicLoad(&bins[lid]);
    if (above < left && left <= above + here) {
      chosen_bin = vec3u(lid, above, here);
    }
    let bin = workgroupUniformLoad(&chosen_bin);
    left -= bin.y;
    if (digit < 4u) {
      t.key |= bin.x << shift;
      t.key_mask |= 255u << shift;
    } else {
      t.tie |= bin.x << shift;
      t.tie_mask |= 255u << shift;
    }
    if (left == bin.z) { // all that begins so is chosen
      break;
    }
  }
  return t;
}

fn is_chosen(t: Threshold, i: u32) -> bool {
  let key = sort_key(i) & t.key_mask;
  if (key != t.key) {
    return key > t.key;
  }
  return (tie_key(i) & t.tie_mask) >= t.tie;
}

// Floats in the order of unsigned integers. 0: counts as absent (−Infinity); the largest: no number.
fn float_key(bits: u32) -> u32 {
  let magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) {
    return 0xffffffffu;
  }
  if (bits == 0xff800000u) {
    return 0u;
  }
  if (magnitude == 0u) { // zeros of either sign are one value
    return 0x80000000u;
  }
  return select(bits | 0x80000000u, ~bits, bits >> 31u == 1u);
}

// Of a key that is neither.
fn float_of_key(key: u32) -> f32 {
  return bitcast<f32>(select(~key, key & 0x7fffffffu, key >> 31u == 1u));
}
