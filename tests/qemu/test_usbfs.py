# SPDX-License-Identifier: MIT
"""Models as the kernel sees them: attached by its own USB/IP client, driven through usbfs by programs that are not ours
and by aboard, with libusb as it is installed."""
import json
import os
import pathlib
import re
import sys

import pytest

from usb_guest import run_guest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "rig"))

from sim import BUILD, Sim  # noqa: E402

PROGRAM = os.environ.get("ABOARD", os.path.join(BUILD, "src", "cli", "aboard"))

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


ABOARD_IN_GUEST = r"""
usbip_keep "$SERVER" 1-1 1-2 &
until_true 20 usb_present 1-1
until_true 20 usb_present 1-2
export ABOARD_HOME=/run/home
"$ABOARD" boards --attached
"$ABOARD" flash --yes tame data --json >tame
echo "tame=$?"
"$ABOARD" flash --yes wild data --json >wild
echo "wild=$?"

# Somebody who is in group plugdev and nothing else
mkdir /run/somebody
chown 65534:65534 /run/somebody
cd /
attached() {
	ABOARD_HOME=/run/somebody setpriv --reuid 65534 --regid 65534 --groups plugdev "$ABOARD" boards --attached
}
echo "# before"
attached
mount -t tmpfs rules /etc/udev/rules.d
"$ABOARD" doctor --install-udev
echo "=$?"
udevadm settle
echo "# after"
attached
"""

BOARDS = """
boards:
  - {name: tame, driver: dfu, usb: "usb:1-1", default_target: firmware}
  - {name: wild, driver: dfu, usb: "usb:1-2", default_target: firmware}
"""


def stages(path):
    """The stages in their order, with how each ended; the last word is the status."""
    events = [json.loads(line) for line in path.read_text().splitlines()]
    ends = [f"{event['name']} {event['state']}" for event in events
            if event["event"] == "stage" and event["state"] != "begin"]
    return [*ends, events[-1]["exit"]]


def test_aboard(tmp_path, data):
    """One board behaves; the other is unplugged in the middle, and is followed by its port when it comes back."""
    (data.parent / "aboard.yaml").write_text(BOARDS)
    with Sim("dfu", "--uboot", "--serial", "A1", "--alt", "config=:4K", "--alt", "firmware=one",
             "dfu", "--serial", "B2", "--fault", "cut@30000", "--absent", "200ms", "--alt", "firmware=two",
             cwd=tmp_path) as models:
        result = run_guest(data.parent, ABOARD_IN_GUEST, SERVER=models.port, ABOARD=PROGRAM)
    assert result.status == 0, result.output
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes() == data.read_bytes()
    assert stages(data.parent / "tame") == ["connect done", "write done", "verify done", "leave done", 0]
    assert stages(data.parent / "wild") == ["connect done", "write failed", "connect retry", "connect done",
                                            "write done", "verify done", "leave done", 0]
    root, before, after = re.split("# before\n|# after\n", result.output)
    first, second = "usb:1-1  1d50:6089  high        A1  U-Boot DFU", "usb:1-2  1d50:6089  high        B2  DFU device DFU"
    assert [line.split("  driver")[0] for line in root.splitlines()[:2]] == [first, second]
    assert root.endswith("tame=0\nwild=0\n")
    assert before.count("no permission; ") == 2
    assert first in after and second in after and "no permission" not in after
