# SPDX-License-Identifier: MIT
"""A USB/IP client in plain Python, written from the kernel's usbip_protocol.rst alone: it judges the server of
aboard-sim, and sends the models exactly the bytes that a test says."""
import socket
import struct
import time

STALL = -32


class Stalled(Exception):
    """The device said no."""


class Gone(Exception):
    """The device has left the bus."""


def exactly(connection, size):
    data = b""
    while len(data) < size:
        try:
            more = connection.recv(size - len(data))
        except ConnectionError:
            more = b""
        if not more:
            raise Gone()
        data += more
    return data


def devlist(sim):
    """What is attached: {busid: {vid, pid, devnum, speed, classes}}."""
    with socket.create_connection((sim.host, sim.port), timeout=20) as connection:
        connection.sendall(struct.pack(">HHI", 0x0111, 0x8005, 0))
        version, code, status = struct.unpack(">HHI", exactly(connection, 8))
        assert (version, code, status) == (0x0111, 0x0005, 0)
        found = {}
        for _ in range(struct.unpack(">I", exactly(connection, 4))[0]):
            device = Description(exactly(connection, 312))
            device.classes = [tuple(exactly(connection, 4)[:3]) for _ in range(device.interfaces)]
            found[device.busid] = device
        return found


class Description:
    def __init__(self, data):
        self.path = data[:256].rstrip(b"\0").decode()
        self.busid = data[256:288].rstrip(b"\0").decode()
        self.bus, self.devnum, self.speed = struct.unpack(">III", data[288:300])
        self.vid, self.pid, self.release = struct.unpack(">HHH", data[300:306])
        self.device_class = tuple(data[306:309])
        self.configuration, self.configurations, self.interfaces = data[309:312]


class Device:
    """An imported device."""

    def __init__(self, sim, busid="1-1", timeout=20):
        self.connection = socket.create_connection((sim.host, sim.port), timeout=timeout)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection.sendall(struct.pack(">HHI32s", 0x0111, 0x8003, 0, busid.encode()))
        version, code, status = struct.unpack(">HHI", exactly(self.connection, 8))
        assert (version, code) == (0x0111, 0x0003)
        if status:
            self.connection.close()
            raise Gone(status)
        self.info = Description(exactly(self.connection, 312))
        self.devid = self.info.bus << 16 | self.info.devnum
        self.sequence = 0

    def close(self):
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.close()

    def submit(self, endpoint, data_in, length, setup=bytes(8), data=b""):
        """Sends a request; its sequence number."""
        self.sequence += 1
        self.connection.sendall(
            struct.pack(">IIIIIIIIII", 1, self.sequence, self.devid, int(data_in), endpoint, 0, length, 0, 0, 0)
            + setup + data)
        return self.sequence

    def reply(self):
        """The next answer: (command, sequence, status, length, data that follow are not read)."""
        head = exactly(self.connection, 48)
        command, sequence, _, _, _, status, length = struct.unpack(">IIIIIiI", head[:28])
        return command, sequence, status, length

    def transfer(self, endpoint, data_in, length, setup=bytes(8), data=b""):
        self.submit(endpoint, data_in, length, setup, data)
        command, sequence, status, actual = self.reply()
        assert (command, sequence) == (3, self.sequence)
        answer = exactly(self.connection, actual) if data_in else actual
        if status == STALL:
            raise Stalled()
        assert status == 0, status
        return answer

    def unlink(self, sequence):
        """Takes a request back; the status of that."""
        self.sequence += 1
        self.connection.sendall(struct.pack(">IIIIII", 2, self.sequence, self.devid, 0, 0, sequence) + bytes(24))
        command, _, status, _ = self.reply()
        assert command == 4
        return status

    def control(self, request_type, request, value=0, index=0, data=None, length=0):
        """IN: the bytes; OUT: how many were moved."""
        data_in = bool(request_type & 0x80)
        payload = data or b""
        size = length if data_in else len(payload)
        setup = struct.pack("<BBHHH", request_type, request, value, index, size)
        return self.transfer(0, data_in, size, setup, payload)

    def bulk_out(self, endpoint, data):
        return self.transfer(endpoint, False, len(data), data=data)

    def bulk_in(self, endpoint, length):
        return self.transfer(endpoint, True, length)

    def descriptor(self, kind, index=0, length=4096):
        return self.control(0x80, 6, kind << 8 | index, 0x0409 if kind == 3 else 0, length=length)

    def string(self, index):
        return self.descriptor(3, index, 255)[2:].decode("utf-16-le")

    def alts(self):
        """Names of the alternate settings of interface 0, by number."""
        configuration, names, at = self.descriptor(2), {}, 0
        while at < len(configuration):
            if configuration[at + 1] == 4 and configuration[at + 2] == 0:
                index = configuration[at + 8]
                names[configuration[at + 3]] = self.string(index) if index else ""
            at += configuration[at]
        return names


class Dfu(Device):
    """The requests of DFU 1.1."""

    def select(self, alt):
        self.control(0x01, 11, alt)

    def status(self):
        """bStatus, bwPollTimeout, bState."""
        answer = self.control(0xA1, 3, length=6)
        return answer[0], int.from_bytes(answer[1:4], "little"), answer[4]

    def state(self):
        return self.control(0xA1, 5, length=1)[0]

    def download(self, number, data):
        return self.control(0x21, 1, number, data=data)

    def upload(self, number, length):
        return self.control(0xA1, 2, number, length=length)

    def clear(self):
        return self.control(0x21, 4)

    def abort(self):
        return self.control(0x21, 6)

    def detach(self):
        return self.control(0x21, 0, 1000)

    def settle(self):
        """GETSTATUS until the state does not ask for more; (bStatus, bState)."""
        while True:
            status, poll, state = self.status()
            if state not in (3, 4, 6, 7):
                return status, state
            time.sleep(poll / 1000)  # bwPollTimeout: the device asks for it

    def send(self, data, block=4096):
        """A whole download; (bStatus, bState) at its end."""
        for number, at in enumerate(range(0, len(data), block)):
            self.download(number & 0xFFFF, data[at:at + block])
            status, state = self.settle()
            if state != 5:
                return status, state
        self.download((len(data) + block - 1) // block & 0xFFFF, b"")
        return self.settle()

    def receive(self, block=4096, limit=1 << 30):
        """A whole upload, ended by a short block or aborted at the limit."""
        data = b""
        number = 0
        while len(data) < limit:
            piece = self.upload(number & 0xFFFF, block)
            data += piece
            number += 1
            if len(piece) < block:
                return data
        self.abort()
        return data


def wait_for(sim, busid="1-1", kind=Device, other_than=None, timeout=20):
    """The device once it is there (again): with another device number than `other_than`."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        try:
            device = kind(sim, busid)
        except Gone:
            time.sleep(0.01)  # USB/IP has no events
            continue
        if device.info.devnum != other_than:
            return device
        device.close()
    raise AssertionError(f"{busid} did not come back")
