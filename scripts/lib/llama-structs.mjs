// The structs of llama.h that koffi must know to call llama.cpp. Field order is that of the version package.json pins.

/** `struct(koffi, 'name', 'i32 a b, ptr c')`: fields in llama.h's order. */
function struct(koffi, name, fields) {
  const types = {i32: 'int32_t', u32: 'uint32_t', ptr: 'void *', bool: 'bool', f32: 'float', size: 'size_t'};
  const members = fields.split(',').flatMap((group) => {
    const [type, ...names] = group.trim().split(/\s+/);
    return names.map((member) => [member, types[type]]);
  });
  return koffi.struct(name, Object.fromEntries(members));
}

/** Makes the structs that llama.h passes by value or fills known to koffi by name. */
export function defineLlamaStructs(koffi) {
  struct(
    koffi,
    'llama_model_params',
    `ptr devices tensor_buft_overrides, i32 n_gpu_layers split_mode load_mode lazy_mode main_gpu, ptr tensor_split
     progress_callback progress_callback_user_data kv_overrides, bool vocab_only check_tensors use_extra_bufts no_host
     no_alloc load_mtp`,
  );
  struct(
    koffi,
    'llama_context_params',
    `u32 n_ctx n_batch n_ubatch n_seq_max n_rs_seq n_outputs_max n_outputs_max_per_seq, i32 n_threads n_threads_batch
     ctx_type rope_scaling_type pooling_type attention_type flash_attn_type, f32 rope_freq_base rope_freq_scale
     yarn_ext_factor yarn_attn_factor yarn_beta_fast yarn_beta_slow, u32 yarn_orig_ctx, f32 defrag_thold, ptr cb_eval
     cb_eval_user_data, i32 type_k type_v, ptr abort_callback abort_callback_data, bool embeddings offload_kqv no_perf
     op_offload swa_full kv_unified, ptr samplers, size n_samplers, ptr ctx_other`,
  );
  struct(
    koffi,
    'llama_model_quantize_params',
    `i32 nthread ftype output_tensor_type token_embedding_type, bool allow_requantize quantize_output_tensor only_copy pure
     keep_split dry_run, ptr imatrix kv_overrides tt_overrides prune_layers, size max_buf_size`,
  );
  struct(koffi, 'llama_batch', 'i32 n_tokens, ptr token embd pos n_seq_id seq_id logits');
}
