# SPDX-License-Identifier: MIT
"""The models of disks and of fastboot, judged by the kernel's own usb-storage and by AOSP's fastboot on usbfs."""
import os
import pathlib
import subprocess
import sys

from usb_guest import run_guest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "rig"))

from sim import Sim  # noqa: E402

SCRIPT = r"""
set -e
echo 0 >/sys/module/usb_storage/parameters/delay_use
usbip_keep "$SERVER" 1-1 1-2 &
until_true 20 usb_present 1-1
until_true 20 has_disk 1-1
until_true 20 usb_present 1-2
disk=$(usb_disks 1-1)
echo "$(cat /sys/block/$disk/device/vendor /sys/block/$disk/device/model /sys/block/$disk/size | tr -s ' \n' ' ')"
dd if=data of=/dev/$disk bs=1M oflag=direct conv=fsync status=none
echo ',1M,L' | sfdisk --quiet --label gpt /dev/$disk
dd if=/dev/$disk bs=1M skip=1 count=3 iflag=direct status=none | sha256sum | cut -c 1-64
dd if=/dev/$disk bs=512 seek=16384 count=1 of=/dev/null status=none
fastboot devices
fastboot getvar max-download-size 2>&1 | head -1
fastboot flash mmc1 image.simg
fastboot flash mmc1boot0 data-boot
fastboot reboot
until_true 20 usb_present 1-2
until_true 20 eval 'fastboot devices | grep .'
fastboot getvar serialno 2>&1 | head -1
"""


def test_disk_and_fastboot(tmp_path):
    folder = tmp_path / "guest"
    folder.mkdir()
    data = os.urandom(4 << 20)
    (folder / "data").write_bytes(data)
    (folder / "data-boot").write_bytes(data[:70000])
    # blocks of data, of zeros, and a hole, larger than the device's buffer
    image = data[:3 << 20] + bytes(1 << 20) + data[:1 << 20]
    (tmp_path / "image").write_bytes(image)
    subprocess.run(["img2simg", tmp_path / "image", folder / "image.simg"], check=True)
    with Sim("ums", "--media", "mmc0=sd:8M", "fastboot", "--serial", "F7", "--media", "mmc1=emmc:16M", "--buffer", "1M",
             cwd=tmp_path) as models:
        result = run_guest(folder, SCRIPT, SERVER=models.port)
    assert result.status == 0, result.output
    lines = result.output.splitlines()
    assert lines[0] == "Linux UMS disk 0 16384 "
    card = (tmp_path / "sd").read_bytes()
    assert card[1 << 20:4 << 20] == data[1 << 20:] and card[512:520] == b"EFI PART"
    assert any(line.split() == ["F7", "fastboot"] for line in lines)
    assert "max-download-size: 0x00100000" in lines and "serialno: F7" in lines
    assert (tmp_path / "emmc").read_bytes()[:len(image)] == image
    assert (tmp_path / "emmc.boot1").read_bytes()[:70000] == data[:70000]
