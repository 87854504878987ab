"""ggml's weight types in NumPy: f32 → blocks → f32. Layouts as GGUF defines them; the search for scales is our own.

Every encoder takes an f32 array whose last dimension is a row, and optionally the importance of each column (the mean
square of what is multiplied with it); it returns the bytes. Decoders are the exact inverse of the layout.
"""
from typing import Callable, NamedTuple

import numpy as np

STEPS = 24  # scales tried on either side of the obvious one


def half(values):
    """Rounded to f16 and back, as the stored scale will be."""
    return values.astype(np.float16).astype(np.float32)


def safe_inverse(values):
    return np.divide(1, values, out=np.zeros_like(values), where=values != 0)


def blocks_of(array, size, importance):
    rows = array.reshape(-1, array.shape[-1])
    weights = np.ones_like(rows) if importance is None else np.broadcast_to(importance.astype(np.float32), rows.shape)
    weights = weights / max(float(weights.mean()), 1e-30) + 1e-3
    return rows.reshape(-1, size), np.ascontiguousarray(weights).reshape(-1, size)


# ---- Q8_0: d f16, 32 × i8 -------------------------------------------------------------------------------------------

def encode_q8_0(array, importance=None):
    x, _ = blocks_of(array, 32, None)
    d = half(np.abs(x).max(1) / 127)
    q = np.clip(np.rint(x * safe_inverse(d)[:, None]), -127, 127).astype(np.int8)
    out = np.empty((len(x), 34), np.uint8)
    out[:, :2] = d.astype('<f2').view(np.uint8).reshape(-1, 2)
    out[:, 2:] = q.view(np.uint8)
    return out.tobytes()


def decode_q8_0(data):
    b = np.frombuffer(data, np.uint8).reshape(-1, 34)
    d = b[:, :2].copy().view('<f2').astype(np.float32)
    return (d * b[:, 2:].copy().view(np.int8).astype(np.float32)).ravel()


# ---- Q6_K: 256 values, ql[128], qh[64], 16 × i8 scales, d f16; y = d·scale·(q − 32) ------------------------------------

def best_symmetric(x, w, lowest, highest):
    """The scale of each row of x that loses least when its values are stored as scale · integer."""
    largest = np.take_along_axis(x, np.abs(x).argmax(1)[:, None], 1)[:, 0]
    best_scale = np.zeros(len(x), np.float32)
    best_gain = np.zeros(len(x), np.float32)
    for step in range(-STEPS, STEPS + 1):
        inverse = (lowest + 0.1 * step) * safe_inverse(largest)
        q = np.clip(np.rint(x * inverse[:, None]), lowest, highest)
        xq, qq = (w * x * q).sum(1), (w * q * q).sum(1)
        gain = xq * xq * safe_inverse(qq)
        better = gain > best_gain
        best_gain[better] = gain[better]
        best_scale[better] = (xq * safe_inverse(qq))[better]
    return best_scale


def encode_q6_k(array, importance=None):
    x, w = blocks_of(array, 16, importance)
    wanted = best_symmetric(x, w, -32, 31).reshape(-1, 16)
    extreme = np.take_along_axis(wanted, np.abs(wanted).argmax(1)[:, None], 1)[:, 0]
    d = half(extreme / -128)
    guess = np.rint(wanted * safe_inverse(d)[:, None])
    x, w = x.reshape(-1, 16, 16), w.reshape(-1, 16, 16)
    best_error = np.full(wanted.shape, np.inf, np.float32)
    scales = np.zeros(wanted.shape, np.float32)
    q = np.zeros(x.shape, np.float32)
    for shift in (0, -1, 1, -2, 2):
        s = np.clip(guess + shift, -128, 127)
        step = (d[:, None] * s)[:, :, None]
        levels = np.clip(np.rint(x * safe_inverse(step)), -32, 31)
        error = (w * (x - step * levels) ** 2).sum(2)
        better = error < best_error
        best_error[better], scales[better], q[better] = error[better], s[better], levels[better]
    q = (q.reshape(-1, 2, 4, 32) + 32).astype(np.uint8)  # [block, half, quarter of the half, l]
    out = np.empty((len(d), 210), np.uint8)
    low = np.concatenate([(q[:, :, 0] & 15) | (q[:, :, 2] & 15) << 4, (q[:, :, 1] & 15) | (q[:, :, 3] & 15) << 4], 2)
    high = q >> 4
    out[:, :128] = low.reshape(-1, 128)
    out[:, 128:192] = (high[:, :, 0] | high[:, :, 1] << 2 | high[:, :, 2] << 4 | high[:, :, 3] << 6).reshape(-1, 64)
    out[:, 192:208] = scales.astype(np.int8).view(np.uint8)
    out[:, 208:] = d.astype('<f2').view(np.uint8).reshape(-1, 2)
    return out.tobytes()


def decode_q6_k(data):
    b = np.frombuffer(data, np.uint8).reshape(-1, 210)
    low = b[:, :128].reshape(-1, 2, 2, 32)
    high = b[:, 128:192].reshape(-1, 2, 32)
    scale = b[:, 192:208].copy().view(np.int8).astype(np.float32).reshape(-1, 16)
    d = b[:, 208:].copy().view('<f2').astype(np.float32)
    q = np.stack([(low[:, :, 0] & 15) | (high & 3) << 4, (low[:, :, 1] & 15) | (high >> 2 & 3) << 4,
                  (low[:, :, 0] >> 4) | (high >> 4 & 3) << 4, (low[:, :, 1] >> 4) | (high >> 6) << 4], 2)
    q = q.reshape(-1, 16, 16).astype(np.float32) - 32
    return ((d * scale)[:, :, None] * q).ravel()


# ---- Q4_K: 256 values, d f16, dmin f16, 8 × (scale, min) of 6 bits, 128 bytes; y = d·scale·q − dmin·min -----------------

def best_affine(x, w):
    """Scale and min (≥ 0) of each row of x that lose least when its values are stored as scale · (0…15) − min."""
    low = np.minimum(x.min(1), 0)
    span = x.max(1) - low
    sw, swx = w.sum(1), (w * x).sum(1)
    best_error = np.full(len(x), np.inf, np.float32)
    scale = np.zeros(len(x), np.float32)
    minimum = np.zeros(len(x), np.float32)
    for step in range(-STEPS // 2, STEPS + 1):
        inverse = (15 + 0.15 * step) * safe_inverse(span)
        q = np.clip(np.rint((x - low[:, None]) * inverse[:, None]), 0, 15)
        swq, swqq, swxq = (w * q).sum(1), (w * q * q).sum(1), (w * x * q).sum(1)
        determinant = sw * swqq - swq * swq
        s = (sw * swxq - swx * swq) * safe_inverse(determinant)
        m = (swqq * swx - swq * swxq) * safe_inverse(determinant)
        alone = m > 0  # a min may not be negative: then fit the scale without one
        s = np.where(alone, swxq * safe_inverse(swqq), s)
        m = np.where(alone, 0, m)
        error = (w * (s[:, None] * q + m[:, None] - x) ** 2).sum(1)
        better = (error < best_error) & (s >= 0)
        best_error[better], scale[better], minimum[better] = error[better], s[better], -m[better]
    return scale, minimum


def encode_q4_k(array, importance=None):
    x, w = blocks_of(array, 32, importance)
    scale, minimum = (values.reshape(-1, 8) for values in best_affine(x, w))
    d, dmin = half(scale.max(1) / 63), half(minimum.max(1) / 63)
    guess_s = np.rint(scale * safe_inverse(d)[:, None])
    guess_m = np.rint(minimum * safe_inverse(dmin)[:, None])
    x, w = x.reshape(-1, 8, 32), w.reshape(-1, 8, 32)
    best_error = np.full(scale.shape, np.inf, np.float32)
    scales, minima, q = np.zeros_like(scale), np.zeros_like(scale), np.zeros_like(x)
    for shift_s in (0, -1, 1, -2, 2):
        for shift_m in (0, -1, 1, -2, 2):
            s, m = np.clip(guess_s + shift_s, 0, 63), np.clip(guess_m + shift_m, 0, 63)
            step, offset = (d[:, None] * s)[:, :, None], (dmin[:, None] * m)[:, :, None]
            levels = np.clip(np.rint((x + offset) * safe_inverse(step)), 0, 15)
            error = (w * (step * levels - offset - x) ** 2).sum(2)
            better = error < best_error
            best_error[better], scales[better], minima[better] = error[better], s[better], m[better]
            q[better] = levels[better]
    s, m, q = scales.astype(np.uint8), minima.astype(np.uint8), q.astype(np.uint8)
    out = np.empty((len(d), 144), np.uint8)
    out[:, 0:2] = d.astype('<f2').view(np.uint8).reshape(-1, 2)
    out[:, 2:4] = dmin.astype('<f2').view(np.uint8).reshape(-1, 2)
    out[:, 4:8] = s[:, :4] | (s[:, 4:] >> 4) << 6
    out[:, 8:12] = m[:, :4] | (m[:, 4:] >> 4) << 6
    out[:, 12:16] = (s[:, 4:] & 15) | (m[:, 4:] & 15) << 4
    pairs = q.reshape(-1, 4, 2, 32)
    out[:, 16:] = (pairs[:, :, 0] | pairs[:, :, 1] << 4).reshape(-1, 128)
    return out.tobytes()


def decode_q4_k(data):
    b = np.frombuffer(data, np.uint8).reshape(-1, 144)
    d = b[:, 0:2].copy().view('<f2').astype(np.float32)
    dmin = b[:, 2:4].copy().view('<f2').astype(np.float32)
    s4, m4, rest = b[:, 4:8], b[:, 8:12], b[:, 12:16]
    s = np.concatenate([s4 & 63, (rest & 15) | (s4 >> 6) << 4], 1).astype(np.float32)
    m = np.concatenate([m4 & 63, (rest >> 4) | (m4 >> 6) << 4], 1).astype(np.float32)
    packed = b[:, 16:].reshape(-1, 4, 32)
    q = np.stack([packed & 15, packed >> 4], 2).reshape(-1, 8, 32).astype(np.float32)
    return ((d * s)[:, :, None] * q - (dmin * m)[:, :, None]).ravel()


# ---- plain types ----------------------------------------------------------------------------------------------------

def encode_bf16(array, importance=None):
    bits = np.ascontiguousarray(array, '<f4').view(np.uint32).ravel().astype(np.uint64)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype('<u2').tobytes()


def decode_bf16(data):
    return (np.frombuffer(data, '<u2').astype(np.uint32) << 16).view(np.float32)


class Type(NamedTuple):
    code: int
    encode: Callable
    decode: Callable


    block: int
    size: int  # bytes a block

    def bytes_of(self, count):
        return count // self.block * self.size


TYPES = {
    'F32': Type(0, lambda array, importance=None: np.ascontiguousarray(array, '<f4').tobytes(),
                lambda data: np.frombuffer(data, '<f4'), 1, 4),
    'F16': Type(1, lambda array, importance=None: array.astype('<f2').tobytes(),
                lambda data: np.frombuffer(data, '<f2').astype(np.float32), 1, 2),
    'BF16': Type(30, encode_bf16, decode_bf16, 1, 2),
    'Q8_0': Type(8, encode_q8_0, decode_q8_0, 32, 34),
    'Q4_K': Type(12, encode_q4_k, decode_q4_k, 256, 144),
    'Q6_K': Type(14, encode_q6_k, decode_q6_k, 256, 210),
}
