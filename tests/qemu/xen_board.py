# SPDX-License-Identifier: MIT
"""A board for boot scripts: QEMU's arm64 "virt" machine with virtualization, Debian's U-Boot, and QEMU's own TFTP server
on a folder. Needs no root and no network of the host. Every guest is the cloud kernel with one initramfs that tells,
again and again, what its command line is."""
import subprocess
import tempfile
from pathlib import Path

from virtual_board import Console

FIRMWARE = "/usr/lib/u-boot/qemu_arm64/u-boot.bin"
MACHINE = ["qemu-system-aarch64", "-machine", "virt,virtualization=on,gic-version=2", "-cpu", "cortex-a57", "-smp", "2",
           "-m", "1024", "-nodefaults", "-display", "none", "-monitor", "none"]
# Told more than once, because Xen's lines may land in the middle of dom0's.
INIT = """#!/bin/sh
mount -t proc proc /proc
while :; do
	echo "up: $(cat /proc/cmdline)"
	sleep 1
done
"""


def run(*argv, **more):
    return subprocess.run([str(word) for word in argv], check=True, timeout=120, capture_output=True, **more).stdout


def make_ramdisk(path, busybox):
    """A compressed initramfs with busybox and INIT."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for folder in "bin", "dev", "proc":
            (root / folder).mkdir()
        (root / "bin/busybox").write_bytes(busybox.read_bytes())
        (root / "bin/busybox").chmod(0o755)
        for applet in "sh", "mount", "cat", "sleep":
            (root / "bin" / applet).symlink_to("busybox")
        (root / "init").write_text(INIT)
        (root / "init").chmod(0o755)
        files = "\n".join(sorted(str(file.relative_to(root)) for file in root.rglob("*"))).encode()
        path.write_bytes(run("gzip", "-n", input=run("cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0", cwd=root,
                                                     input=files)))


def make_device_tree(path):
    """The tree of MACHINE. dom0 must not touch the GPIO controller, and Xen's default console is serial0."""
    run(*MACHINE, "-machine", f"dumpdtb={path}")
    run("fdtput", "-t", "s", path, "/pl061@9030000", "status", "disabled")
    run("fdtput", "-p", "-t", "s", path, "/aliases", "serial0", "/pl011@9000000")


class XenBoard:
    """One board that is on, stopped at U-Boot's prompt. It loads from `folder`, or from a disk with what the file `disk`
    holds. U-Boot's control device tree is QEMU's own, or the file `control`. End it with close()."""

    def __init__(self, folder, disk=None, control=None):
        # The path of a Unix socket has room for 107 characters, pytest's folders may be deeper.
        self.run_folder = tempfile.TemporaryDirectory(prefix="board-")
        path = f"{self.run_folder.name}/console.sock"
        self.console = Console(path)
        drive = [] if disk is None else ["-drive", f"if=none,id=disk,format=raw,snapshot=on,file={disk}",
                                         "-device", "virtio-blk-pci,drive=disk"]
        tree = [] if control is None else ["-dtb", str(control)]
        self.qemu = subprocess.Popen(
            [*MACHINE, "-bios", FIRMWARE, "-chardev", f"socket,id=console,path={path}", "-serial", "chardev:console",
             "-netdev", f"user,id=n0,restrict=on,tftp={folder}", "-device", "virtio-net-pci,netdev=n0,romfile=", *drive, *tree],
            stdin=subprocess.DEVNULL)

    def start(self):
        self.console.accept(60)
        self.console.expect("Hit any key to stop autoboot", 60)
        self.console.send(" ")
        self.console.expect("\n=> ", 60)
        self.console.check("setenv ipaddr 10.0.2.15; setenv serverip 10.0.2.2", 60)

    def boot(self, line, *patterns, timeout=240):
        """Runs a line that starts something, and waits for each pattern; what a guest says is said again and again."""
        self.console.send(f"{line}\n")
        for pattern in patterns:
            self.console.expect(pattern, timeout)

    def close(self):
        self.qemu.kill()
        self.qemu.wait(timeout=30)
        self.console.close()
        self.run_folder.cleanup()
