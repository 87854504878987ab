// Which low-rank terms a row gets. Needs `rows`, `mixes` and `terms`.
const MAX_USES = 4u;

struct Use {
  slot: u32,
  scale: f32,
}

// What one request uses: mixes[0] is nothing at all.
struct Mix {
  n_uses: u32,
  uses: array<Use, MAX_USES>,
}

// The term of one adapter for one matrix. Places are counted in f32 from the start of `factors`.
struct Term {
  slot: u32,         // of the adapter
  rank: u32,
  column: u32,       // where A·x begins in a row of t
  a: u32,            // f32[rank][N_IN]; of an embedding table f32[n_vocab][rank]
  b: u32,            // f32[n_out][rank]
  first_output: u32, // where the matrix's outputs begin in a row of y
  n_out: u32,
  scale: f32,
}

fn uses_slot(mix: u32, slot: u32) -> bool {
  for (var i = 0u; i < mixes[mix].n_uses; i++) {
    if (mixes[mix].uses[i].slot == slot) {
      return true;
    }
  }
  return false;
}
