"""A GGUF file as a model of Hugging Face transformers: float32, eager attention, weights dequantized by the `gguf`
package. `load(path)` is what judges of logits, of gradients and of training share."""
import numpy as np
import torch
from gguf import GGUFReader
from gguf.quants import dequantize

from configs import ARCHITECTURES
from tensors import fill, places


def read(path):
    """(keys without the tokenizer's, {name: float32 tensor})."""
    reader = GGUFReader(path)
    keys = {name: field.contents() for name, field in reader.fields.items() if not name.startswith('tokenizer.')}
    tensors = {}
    for each in reader.tensors:
        shape = [int(extent) for extent in reversed(each.shape)]
        values = np.asarray(dequantize(each.data, each.tensor_type), dtype=np.float32)
        tensors[each.name] = torch.from_numpy(values.copy().reshape(shape))
    return keys, tensors


def fit_feed_forward(model, tensors):
    """Widths of the feed-forward, layer by layer: transformers' class knows one and its double."""
    for i, layer in enumerate(model.model.layers):
        width, inner = model.config.hidden_size, tensors[f'blk.{i}.ffn_gate.weight'].shape[0]
        if layer.mlp.gate_proj.out_features != inner:
            layer.mlp.gate_proj = torch.nn.Linear(width, inner, bias=False)
            layer.mlp.up_proj = torch.nn.Linear(width, inner, bias=False)
            layer.mlp.down_proj = torch.nn.Linear(inner, width, bias=False)


def load(path):
    """The model in evaluation mode.

    Raises ValueError where a tensor of the file has no place or a parameter is not in the file."""
    keys, tensors = read(path)
    architecture = keys['general.architecture']
    if architecture not in ARCHITECTURES:
        raise ValueError(f'no mapping for {architecture}; there are {", ".join(ARCHITECTURES)}')
    key = lambda name, default=None: keys.get(f'{architecture}.{name}', default)
    make, config = ARCHITECTURES[architecture](key, tensors)
    model = make(config).float().eval()
    if architecture == 'gemma4':
        fit_feed_forward(model, tensors)
    shared = int(key('attention.shared_kv_layers', 0))
    found, _ = places(architecture, tensors, key('block_count') - shared)
    fill(model, found)
    return model
