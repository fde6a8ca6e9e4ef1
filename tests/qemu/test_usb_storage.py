# SPDX-License-Identifier: MIT
"""USB mass storage as the kernel shows it: disks that differ in nothing but the port, and the block writer on them."""
import pathlib
import re
import sys

from usb_guest import run_guest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "peer"))

from peers import tool  # noqa: E402

TWINS = r"""
set -e
for n in 0 1; do
	truncate -s 16M /run/disk$n
	ums_plug $n /run/disk$n 00112233445566778899AABB
done
for n in 0 1; do
	port=$(gadget_port $n)
	disk=$(usb_disks $port)
	echo "$n port=$port disk=$disk serial=$(cat /sys/bus/usb/devices/$port/serial)" \
		"model=$(cat /sys/block/$disk/device/model) sectors=$(cat /sys/block/$disk/size)"
	head -c 1M /dev/urandom >/run/data
	dd if=/run/data of=/dev/$disk bs=1M seek=3 oflag=direct status=none
	tail -c +3145729 /run/disk$n | head -c 1M | cmp - /run/data
	truncate -s 0 /run/data
done
ums_unplug 0
until_true 10 eval '! has_disk $(gadget_port 0)'
echo "left: [$(usb_disks $(gadget_port 0))] [$(usb_disks $(gadget_port 1))]"
"""


def test_disk_of_a_port(tmp_path):
    """The port's directory in sysfs leads to its disk and to no other, though ids, serial number and model are one."""
    result = run_guest(tmp_path, TWINS)
    assert result.status == 0, result.output
    first, second, left = result.output.splitlines()
    same = "serial=00112233445566778899AABB model=UMS disk 0 sectors=32768"
    for line, number in (first, "0"), (second, "1"):
        assert line.startswith(number) and " ".join(line.split()).endswith(same)
    disks = [line.split()[2].removeprefix("disk=") for line in (first, second)]
    ports = [line.split()[1] for line in (first, second)]
    assert len(set(disks)) == 2 and len(set(ports)) == 2
    assert left == f"left: [] [{disks[1]}]"


WRITER = r"""
for n in 0 1; do
	truncate -s 16M /run/disk$n
	ums_plug $n /run/disk$n 00112233445566778899AABB
done
port=$(gadget_port 0)
disk=/dev/$(usb_disks $port)
tool() {
	"$TOOL" "$port" 0 "$@"
	echo "=$?"
}
head -c 3000001 /dev/urandom >data
head -c 16M /dev/zero | tr '\0' '\377' >/run/disk0

echo "# whole"
tool info check 16777216 open write 1000001 data read 1000001 3000001 back zero 5000000 2000000 flush
cmp back data
cp /run/disk0 medium
tool check 16777217

echo "# mounted"
echo ',4M' | sfdisk -q "$disk"
until_true 10 test -b "${disk}1"
mke2fs -q "${disk}1"
mkdir -p /run/mnt
mount "${disk}1" /run/mnt
tool check 1024
tool open
umount /run/mnt
tool check 1024

echo "# swap"
mkswap -q "$disk"
swapon "$disk"
tool check 1024
swapoff "$disk"

echo "# held"
mkfifo /run/held
python3 -c "import os, sys; os.open(sys.argv[1], os.O_RDWR | os.O_EXCL); open('/run/held', 'w'); open('/run/held').read()" "$disk" &
read -r _ </run/held
tool open
echo >/run/held
wait $!
tool open

echo "# unplugged"
mkfifo /run/bytes
tool open write 0 /run/bytes >unplugged &
exec 5>/run/bytes # the tool has the disk open by now
ums_unplug 0
until_true 10 eval '! has_disk $port'
echo bytes >&5
exec 5>&-
wait $!
cat unplugged
tool info

echo "# ejected"
port=$(gadget_port 1)
tool open eject
echo "medium=[$(cat "$(ums_lun 1)/file")]"
until_true 10 eval '"$TOOL" "$port" 0 info | grep -q " 0 "'
tool check 1024

echo "# read-only"
ums_unplug 1
echo 1 >"$(ums_lun 1)/ro"
echo /run/disk1 >"$(ums_lun 1)/file"
until_true 10 eval '! has_disk $port'
echo dummy_udc.1 >/sys/kernel/config/usb_gadget/ums1/UDC
until_true 10 has_disk "$port"
tool info check 1024
exit 0
"""


def test_writer(tmp_path):
    """The block writer on a disk that the kernel made: what it writes, and all that it refuses to write to."""
    result = run_guest(tmp_path, WRITER, TOOL=tool("block-tool"))
    assert result.status == 0, result.output
    said = dict(re.findall(r"^# (.*)\n((?:(?!# ).*\n)*)", result.output, re.M))
    data = (tmp_path / "data").read_bytes()
    expected = bytearray(b"\xff" * (16 << 20))
    expected[1000001:1000001 + len(data)] = data
    expected[5000000:7000000] = bytes(2000000)
    assert (tmp_path / "medium").read_bytes() == expected
    start = "/dev/sda 'Linux' 'UMS disk 0' 16777216 512 rw\n=0\ntarget: the image does not fit"
    assert said["whole"].startswith(start), said["whole"]
    for name, *words in [
        ("mounted", "target: sda1 is mounted at /run/mnt\n", "target: /dev/sda is in use\n", "=0"),
        ("swap", "target: sda is used for swap\n"),
        ("held", "target: /dev/sda is in use\n", "=0\n"),
        ("unplugged", "usb: /dev/sda is gone", "not-found: "),
        ("ejected", "=0\nmedium=[]\ntarget: /dev/sdb has no medium\n"),
        ("read-only", " 16777216 512 ro\n", " is write-protected\n"),
    ]:
        at = 0
        for word in words:
            at = said[name].find(word, at)
            assert at >= 0, f"{name}, {word!r}:\n{said[name]}"
