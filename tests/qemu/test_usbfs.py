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
from stm32_files import sdcard, write_boot_files  # noqa: E402

PROGRAM = os.environ.get("ABOARD", os.path.join(BUILD, "src", "cli", "aboard"))

PEERS = r"""
set -e
usbip_keep "$SERVER" 1-1 1-2 1-3 &
for port in 1-1 1-2 1-3; do
	until_true 60 usb_present $port
done
cat /sys/bus/usb/devices/1-[12]/serial
dfu-util -l
dfu-util -p 1-1 -a firmware -D data
dfu-util -p 1-1 -a firmware -U /run/back
cmp /run/back data && echo same
dfu-util -p 1-2 -D data
until_true 60 usb_present 1-2
dfu-util -p 1-2 -U /run/again
cmp /run/again data && echo same again

fastboot devices -l
fastboot getvar all
fastboot oem format
fastboot flash loader data
fastboot -S 300K flash root large
fastboot erase loader
fastboot reboot
until_true 60 fastboot getvar version
"""


@pytest.fixture
def data(tmp_path):
    """An empty folder for the guest, and a file `data` in it that is not a whole number of blocks long."""
    folder = tmp_path / "guest"
    folder.mkdir()
    (folder / "data").write_bytes(os.urandom(50000))
    return folder / "data"


def test_peers(tmp_path, data):
    """dfu-util with U-Boot's manners, and with a device that wants a reset of the bus after manifestation; fastboot,
    which uses usbfs without libusb, with large files in pieces."""
    large = os.urandom(250 * 4096)  # fastboot takes whole blocks only
    (data.parent / "large").write_bytes(large)
    (tmp_path / "emmc").write_bytes(b"\xa5" * (32 << 20))
    partitions = "partitions=name=loader,start=1M,size=8M;name=root,size=-"
    with Sim("dfu", "--uboot", "--serial", "A1", "--alt", "config=:4K", "--alt", "firmware=one",
             "dfu", "--serial", "B2", "--intolerant", "--poll-ms", "1", "--alt", "firmware=two",
             "fastboot", "--serial", "C3", "--media", "mmc1=emmc:32M", "--env", partitions, cwd=tmp_path) as models:
        result = run_guest(data.parent, PEERS, SERVER=models.port)
    assert result.status == 0, result.output
    assert result.output.startswith("A1\nB2\n")
    found = re.findall(r'path="(.*)", alt=(\d), name="(.*)", serial="(.*)"', result.output)
    assert sorted(found) == [("1-1", "0", "config", "A1"), ("1-1", "1", "firmware", "A1"), ("1-2", "0", "firmware", "B2")]
    assert "\nsame\n" in result.output and "\nsame again\n" in result.output
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes() == data.read_bytes()

    assert re.search(r"\nC3 +fastboot usb:1-3\n", result.output)
    assert "(bootloader) max-download-size:0x02000000\n" in result.output
    assert len(re.findall(r"Sending sparse 'root' \d/\d", result.output)) >= 4
    medium = (tmp_path / "emmc").read_bytes()
    assert medium[9 << 20:(9 << 20) + len(large)] == large
    assert medium[1 << 20:(1 << 20) + 50000] != data.read_bytes()  # erased


ABOARD_IN_GUEST = r"""
usbip_keep "$SERVER" 1-1 1-2 &
until_true 60 usb_present 1-1
until_true 60 usb_present 1-2
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


def rows(output):
    """Port, serial number and board of each line of `boards --attached`."""
    columns = [re.split("  +", line.strip()) for line in output.splitlines()]
    return {(words[0], words[3], words[-1]) for words in columns if words[0].startswith("usb:")}


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
    assert {("usb:1-1", "A1", "tame"), ("usb:1-2", "B2", "wild")} <= rows(root)
    assert root.endswith("tame=0\nwild=0\n")
    rule = 'ATTR{idVendor}=="1d50", ATTR{idProduct}=="6089"'
    assert before.count(rule) == 2 and rule not in after
    assert {("usb:1-1", "A1"), ("usb:1-2", "B2")} <= {row[:2] for row in rows(after)}


UMS = r"""
echo 0 >/sys/module/usb_storage/parameters/delay_use
usbip_keep "$SERVER" 1-1 1-2 &
until_true 60 has_disk 1-1
until_true 60 has_disk 1-2
export ABOARD_HOME=/run/home
"$ABOARD" boards --attached
"$ABOARD" flash --yes disk image --json >disk
echo "disk=$?"
"$ABOARD" flash --yes worn image --json >worn
echo "worn=$?"
until_true 20 eval '! usb_present 1-1'
"""

UMS_BOARDS = """
boards:
  - {name: disk, driver: ums, usb: "usb:1-1"}
  - {name: worn, driver: ums, usb: "usb:1-2"}
"""


def test_ums(tmp_path, data):
    """The kernel judges the model of U-Boot's ums, and aboard writes to the disk that it becomes: Bulk-Only Transport and
    SCSI are the kernel's. On the other board, writing fails."""
    image = os.urandom(1 << 20) + bytes(1 << 20) + os.urandom(300000)
    (data.parent / "image").write_bytes(image)
    (data.parent / "aboard.yaml").write_text(UMS_BOARDS)
    (tmp_path / "emmc").write_bytes(b"\xa5" * (16 << 20))
    with Sim("ums", "--serial", "A1", "--eject-ends", "--media", "mmc0=emmc:16M",
             "ums", "--serial", "B2", "--media", "mmc0=:16M", "--fault", "write-error@3000+", cwd=tmp_path) as models:
        result = run_guest(data.parent, UMS, SERVER=models.port, ABOARD=PROGRAM)
    assert result.status == 0, result.output
    assert {("usb:1-1", "A1", "disk"), ("usb:1-2", "B2", "worn")} <= rows(result.output)
    assert "disk=0\n" in result.output and "worn=12\n" in result.output
    error = json.loads((data.parent / "worn").read_text().splitlines()[-1])["error"]
    assert error["kind"] == "board" and "Input/output error" in error["text"]
    medium = (tmp_path / "emmc").read_bytes()
    assert medium[:len(image)] == image and medium[3 << 20:] == b"\xa5" * (13 << 20)


STM32MP = r"""
usbip_keep "$SERVER" 1-1 &
until_true 60 usb_present 1-1
ABOARD_HOME=/run/home "$ABOARD" flash --yes board sdcard.img --json >flash
exit $?
"""


def test_stm32mp(tmp_path, data):
    """A board that enumerates anew on its way from the ROM to U-Boot's fastboot is followed by its port."""
    folder, patient = data.parent, {name: "60s" for name in ("tf-a", "uboot", "partitions", "fastboot", "attach")}
    write_boot_files(folder, "mp15")
    card = sdcard()
    (folder / "sdcard.img").write_bytes(card)
    board = {"name": "board", "driver": "stm32mp", "usb": "usb:1-1", "timeouts": patient,
             "stm32mp": {"fsbl": "tf-a.stm32", "fip": "fip.bin", "way": "fastboot"}}
    (folder / "aboard.yaml").write_text(json.dumps({"boards": [board]}))
    with Sim("stm32mp", "--media", "mmc0=sd.img:16M", cwd=tmp_path) as models:
        result = run_guest(folder, STM32MP, SERVER=models.port, ABOARD=PROGRAM)
    events = [json.loads(line) for line in (folder / "flash").read_text().splitlines()]
    assert result.status == 0, result.output
    seen = [re.match(r"usb:1-1: (\S+), high speed, ([^,]*)", event["text"]) for event in events if event["event"] == "log"]
    assert [match.groups() for match in seen if match][:3] == [
        ("0483:df11", "boot ROM"), ("0483:df11", "U-Boot"), ("0483:0afb", "U-Boot fastboot")]
    assert events[-1]["writes"][0]["verified"]
    assert (tmp_path / "sd.img").read_bytes()[:len(card)] == card
