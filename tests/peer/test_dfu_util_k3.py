# SPDX-License-Identifier: MIT
"""dfu-util judges the TI K3 model: the chain of loaders as TI's and U-Boot's documentation sends it."""
import os
import struct

import pytest

from usb_peers import Sim, dfu_util, listed

TIBOOT3 = b"\x30\x82\x05\x00" + os.urandom(3000)
GONE = 251  # what dfu-util returns when -R finds the device gone: LIBUSB_ERROR_NOT_FOUND, as a byte
LOST_STATUS = "unable to read DFU status after completion"


def fit(size):
    return struct.pack(">II", 0xD00DFEED, size) + os.urandom(size - 8)


def names(models):
    return [device["name"] for device in listed(dfu_util(models, "-l"))]


def wait_for_names(models, *wanted):
    """The next stage is there; without a limit of its own, the runner has one."""
    while names(models)[:len(wanted)] != list(wanted):
        pass


@pytest.mark.parametrize("options, status, words", [
    (["--answers-last"], 74, "DFU state(7) = dfuMANIFEST"),
    (["--stalls-last"], 74, LOST_STATUS),
    ([], 74, LOST_STATUS),
], ids=["answers", "stalls", "gone"])
def test_chain(tmp_path, options, status, words):
    """What the ROM does after the last block is known to differ; dfu-util 0.11 fails then, and the board goes on."""
    for name, data in ("tiboot3", TIBOOT3), ("tispl", fit(5000)), ("u-boot", fit(100000)), ("image", os.urandom(70000)):
        (tmp_path / name).write_bytes(data)
    with Sim("k3", "--absent", "20ms", "--wait-detach", "--media", "mmc1=emmc:8M", *options, cwd=tmp_path) as models:
        assert names(models) == ["bootloader", "SocId"]
        dfu_util(models, "-a", "SocId", "-U", tmp_path / "id")
        assert len((tmp_path / "id").read_bytes()) == 200
        assert words in dfu_util(models, "-R", "-a", "bootloader", "-D", tmp_path / "tiboot3", status=status)
        wait_for_names(models, "tispl.bin")
        dfu_util(models, "-R", "-a", "tispl.bin", "-D", tmp_path / "tispl", status=GONE)
        wait_for_names(models, "u-boot.img")
        dfu_util(models, "-R", "-a", "u-boot.img", "-D", tmp_path / "u-boot", status=GONE)
        wait_for_names(models, "rawemmc")
        dfu_util(models, "-a", "rawemmc", "-D", tmp_path / "image")
    assert (tmp_path / "emmc").read_bytes()[:70000] == (tmp_path / "image").read_bytes()
