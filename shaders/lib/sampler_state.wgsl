// How a request chooses its tokens. Written by the host when the request joins, kept up by `sample`. As packed by
// src/engine/sampling/sampler-state.ts.
struct SamplerState {
  temperature: f32,   // 0: the likeliest token
  top_k: u32,         // from 1 to 64
  top_p: f32,         // 1: all
  min_p: f32,         // 0: none
  penalty: f32,       // 1: none
  window: u32,        // ids that the penalty sees
  history_length: u32, // ids known so far, at most window
  history_next: u32,  // where the next one goes
  seed: vec2u,
  drawn: u32,         // samples taken with this seed
  logprobs: u32,      // 0: none; else 1 + how many alternatives, at most 20
}
