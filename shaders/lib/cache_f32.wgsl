// Keys and values as f32. cache_k(slot, quad): the four values from 4 · quad on of a slot's row; cache_v likewise.
alias CacheWord = vec4f;

fn cache_k(slot: u32, quad: u32) -> vec4f {
  return k[slot * (shape.N_HEAD_KV * QUADS) + quad];
}

fn cache_v(slot: u32, quad: u32) -> vec4f {
  return v[slot * (shape.N_HEAD_KV * QUADS) + quad];
}
