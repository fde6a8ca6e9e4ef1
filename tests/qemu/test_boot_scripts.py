# SPDX-License-Identifier: MIT
"""What `aboard build script` makes is run by real U-Boot, and starts real Xen and its guests."""
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from lab import Lab, program
from virtual_board import make
from xen_board import XenBoard, make_device_tree, make_ramdisk

WINDOW = """MEMORY_START=0x40000000
MEMORY_END=0x80000000
DEVICE_TREE=virt.dtb
UBOOT_SOURCE=boot.source
"""
DOM0 = """XEN=xen
DOM0_KERNEL=vmlinuz
DOM0_RAMDISK=ramdisk.gz
DOM0_MEM=192
DOM0_CMD="console=hvc0 quiet who=dom0"
"""
# What U-Boot's shell would take for itself has to arrive.
AWKWARD = """note="a;b" price=$5 it's back\\slash"""


def guest(number, command="console=ttyAMA0 quiet"):
    return f"""DOMU_KERNEL[{number}]=vmlinuz
DOMU_RAMDISK[{number}]=ramdisk.gz
DOMU_MEM[{number}]=128
DOMU_CMD[{number}]="{command} who=guest{number}"
"""


def up(who, prefix=""):
    """The line that guest's initramfs says, with its command line."""
    return rf"{prefix}up: [^\r\n]*who={who}\b"


@pytest.fixture(scope="session", name="inputs")
def fixture_inputs(tmp_path_factory):
    """Xen, a kernel, an initramfs and the board's device tree. Not to be changed."""
    folder = tmp_path_factory.mktemp("xen-inputs")
    cache = Path(make("fetch-debian", "xen"))
    for name in "xen", "vmlinuz":
        shutil.copyfile(cache / name, folder / name)
    make_ramdisk(folder / "ramdisk.gz", cache / "busybox")
    make_device_tree(folder / "virt.dtb")
    return folder


class Work:
    def __init__(self, folder, inputs):
        self.folder = folder
        self.root = folder / "root"
        self.root.mkdir()
        for file in inputs.iterdir():
            os.link(file, self.root / file.name)
        self.board = None

    def run(self, *argv, status=0):
        done = subprocess.run([program(), *map(str, argv)], cwd=self.folder, stdin=subprocess.DEVNULL, text=True,
                              capture_output=True, check=False, timeout=120)
        assert done.returncode == status, (argv, done.stdout, done.stderr)
        return done.stdout

    def script(self, config, *more, load="tftp"):
        """Makes the script; returns the line that is to be typed on the board, as the program says it."""
        (self.folder / "config").write_text(WINDOW + config)
        return self.run("build", "script", "-c", "config", "-d", "root", "-t", load, *more).splitlines()[-1]

    def power_on(self, disk=None, control=None):
        self.board = XenBoard(self.root, disk, control)
        self.board.start()
        return self.board


@pytest.fixture(name="work")
def fixture_work(tmp_path, inputs):
    work = Work(tmp_path, inputs)
    yield work
    if work.board:
        work.board.close()


def test_xen_starts_dom0_and_a_guest(work):
    line = work.script(DOM0 + "NUM_DOMUS=1\n" + guest(0))
    work.power_on().boot(line, r"Xen version 4\.", up("dom0"), up("guest0", r"\(XEN\) DOM1: "))


def test_xen_starts_two_guests_without_dom0(work):
    line = work.script("XEN=xen\nNUM_DOMUS=2\n" + guest(0) + guest(1))
    # Which of them is DOM1 is Xen's choice: U-Boot puts a new node before its brothers.
    work.power_on().boot(line, *(up(f"guest{i}", r"\(XEN\) DOM[12]: ") for i in range(2)))


def test_fit_starts_dom0_and_a_guest(work):
    line = work.script(DOM0 + "NUM_DOMUS=1\n" + guest(0), "-f")
    assert line.endswith(":boot_scr")
    for file in "xen", "vmlinuz", "ramdisk.gz", "virt.dtb":
        (work.root / file).unlink()
    work.power_on().boot(line, up("dom0"), up("guest0", r"\(XEN\) DOM1: "))


def test_dynamic_script_starts_dom0_and_a_guest(work):
    line = work.script(DOM0 + "NUM_DOMUS=1\n" + guest(0), "-s")
    work.power_on().boot(line, up("dom0"), up("guest0", r"\(XEN\) DOM1: "))


def test_disk_starts_dom0_and_a_guest(work):
    line = work.script(DOM0 + "GPT=1\nNUM_DOMUS=1\n" + guest(0), load="virtio")
    work.run("build", "disk", "-c", "config", "-d", "root", "-t", "virtio", "-o", "disk.img")
    for file in list(work.root.iterdir()):
        file.unlink()
    work.power_on(work.folder / "disk.img").boot(f"virtio scan; {line}", up("dom0"), up("guest0", r"\(XEN\) DOM1: "))


def test_a_flashed_disk_starts_xen(work, tmp_path, network, board, bundle):
    """What `build disk` makes is written to the virtual board by `flash`, with its block map beside it, and boots."""
    line = work.script(DOM0 + "GPT=1\n", load="virtio")
    work.run("build", "disk", "-c", "config", "-d", "root", "-t", "virtio", "-o", "disk.img")
    Lab(tmp_path, network, board, bundle).run("flash", "vb", str(work.folder / "disk.img"), "--yes")
    work.power_on(board.folder / "virtio.img").boot(f"virtio scan; {line}", up("dom0"))


def test_linux_alone_gets_its_command_line_whole(work):
    command = f"console=ttyAMA0 quiet who=linux {AWKWARD}".replace('"', '\\"').replace("$", "\\$")
    line = work.script(f'LINUX=vmlinuz\nLINUX_RAMDISK=ramdisk.gz\nLINUX_CMD="{command}"\n')
    board = work.power_on()
    board.boot(line, up("linux") + " ")
    told, _ = board.console.expect(r"([^\r\n]*)[\r\n]", 60)
    assert told[1].decode() == f"{AWKWARD} root=/dev/ram0"


def test_strict_script_names_the_file_that_is_missing(work):
    line = work.script(DOM0 + "NUM_DOMUS=1\n" + guest(0), "--strict")
    (work.root / "ramdisk.gz").unlink()
    status, output = work.power_on().console.run(line, 240)
    assert status == 1
    assert "boot script stopped: cannot load ramdisk.gz" in output
    assert output.count("Bytes transferred") == 2, output  # the script and the kernel, and nothing after the failure


def test_strict_script_with_everything_there_starts_xen(work):
    line = work.script("XEN=xen\nNUM_DOMUS=1\n" + guest(0), "--strict")
    work.power_on().boot(line, up("guest0", r"\(XEN\) DOM1: "))


# Config and options, what goes wrong on the board, and what the script says it cannot do. Small kernels: they never run.
STOPS = {
    "overlay": ("NUM_DT_OVERLAY=1\nDT_OVERLAY[0]=none.dtbo\n", [], "apply none.dtbo"),
    "device of a guest": ('DOMU_PASSTHROUGH_PATHS[0]="/nowhere"\n', [], "set xen,passthrough of /nowhere"),
    "bitstream": ("BITSTREAM=some.bit\n", [], "program some.bit"),
    "kernel": ("BOOT_CMD=bootm\n", [], "start the kernel"),
    "part of a FIT": ("", ["-f"], "take dom0_linux out of the FIT"),
    "addresses from U-Boot": ('DOMU_PASSTHROUGH_PATHS[0]="/nowhere"\n', ["-s"], "set xen,passthrough of /nowhere"),
    "load by several commands": ("", ["-t", "echo one more; tftpb"], "load Image"),
}


def test_strict_script_says_what_else_failed(work):
    """Each kind of command that may fail, on one board."""
    root = work.root
    (root / "Image").write_bytes((root / "vmlinuz").read_bytes()[:64].ljust(4096, b"\0"))
    (root / "some.bit").write_bytes(b"\0\x09\x0f\xf0\x0f\xf0\x0f\xf0\x0f\xf0" + bytes(64))
    (root / "extra.txt").write_text("echo extra_commands_ran\n")
    (root / "none.dts").write_text('/dts-v1/; /plugin/; / { fragment@0 { target-path = "/nowhere"; __overlay__ { a; }; }; };')
    subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", root / "none.dtbo", root / "none.dts"], check=True,
                   timeout=60)
    base = "XEN=Image\nDOM0_KERNEL=Image\nNUM_DOMUS=1\nDOMU_KERNEL[0]=Image\nAPPEND_EXTRA_CMDS=extra.txt\n"
    console = work.power_on().console
    for name, (config, more, said) in STOPS.items():
        line = work.script(base + config, "--form", "2404", "--strict", *more)
        if name == "kernel":
            (root / "Image.ub").write_bytes(bytes(4096))
        if name == "part of a FIT":
            line = line.replace("source ", "setenv fileaddr 0x40000000; source ")
        if name == "load by several commands":
            (root / "Image").unlink()
        status, output = console.run(line, 60)
        assert status == 1, (name, output)
        assert f"boot script stopped: cannot {said}\n" in output, (name, output)
        assert ("extra_commands_ran" in output) == (said == "start the kernel"), (name, output)
        assert console.run("test -z \"$boot_stopped\"", 60)[0] == 0


def test_strict_script_that_only_prepares_succeeds(work):
    line = work.script(DOM0 + "BOOT_CMD=none\n", "--strict")
    console = work.power_on().console
    console.check(line, 240)
    assert "host_kernel_addr=0x4" in console.check("printenv host_kernel_addr", 60)
