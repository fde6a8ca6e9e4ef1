# SPDX-License-Identifier: MIT
"""STM32MP from the host's side for tests of the model: images, and the loop from GETPHASE, in plain Python."""
import os
import struct
import zlib

from usbip import Dfu, Gone, wait_for

VERSIONS = {"mp13": 0x00020000, "mp15": 0x00010000, "mp21": 0x00020300, "mp23": 0x00020200, "mp25": 0x00020200}


def image(chip, payload):
    """A payload behind an unsigned STM32 header of the chip's version."""
    version = VERSIONS[chip]
    size = {0x00010000: 0x100, 0x00020300: 0x240}.get(version, 0x200)
    head = bytearray(size)
    at = 0x64 if version == 0x00020300 else 0x44
    head[:4] = b"STM2"
    struct.pack_into("<IIIIIII", head, at, sum(payload) & 0xFFFFFFFF, version, len(payload), 0x2FFEA000, 0, 0x2FFC2500, 0)
    if version == 0x00010000:
        struct.pack_into("<II", head, 0x64, 1, 1)
        head[0xFF] = 0x10
    return bytes(head) + payload


def fip(payload=b"BL33!"):
    """The head of a firmware image package, and some payload."""
    return struct.pack("<IIQ", 0xAA640001, 0x12345678, 0) + bytes(40) + payload


def script(text):
    """A legacy U-Boot script image, as mkimage -T script makes it."""
    body = struct.pack(">II", len(text), 0) + text.encode()
    head = struct.pack(">IIIIIIIBBBB32s", 0x27051956, 0, 0, len(body), 0, 0, zlib.crc32(body), 5, 2, 6, 0, b"script")
    return head[:4] + struct.pack(">I", zlib.crc32(head)) + head[8:] + body


class Board(Dfu):
    """One enumeration of the board."""

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.phases = {}
        for number, name in self.alts().items():
            self.phases[int(name.split("/")[1], 16)] = number
        self.block = struct.unpack("<H", self.descriptor(0x21)[5:7])[0]
        self.product = self.string(2)
        self.serial = self.string(3)

    def get_phase(self):
        """The phase, its address and offset, and what follows."""
        self.select(self.phases[0xF1])
        answer = self.upload(0, 512)
        return (answer[0], *struct.unpack("<II", answer[1:9]), answer[9:])

    def set_phase(self, phase, value):
        self.select(self.phases[0xF1])
        assert self.send(bytes([phase]) + struct.pack(">I", value)) == (0, 2)

    def put(self, phase, data):
        self.select(self.phases[phase])
        return self.send(data, self.block)

    def get(self, phase, limit=1 << 30):
        self.select(self.phases[phase])
        return self.receive(self.block, limit)


def leave(board, sim, busid="1-1"):
    """DETACH, and the next enumeration."""
    number = board.info.devnum
    try:
        board.detach()
    except Gone:
        pass
    board.close()
    return wait_for(sim, busid, Board, number)


def boot(sim, chip="mp15", busid="1-1"):
    """From the ROM to U-Boot's first session."""
    board = Board(sim, busid)
    files = {1: image(chip, os.urandom(4000)), 2: fip(), 3: fip(os.urandom(9000))}
    while True:
        phase, _, _, extra = board.get_phase()
        if phase == 0 and extra == b"\1":
            board = leave(board, sim, busid)
            continue
        if phase == 0:
            return board
        assert board.put(phase, files.pop(phase)) == (0, 2)


def flash(board, sim, layout, files, busid="1-1"):
    """Sends the layout and the files that are asked for, and ends; the order of phases."""
    order = []
    assert board.put(0, layout) == (0, 2)
    board = leave(board, sim, busid)
    while True:
        phase = board.get_phase()[0]
        if phase == 0xFE:
            board.detach()
            board.close()
            return order
        order.append(phase)
        assert board.put(phase, files[phase]) == (0, 2)
