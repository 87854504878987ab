// The rows that a dispatch covers. Decode rows stand first in a step: one row of a sequence each; then those of prompts.
// Needs `step`.
const ALL_ROWS = 0u;
const OUTPUT_ROWS = 1u;
const DECODE_ROWS = 2u;
const PROMPT_ROWS = 3u;

// First row, and the one past the last.
fn row_range(which: u32) -> vec2u {
  switch which {
    case OUTPUT_ROWS: {
      return vec2u(0u, step.n_outputs);
    }
    case DECODE_ROWS: {
      return vec2u(0u, step.n_decode);
    }
    case PROMPT_ROWS: {
      return vec2u(step.n_decode, step.n_rows);
    }
    default: {
      return vec2u(0u, step.n_rows);
    }
  }
}
