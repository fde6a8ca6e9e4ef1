# SPDX-License-Identifier: MIT
"""A fastboot device over TCP and UDP, as U-Boot's and AOSP's are, that does as it is told: for tests of what a device
can do wrong. It shares no code with ours; Debian's own fastboot drives it, too (tests/peer/test_aosp_fastboot.py).

Commands are answered by Device.command(), a generator of answers; a fault takes its place for some of them."""
import contextlib
import random
import select
import shlex
import socket
import struct
import threading
import zlib

BLOCK = 512
CUT = object()     # the connection ends, or nothing is answered any more
SILENT = object()  # this command is not answered


class Want(str):
    """A DATA answer behind which the host sends so many bytes."""

    def size(self):
        return int(self[4:], 16)


def sparse(data):
    """The ranges that an Android sparse file writes: [(offset, bytes)], checked as U-Boot does."""
    magic, major, _, header, chunk_header, block, blocks, chunks, _ = struct.unpack_from("<IHHHHIIII", data)
    assert (magic, major, header, chunk_header) == (0xED26FF3A, 1, 28, 12)
    at, done, ranges = header, 0, []
    for _ in range(chunks):
        kind, _, count, total = struct.unpack_from("<HHII", data, at)
        body = data[at + chunk_header:at + total]
        assert len(body) == total - chunk_header
        if kind == 0xCAC1:
            assert len(body) == count * block
            ranges.append((done * block, body))
        elif kind == 0xCAC2:
            assert len(body) == 4
            ranges.append((done * block, body * (count * block // 4)))
        else:
            assert kind == 0xCAC3 and not body
        at, done = at + total, done + count
    assert done == blocks and at == len(data)
    return ranges


class Device:
    """`mmc[N]` is the medium number N, its hardware partitions `boot[N]`. `faults` maps the beginning of a command to
    what happens in its place: an answer, CUT, SILENT, or a function of the command that may change it or return None
    for no fault. `seen` is every command."""

    def __init__(self, sizes, buffer=1 << 20, console=None, fetch=False, tells=True, total=None):
        self.partitions, start = {}, 64
        for name, size in sizes.items():
            self.partitions[name] = (start, size)
            start += (size + BLOCK - 1) // BLOCK
        self.user = bytearray(b"\xa5" * max(total or 0, start * BLOCK))
        self.boot = [bytearray(b"\xa5" * (128 << 10)) for _ in range(2)]
        self.buffer_size, self.console, self.fetch, self.tells = buffer, console, fetch, tells
        self.buffer, self.environment, self.memory = b"", {"loadaddr": "0x40200000"}, bytearray(32 << 20)
        self.base, self.hwpart = 0x40200000, 0
        self.faults, self.seen, self.slot, self.keeps = {}, [], "a", True

    def content(self, name):
        start, size = self.partitions[name]
        return bytes(self.user[start * BLOCK:start * BLOCK + size])

    def place(self, name):
        """The medium, and where in it a name is: (bytearray, start, size)."""
        if name in ("mmc0boot0", "mmc0boot1"):
            medium = self.boot[int(name[-1])]
            return medium, 0, len(medium)
        if name in ("0:0", "mmc0"):
            return self.user, 0, len(self.user)
        if name not in self.partitions:
            return None
        start, size = self.partitions[name]
        return self.user, start * BLOCK, size

    def fault(self, text):
        for start, what in list(self.faults.items()):
            if text.startswith(start):
                return what(text) if callable(what) else what
        return None

    def command(self, text):
        """Answers, in order; DATA is followed by the data that comes, or by bytes that go."""
        self.seen.append(text)
        what = self.fault(text)
        if what is not None:
            yield from what if isinstance(what, list) else [what]
            return
        name, _, rest = text.partition(":")
        method = getattr(self, "do_" + name.replace("-", "_").replace(" ", "_"), None)
        if method is None:
            yield "FAILunrecognized command"
        else:
            yield from method(rest)

    def do_getvar(self, name):
        if name == "all":
            for part, (_, size) in self.partitions.items() if self.tells else []:
                yield f"INFOpartition-size:{part}: 0x{size:016x}"
            yield "OKAY"
            return
        values = {"version": "0.4", "product": "rig", "max-download-size": f"0x{self.buffer_size:08x}",
                  "current-slot": self.slot, "slot-count": "2", **({"max-fetch-size": "0x10000"} if self.fetch else {})}
        values.update({key[9:]: value for key, value in self.environment.items() if key.startswith("fastboot.")})
        if name.startswith("partition-size:") and self.tells:
            place = self.place(name[15:])
            yield f"OKAY0x{place[2]:016x}" if place else "FAILno such partition"
        elif name.startswith("has-slot:"):
            yield "OKAYyes" if name[9:] + "_a" in self.partitions else "OKAYno"
        else:
            yield "OKAY" + values[name] if name in values else "FAILVariable not implemented"

    def do_download(self, size):
        count = int(size, 16)
        if not 0 < count <= self.buffer_size:
            yield "FAIL" + size
            return
        data = yield Want("DATA" + size)
        assert len(data) == count
        self.buffer = data
        yield "OKAY"

    def do_flash(self, name):
        place = self.place(name)
        if place is None:
            yield f"FAILcannot find partition: '{name}'"
            return
        medium, start, size = place
        ranges = [(0, self.buffer)]
        if self.buffer[:4] == b"\x3a\xff\x26\xed" and medium is self.user:
            ranges = sparse(self.buffer)
        if any(offset + len(data) > size for offset, data in ranges):
            yield "FAILtoo large for partition"
            return
        yield "INFOwriting " + name
        for offset, data in ranges if self.keeps else []:
            medium[start + offset:start + offset + len(data)] = data
        yield "OKAY"

    def do_erase(self, name):
        medium, start, size = self.place(name)
        medium[start:start + size] = b"\xff" * size
        yield "OKAY"

    def do_set_active(self, slot):
        self.slot = slot
        yield "OKAY"

    def do_reboot(self, _):
        yield "OKAY"

    do_continue = do_powerdown = do_reboot_bootloader = do_reboot

    def do_fetch(self, rest):
        name, offset, size = rest.split(":")
        if not self.fetch:
            yield "FAILunrecognized command"
            return
        medium, start, _ = self.place(name)
        start += int(offset, 16)
        data = bytes(medium[start:start + int(size, 16)])
        yield f"DATA{len(data):08x}"
        yield data
        yield "OKAY"

    def do_oem_run(self, line):
        yield self.shell(line) if self.console == "run" else "FAILunsupported command"

    def do_UCmd(self, line):
        yield self.shell(line) if self.console == "ucmd" else "FAILunrecognized command"

    def shell(self, line):
        words = shlex.split(line.replace("$loadaddr", self.environment["loadaddr"]))
        try:
            return self.run(*words)
        except (KeyError, ValueError, TypeError, IndexError):
            return "FAIL"

    def run(self, verb, *args):
        medium = self.user if self.hwpart == 0 else self.boot[self.hwpart - 1]
        if verb == "setenv":
            self.environment[args[0]] = args[1] if len(args) > 1 else ""
        elif verb == "mmc" and args[0] == "dev":
            assert args[1] == "0"
            self.hwpart = int(args[2]) if len(args) > 2 else 0
        elif verb == "mmc" and args[0] == "read":
            at, start, count = (int(word, 16) for word in args[1:])
            data = medium[start * BLOCK:(start + count) * BLOCK]
            self.memory[at - self.base:at - self.base + len(data)] = data
        elif verb == "part" and args[:2] == ("start", "mmc"):
            self.environment[args[4]] = f"{self.partitions[args[3]][0]:x}"
        elif verb == "crc32":
            at, size, out = (int(word, 16) - base for word, base in zip(args, (self.base, 0, self.base)))
            self.memory[out:out + 4] = zlib.crc32(self.memory[at:at + size]).to_bytes(4, "big")
        elif verb == "setexpr":
            at = int(args[1][1:], 16) - self.base
            self.environment[args[0]] = f"{int.from_bytes(self.memory[at:at + 4], 'little'):x}"
        else:
            return "FAIL"
        return "OKAY"


class Ended(Exception):
    pass


class Server:
    """Serves a device on a free port of 127.0.0.1 until stop(). One host at a time."""

    def __init__(self, device, kind):
        self.device, self.kind = device, kind
        self.socket = socket.socket(socket.AF_INET, kind)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.wake, self.waker = socket.socketpair()
        self.failure = None
        self.thread = threading.Thread(target=self.guarded)
        self.thread.start()

    def guarded(self):
        try:
            self.serve()
        except Ended:
            pass
        except Exception as failure:  # told by stop()
            self.failure = failure

    def wait(self, sock):
        ready, _, _ = select.select([sock, self.wake], [], [])
        if self.wake in ready:
            raise Ended

    def stop(self):
        self.waker.close()
        self.thread.join()
        self.socket.close()
        self.wake.close()
        if self.failure:
            raise self.failure


class TcpServer(Server):
    def __init__(self, device):
        super().__init__(device, socket.SOCK_STREAM)

    def serve(self):
        self.socket.listen()
        while True:
            self.wait(self.socket)
            peer, _ = self.socket.accept()
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with contextlib.suppress(ConnectionError, BrokenPipeError), peer:
                self.converse(peer)

    def read(self, peer, size):
        data = b""
        while len(data) < size:
            self.wait(peer)
            got = peer.recv(min(size - len(data), 1 << 16))
            if not got:
                raise ConnectionError
            data += got
        return data

    def message(self, peer):
        return self.read(peer, struct.unpack(">Q", self.read(peer, 8))[0])

    def converse(self, peer):
        peer.sendall(b"FB01")
        assert self.read(peer, 4)[:2] == b"FB"
        while True:
            answers, data = self.device.command(self.message(peer).decode()), None
            with contextlib.suppress(StopIteration):
                while True:
                    answer = answers.send(data)
                    data = None
                    if answer is CUT:
                        return
                    if answer is SILENT:
                        continue
                    raw = answer if isinstance(answer, bytes) else answer.encode()
                    peer.sendall(struct.pack(">Q", len(raw)) + raw)
                    if isinstance(answer, Want):
                        data = b""
                        while len(data) < answer.size():
                            data += self.message(peer)


class UdpServer(Server):
    """With `loss`, so many of 100 packets of each direction are lost, and as many come twice. The numbers go on from
    one host to the next, as in U-Boot."""

    def __init__(self, device, packet=1024, loss=0, seed=1):
        self.packet, self.loss, self.random = packet, loss, random.Random(seed)
        self.expected, self.last = 0xFFF0, b""
        self.answers, self.data, self.left, self.pending = None, b"", 0, []
        super().__init__(device, socket.SOCK_DGRAM)

    def serve(self):
        while True:
            self.wait(self.socket)
            raw, peer = self.socket.recvfrom(65536)
            if self.random.randrange(100) < self.loss:
                continue
            answer = self.take(raw)
            if answer is None:
                continue
            for _ in range(2 if self.random.randrange(100) < self.loss else 1):
                if self.random.randrange(100) >= self.loss:
                    self.socket.sendto(answer, peer)

    def take(self, raw):
        kind, flags, sequence = struct.unpack_from(">BBH", raw)
        body = raw[4:]
        if kind == 1:
            return struct.pack(">BBHH", 1, 0, sequence, self.expected)
        if sequence == (self.expected - 1) & 0xFFFF:
            return self.last
        if sequence != self.expected:
            return None
        self.expected = (self.expected + 1) & 0xFFFF
        if kind == 2:
            self.answers, self.left, self.pending = None, 0, []
            data = struct.pack(">HH", 1, min(self.packet, struct.unpack_from(">HH", body)[1]))
        else:
            data = self.fastboot(body)
        if data is None:
            self.expected, self.last = (self.expected - 1) & 0xFFFF, b""
            return None
        more = isinstance(data, tuple)
        self.last = struct.pack(">BBH", kind, 1 if more else 0, sequence) + (data[0] if more else data)
        return self.last

    def fastboot(self, body):
        """What answers a packet: bytes, a tuple of them when more follows, None for nothing."""
        if body and self.left:
            self.data += body
            self.left -= len(body)
            if self.left == 0:
                self.go_on(self.data)
            return b""
        if body:
            self.answers = self.device.command(body.decode())
            self.go_on(None)
            return b""
        if not self.pending:
            return b""
        answer = self.pending[0]
        if answer in (CUT, SILENT):
            return None
        raw = answer if isinstance(answer, bytes) else answer.encode()
        room = self.packet - 4
        if len(raw) > room:
            self.pending[0] = raw[room:]
            return (raw[:room],)
        self.pending.pop(0)
        return raw

    def go_on(self, data):
        with contextlib.suppress(StopIteration):
            while True:
                answer = self.answers.send(data)
                data = None
                self.pending.append(answer)
                if isinstance(answer, Want):
                    self.left, self.data = answer.size(), b""
                    return


@contextlib.contextmanager
def serving(device, kind="tcp", **more):
    """The address for `link:`."""
    server = TcpServer(device) if kind == "tcp" else UdpServer(device, **more)
    try:
        yield f"{kind}:127.0.0.1:{server.port}"
    finally:
        server.stop()
