# SPDX-License-Identifier: MIT
"""Models as the kernel sees them: attached by its own USB/IP client, driven through usbfs by programs that are not ours
and by aboard, with libusb as it is installed."""
import os
import pathlib
import re
import sys

import pytest

from usb_guest import run_guest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "rig"))

from sim import Sim  # noqa: E402

KERNEL_AND_DFU_UTIL = r"""
set -e
usbip_keep "$SERVER" 1-1 1-2 &
until_true 20 usb_present 1-1
until_true 20 usb_present 1-2
cat /sys/bus/usb/devices/1-[12]/serial
dfu-util -l
dfu-util -p 1-1 -a firmware -D data
dfu-util -p 1-1 -a firmware -U /run/back
cmp /run/back data && echo same
dfu-util -p 1-2 -D data
until_true 20 usb_present 1-2
dfu-util -p 1-2 -U /run/again
cmp /run/again data && echo same again
"""


@pytest.fixture
def data(tmp_path):
    """An empty folder for the guest, and a file `data` in it that is not a whole number of blocks long."""
    folder = tmp_path / "guest"
    folder.mkdir()
    (folder / "data").write_bytes(os.urandom(50000))
    return folder / "data"


def test_dfu_util(tmp_path, data):
    """U-Boot's manners, and a device that wants a reset of the bus after manifestation."""
    with Sim("dfu", "--uboot", "--serial", "A1", "--alt", "config=:4K", "--alt", "firmware=one",
             "dfu", "--serial", "B2", "--intolerant", "--poll-ms", "1", "--alt", "firmware=two", cwd=tmp_path) as models:
        result = run_guest(data.parent, KERNEL_AND_DFU_UTIL, SERVER=models.port)
    assert result.status == 0, result.output
    assert result.output.startswith("A1\nB2\n")
    found = re.findall(r'path="(.*)", alt=(\d), name="(.*)", serial="(.*)"', result.output)
    assert sorted(found) == [("1-1", "0", "config", "A1"), ("1-1", "1", "firmware", "A1"), ("1-2", "0", "firmware", "B2")]
    assert "\nsame\n" in result.output and result.output.endswith("\nsame again\n")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes() == data.read_bytes()
