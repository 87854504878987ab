// What PEFT calls a module of Hugging Face's Gemma classes, and what GGUF calls its weight. The rules of llama.cpp's
// convert_lora_to_gguf.py and gguf-py/gguf/tensor_mapping.py. Knows no values.

/** Modules of a layer. */
const LAYER: Readonly<Record<string, string>> = {
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
  per_layer_input_gate: 'inp_gate',
  per_layer_projection: 'proj',
  'router.proj': 'ffn_gate_inp',
  'laurel.linear_left': 'laurel_l',
  'laurel.linear_right': 'laurel_r',
  'altup.modality_router': 'altup_router',
  'altup.prediction_coefs': 'altup_predict_coef',
  'altup.correction_coefs': 'altup_correct_coef',
};
const MODEL: Readonly<Record<string, string>> = {
  embed_tokens: 'token_embd',
  per_layer_model_projection: 'per_layer_model_proj',
};
/** Where the text model begins in classes that have more than one. */
const PREFIX = /^(?:base_model\.model\.)?(?:model\.language_model\.|language_model\.model\.|language_model\.|model\.)?/;

/**
 * `base_model.model.model.layers.3.self_attn.q_proj` → `blk.3.attn_q.weight`; null for a module that has no place in a
 * GGUF of the text model.
 */
export function ggufName(module: string): string | null {
  const path = module.replace(PREFIX, '');
  if (path === 'lm_head') return 'output.weight';
  const [, layer, rest] = /^layers\.(\d{1,4})\.(.+)$/.exec(path) ?? [];
  const table = layer === undefined ? MODEL : LAYER;
  const key = rest ?? path;
  if (!Object.hasOwn(table, key)) return null;
  return `${layer === undefined ? '' : `blk.${Number(layer)}.`}${table[key]}.weight`;
}

/** The other way round, as PEFT names modules of `Gemma…ForCausalLM`; null for a tensor that PEFT cannot adapt. */
export function peftModule(tensor: string): string | null {
  const [, layer, name] = /^(?:blk\.(\d+)\.)?(\w+)\.weight$/.exec(tensor) ?? [];
  const table = layer === undefined ? MODEL : LAYER;
  const found = Object.entries(table).find(([, gguf]) => gguf === name);
  if (!found) return null;
  return `base_model.model.model.${layer === undefined ? '' : `layers.${layer}.`}${found[0]}`;
}
