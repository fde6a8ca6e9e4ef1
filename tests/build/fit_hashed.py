# SPDX-License-Identifier: MIT
"""What the signature of a FIT's configuration is over, worked out anew from U-Boot's description of it
(doc/usage/fit/signature.rst and fdt_find_regions): parts of the structure block, then the strings it used."""
import struct

BEGIN, END, PROP, NOP, LAST = 1, 2, 3, 4, 9
DATA = {b"data", b"data-size", b"data-position", b"data-offset"}


def text_at(data, at):
    return data[at:data.index(b"\0", at)]


def tokens(fit, structure, strings):
    """Each token of the structure block: what it is, a name, where it begins and ends."""
    at, token = structure, None
    while token != LAST:
        token, = struct.unpack_from(">I", fit, at)
        name, end = b"", at + 4
        if token == BEGIN:
            name = text_at(fit, end)
            end += len(name) + 1
        elif token == PROP:
            size, offset = struct.unpack_from(">II", fit, end)
            name = text_at(fit, strings + offset)
            end += 8 + size
        end = (end + 3) & ~3
        yield token, name, at, end
        at = end


def hashed(fit, nodes, strings_size):
    """The bytes: tags and properties of `nodes`, tags of the nodes right below them, but no data of images; the end of the
    tree; the first `strings_size` bytes of the strings block."""
    structure, strings = struct.unpack_from(">II", fit, 8)
    out, path = b"", []
    for token, name, at, end in tokens(fit, structure, strings):
        if token == BEGIN:
            path.append(name.decode())
        here = "/".join(path) or "/"
        above = "/".join(path[:-1]) or "/"
        tag = here in nodes or (len(path) > 1 and above in nodes)
        if token in (BEGIN, END):
            wanted = tag
        else:
            wanted = token == LAST or (here in nodes and name not in DATA)
        if wanted:
            out += fit[at:end]
        if token == END:
            path.pop()
    return out + fit[strings:strings + strings_size]
