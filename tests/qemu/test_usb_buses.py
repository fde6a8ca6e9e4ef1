# SPDX-License-Identifier: MIT
"""Both kinds of USB bus on a device that the kernel makes: this machine's own through usbfs, and Linux's USB/IP server."""
import pathlib
import re
import sys

from usb_guest import run_guest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "peer"))

from peers import tool  # noqa: E402

ABOUT = "0483:5720 high '' 'USB download gadget' 'S1'"

LOCAL = r"""
truncate -s 16M /run/disk0
port=$(gadget_port 0)
"$TOOL" usb:$port absent list wait open info gone close absent list &
first=$!
until_true 20 eval 'ls -l /proc/$first/fd | grep -q socket'
ums_plug 0 /run/disk0 S1
until_true 20 eval '[ -s output ]'
ums_unplug 0
wait $first
echo "=$?"
echo dummy_udc.0 >/sys/kernel/config/usb_gadget/ums0/UDC
until_true 20 has_disk $port
"$TOOL" usb:$port open disk idle two reset disk
echo "=$?"
"""


def test_local(tmp_path):
    """Arrives and leaves, seen by events, also while it is open; is driven although the kernel has taken it for a disk."""
    result = run_guest(tmp_path, LOCAL, TOOL=tool("usb-tool"))
    assert result.output.splitlines() == [f"{ABOUT} 08/06/50", "=0", *4 * ["Linux   UMS disk 0      "], "=0"]


DENIED = r"""
truncate -s 16M /run/disk0
ums_plug 0 /run/disk0 S1
port=$(gadget_port 0)
node=/dev/bus/usb/$(printf %03d/%03d $(cat /sys/bus/usb/devices/$port/busnum /sys/bus/usb/devices/$port/devnum))
chmod 600 $node
nobody() {
	setpriv --reuid 65534 --clear-groups "$TOOL" usb:$port "$@"
	echo "=$?"
}
nobody list | grep $port | sed 's/^usb:[-0-9]* //'
nobody open
/usr/bin/python3 ./late $node "$TOOL" usb:$port open info
echo "=$?"
"""



# The node is as if it had just come, until the program watches it; then its permissions are set.
LATE = """
import os, subprocess, sys

def watches(pid):
    try:
        return any("inotify" in os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd"))
    except OSError:  # one that was closed meanwhile
        return False

node = sys.argv[1]
program = subprocess.Popen(sys.argv[2:], user=65534, extra_groups=[])
while program.poll() is None and not watches(program.pid):
    os.chmod(node, 0o600)
os.chmod(node, 0o666)
sys.exit(program.wait())
"""


def test_permission(tmp_path):
    """Listed without being opened; refused with the rule that helps; a node whose permissions change is tried again."""
    (tmp_path / "late").write_text(LATE)
    result = run_guest(tmp_path, DENIED, TOOL=tool("usb-tool"))
    lines = result.output.splitlines()
    assert lines[0] == f"{ABOUT} 08/06/50 denied"
    assert lines[1].startswith("host: ") and "no permission to open /dev/bus/usb/" in lines[1]
    assert 'ATTR{idVendor}=="0483", ATTR{idProduct}=="5720"' in lines[2]
    assert lines[3:] == ["=5", f"{ABOUT} 08/06/50", "=0"]


SERVER = r"""
truncate -s 16M /run/disk0
ums_plug 0 /run/disk0 S1
busid=$(gadget_port 0)
usbipd -D
usbip bind -b $busid
remote=usbip://127.0.0.1/$busid
echo "# drives"
"$TOOL" $remote wait list open info disk idle two reset disk close wait open disk
echo "=$?"
in_use() { # 1: free, 2: in use
	[ "$(cat /sys/bus/usb/devices/$busid/usbip_status)" = "$1" ]
}
until_true 20 in_use 1
echo "# one client at a time"
"$TOOL" $remote wait open gone &
first=$!
until_true 20 in_use 2
"$TOOL" $remote list
usbip list -r 127.0.0.1 2>&1 | grep -c $busid
echo "# leaves"
ums_unplug 0
wait $first
echo "=$?"
"$TOOL" $remote absent list
echo "# comes back"
echo dummy_udc.0 >/sys/kernel/config/usb_gadget/ums0/UDC
until_true 20 usb_present $busid
readlink /sys/bus/usb/devices/$busid/driver | sed 's,.*/,,'
"$TOOL" $remote open
echo "=$?"
usbip bind -b $busid
"$TOOL" $remote wait open disk
echo "=$?"
echo "# comes back where a rule binds it"
mkdir -p /run/udev/rules.d
echo 'ACTION=="add", SUBSYSTEM=="usb", ENV{DEVTYPE}=="usb_device", KERNEL=="'$busid'", RUN+="/usr/sbin/usbip bind -b %k"' \
	>/run/udev/rules.d/70-usbip-boards.rules
udevadm control --reload
ums_unplug 0
"$TOOL" $remote absent
echo dummy_udc.0 >/sys/kernel/config/usb_gadget/ums0/UDC
"$TOOL" $remote wait open disk
echo "=$?"
"""


def test_linux_server(tmp_path):
    """usbipd and usbip-host as they are, from import to unplugging: a device in use is not listed, one that was plugged in
    again must be bound again."""
    result = run_guest(tmp_path, SERVER, TOOL=tool("usb-tool"))
    lines = [re.sub(r"\b17-1\b", "PORT", line.rstrip()) for line in result.output.splitlines()]
    disk = "Linux   UMS disk 0"
    bound = "usbip: info: bind device on busid PORT: complete"
    assert lines == [
        bound,
        "# drives", "usbip://127.0.0.1:3240/PORT 0483:5720 high '' '' ''", f"{ABOUT} 08/06/50", *5 * [disk], "=0",
        "# one client at a time", "0",
        "# leaves", "=0",
        "# comes back", "usb", "not-found: usbip://127.0.0.1:3240/PORT is not there", "", "=4",
        bound, disk, "=0",
        "# comes back where a rule binds it", disk, "=0",
    ]
