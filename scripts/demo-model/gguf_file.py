"""Writes GGUF files, version 3, little-endian. Knows no architecture."""
import struct

import numpy as np

from quantize import TYPES

ALIGNMENT = 32
SCALARS = {'u32': (4, '<I'), 'i32': (5, '<i'), 'f32': (6, '<f'), 'bool': (7, '<?')}


def string(text):
    data = text.encode('utf8')
    return struct.pack('<Q', len(data)) + data


def value(kind, content):
    if kind == 'str':
        return struct.pack('<I', 8) + string(content)
    if kind == 'str[]':
        return struct.pack('<IIQ', 9, 8, len(content)) + b''.join(map(string, content))
    if kind.endswith('[]'):
        code, form = SCALARS[kind[:-2]]
        return struct.pack('<IIQ', 9, code, len(content)) + b''.join(struct.pack(form, item) for item in content)
    code, form = SCALARS[kind]
    return struct.pack('<I', code) + struct.pack(form, content)


def write(path, metadata, tensors):
    """
    metadata: [(key, kind, value)], kind one of u32, i32, f32, bool, str and their arrays `kind[]`.
    tensors: [(name, type, data)], data a f32 array of shape [rows, columns] or [n], already quantized content allowed
    as (shape, bytes).
    """
    head = struct.pack('<4sIQQ', b'GGUF', 3, len(tensors), len(metadata))
    for key, kind, content in metadata:
        head += string(key) + value(kind, content)
    body, offset = [], 0
    for name, kind, data in tensors:
        code, encode = TYPES[kind].code, TYPES[kind].encode
        shape, content = data if isinstance(data, tuple) else (data.shape, encode(np.asarray(data, np.float32)))
        head += string(name) + struct.pack('<I', len(shape))
        head += b''.join(struct.pack('<Q', size) for size in reversed(shape)) + struct.pack('<IQ', code, offset)
        padding = -len(content) % ALIGNMENT
        body.append(content + b'\0' * padding)
        offset += len(content) + padding
    with open(path, 'wb') as file:
        file.write(head + b'\0' * (-len(head) % ALIGNMENT))
        file.writelines(body)
