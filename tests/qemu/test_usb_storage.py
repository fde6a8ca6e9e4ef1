# SPDX-License-Identifier: MIT
"""USB mass storage as the kernel shows it: two gadgets that differ in nothing but the port."""
from usb_guest import run_guest

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
