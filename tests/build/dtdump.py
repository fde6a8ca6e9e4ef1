# SPDX-License-Identifier: MIT
"""A flattened tree as the text of the recordings: node, `property = value`; long data as size and SHA-256."""
import hashlib
import struct

BEGIN, END, PROP, NOP, LAST = 1, 2, 3, 4, 9
KEYS = ("rsa,", "value")


def words(data):
    return struct.unpack(f">{len(data) // 4}I", data)


def is_text(data):
    parts = data[:-1].split(b"\0")
    return data[-1:] == b"\0" and all(part and all(32 <= c < 127 for c in part) for part in parts)


def value(name, data, keys):
    if name == "data" and len(data) > 64:
        return f"{len(data)} bytes sha256 {hashlib.sha256(data).hexdigest()}"
    if keys and name.startswith("rsa,") and name != "rsa,num-bits":
        return f"{len(data)} bytes"
    if name == "value":
        return f"{len(data)} bytes" if len(data) > 64 else "hex " + data.hex()
    if is_text(data):
        return ", ".join(f'"{part.decode()}"' for part in data[:-1].split(b"\0"))
    if len(data) % 4 == 0:
        return "<" + " ".join(f"0x{word:x}" for word in words(data)) + ">"
    return "hex " + data.hex()


def dump(data, keys=True):
    """The whole tree as lines, in the order of the file."""
    _, total, structure, strings = words(data[:16])
    lines, depth, at = [], 0, structure
    data = data[:total]
    while True:
        token = words(data[at:at + 4])[0]
        at += 4
        if token == BEGIN:
            end = data.index(b"\0", at)
            lines.append("  " * depth + (data[at:end].decode() or "/") + " {")
            depth += 1
            at = (end + 4) & ~3
        elif token == END:
            depth -= 1
            lines.append("  " * depth + "}")
        elif token == PROP:
            size, offset = words(data[at:at + 8])
            name = data[strings + offset:data.index(b"\0", strings + offset)].decode()
            shown = value(name, data[at + 8:at + 8 + size], keys)
            lines.append("  " * depth + name + (f" = {shown}" if size else ""))
            at = (at + 8 + size + 3) & ~3
        elif token == LAST:
            return lines


def tree(lines):
    """The same without an order among the properties and among the nodes of one node."""
    properties, nodes = {}, {}
    for line in lines:
        line = line.strip()
        if line.endswith("{"):
            nodes[line[:-2]] = tree(lines)
        elif line == "}":
            break
        elif line:
            name, _, text = line.partition(" = ")
            properties[name] = text
    return properties, nodes


def tree_of(text_or_lines):
    lines = text_or_lines.splitlines() if isinstance(text_or_lines, str) else text_or_lines
    return tree(iter(lines))
