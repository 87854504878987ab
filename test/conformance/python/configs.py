"""What a GGUF's keys mean to transformers: one function an architecture, from keys and tensors to a model class and its
configuration. Knows no tensor's place (tensors.py)."""
import math

import transformers as tf


def sliding_or_full(pattern, layers, period, last_is_full=True):
    """The kinds of all layers: of a list (true: sliding), or every `period`-th full."""
    if isinstance(pattern, list):
        return ['sliding_attention' if each else 'full_attention' for each in pattern]
    return ['full_attention' if (i + 1) % (pattern or period) == 0 else 'sliding_attention' for i in range(layers)]


def rope(theta, factor=None):
    if factor:
        return {'rope_type': 'linear', 'factor': factor, 'rope_theta': theta}
    return {'rope_type': 'default', 'rope_theta': theta}


def common(key, tensors):
    width, heads = key('embedding_length'), key('attention.head_count')
    return dict(
        vocab_size=tensors['token_embd.weight'].shape[0],
        hidden_size=width,
        num_hidden_layers=key('block_count'),
        num_attention_heads=heads,
        head_dim=key('attention.key_length', width // heads),
        rms_norm_eps=key('attention.layer_norm_rms_epsilon'),
        max_position_embeddings=key('context_length'),
        tie_word_embeddings='output.weight' not in tensors,
        attn_implementation='eager',
    )


def dense(key, tensors):
    heads = key('attention.head_count')
    return dict(
        **common(key, tensors),
        intermediate_size=key('feed_forward_length'),
        num_key_value_heads=key('attention.head_count_kv', heads),
    )


def gemma(key, tensors):
    return tf.GemmaForCausalLM, tf.GemmaConfig(**dense(key, tensors))


def score_scale(key, wide_layers):
    """Models of 27B, known by their number of layers, divide scores by the embedding's share a head."""
    if key('block_count') == wide_layers:
        return key('embedding_length') // key('attention.head_count')
    return key('attention.key_length')


def gemma2(key, tensors):
    return tf.Gemma2ForCausalLM, tf.Gemma2Config(
        **dense(key, tensors),
        sliding_window=key('attention.sliding_window'),
        layer_types=sliding_or_full(key('attention.sliding_window_pattern'), key('block_count'), 2),
        query_pre_attn_scalar=score_scale(key, 46),
        attn_logit_softcapping=key('attn_logit_softcapping') or None,
        final_logit_softcapping=key('final_logit_softcapping') or None,
    )


def gemma3(key, tensors):
    layers, window = key('block_count'), key('attention.sliding_window')
    pattern = key('attention.sliding_window_pattern')
    types = sliding_or_full(pattern, layers, 6) if window else ['full_attention'] * layers
    return tf.Gemma3ForCausalLM, tf.Gemma3TextConfig(
        **dense(key, tensors),
        sliding_window=window or 4096,
        layer_types=types,
        query_pre_attn_scalar=score_scale(key, 62),
        final_logit_softcapping=key('final_logit_softcapping') or None,
        rope_parameters={
            'sliding_attention': rope(key('rope.freq_base_swa', 1e4)),
            'full_attention': rope(key('rope.freq_base'), key('rope.scaling.factor')),
        },
    )


def gemma3n(key, tensors):
    def share_below(deviations):
        return 0.5 * (1 + math.erf(deviations / math.sqrt(2))) if 0 < deviations < math.inf else 0.0

    return tf.Gemma3nForCausalLM, tf.Gemma3nTextConfig(
        **dense(key, tensors),
        vocab_size_per_layer_input=tensors['per_layer_token_embd.weight'].shape[0],
        hidden_size_per_layer_input=key('embedding_length_per_layer_input'),
        sliding_window=key('attention.sliding_window'),
        layer_types=sliding_or_full(key('attention.sliding_window_pattern'), key('block_count'), 5),
        num_kv_shared_layers=int(key('attention.shared_kv_layers', 0)),
        final_logit_softcapping=key('final_logit_softcapping') or None,
        laurel_rank=tensors['blk.0.laurel_l.weight'].shape[0],
        altup_num_inputs=key('altup.num_inputs'),
        altup_active_idx=key('altup.active_idx'),
        activation_sparsity_pattern=[share_below(each) for each in key('activation_sparsity_scale')],
        rope_parameters={
            'sliding_attention': rope(key('rope.freq_base_swa', 1e4)),
            'full_attention': rope(key('rope.freq_base')),
        },
    )


def gemma4(key, tensors):
    layers = key('block_count')
    pattern = key('attention.sliding_window_pattern')
    types = sliding_or_full(pattern, layers, 0)
    listed = lambda value: value if isinstance(value, list) else [value] * layers
    kv_heads = listed(key('attention.head_count_kv'))
    experts = key('expert_count', 0)
    full_values = f"blk.{types.index('full_attention')}.attn_v.weight"
    # Pairs that are rotated have a factor of 1, the others one so large that their angle is 0.
    rotated = float((tensors['rope_freqs.weight'] < 1e20).float().mean())
    config = tf.Gemma4TextConfig(
        **{**common(key, tensors), 'head_dim': key('attention.key_length_swa')},
        # One width for all layers is what transformers knows; fit_feed_forward widens the others.
        intermediate_size=listed(key('feed_forward_length'))[0],
        use_double_wide_mlp=False,
        num_key_value_heads=kv_heads[types.index('sliding_attention')],
        per_layer_config={
            i: {
                'head_dim': key('attention.key_length_swa' if pattern[i] else 'attention.key_length'),
                'num_key_value_heads': kv_heads[i],
            }
            for i in range(layers)
        },
        attention_k_eq_v=full_values not in tensors,
        sliding_window=key('attention.sliding_window'),
        layer_types=types,
        final_logit_softcapping=key('final_logit_softcapping') or None,
        vocab_size_per_layer_input=tensors['token_embd.weight'].shape[0],
        hidden_size_per_layer_input=key('embedding_length_per_layer_input', 0),
        num_kv_shared_layers=int(key('attention.shared_kv_layers', 0)),
        enable_moe_block=bool(experts),
        num_experts=experts or None,
        top_k_experts=key('expert_used_count'),
        moe_intermediate_size=key('expert_feed_forward_length'),
        rope_parameters={
            'sliding_attention': rope(key('rope.freq_base_swa')),
            'full_attention': {
                'rope_type': 'proportional',
                'partial_rotary_factor': rotated,
                'rope_theta': key('rope.freq_base'),
            },
        },
    )
    return tf.Gemma4ForCausalLM, config


def gemma_embedding2(key, tensors):
    layers = key('block_count')
    pattern = key('attention.sliding_window_pattern')
    kv_heads = key('attention.head_count_kv')
    sliding, full = pattern.index(True), pattern.index(False)
    config = tf.EmbeddingGemma2TextConfig(
        **{**common(key, tensors), 'head_dim': key('attention.key_length_swa')},
        intermediate_size=key('feed_forward_length'),
        num_key_value_heads=kv_heads[sliding],
        global_head_dim=key('attention.key_length'),
        num_global_key_value_heads=kv_heads[full],
        # A radius there, the whole window in the file.
        sliding_window=key('attention.sliding_window') // 2,
        layer_types=sliding_or_full(pattern, layers, 6),
        hidden_size_per_layer_input=key('embedding_length_per_layer_input'),
        embedding_dim=key('embedding_length_out'),
        rope_parameters={
            'sliding_attention': rope(key('rope.freq_base_swa')),
            'full_attention': rope(key('rope.freq_base')),
        },
    )
    return tf.EmbeddingGemma2TextModel, config


ARCHITECTURES = {'gemma': gemma, 'gemma2': gemma2, 'gemma3': gemma3, 'gemma3n': gemma3n, 'gemma4': gemma4, 'gemma-embedding2': gemma_embedding2}
