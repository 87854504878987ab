"""Gemma 4's dense text model in PyTorch: the forward pass of a GGUF of architecture `gemma4`, for training.

Parameters carry their GGUF tensor names and have shape [out, in]. Knows no data and no files.
"""
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

EPSILON = 1e-6


@dataclass(frozen=True)
class Config:
    vocab: int = 4096
    width: int = 256
    sliding: tuple = (True, True, True, False, True, False)
    shared: int = 2                # the last layers, which read keys and values of earlier ones
    heads: int = 4
    kv_heads: tuple = (2, 1)       # sliding, full
    head_dim: tuple = (64, 128)    # sliding, full
    window: int = 64
    feed_forward: int = 512        # twice as wide in the shared layers
    per_layer: int = 32
    softcap: float = 30.0
    rope_base: tuple = (1e4, 1e6)  # sliding, full
    rotary_fraction: float = 0.25  # of the pairs of a full layer
    context: int = 1024

    @property
    def layers(self):
        return len(self.sliding)

    def owns_kv(self, layer):
        return layer < self.layers - self.shared

    def donor(self, layer):
        """The layer whose keys and values this one reads: the last owner of the same kind."""
        if self.owns_kv(layer):
            return layer
        return max(i for i in range(self.layers - self.shared) if self.sliding[i] == self.sliding[layer])

    def ff(self, layer):
        return self.feed_forward * (1 if self.owns_kv(layer) else 2)

    def kind(self, layer):
        return 0 if self.sliding[layer] else 1


def rms(x, weight=None):
    y = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + EPSILON)
    return y if weight is None else y * weight


def gelu(x):
    return F.gelu(x, approximate='tanh')


class Network(nn.Module):
    def __init__(self, config, seed=1, dropout=0.0):
        super().__init__()
        self.config, self.dropout = config, dropout
        self.statistics = None  # a dict: then mean squares of every matrix's input are gathered in it
        c = config
        generator = torch.Generator().manual_seed(seed)
        self.weights = nn.ParameterDict()

        def matrix(name, rows, columns, std=None):
            std = columns ** -0.5 if std is None else std
            self.put(name, torch.randn(rows, columns, generator=generator) * std)

        def vector(name, size, value):
            self.put(name, torch.full((size,), float(value)))

        matrix('token_embd.weight', c.vocab, c.width, c.width ** -0.5)
        matrix('per_layer_token_embd.weight', c.vocab, c.per_layer * c.layers, 0.3 * c.per_layer ** -0.5)
        matrix('per_layer_model_proj.weight', c.per_layer * c.layers, c.width, 1.0)
        vector('per_layer_proj_norm.weight', c.per_layer, 1)
        vector('output_norm.weight', c.width, 1)
        for layer in range(c.layers):
            block = f'blk.{layer}.'
            dim, groups, ff = c.head_dim[c.kind(layer)], c.kv_heads[c.kind(layer)], c.ff(layer)
            for name in ('attn_norm', 'ffn_norm'):
                vector(block + name + '.weight', c.width, 1)
            for name in ('post_attention_norm', 'post_ffw_norm'):
                vector(block + name + '.weight', c.width, 0.4)
            vector(block + 'post_norm.weight', c.width, 0.2)
            vector(block + 'layer_output_scale.weight', 1, 0.9)
            matrix(block + 'attn_q.weight', c.heads * dim, c.width)
            vector(block + 'attn_q_norm.weight', dim, 1)
            if c.owns_kv(layer):
                matrix(block + 'attn_k.weight', groups * dim, c.width)
                matrix(block + 'attn_v.weight', groups * dim, c.width)
                vector(block + 'attn_k_norm.weight', dim, dim ** -0.5 * 1.5)  # attention's scale is 1
            matrix(block + 'attn_output.weight', c.width, c.heads * dim)
            matrix(block + 'ffn_gate.weight', ff, c.width)
            matrix(block + 'ffn_up.weight', ff, c.width)
            matrix(block + 'ffn_down.weight', c.width, ff)
            matrix(block + 'inp_gate.weight', c.per_layer, c.width)
            matrix(block + 'proj.weight', c.width, c.per_layer)
        self.rotations = {}

    def put(self, name, tensor):
        self.weights[name.replace('.', '/')] = nn.Parameter(tensor)

    def weight(self, name):
        return self.weights[name.replace('.', '/')]

    def named_weights(self):
        """[(GGUF name, tensor)]"""
        return [(name.replace('/', '.'), tensor) for name, tensor in self.weights.items()]

    def load_stored(self, stored):
        """Takes the values that a file holds: {name: tensor}."""
        with torch.no_grad():
            for name, values in stored.items():
                self.weight(name).copy_(values)

    def rope_freqs(self):
        """The GGUF's rope_freqs.weight: 1 for pairs that rotate, 1e30 for the rest; full layers only."""
        pairs = self.config.head_dim[1] // 2
        turning = int(pairs * self.config.rotary_fraction)
        return torch.tensor([1.0] * turning + [1e30] * (pairs - turning))

    def linear(self, name, x):
        if self.statistics is not None:
            mean = x.detach().reshape(-1, x.shape[-1]).pow(2).mean(0)
            before, count = self.statistics.get(name, (0, 0))
            self.statistics[name] = (before + mean, count + 1)
        return F.linear(x, self.weight(name))

    def rotation(self, kind, length, device):
        """cos and sin of [length, head_dim / 2]."""
        key = (kind, device)
        if key not in self.rotations or len(self.rotations[key][0]) < length:
            dim = self.config.head_dim[kind]
            theta = self.config.rope_base[kind] ** (-torch.arange(0, dim, 2, dtype=torch.float64) / dim)
            if kind == 1:
                theta = theta / self.rope_freqs().double()
            angle = torch.arange(max(length, 256), dtype=torch.float64)[:, None] * theta
            self.rotations[key] = (angle.cos().float().to(device), angle.sin().float().to(device))
        cos, sin = self.rotations[key]
        return cos[:length], sin[:length]

    def rotate(self, x, kind):
        """x: [batch, heads, length, head_dim], pairs (i, i + head_dim / 2)."""
        cos, sin = self.rotation(kind, x.shape[2], x.device)
        first, second = x.chunk(2, -1)
        return torch.cat([first * cos - second * sin, first * sin + second * cos], -1)

    def drop(self, x):
        return F.dropout(x, self.dropout, self.training) if self.dropout else x

    def hidden(self, ids):
        """ids [batch, length] → the normed state before the head [batch, length, width]."""
        c = self.config
        batch, length = ids.shape
        h = F.embedding(ids, self.weight('token_embd.weight')) * c.width ** 0.5
        table = F.embedding(ids, self.weight('per_layer_token_embd.weight')) * c.per_layer ** 0.5
        table = table.view(batch, length, c.layers, c.per_layer)
        context = self.linear('per_layer_model_proj.weight', h) * c.width ** -0.5
        context = rms(context.view(batch, length, c.layers, c.per_layer), self.weight('per_layer_proj_norm.weight'))
        per_layer = (table + context) * 2 ** -0.5
        h = self.drop(h)

        distance = torch.arange(length, device=ids.device)
        distance = distance[:, None] - distance[None, :]
        masks = [torch.zeros(length, length, device=ids.device).masked_fill(hidden, float('-inf'))
                 for hidden in ((distance < 0) | (distance >= c.window), distance < 0)]
        cache = {}
        for layer in range(c.layers):
            block, kind = f'blk.{layer}.', c.kind(layer)
            dim, groups = c.head_dim[kind], c.kv_heads[kind]
            x = rms(h, self.weight(block + 'attn_norm.weight'))

            def heads(name, count, norm):
                y = self.linear(block + name, x).view(batch, length, count, dim)
                return rms(y, None if norm is None else self.weight(block + norm)).transpose(1, 2)

            q = self.rotate(heads('attn_q.weight', c.heads, 'attn_q_norm.weight'), kind)
            if c.owns_kv(layer):
                k = self.rotate(heads('attn_k.weight', groups, 'attn_k_norm.weight'), kind)
                v = heads('attn_v.weight', groups, None)
                cache[layer] = [y.repeat_interleave(c.heads // groups, 1) for y in (k, v)]
            k, v = cache[c.donor(layer)]
            scores = q @ k.transpose(2, 3) + masks[kind]
            o = (scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, length, c.heads * dim)
            attended = self.linear(block + 'attn_output.weight', o)
            h = h + self.drop(rms(attended, self.weight(block + 'post_attention_norm.weight')))

            x = rms(h, self.weight(block + 'ffn_norm.weight'))
            f = gelu(self.linear(block + 'ffn_gate.weight', x)) * self.linear(block + 'ffn_up.weight', x)
            f = self.linear(block + 'ffn_down.weight', f)
            h = h + self.drop(rms(f, self.weight(block + 'post_ffw_norm.weight')))

            g = gelu(self.linear(block + 'inp_gate.weight', h)) * per_layer[:, :, layer]
            h = h + rms(self.linear(block + 'proj.weight', g), self.weight(block + 'post_norm.weight'))
            h = h * self.weight(block + 'layer_output_scale.weight')
        return rms(h, self.weight('output_norm.weight'))

    def head(self, hidden):
        """[…, width] → logits […, vocab], soft-capped; the embedding is the head."""
        c = self.config
        return c.softcap * torch.tanh(self.linear('token_embd.weight', hidden) / c.softcap)

    def forward(self, ids):
        return self.head(self.hidden(ids))
