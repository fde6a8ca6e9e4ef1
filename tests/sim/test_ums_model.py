# SPDX-License-Identifier: MIT
"""The UMS model: Bulk-Only Transport and SCSI, byte by byte."""
import os
import struct

import pytest

from stm32 import boot, script
from usbip import Device, Gone, Stalled, devlist, wait_for


class Disk(Device):
    tag = 0

    def scsi(self, cdb, expect=0, data=None, lun=0):
        """The data that came, the status, the residue."""
        self.tag += 1
        length = len(data) if data is not None else expect
        self.bulk_out(2, struct.pack("<IIIBBB16s", 0x43425355, self.tag, length, 0 if data is not None else 0x80, lun,
                                     len(cdb), cdb))
        answer = b""
        if data is not None:
            self.bulk_out(2, data)
        elif expect:
            try:
                answer = self.bulk_in(1, expect)
            except Stalled:
                self.control(0x02, 1, 0, 0x81)
        signature, tag, residue, status = struct.unpack("<IIIB", self.bulk_in(1, 13))
        assert (signature, tag) == (0x53425355, self.tag)
        return answer, status, residue

    def read(self, block, count):
        answer, status, residue = self.scsi(struct.pack(">BBIBHB", 0x28, 0, block, 0, count, 0), count * 512)
        assert (status, residue) == (0, 0)
        return answer

    def write(self, block, data):
        return self.scsi(struct.pack(">BBIBHB", 0x2A, 0, block, 0, len(data) // 512, 0), data=data)[1:]

    def sense(self):
        answer = self.scsi(bytes([3, 0, 0, 0, 18, 0]), 18)[0]
        return answer[2], answer[12]


def test_disk(sim, tmp_path):
    models = sim("ums", "--media", "mmc0=sd:8M", "--media", "mmc1=emmc:4M")
    assert devlist(models)["1-1"].classes == [(8, 6, 0x50)]
    with Disk(models) as disk:
        assert disk.control(0xA1, 0xFE, length=1) == b"\1"
        assert disk.scsi(bytes(6))[1] == 1 and disk.sense() == (6, 0x29)  # UNIT ATTENTION
        assert disk.scsi(bytes(6))[1] == 0
        inquiry = disk.scsi(bytes([0x12, 0, 0, 0, 36, 0]), 36)[0]
        assert inquiry[8:36] == b"Linux   UMS disk 0      ffff" and inquiry[1] == 0x80
        assert disk.scsi(bytes([0x25]) + bytes(9), 8)[0] == struct.pack(">II", (8 << 20) // 512 - 1, 512)
        data = os.urandom(65536)
        assert disk.write(100, data) == (0, 0)
        assert disk.read(100, 128) == data
        assert disk.scsi(struct.pack(">BBIBHB", 0x28, 0, 16383, 0, 2, 0), 1024) == (b"", 1, 1024)
        assert disk.sense() == (5, 0x21)
        assert disk.scsi(bytes([0xEE]) + bytes(5))[1] == 1 and disk.sense() == (5, 0x20)
        assert disk.scsi(bytes([0x12, 0, 0, 0, 36, 0]), 255)[1:] == (0, 255 - 36)
        assert disk.scsi(bytes([0x25]) + bytes(9), 8, lun=1)[1] == 1
        assert disk.scsi(bytes([0x1B, 0, 0, 0, 2, 0]))[1] == 0  # ejected: nothing happens
        with pytest.raises(Stalled):
            disk.bulk_out(2, b"no command block")
    assert (tmp_path / "sd").read_bytes()[51200:51200 + 65536] == data
    assert list(devlist(models)) == ["1-1"]


def test_eject_ends(sim):
    models = sim("ums", "--eject-ends")
    disk = Disk(models)
    disk.scsi(bytes(6))
    disk.sense()
    assert disk.scsi(bytes([0x1B, 0, 0, 0, 2, 0]))[1] == 0
    with pytest.raises(Gone):
        disk.scsi(bytes(6))
    assert devlist(models) == {}


def test_write_error(sim):
    models = sim("ums", "--fault", "write-error@9")
    with Disk(models) as disk:
        disk.scsi(bytes(6))
        disk.sense()
        assert disk.write(0, bytes(4096)) == (0, 0)
        assert disk.write(8, bytes(512))[0] == 1
        assert disk.sense() == (3, 0x0C)


def test_by_script(sim, tmp_path):
    models = sim("stm32mp", "--media", "mmc1=emmc:8M", "--absent", "5ms")
    board = boot(models)
    board.put(0, script("ums 0 mmc 1"))
    number = board.info.devnum
    board.detach()
    board.close()
    disk = wait_for(models, kind=Disk, other_than=number)
    assert (disk.info.vid, disk.info.pid) == (0x0483, 0x5720)
    disk.scsi(bytes(6))
    disk.sense()
    assert disk.write(0, b"u" * 512) == (0, 0)
    disk.close()
    assert (tmp_path / "emmc").read_bytes()[:512] == b"u" * 512
