"""Where each tensor of a GGUF has its place in transformers' classes. Every tensor is used and every parameter is found,
or it is an error that names them. Knows no configuration (configs.py)."""
import re

import torch

TOP = {
    'token_embd': 'embed_tokens',
    'output_norm': 'norm',
    'per_layer_token_embd': 'embed_tokens_per_layer',
    'per_layer_model_proj': 'per_layer_model_projection',
    'per_layer_proj_norm': 'per_layer_projection_norm',
}
LAYER = {
    'attn_norm.weight': 'input_layernorm.weight',
    'attn_q.weight': 'self_attn.q_proj.weight',
    'attn_q_norm.weight': 'self_attn.q_norm.weight',
    'attn_k.weight': 'self_attn.k_proj.weight',
    'attn_k_norm.weight': 'self_attn.k_norm.weight',
    'attn_v.weight': 'self_attn.v_proj.weight',
    'attn_output.weight': 'self_attn.o_proj.weight',
    'post_attention_norm.weight': 'post_attention_layernorm.weight',
    'ffn_norm.weight': 'pre_feedforward_layernorm.weight',
    'ffn_gate.weight': 'mlp.gate_proj.weight',
    'ffn_up.weight': 'mlp.up_proj.weight',
    'ffn_down.weight': 'mlp.down_proj.weight',
    'post_ffw_norm.weight': 'post_feedforward_layernorm.weight',
    'inp_gate.weight': 'per_layer_input_gate.weight',
    'proj.weight': 'per_layer_projection.weight',
    'post_norm.weight': 'post_per_layer_input_norm.weight',
    'layer_output_scale.weight': 'layer_scalar',
    # Gemma 3n
    'altup_router_norm.weight': 'altup.router_norm.weight',
    'altup_router.weight': 'altup.modality_router.weight',
    'altup_predict_coef.weight': 'altup.prediction_coefs.weight',
    'altup_correct_coef.weight': 'altup.correction_coefs.weight',
    'altup_correct_scale.weight': 'altup.correct_output_scale',
    'laurel_l.weight': 'laurel.linear_left.weight',
    'laurel_r.weight': 'laurel.linear_right.weight',
    'laurel_post_norm.weight': 'laurel.post_laurel_norm.weight',
    # Gemma 4's experts
    'ffn_gate_inp.weight': 'router.proj.weight',
    'ffn_gate_inp.scale': 'router.scale',
    'ffn_down_exps.scale': 'router.per_expert_scale',
    'ffn_gate_up_exps.weight': 'experts.gate_up_proj',
    'ffn_down_exps.weight': 'experts.down_proj',
    'post_ffw_norm_1.weight': 'post_feedforward_layernorm_1.weight',
    'post_ffw_norm_2.weight': 'post_feedforward_layernorm_2.weight',
    'pre_ffw_norm_2.weight': 'pre_feedforward_layernorm_2.weight',
}
ALTUP = {'altup_proj': 'altup_projections', 'altup_unembd_proj': 'altup_unembed_projections'}
# Constants of transformers' classes, which no file has.
# EmbeddingGemma 2 is a model without a head around it, and keeps per-layer embeddings in modules of their own.
EMBEDDING2 = {
    'lm_head.weight': 'embedding_projection.weight',
    'per_layer_model_projection.weight': 'ple.per_layer_model_projection.weight',
    'per_layer_projection_norm.weight': 'ple.per_layer_projection_norm.weight',
    'per_layer_input_gate.weight': 'ple_block.per_layer_input_gate.weight',
    'per_layer_projection.weight': 'ple_block.per_layer_projection.weight',
    'post_per_layer_input_norm.weight': 'ple_block.post_per_layer_input_norm.weight',
}
CONSTANTS = re.compile(r'inv_freq$|embed_scale$|router_input_scale$|per_layer_projection_scale$|per_layer_input_scale$')


def places(architecture, tensors, shared_from):
    """[(name in transformers, tensor)] of all tensors of a file; the second list names those without a place on purpose.

    shared_from: the first layer that reads an earlier layer's keys and values."""
    found, ignored, left = [], [], []
    norms_plus_one = architecture in ('gemma', 'gemma2', 'gemma3')
    layer_names = {**LAYER}
    if architecture == 'gemma':  # no post norms: the name stands for the norm before the feed-forward
        layer_names['ffn_norm.weight'] = 'post_attention_layernorm.weight'
    halves = {}
    for name, tensor in tensors.items():
        if norms_plus_one and name.endswith('norm.weight'):
            tensor = tensor - 1  # the file has 1 + w, the class adds the 1
        stem = name.removesuffix('.weight')
        layer, rest = re.fullmatch(r'blk\.(\d+)\.(.+)', name).groups() if name.startswith('blk.') else (None, None)
        if name == 'rope_freqs.weight':
            ignored.append(name)  # read by configs.py
        elif name == 'output.weight':
            found.append(('lm_head.weight', tensor))
        elif stem in TOP:
            found.append((f'model.{TOP[stem]}.weight', tensor))
        elif stem in ALTUP:
            found += [(f'model.{ALTUP[stem]}.{i}.weight', each) for i, each in enumerate(tensor)]
        elif rest in ('ffn_gate_exps.weight', 'ffn_up_exps.weight'):
            halves.setdefault(layer, {})[rest] = tensor
        elif rest and re.match(r'attn_[kv]\.|attn_k_norm\.', rest) and int(layer) >= shared_from:
            ignored.append(name)
        elif rest in layer_names:
            found.append((f'model.layers.{layer}.{layer_names[rest]}', tensor))
        else:
            left.append(name)
    for layer, both in halves.items():
        joined = torch.cat([both['ffn_gate_exps.weight'], both['ffn_up_exps.weight']], 1)
        found.append((f'model.layers.{layer}.experts.gate_up_proj', joined))
    if architecture == 'gemma-embedding2':
        found = [(embedding2_name(name), tensor) for name, tensor in found]
    if left:
        raise ValueError(f'tensors without a place in transformers: {left}')
    return found, ignored


def embedding2_name(name):
    name = name.removeprefix('model.')
    layer, _, rest = name.rpartition('layers.')[2].partition('.') if name.startswith('layers.') else ('', '', name)
    rest = EMBEDDING2.get(rest, rest)
    return f'layers.{layer}.{rest}' if layer else rest


@torch.no_grad()
def fill(model, found):
    """Copies every tensor to its place."""
    state = model.state_dict()
    done = set()
    for name, tensor in found:
        if name not in state:
            raise ValueError(f'transformers has no {name}')
        if state[name].shape != tensor.shape:
            raise ValueError(f'{name}: {list(tensor.shape)} in the file, {list(state[name].shape)} in transformers')
        if name in done:
            raise ValueError(f'{name}: twice in the file')
        state[name].copy_(tensor)
        done.add(name)
    tied = {'lm_head.weight'} & set(state) if model.config.tie_word_embeddings else set()
    missing = [name for name in state if name not in done | tied and not CONSTANTS.search(name)]
    if missing:
        raise ValueError(f'parameters that the file lacks: {missing}')
    if tied:
        model.tie_weights()
