// What changes from step to step. Filled by the engine, the same for every kernel.
struct Step {
  n_rows: u32,    // tokens in this step, of any mix of sequences
  n_outputs: u32, // rows that go through the head
  n_decode: u32,  // rows in front that continue an answer; the others are of prompts
  pad: u32,
}

// One token of one sequence.
struct Row {
  token: u32,
  position: u32,
  page_table: u32, // where the sequence's table begins in page_tables
  last: u32,       // the last position it attends: its own, or a later one where a text is read in both directions
  adapters: u32,   // which of the mixes in lib/low_rank.wgsl it uses; 0: none
}
