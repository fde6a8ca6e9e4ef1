# SPDX-License-Identifier: MIT
"""A small amd64 guest in which USB is what the kernel shows: usbfs, sysfs, block devices. Its root is this machine's
own, read-only, so the programs that are installed and built here run in it unchanged. Nothing of aboard is used.

Loaded are vhci_hcd (`usbip attach` puts devices on its first bus, high speed, or its second, super speed) and dummy_hcd
(gadgets made through configfs appear on its two buses; usb_guest.sh makes them). udevd runs, as libusb has its events from there.
"""
import pathlib
import platform
import shlex
import subprocess
from types import SimpleNamespace

import pytest
from virtual_board import make

LIBRARY = pathlib.Path(__file__).with_name("usb_guest.sh")
HOST = "10.0.2.2"  # this machine's loopback, as the guest sees it

INIT = r"""#!/bin/busybox sh
set -e
/bin/busybox --install -s /bin
mkdir -p /proc /sys /dev /host
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
while read -r module options; do insmod /modules/$module.ko $options; done </modules/order
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=loose,ro host /host
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=none folder /host$FOLDER
mount -t configfs config /sys/kernel/config
for dir in proc sys dev; do mount --move /$dir /host/$dir; done
mount -t tmpfs run /host/run
mkdir -p /host/dev/shm /host/run/home /host/run/tmp
mount -t tmpfs shm /host/dev/shm
ip link set lo up
ip link set eth0 up
ip address add 10.0.2.15/24 dev eth0
exec chroot /host /bin/sh $FOLDER/main
"""

MAIN = """set +e
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/run/home TMPDIR=/run/tmp
cd {folder}
/lib/systemd/systemd-udevd --daemon >/dev/null 2>&1
bash script >output 2>&1 </dev/null
echo $? >status
sync
echo o >/proc/sysrq-trigger
while :; do :; done
"""


def _initramfs(folder, cache):
    """What brings the guest from the kernel to the script, as a cpio archive."""
    tree = folder / "initramfs"
    for name in "bin", "modules":
        (tree / name).mkdir(parents=True)
    # The folder says in which order its modules are to be loaded.
    order = [pathlib.Path(line).name for line in (cache / "complete").read_text().splitlines()]
    for name in order:
        (tree / "modules" / f"{name}.ko").symlink_to(cache / "modules" / f"{name}.ko")
    options = {"dummy_hcd": "num=2"}
    (tree / "modules" / "order").write_text("".join(f"{name} {options.get(name, '')}\n" for name in order))
    (tree / "bin" / "busybox").symlink_to(cache / "busybox")
    (tree / "init").write_text(INIT.replace("$FOLDER", str(folder)))
    (tree / "init").chmod(0o755)
    archive = folder / "initramfs.cpio"
    with archive.open("wb") as out:
        subprocess.run("find . -mindepth 1 | cpio --quiet -o -L -H newc -R 0:0", shell=True, check=True, cwd=tree,
                       stdout=out)
    return archive


def run_guest(folder, script, timeout=240, **environment):
    """Runs a bash script in the guest, with these variables and what usb_guest.sh defines: its status and output, and
    the guest's console.

    folder     an empty one, for this call alone: the only place of this machine that the guest may write to,
               under the same path; the script is run in it
    """
    if platform.machine() != "x86_64":
        pytest.skip("the guest is an amd64 machine, and runs the programs of this one")
    cache = pathlib.Path(make("fetch-debian", "usb"))
    exports = "".join(f"export {name}={shlex.quote(str(value))}\n" for name, value in environment.items())
    (folder / "script").write_text(f"{exports}. {shlex.quote(str(LIBRARY))}\n{script}")
    (folder / "main").write_text(MAIN.format(folder=shlex.quote(str(folder))))
    console = folder / "console.log"
    argv = [
        "qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-smp", "1", "-m", "1G", "-display", "none",
        "-no-reboot", "-monitor", "none", "-serial", f"file:{console}",
        "-kernel", cache / "vmlinuz", "-initrd", _initramfs(folder, cache), "-append", "console=ttyS0 quiet panic=-1",
        "-fsdev", "local,id=host,path=/,security_model=none,readonly=on,multidevs=remap",
        "-device", "virtio-9p-pci,fsdev=host,mount_tag=host",
        "-fsdev", f"local,id=folder,path={folder},security_model=none",
        "-device", "virtio-9p-pci,fsdev=folder,mount_tag=folder",
        "-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile=",
    ]
    subprocess.run([str(word) for word in argv], stdin=subprocess.DEVNULL, timeout=timeout, check=True)
    log = console.read_text(errors="replace")
    status = folder / "status"
    assert status.exists() and status.read_text().strip(), f"the guest did not end its script:\n{log[-3000:]}"
    output = (folder / "output").read_text(errors="replace")
    return SimpleNamespace(status=int(status.read_text()), output=output, console=log)
