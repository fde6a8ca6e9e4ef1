# SPDX-License-Identifier: MIT
"""The driver `ums` against the kernel's own USB disks: real sysfs, real block devices, real O_DIRECT."""
import os

from lab import program
from usb_guest import run_guest

COMMON = r"""
export ABOARD_HOME=/run/aboard LC_ALL=C.UTF-8 ASAN_OPTIONS=detect_leaks=0
mkdir -p /run/lab && cd /run/lab
board() { printf 'name: b\ndriver: ums\nusb: usb:%s\nums: {%s}\ntimeouts: {connect: %s}\n' "$1" "$2" "${3:-20s}" >aboard.yaml; }
flash() { "$ABOARD" flash b "$@" --yes 2>&1; echo "exit $?"; }
# 16 MiB of old data on each of two disks that differ in nothing but the port
for n in 0 1; do head -c 16M /dev/zero | tr '\0' '\245' >/run/disk$n; done
"""

FLASH = COMMON + r"""
# data, a hole, data; 9 MiB that end in the middle of a sector
truncate -s 9437100 image
head -c 3M /dev/urandom >data
dd if=data of=image conv=notrunc status=none
tail -c 1000000 data | dd of=image bs=1 seek=8437100 conv=notrunc status=none oflag=seek_bytes,dsync bs=64k
port=$(gadget_port 0)
ums_plug 0 /run/disk0 001122
ums_plug 1 /run/disk1 001122
board "$port" 'model: UMS disk'
flash image
cmp -n 9437100 image /run/disk0 && echo "image is there"
echo "in the drive: [$(cat /sys/kernel/config/usb_gadget/ums0/functions/mass_storage.0/lun.0/file)]"
tail -c +9437101 /run/disk0 | tr -d '\245' | wc -c
tr -d '\245' </run/disk1 | wc -c
"""


def test_flash(tmp_path):
    """All of the image and nothing else is on the disk at the board's port; its twin is left alone."""
    result = run_guest(tmp_path, FLASH, ABOARD=os.path.abspath(program()), timeout=240)
    assert result.status == 0, result.output
    assert "exit 0" in result.output and "image is there" in result.output, result.output
    assert "in the drive: []" in result.output  # ejected
    # Behind the image, and on the other disk, every byte is the old one.
    assert result.output.split()[-2:] == ["0", "0"], result.output


REFUSALS = COMMON + r"""
head -c 1M /dev/urandom >image
head -c 17M /dev/urandom >large
board "$(gadget_port 0)" '' 1s
echo "== nothing is there"; flash image
ums_plug 0 /run/disk0 001122
ums_plug 1 /run/disk1 001122
disk=$(usb_disks "$(gadget_port 0)")
echo "== too large"; flash large
board "$(gadget_port 0)" 'model: Kingston'
echo "== another disk"; flash image
board "$(gadget_port 0)" ''
mkswap -q "/dev/$disk" && swapon "/dev/$disk"
echo "== swap"; flash image
swapoff "/dev/$disk"
exec 9<>"/dev/$disk"
mke2fs -q -F "/dev/$disk" 4M && mkdir mnt && mount "/dev/$disk" mnt
echo "== mounted"; flash image
umount mnt
exec 9>&-
cp /run/disk0 before
ums_unplug 0
echo "== moved to another port"; board "$(gadget_port 0)" '' 1s; flash image
cmp /run/disk0 before && echo unchanged
tr -d '\245' </run/disk1 | wc -c
"""


def test_refusals(tmp_path):
    result = run_guest(tmp_path, REFUSALS, ABOARD=os.path.abspath(program()), timeout=240)
    assert result.status == 0, result.output
    parts = {}
    for part in result.output.split("== ")[1:]:
        title, _, text = part.partition("\n")
        parts[title] = text
    for title, word, status in (("nothing is there", "no disk came at", 15), ("too large", "does not fit", 13),
                                ("another disk", "not 'Kingston'", 13), ("swap", "is used for swap", 13),
                                ("mounted", "is mounted at /run/lab/mnt", 13),
                                ("moved to another port", "no disk came at", 15)):
        assert word in parts[title] and f"exit {status}" in parts[title], result.output
    assert "unchanged" in result.output and result.output.split()[-1] == "0"
