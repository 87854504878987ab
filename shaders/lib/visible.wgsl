// Which positions a row attends: first_visible … end_visible − 1. `window`: fewer than so many positions away from its own;
// 0: all up to its last. Both grow with the position of a row of the same text. Needs lib/step.wgsl.
fn first_visible(row: Row, window: u32) -> u32 {
  let end = row.position + 1u;
  return select(0u, end - min(end, window), window > 0u);
}

fn end_visible(row: Row, window: u32) -> u32 {
  return select(row.last + 1u, min(row.last + 1u, row.position + window), window > 0u);
}
