// How the keys that a row sees are cut for workgroups. Positions are taken in tiles of 32, counted from the start of the
// sequence; a split is a run of whole tiles. The cut depends on the row's own position and window alone, never on what
// else is in the step, so a row's sums have one order.
const KEY_TILE = 32u;

struct Splits {
  first: u32,  // visible positions: first … end − 1
  end: u32,
  tile: u32,   // the tile of `first`
  length: u32, // tiles a split
  count: u32,  // splits, at most shape.MAX_SPLITS
}

fn splits_of(position: u32, window: u32) -> Splits {
  let end = position + 1u;
  let first = select(0u, end - min(end, window), window > 0u);
  let tile = first / KEY_TILE;
  let tiles = (end + KEY_TILE - 1u) / KEY_TILE - tile;
  let length = (tiles + shape.MAX_SPLITS - 1u) / shape.MAX_SPLITS;
  return Splits(first, end, tile, length, (tiles + length - 1u) / length);
}
