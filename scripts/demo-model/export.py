"""From trained weights to the GGUF: which tensor gets which type, and the metadata of architecture `gemma4`."""
from pathlib import Path

import numpy as np
import torch

import gguf_file
from quantize import TYPES


def type_of(name, config):
    """llama.cpp's Q4_K_M in small: the head and some ffn_down finer, attention and per-layer table in eight bits."""
    if name == 'token_embd.weight':
        return 'Q6_K'
    if name == 'per_layer_token_embd.weight':
        return 'Q8_0'
    if name == 'per_layer_model_proj.weight':
        return 'BF16'
    if '.attn_' in name and not name.endswith('norm.weight'):
        return 'Q8_0'
    if '.ffn_down.' in name:
        layer = int(name.split('.')[1])
        return 'Q6_K' if layer % 3 == 2 else 'Q4_K'
    if '.ffn_gate.' in name or '.ffn_up.' in name:
        return 'Q4_K'
    return 'F32'


def gather_importance(network, batches):
    """The mean square of each column's input, for every matrix: what the search for scales weighs errors with."""
    network.eval()
    network.statistics = {}
    device = next(network.parameters()).device
    with torch.no_grad():
        for ids in batches:
            network.hidden(ids.to(device))
    gathered = {name: (total / count).cpu().numpy() for name, (total, count) in network.statistics.items()}
    network.statistics = None
    return gathered


def metadata(config, tokenizer):
    layers = config.layers
    return [
        ('general.architecture', 'str', 'gemma4'),
        ('general.type', 'str', 'model'),
        ('general.name', 'str', 'gemma-chat demo'),
        ('general.description', 'str', 'A tiny model of the Gemma 4 architecture that answers questions about gemma-chat.'),
        ('general.license', 'str', 'mit'),
        ('general.languages', 'str[]', ['en']),
        ('general.file_type', 'u32', 15),
        ('general.quantization_version', 'u32', 2),
        ('gemma4.block_count', 'u32', layers),
        ('gemma4.context_length', 'u32', config.context),
        ('gemma4.embedding_length', 'u32', config.width),
        ('gemma4.feed_forward_length', 'i32[]', [config.ff(layer) for layer in range(layers)]),
        ('gemma4.attention.head_count', 'u32', config.heads),
        ('gemma4.attention.head_count_kv', 'i32[]', [config.kv_heads[config.kind(layer)] for layer in range(layers)]),
        ('gemma4.attention.key_length', 'u32', config.head_dim[1]),
        ('gemma4.attention.value_length', 'u32', config.head_dim[1]),
        ('gemma4.attention.key_length_swa', 'u32', config.head_dim[0]),
        ('gemma4.attention.value_length_swa', 'u32', config.head_dim[0]),
        ('gemma4.attention.layer_norm_rms_epsilon', 'f32', 1e-6),
        ('gemma4.attention.sliding_window', 'u32', config.window),
        ('gemma4.attention.sliding_window_pattern', 'bool[]', list(config.sliding)),
        ('gemma4.attention.shared_kv_layers', 'u32', config.shared),
        ('gemma4.rope.freq_base', 'f32', config.rope_base[1]),
        ('gemma4.rope.freq_base_swa', 'f32', config.rope_base[0]),
        ('gemma4.rope.dimension_count', 'u32', config.head_dim[1]),
        ('gemma4.rope.dimension_count_swa', 'u32', config.head_dim[0]),
        ('gemma4.final_logit_softcapping', 'f32', config.softcap),
        ('gemma4.embedding_length_per_layer_input', 'u32', config.per_layer),
        ('tokenizer.ggml.model', 'str', 'gemma4'),
        ('tokenizer.ggml.pre', 'str', 'gemma4'),
        ('tokenizer.ggml.tokens', 'str[]', tokenizer.tokens),
        ('tokenizer.ggml.scores', 'f32[]', [-1000.0] * len(tokenizer.tokens)),
        ('tokenizer.ggml.token_type', 'i32[]', tokenizer.types),
        ('tokenizer.ggml.merges', 'str[]', [f'{left} {right}' for left, right in tokenizer.merges]),
        ('tokenizer.ggml.bos_token_id', 'u32', 2),
        ('tokenizer.ggml.eos_token_id', 'u32', 1),
        ('tokenizer.ggml.unknown_token_id', 'u32', 3),
        ('tokenizer.ggml.padding_token_id', 'u32', 0),
        ('tokenizer.ggml.mask_token_id', 'u32', 4),
        ('tokenizer.ggml.add_bos_token', 'bool', True),
        ('tokenizer.ggml.add_space_prefix', 'bool', False),
        ('tokenizer.chat_template', 'str', (Path(__file__).parent / 'chat_template.jinja').read_text('utf8').rstrip('\n')),
    ]


def export(path, network, tokenizer, importance):
    """Writes the file and returns the weights as it stores them, dequantized: {name: f32 tensor}."""
    tensors, stored = [], {}
    for name, parameter in network.named_weights():
        array = parameter.detach().float().cpu().numpy()
        kind = type_of(name, network.config)
        data = TYPES[kind].encode(array, importance.get(name))
        stored[name] = torch.from_numpy(TYPES[kind].decode(data).reshape(array.shape).copy())
        tensors.append((name, kind, (array.shape, data)))
    tensors.append(('rope_freqs.weight', 'F32', network.rope_freqs().numpy().astype(np.float32)))
    gguf_file.write(path, metadata(network.config, tokenizer), tensors)
    return stored
