# SPDX-License-Identifier: MIT
"""The commands by which U-Boot proves what the stm32mp driver wrote, run by a real U-Boot on a real disk."""
import os
import random
import pathlib
import re
import subprocess

import pytest
from virtual_board import HOST_ADDRESS

MIB = 1 << 20
MEMORY = 0x48000000
ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOL = pathlib.Path(os.environ.get("ABOARD_BUILD", ROOT / "build")) / "tests" / "peer" / "stm32mp-tool"


def make_image(path):
    """More than one slice, a hole, and an end in the middle of a sector."""
    data = bytearray(35 * MIB + 700)
    data[:20 * MIB] = random.Random(4).randbytes(20 * MIB)
    data[-1000:] = random.Random(5).randbytes(1000)
    path.write_bytes(data)
    return data


def tool(*argv):
    return subprocess.run([TOOL, *argv], check=True, stdout=subprocess.PIPE, text=True).stdout.split()


def proof(console, image):
    """Runs the script that was loaded; what the driver makes of the three variables."""
    console.check(f"source {MEMORY - MIB:#x}", timeout=120)
    found = []
    for number in range(3):
        status, output = console.run(f"printenv fastboot.crc{number}")
        assert status == 0, output
        found.append(re.search(r"=([0-9a-f]+)", output)[1])
    return tool(image, *found)


@pytest.fixture(name="made")
def fixture_made(tmp_path):
    """The image as bytes and as a file, and the folder with its script."""
    served = tmp_path / "served"
    served.mkdir()
    data = make_image(tmp_path / "disk.img")
    count = tool(tmp_path / "disk.img", "virtio", "0", hex(MEMORY), served / "proof.scr")
    assert count == ["3"]
    return data, tmp_path / "disk.img", served


def put(board, data):
    """The image on the board's disk, whose rest is not zero."""
    with open(board.folder / "virtio.img", "r+b") as disk:
        disk.write(data)
        disk.write(os.urandom(4096))


def test_a_real_uboot_proves_and_finds_out(board, made):
    data, image, served = made
    console = board.listen()
    board.serve_tftp(served)
    board.power_on()
    board.interrupt()
    put(board, data)
    console.check("setenv autoload no; dhcp; virtio scan")
    console.check(f"tftpboot {MEMORY - MIB:#x} {HOST_ADDRESS}:proof.scr")
    assert proof(console, image) == ["right"] * 3
    # How the script goes back to the ROM where there is no fastboot, as here.
    assert "\nto the ROM\n" in console.check("fastboot usb 0 || echo to the ROM")

    # One bit in the second slice.
    wrong = bytearray(data)
    wrong[17 * MIB] ^= 1
    put(board, wrong)
    assert proof(console, image) == ["right", "wrong", "right"]
    put(board, data)
    assert proof(console, image) == ["right"] * 3


def test_a_disk_that_cannot_be_read_proves_nothing(board, made):
    data, image, served = made
    console = board.listen()
    board.serve_tftp(served)
    board.power_on()
    board.interrupt()
    put(board, data)
    console.check("setenv autoload no; dhcp; virtio scan")
    console.check(f"tftpboot {MEMORY - MIB:#x} {HOST_ADDRESS}:proof.scr")
    assert proof(console, image) == ["right"] * 3
    # Past the end of the disk: it is shorter now than the script believes.
    board.power_off()
    os.truncate(board.folder / "virtio.img", 16 * MIB)
    board.power_on()
    board.interrupt()
    console.check("setenv autoload no; dhcp; virtio scan")
    console.check(f"tftpboot {MEMORY - MIB:#x} {HOST_ADDRESS}:proof.scr")
    assert proof(console, image) == ["right", "wrong", "wrong"]
