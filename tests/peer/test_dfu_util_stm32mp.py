# SPDX-License-Identifier: MIT
"""dfu-util judges the STM32MP model: a board is flashed with it from the ROM on, as people without ST's tool do."""
import os

import pytest

from usb_peers import Sim, dfu_util, listed

from stm32 import fip, image

SERIAL_LENGTH = 24
LAYOUT = b"""P\t0x04\tfsbl1\tBinary\tmmc0\t0x4400\tx
P\t0x10\trootfs\tFileSystem\tmmc0\t0x84400\tx
"""


class Board:
    """The board through dfu-util alone."""

    def __init__(self, models, folder):
        self.models, self.folder = models, folder
        self.serial = listed(dfu_util(models, "-l"))[0]["serial"]

    def run(self, *argv, **more):
        return dfu_util(self.models, "-w", "-S", self.serial, *argv, **more)

    def alts(self):
        """Names of the alternate settings, by number."""
        return [device["name"] for device in listed(dfu_util(self.models, "-l"))]

    def alt(self, phase):
        """The number of the one for a phase. The names may come late, the devices too: -w waits for neither."""
        for number, name in enumerate(self.alts()):
            if int(name.split("/")[1], 16) == phase:
                return number
        raise AssertionError(f"no alternate setting for phase {phase:#x}")

    def phase(self):
        """GETPHASE."""
        path = self.folder / "phase"
        path.unlink(missing_ok=True)
        self.run("-a", self.alt(0xF1), "-U", path)
        return path.read_bytes()

    def send(self, phase, data):
        path = self.folder / "file"
        path.write_bytes(data)
        said = self.run("-a", self.alt(phase), "-D", path)
        assert "DFU state(2) = dfuIDLE, status(0) = No error condition is present\nDone!" in said

    def detach(self, *more):
        """The board leaves, and is back when this returns."""
        before = listed(dfu_util(self.models, "-l"))[0]["devnum"]
        self.run("-a", "0", "-e", *more)
        while not (found := listed(dfu_util(self.models, "-l"))) or found[0]["devnum"] == before:
            pass


@pytest.fixture
def board(tmp_path):
    with Sim("stm32mp", "--media", "mmc0=sd.img:32M", "--absent", "20ms", cwd=tmp_path) as models:
        yield Board(models, tmp_path)


def to_uboot(board):
    board.send(0x01, image("mp15", os.urandom(5000)))
    assert board.phase() == bytes.fromhex("03 000000c7 00000000")
    board.send(0x03, fip(os.urandom(5000)))
    assert board.phase() == bytes.fromhex("00 ffffffff 00000000 01")
    board.detach()


def test_list(board):
    found = listed(dfu_util(board.models, "-l"))
    assert [device["name"] for device in found] == [
        "@Partition0 /0x00/1*256Ke", "@FSBL /0x01/1*1Me", "@Partition2 /0x02/1*1Me", "@Partition3 /0x03/1*16Me",
        "@Partition4 /0x04/1*16Me", "@virtual /0xF1/1*512Ba"]
    assert all(device["id"] == "0483:df11" and device["ver"] == "0200" for device in found)
    assert len(board.serial) == SERIAL_LENGTH


def test_flash(board, tmp_path):
    to_uboot(board)
    assert board.alts()[:2] == ["@FlashLayout/0x00/1*256Ke", "@virtual/0xf1/1*512Be"]
    assert board.phase() == bytes.fromhex("00 000000c2 00000000 00")
    board.send(0x00, LAYOUT)
    assert board.phase()[-1:] == b"\1"
    board.detach()
    assert board.alts()[:2] == ["@fsbl1/0x04/1*512Ke", "@rootfs/0x10/1*31Me"]
    files = {0x04: image("mp15", os.urandom(9000)), 0x10: os.urandom(100000)}
    for phase, data in files.items():
        assert board.phase()[0] == phase
        board.send(phase, data)
    assert board.phase()[0] == 0xFE
    board.run("-a", "0", "-e")
    assert not listed(dfu_util(board.models, "-l"))
    medium = (tmp_path / "sd.img").read_bytes()
    assert medium[0x4400:0x4400 + 9256] == files[0x04]
    assert medium[0x84400:0x84400 + 100000] == files[0x10]


def test_reset_after_detach(board):
    """-e -R resets the bus while U-Boot leaves, and U-Boot then resets the board: back to the ROM."""
    to_uboot(board)
    board.detach("-R")
    assert board.alts()[0] == "@Partition0 /0x00/1*256Ke"
    assert board.phase()[0] == 0x01


def test_wrong_header(board):
    """TF-A refuses what is no firmware image package; the reason is in GETPHASE."""
    board.send(0x01, image("mp15", b"x"))
    board.send(0x03, b"no package" + bytes(100))
    phase = board.phase()
    assert phase[0] == 0xFF and phase[9:]
