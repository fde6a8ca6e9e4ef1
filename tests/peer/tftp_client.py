# SPDX-License-Identifier: MIT
"""A TFTP receiver with windows (RFC 7440), and ways to lose packets."""

import socket
import struct

RRQ, WRQ, DATA, ACK, ERROR, OACK = range(1, 7)


class Refused(Exception):
    def __init__(self, code, text):
        super().__init__(f"{code}: {text}")
        self.code, self.text = code, text


def request(name, opcode=RRQ, mode=b"octet", **options):
    words = [name.encode(), mode]
    for key, value in options.items():
        words += [key.encode(), str(value).encode()]
    return struct.pack(">H", opcode) + b"".join(word + b"\0" for word in words)


def parse_oack(packet):
    words = packet[2:].split(b"\0")[:-1]
    return {key.decode(): int(value) for key, value in zip(words[::2], words[1::2])}


class Client:
    """`lose(block, count)` says whether the count-th packet, carrying block, is thrown away."""

    def __init__(self, port, lose=None, address="127.0.0.1"):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.bind((address, 0))
        self.socket.settimeout(60)
        self.server = (address, port)
        self.lose = lose or (lambda block, count: False)
        self.options = {}
        self.count = 0

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.socket.close()

    def ask(self, name, **options):
        self.socket.sendto(request(name, **options), self.server)

    def take(self):
        """The next packet that is not lost, as opcode, number and the rest."""
        while True:
            packet, peer = self.socket.recvfrom(70000)
            opcode, number = struct.unpack(">HH", packet[:4])
            self.count += 1
            if self.lose(number, self.count):
                continue
            self.peer = peer
            if opcode == ERROR:
                raise Refused(number, packet[4:].rstrip(b"\0").decode())
            if opcode == OACK:
                return opcode, 0, packet
            return opcode, number, packet[4:]

    def ack(self, block):
        self.socket.sendto(struct.pack(">HH", ACK, block & 0xFFFF), self.peer)

    def fetch(self, name, **options):
        self.ask(name, **options)
        return self.receive()

    def receive(self):
        """Acknowledges as U-Boot does: the last of a window, and a gap once."""
        parts, have, told, window, blksize = [], 0, None, 1, 512
        due = 1
        while True:
            opcode, number, data = self.take()
            if opcode == OACK:
                self.options = parse_oack(data)
                window = due = self.options.get("windowsize", 1)
                blksize = self.options.get("blksize", 512)
                self.ack(0)
            elif number == (have + 1) & 0xFFFF:
                have += 1
                parts.append(data)
                if len(data) < blksize:
                    self.ack(have)
                    return b"".join(parts)
                if have == due:
                    self.ack(have)
                    due += window
            elif window > 1 and told != have and (number - have) & 0xFFFF < 0x8000:
                self.ack(have)
                told, due = have, have + window
