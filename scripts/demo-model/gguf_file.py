"""Writes GGUF files, version 3, little-endian, and reads its own back. Knows no architecture."""
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


def read(path):
    """A file that `write` made: ({key: (kind, value)}, {name: (type, shape, bytes)})."""
    with open(path, 'rb') as file:
        data = file.read()
    position = 0

    def take(form):
        nonlocal position
        found = struct.unpack_from(form, data, position)
        position += struct.calcsize(form)
        return found if len(found) > 1 else found[0]

    def text():
        nonlocal position
        length = take('<Q')
        position += length
        return data[position - length:position].decode('utf8')

    kinds = {code: (kind, form) for kind, (code, form) in SCALARS.items()}

    def scalar(code):
        return text() if code == 8 else take(kinds[code][1])

    magic, version, tensor_count, key_count = take('<4sIQQ')
    if magic != b'GGUF' or version != 3:
        raise ValueError(f'{path} is no GGUF of version 3')
    metadata, tensors = {}, {}
    for _ in range(key_count):
        key, code = text(), take('<I')
        if code == 9:
            code, count = take('<IQ')
            metadata[key] = ('str[]' if code == 8 else kinds[code][0] + '[]', [scalar(code) for _ in range(count)])
        else:
            metadata[key] = ('str' if code == 8 else kinds[code][0], scalar(code))
    for _ in range(tensor_count):
        name, dimensions = text(), take('<I')
        shape = tuple(reversed([take('<Q') for _ in range(dimensions)]))
        code, offset = take('<IQ')
        tensors[name] = (next(kind for kind, found in TYPES.items() if found.code == code), shape, offset)
    start = position + -position % ALIGNMENT
    contents = {}
    for name, (kind, shape, offset) in tensors.items():
        size = TYPES[kind].bytes_of(int(np.prod(shape)))
        contents[name] = (kind, shape, data[start + offset:start + offset + size])
    return metadata, contents
