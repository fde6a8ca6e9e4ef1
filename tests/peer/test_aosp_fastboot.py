# SPDX-License-Identifier: MIT
"""Debian's own fastboot and our driver, with the same work on the same device: what they ask for, and what is on the
medium afterwards. The device of the tests is so judged by AOSP's client, and our driver by the device."""
import os
import random
import subprocess
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "rig"))

from fastboot import Device, serving  # noqa: E402
from one_board import Lab  # noqa: E402

MIB = 1 << 20
SIZES = {"boot": 300_000, "rootfs": 12 * MIB}
IMAGES = {
    "small": random.Random(1).randbytes(5000),
    "noise": random.Random(2).randbytes(5 * MIB),
    "mixed": random.Random(3).randbytes(MIB) + bytes(4 * MIB) + random.Random(4).randbytes(MIB) + bytes(MIB),
    "zeros": bytes(4 * MIB),
}


@pytest.fixture
def lab(tmp_path):
    lab = Lab(tmp_path)
    for name, data in IMAGES.items():
        lab.file(name, data)
    return lab


def theirs(lab, link, *argv, status=0):
    done = subprocess.run(["fastboot", "-s", link, *argv], cwd=lab.folder, capture_output=True, text=True, timeout=60,
                          env={"PATH": "/usr/bin:/bin", "HOME": str(lab.folder)}, check=False)
    assert done.returncode == status, done.stderr
    return done.stderr


def ours(lab, link, *argv, keys="", status=0):
    lab.board(f"driver: fastboot\nfastboot: {{link: '{link}', {keys}}}\n")
    return lab.flash(*argv, status=status)


def writes(device):
    return [command for command in device.seen if command.startswith(("download", "flash", "erase", "reboot", "set_"))]


@pytest.mark.parametrize("kind", ["tcp", "udp"])
@pytest.mark.parametrize("image", IMAGES)
def test_the_same_is_on_the_medium(lab, kind, image):
    """-S makes theirs cut as the device's buffer makes ours."""
    mine, other = Device(SIZES, console="run"), Device(SIZES)
    with serving(other, kind) as link:
        theirs(lab, link, "-S", "1M", "flash", "rootfs", image)
    with serving(mine, kind) as link:
        ours(lab, link, "--target", "rootfs", image)
    size = len(IMAGES[image])
    assert mine.content("rootfs")[:size] == other.content("rootfs")[:size] == IMAGES[image]
    assert mine.content("rootfs")[size + 4096:] == b"\xa5" * (12 * MIB - size - 4096)
    sent = [sum(int(c[9:], 16) for c in device.seen if c.startswith("download")) for device in (mine, other)]
    assert sent[0] <= sent[1] + 4096


def test_the_same_commands(lab):
    mine, other = Device(SIZES, console="run"), Device(SIZES)
    with serving(other) as link:
        theirs(lab, link, "erase", "boot")
        theirs(lab, link, "flash", "boot", "small")
        theirs(lab, link, "set_active", "b")
        theirs(lab, link, "reboot")
    with serving(mine) as link:
        ours(lab, link, "--target", "boot", "small", keys="erase: true, set_active: b, reboot: system")
    assert writes(mine) == writes(other)
    assert mine.content("boot") == other.content("boot") and mine.slot == other.slot == "b"


def test_the_same_refusals(lab):
    device = Device(SIZES, tells=False)
    device.faults["download"] = "FAILdata too large"
    with serving(device) as link:
        assert "data too large" in theirs(lab, link, "flash", "boot", "small", status=1)
        events = ours(lab, link, "--target", "boot", "small", "--retries", "0", status=12)
        assert "data too large" in events[-1]["error"]["text"]
        device.faults = {"flash": "FAILwrite protected"}
        assert "write protected" in theirs(lab, link, "flash", "boot", "small", status=1)
        events = ours(lab, link, "--target", "boot", "small", "--retries", "0", status=12)
        assert "write protected" in events[-1]["error"]["text"]


def test_one_after_the_other(lab):
    """Neither leaves the device in a state that the other cannot use; over UDP the numbers go on."""
    device = Device(SIZES, console="run")
    for kind in ("tcp", "udp"):
        with serving(device, kind) as link:
            for _ in range(2):
                theirs(lab, link, "flash", "boot", "small")
                ours(lab, link, "--target", "rootfs", "mixed")
    assert device.content("rootfs")[:len(IMAGES["mixed"])] == IMAGES["mixed"]
