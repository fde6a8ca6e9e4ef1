# SPDX-License-Identifier: MIT
"""The names under which users of Xen's ImageBuilder know the program: installed, and with their command lines."""
import os
import subprocess

import pytest

import disks

BUILD = os.path.abspath(os.environ.get("ABOARD_BUILD", os.path.join(disks.HERE, "..", "..", "build")))
CONFIG = """MEMORY_START=0x0
MEMORY_END=0x80000000
DEVICE_TREE=board.dtb
XEN=xen
DOM0_KERNEL=Image-dom0
DOM0_ROOTFS=rootfs/dom0.cpio.gz
UBOOT_SOURCE=boot.source
UBOOT_SCRIPT=boot.scr
"""


@pytest.fixture(scope="module", name="programs")
def fixture_programs(tmp_path_factory):
    """The folder of installed programs."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", folder], check=True,
                   stdout=subprocess.DEVNULL, timeout=300)
    aboard, = folder.rglob("bin/aboard")
    return aboard.parent


@pytest.fixture(name="work")
def fixture_work(tmp_path):
    subprocess.run(["sh", os.path.join(disks.HERE, "oracle", "gen-inputs.sh"), tmp_path / "in"], check=True)
    (tmp_path / "config").write_text(CONFIG)
    return tmp_path


def test_command_lines_of_old(programs, work):
    def run(*argv):
        return subprocess.run(argv, cwd=work, check=False, capture_output=True, text=True, timeout=120,
                              env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"})
    for name in "uboot-script-gen", "disk_image":
        assert os.readlink(programs / name) == "aboard"
        assert run(name, "-h").returncode == 0
        for wrong in [], ["-x"], ["-c", "config"]:
            assert run(name, *wrong).returncode == 1, wrong
    made = run("uboot-script-gen", "-c", "config", "-d", "in", "-tsd", "-p", "sub")
    assert made.stdout.splitlines()[-1] == "load mmc 0:1 0xC00000 sub/boot.scr; source 0xC00000"
    (work / "scratch").mkdir()
    made = run("disk_image", "-c", "config", "-d", "in", "-t", "sd", "-w", "scratch", "-o", "d.img", "-s", "64", "-a",
               "-p", "sub")
    assert made.returncode == 0, made.stderr
    assert os.path.getsize(work / "d.img") == 128 << 20
    assert [number for number, _, _ in disks.places(work / "d.img")] == [1, 2]
    assert not list((work / "scratch").iterdir())
