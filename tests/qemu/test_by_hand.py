# SPDX-License-Identifier: MIT
"""Proves the virtual board itself, with nothing of aboard: an image written by hand boots."""
import hashlib
import os

import pytest
from virtual_board import HOST_ADDRESS


def digest(path, size=None):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read() if size is None else file.read(size)).hexdigest()


def links(listing):
    """What `ls -l /sys/class/block` says: device name to path below /sys."""
    return dict(line.split()[-3::2] for line in listing.splitlines() if " -> " in line)


def test_image_written_by_hand_boots(board, bundle, os_image):
    console = board.listen()
    board.serve_tftp(bundle / "data")
    url = board.serve_http(os_image.path.parent)
    board.power_on()
    board.boot_flasher(bundle)
    size = os_image.path.stat().st_size
    console.check(f"wget -q -O - {url}/{os_image.path.name} | "
                  "dd of=/dev/vda bs=4M iflag=fullblock oflag=direct conv=fsync", timeout=120)
    output = console.check(f"dd if=/dev/vda bs=1M iflag=direct,count_bytes count={size} | sha256sum", timeout=120)
    assert digest(os_image.path) in output
    console.check("blockdev --rereadpt /dev/vda")
    assert "PARTNAME=root\n" in console.check("cat /sys/class/block/vda2/uevent")

    board.power_off()
    assert digest(board.folder / "virtio.img", size) == digest(os_image.path)
    board.power_on()
    _, banner = console.expect("demo login:", 60)
    assert f"### {os_image.banner}" in banner
    assert "root file system on /dev/vda2" in banner
    console.send("root\n")
    console.expect("# ", 10)
    assert "/dev/vda2 / ext4 rw" in console.check("cat /proc/mounts")


def test_selectors_of_the_bundle_name_one_disk_each(board, bundle):
    console = board.listen()
    board.serve_tftp(bundle / "data")
    board.power_on()
    board.boot_flasher(bundle)
    found = links(console.check("ls -l /sys/class/block"))
    assert sorted(found) == ["mmcblk0", "vda"]
    for target, device in ("virtio", "vda"), ("sd", "mmcblk0"):
        line = next(li for li in (bundle / "manifest.yaml").read_text().splitlines() if li.strip().startswith(target))
        selector = line.split("#")[1].strip('" ')
        assert [name for name, path in found.items() if selector in path] == [device]


def test_card_holds_what_is_written(board, bundle, tmp_path):
    console = board.listen()
    data = tmp_path / "web" / "data"
    data.parent.mkdir()
    data.write_bytes(os.urandom(8 << 20))
    board.serve_tftp(bundle / "data")
    url = board.serve_http(data.parent)
    board.power_on()
    board.boot_flasher(bundle)
    console.check(f"wget -q -O - {url}/data | dd of=/dev/mmcblk0 bs=1M iflag=fullblock oflag=direct conv=fsync")
    board.qemu.kill()
    board.power_off()
    with open(board.folder / "sd.img", "rb") as card:
        assert card.read(8 << 20) == data.read_bytes()


@pytest.mark.no_dhcp
def test_static_address_needs_no_dhcp(board):
    console = board.listen()
    board.power_on()
    board.interrupt()
    console.check("setenv ipaddr 192.168.77.20; setenv netmask 255.255.255.0")
    assert "is alive" in console.check(f"ping {HOST_ADDRESS}")
