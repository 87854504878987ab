// Queries as they are; keys and values are in the caches.
@group(0) @binding(6) var<storage, read> k: array<CacheWord>;
@group(0) @binding(7) var<storage, read> v: array<CacheWord>;
@group(0) @binding(8) var<uniform> shape: Shape;

fn begin_row(lid: u32, row: Row, q_base: u32, last: u32, kv_head: u32, is_end: bool) {}

// Four heads from `head` on at one quad; beyond the last head, the last one again.
fn query(base: u32, head: u32, last: u32, quad: u32) -> mat4x4f {
  return mat4x4f(
    q[base + min(head, last) * QUADS + quad],
    q[base + min(head + 1u, last) * QUADS + quad],
    q[base + min(head + 2u, last) * QUADS + quad],
    q[base + min(head + 3u, last) * QUADS + quad],
  );
}
