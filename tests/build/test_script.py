# SPDX-License-Identifier: MIT
"""Boot scripts beyond the recordings: memory map, limits, strictness, partial trees, damaged inputs."""
import gzip
import json
import os
import re
import shutil
import stat
import subprocess

import pytest

import dtdump

HERE = os.path.dirname(os.path.abspath(__file__))
ABOARD = os.path.abspath(os.environ.get("ABOARD", os.path.join(HERE, "..", "..", "build", "src", "cli", "aboard")))
XEN = """MEMORY_START=0x40000000
MEMORY_END=0x80000000
DEVICE_TREE=board.dtb
XEN=xen
DOM0_KERNEL=Image-dom0
UBOOT_SOURCE=boot.source
"""
LINUX = """MEMORY_START=0x40000000
MEMORY_END=0x80000000
DEVICE_TREE=board.dtb
LINUX=Image-dom0
UBOOT_SOURCE=boot.source
"""
GUEST = """NUM_DOMUS=1
DOMU_KERNEL[0]=dom1/Image-domU
"""
BOARD = """/dts-v1/;
/ {
	#address-cells = <2>;
	#size-cells = <2>;
	chosen { };
	%s
};
"""


@pytest.fixture(scope="session", name="inputs")
def fixture_inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs") / "in"
    subprocess.run(["sh", os.path.join(HERE, "oracle", "gen-inputs.sh"), str(folder)], check=True)
    return folder


class Work:
    def __init__(self, folder):
        self.folder, self.root = folder, folder / "in"

    def run(self, config, *args, load="tftp", env=None):
        (self.folder / "config").write_text(config)
        load = ["-t", load] if load else []
        return subprocess.run([ABOARD, "build", "script", "-c", "config", "-d", "in", *load, *args], cwd=self.folder,
                              env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000", **(env or {})},
                              capture_output=True, text=True, check=False, timeout=120)

    def text(self, config, *args, **more):
        done = self.run(config, *args, **more)
        assert done.returncode == 0, done.stderr
        return (self.root / "boot.source").read_text()

    def fails(self, config, *args, **more):
        before = self.files()
        done = self.run(config, *args, **more)
        assert done.returncode != 0
        assert self.files() == before
        return done.stderr

    def files(self):
        return sorted((os.path.join(where, name), os.stat(os.path.join(where, name)).st_mtime_ns)
                      for where, folders, names in os.walk(self.root) for name in [*folders, *names])

    def board(self, name, text):
        source = self.folder / "board.dts"
        source.write_text(BOARD % text)
        subprocess.run(["dtc", "-q", "-q", "-I", "dts", "-O", "dtb", "-o", self.root / name, source], check=True)


@pytest.fixture(name="work")
def fixture_work(tmp_path, inputs):
    shutil.copytree(inputs, tmp_path / "in")
    return Work(tmp_path)


MEMORY = 'memory@40000000 { device_type = "memory"; reg = <0 0x40000000 0 0x40000000>; };\n'
# What is in the way, and what the error names.
CONFLICTS = [
    (MEMORY + "reserved-memory { #address-cells = <2>; #size-cells = <2>; ranges;"
     " fw@40500000 { reg = <0 0x40500000 0 0x1000>, <0 0x50000000 0 0x1000>; }; };", "", "fw@40500000"),
    (MEMORY, "DOMU_STATIC_MEM[0]='0x40800000 0x1000000'\n", "static memory of guest 0"),
    (MEMORY, "XEN_STATIC_HEAP='0x40300000 0x1000'\n", "Xen's static heap"),
    (MEMORY, "DOMU_SHARED_MEM[0]='id 0x40A00000 0x6000000 0x200000'\n", "shared memory of /chosen/domU0"),
    (MEMORY.replace("<0 0x40000000 ", "<0 0x80000000 "), "", "is not in the board's memory"),
    ('memory@0 { device_type = "memory"; reg = <0 0 0 0x42000000>; };', "", "U-Boot itself"),
]


@pytest.mark.parametrize("board, more, named", CONFLICTS)
def test_conflict(board, more, named, work):
    work.board("own.dtb", board)
    config = XEN.replace("board.dtb", "own.dtb") + GUEST + more
    error = work.fails(config)
    assert named in error
    assert "memory map:" in error and "0x040400000" in error
    # These forms have never looked at the map: they say it, and go on.
    done = work.run(config, "--form", "seed")
    assert done.returncode == 0 and named in done.stderr


def test_touching_is_no_conflict(work):
    work.board("own.dtb", MEMORY)
    work.text(XEN.replace("board.dtb", "own.dtb") + GUEST + "DOMU_STATIC_MEM[0]='0x41000000 0x1000000'\n")


def test_board_without_memory(work):
    work.board("own.dtb", "")
    assert "no memory node" in work.fails(XEN.replace("board.dtb", "own.dtb"))


def test_memory_that_the_loader_fills_in(work):
    work.board("own.dtb", MEMORY.replace("<0 0x40000000 0 0x40000000>", "<0 0 0 0>"))
    done = work.run(XEN.replace("board.dtb", "own.dtb"))
    assert done.returncode == 0 and "not checked" in done.stderr


def test_memory_map(work):
    done = work.run(XEN, "--memory-map")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert lines[0] == "memory map:"
    assert re.search(r"0x040400000 - 0x04073FFFF .* dom0 kernel: Image-dom0", done.stdout)
    assert lines[-1] == "tftpb 0x40200000 boot.scr; source 0x40200000"


def test_json(work):
    done = work.run(XEN, "--json")
    document = json.loads(done.stdout)
    assert document["address"] == 0x40200000
    assert [os.path.basename(path) for path in document["outputs"]] == ["boot.source", "boot.scr"]
    assert {"kind": "loaded", "name": "Xen: xen", "size": 0x150000, "start": 0x40800000} in document["map"]


@pytest.mark.parametrize("config, args, named", [
    (LINUX + "LINUX_RAMDISK=dom0-ramdisk.cpio.gz\n", [], "linux,initrd-start"),
    (XEN + "BOOT_CMD=bootm\n", [], "has 32 bits"),
    (XEN, ["-f"], "load addresses in a FIT"),
])
def test_above_four_gib(config, args, named, work):
    high = config.replace("0x40000000", "0x800000000").replace("0x80000000\n", "0x880000000\n")
    assert named in work.fails(high, *args)


def test_xen_above_four_gib(work):
    text = work.text(XEN.replace("0x40000000", "0x800000000").replace("0x80000000\n", "0x880000000\n") + GUEST)
    assert "fdt set /chosen/dom0@800400000 reg <0x8 0x400000 0x0 0x340000 >" in text


def test_room_in_the_tree_is_worked_out(work):
    def room(guests):
        names = "".join(f'DOMU_KERNEL[{i}]=dom1/Image-domU\nDOMU_CMD[{i}]="{"x" * 200}"\n' for i in range(guests))
        text = work.text(XEN + f"NUM_DOMUS={guests}\n" + names)
        return int(re.search(r"^fdt resize (\S+)$", text, re.M).group(1), 16)
    assert room(12) > 4132
    assert room(24) - room(12) > 12 * 200


def test_bootargs_survive_the_shell(work):
    text = work.text(XEN + "DOM0_CMD='root=/dev/ram0 a=\"b c\" $x; it\\s'\n")
    assert ('xen,dom0-bootargs "root=/dev/ram0 a="\\""b c"\\"" "\\$"x; it"\\\\"s"\n') in text


def test_too_long_for_the_fdt_command(work):
    error = work.fails(XEN + f"DOM0_CMD='{'x' * 1100}'\n")
    assert "xen,dom0-bootargs of /chosen has" in error and "FIT" in error
    assert work.run(XEN + f"DOM0_CMD='{'x' * 1100}'\n", "-f").returncode == 0


STRICT = re.compile(r'if test -z "\$boot_stopped"; then (?P<command>.*) \|\| setenv boot_stopped (?P<what>".*"); fi')


@pytest.mark.parametrize("config, more", [
    (XEN + GUEST + "BITSTREAM=download.bit\nNUM_DT_OVERLAY=1\nDT_OVERLAY[0]=overlay1.dtbo\nDBG_FDT_PRINT_CHOSEN=1\n", []),
    (XEN + GUEST + "BITSTREAM=download.bit\nBOOT_CMD=none\n", ["-s"]),
    (LINUX + "LINUX_RAMDISK=dom0-ramdisk.cpio.gz\n", ["-s"]),
    (XEN + GUEST, ["-f"]),
])
def test_strict_watches_every_command(config, more, work):
    """Without what strictness adds it is the same script; what is not watched only sets a variable."""
    plain = work.text(config, *more).splitlines()
    first, *lines, last = work.text(config, *more, "--strict").splitlines()
    assert first == "setenv boot_stopped"
    assert last.endswith("false; else true; fi")
    matches = [STRICT.fullmatch(line) for line in lines]
    assert [match["command"] if match else line for match, line in zip(matches, lines)] == plain
    assert {line.split()[0] for match, line in zip(matches, lines) if not match} <= {"setenv", "fit_addr=$fileaddr"}
    assert any(match and match["what"].startswith('"set ') for match in matches) or "-f" in more


def test_strict_leaves_extra_commands_out_after_a_failure(work):
    (work.root / "own.txt").write_text("if true; then\n  echo a\nfi")
    text = work.text(XEN + "APPEND_EXTRA_CMDS=own.txt\n", "--strict")
    assert '\nif test -z "$boot_stopped"; then\nif true; then\n  echo a\nfi\nfi\nif test -z ' in text
    assert not text.endswith("\n")  # an empty line behind it would make it succeed


def test_missing_files_and_no_tree_when_uboot_works_addresses_out(work):
    text = work.text(LINUX.replace("DEVICE_TREE=board.dtb\n", "").replace("Image-dom0", "not/there") +
                     "LINUX_RAMDISK=nor/this\n", "-s")
    assert "setenv host_fdt_addr ${fdtcontroladdr}\nfdt addr ${host_fdt_addr}\n" in text
    assert "tftpb ${memaddr} not/there\n" in text
    assert "fdt set /chosen linux,initrd-end <0x${initrd_end}>" in text


def test_a_device_tree_that_is_not_there_yet(work):
    text = work.text(XEN.replace("board.dtb", "not/there.dtb"), "-s")
    assert "tftpb ${memaddr} not/there.dtb\nsetenv host_fdt_addr ${memaddr}\n" in text
    assert "fdt addr ${host_fdt_addr}\n" in text and "fdt mknod / chosen" not in text
    assert "not/there.dtb" in work.fails(XEN.replace("board.dtb", "not/there.dtb"))


@pytest.mark.parametrize("more, args", [("BOOT_CMD=bootm\n", []), ("FDTEDIT=e.dtb\n", []), ("", ["-f"])])
def test_what_needs_addresses_before(more, args, work):
    assert "needs them before" in work.fails(XEN + more, "-s", *args)


@pytest.mark.parametrize("load", ["fit", "fit_std"])
def test_load_commands_that_mean_a_fit(load, work):
    assert "LOAD_CMD is not set" in work.fails(XEN, "-f", load=None)
    done = work.run(XEN, load=load)
    assert done.returncode == 0, done.stderr
    assert (work.root / "boot.fit").exists() and not (work.root / "boot.scr").exists()


def test_short_names_of_load_commands_are_for_the_command_line(work):
    assert work.text(XEN + "LOAD_CMD=tftp\n", load=None).startswith("tftp 0x40400000 Image-dom0\n")
    assert work.text(XEN).startswith("tftpb 0x40400000 Image-dom0\n")
    assert work.text(XEN, load=None, env={"LOAD_CMD": "nfs"}).startswith("nfs 0x40400000 Image-dom0\n")
    assert work.text(XEN + "LOAD_CMD=tftpb\n", load=None, env={"LOAD_CMD": "nfs"}).startswith("tftpb ")


def test_notices_in_the_order_of_the_work(work):
    done = work.run(XEN.replace("DOM0_KERNEL=Image-dom0\n", "") + GUEST.replace("=1", "=2") +
                    "DOMU_KERNEL[1]=zephyr.elf\nDOMU_ROOTFS[1]=r.tar\nBOOT_CMD=bootm\n")
    assert [line.split(" ")[0] for line in done.stdout.splitlines()[:3]] == ["Dom0", "Skipping", "Image"]


def test_a_path_from_pwd_behind_a_link_is_inside_the_root(work):
    here = work.folder / "link"
    os.symlink(work.folder, here)
    (work.folder / "config").write_text(XEN.replace("XEN=xen", 'XEN="$PWD/in/../in/xen"'))
    subprocess.run([ABOARD, "build", "script", "-c", "config", "-d", "in", "-t", "tftp"], cwd=here, check=True,
                   env={**os.environ, "PWD": str(here)})
    assert "tftpb 0x40800000 xen\n" in (work.root / "boot.source").read_text()


@pytest.mark.parametrize("load, device", [
    ("load mmc 0:1", "/dev/mmcblk0p2"), ("ext4load scsi 2:3 ", "/dev/sdc4"), ("mmc read; load mmc 1:2", "/dev/mmcblk1p3"),
])
def test_root_device(load, device, work):
    text = work.text(XEN + f'LOAD_CMD="{load}"\nDOM0_ROOTFS=rootfs/dom0.cpio.gz\n', load=None)
    assert f' root={device}"\n' in text


def test_the_scheduler_of_a_pool_is_the_last_word(work):
    text = work.text(XEN + 'NUM_CPUPOOLS=1\nCPUPOOL[0]=" cpu@1,cpu@2  first null "\n')
    assert 'cpupool-sched "null"\n' in text


def test_fit_above_the_first_digits(work):
    """ImageBuilder's last lines have small letters in the address of a FIT, capital ones in that of a script."""
    done = work.run(XEN.replace("XEN=xen", "XEN=./xen"), "-f")
    assert done.stdout.splitlines()[-1] == "tftpb 0x40c00000 boot.fit; source 0x40c00000:boot_scr"
    assert '/incbin/("./xen")' in (work.root / "boot.its").read_text()


def test_its_in_another_folder_compiles_to_the_same(work):
    os.mkdir(work.folder / "away")
    for name in "out/boot.fit", f"{work.folder}/away/boot.fit":
        done = work.run(XEN + f"FIT={name}\n")
        assert done.returncode == 0, done.stderr
        fit = work.root / name
        again = work.folder / "again.fit"
        subprocess.run([ABOARD, "build", "fit", fit.with_suffix(".its"), "-o", again, "-q"], check=True,
                       env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"})
        assert again.read_bytes() == fit.read_bytes()


def test_damaged_archives(work):
    packed = gzip.compress(b"\x80\xff" * 200000, mtime=0)
    (work.root / "cut.gz").write_bytes(packed[:-6])
    assert "end too early" in work.fails(XEN + "DOM0_KERNEL=cut.gz\n")
    (work.root / "bad.gz").write_bytes(packed[:-8] + b"\0\0\0\0" + packed[-4:])
    assert "damaged" in work.fails(XEN + "DOM0_KERNEL=bad.gz\n")
    (work.root / "text.gz").write_bytes(gzip.compress(b"only text\n"))
    assert "is text packed as gzip data" in work.fails(XEN + "DOM0_KERNEL=text.gz\n")
    zst = (work.root / "Image.zst").read_bytes()
    (work.root / "cut.zst").write_bytes(zst[:-3])
    assert "end too early" in work.fails(XEN + "DOM0_KERNEL=cut.zst\n")


def test_damaged_tree(work):
    data = bytearray((work.root / "board.dtb").read_bytes())
    data[0x38:0x3c] = b"\0\0\0\7"  # the first token
    (work.root / "bad.dtb").write_bytes(data)
    assert "no sound device tree" in work.fails(XEN.replace("board.dtb", "bad.dtb"))


def test_a_folder_is_no_file(work):
    assert "is not a file" in work.fails(XEN.replace("XEN=xen", "XEN=dom1"))


def test_an_output_is_no_input(work):
    assert "is an input and an output" in work.fails(XEN.replace("boot.source", "xen"))
    os.symlink("xen", work.root / "other")
    assert "is an input and an output" in work.fails(XEN.replace("boot.source", "other"))
    assert "is an input and an output" in work.fails(XEN.replace("boot.source", "../config"))
    assert "named for two outputs" in work.fails(XEN + "UBOOT_SCRIPT=boot.source\n")


def test_nothing_is_left_when_an_output_cannot_be_written(work):
    error = work.fails(XEN + "UBOOT_SCRIPT=no/such/folder/boot.scr\n")
    assert "cannot write" in error


def test_warnings(work):
    done = work.run(XEN + "NUM_DOMUS=0\nDOMU_KERNL[0]=x\n")
    assert done.returncode == 0
    assert "config:8:1: DOMU_KERNL has no meaning; did you mean DOMU_KERNEL" in done.stderr


def test_config_is_not_run(work):
    error = work.fails(XEN + "A=$(touch in/made)\n")
    assert "config:7:3: $( would be run as a command" in error


PARTS = 'PASSTHROUGH_DTS_REPO="%s"\nDOMU_PASSTHROUGH_PATHS[0]="/axi/ethernet@ff0e0000"\n'


def only_device(work):
    made, = work.root.glob("partial-dtbs-*/partial-dts-domU0-*.dtb")
    _, nodes = dtdump.tree_of(dtdump.dump(made.read_bytes()))
    return list(nodes["/"][1]["passthrough"][1])


def test_repository_folder_relative_to_the_root(work):
    work.text(XEN + GUEST + PARTS % "parts")
    assert only_device(work) == ["ethernet@ff0e0000"]


def test_repository_by_git(work):
    repository = work.folder / "repository"
    shutil.copytree(work.root / "parts", repository / "sub")
    def git(*argv):
        subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@example.org", *argv], cwd=repository, check=True,
                       capture_output=True)
    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "parts")
    work.text(XEN + GUEST + PARTS % f"file://{repository} sub")
    assert only_device(work) == ["ethernet@ff0e0000"]
    assert "PASSTHROUGH_DTS_REPO" in work.fails(XEN + GUEST + PARTS % f"file://{work.folder}/none")


def test_one_guest_with_devices_and_one_without(work):
    text = work.text(XEN + GUEST.replace("=1", "=2") + "DOMU_KERNEL[1]=zephyr.elf\n" + PARTS % "parts")
    assert text.count("partial-dts") == 1


def test_lopper(work):
    """A program with lopper's command line that takes the sources from a folder."""
    lopper = work.folder / "lopper"
    lopper.write_text('#!/bin/sh\necho "$@" >>"$LOG"\nwhile [ $# -gt 2 ]; do shift; done\n'
                      'cp "$PARTS/$(basename "$2")" "$2"\n')
    lopper.chmod(lopper.stat().st_mode | stat.S_IXUSR)
    config = XEN + GUEST + (f'LOPPER_PATH={lopper}\nLOPPER_CMD="-x  resets"\n'
                            'DOMU_PASSTHROUGH_PATHS[0]="/axi/ethernet@ff0e0000"\n')
    work.text(config, env={"PARTS": str(work.root / "parts"), "LOG": str(work.folder / "log")})
    assert only_device(work) == ["ethernet@ff0e0000"]
    words = (work.folder / "log").read_text().split()
    assert words[:-1] == ["--permissive", "-f", str(work.root / "board.dtb"), "--", "extract", "-t",
                          "/axi/ethernet@ff0e0000", "-x", "resets", "--", "extract-xen", "-t", "ethernet@ff0e0000", "-o"]


def test_overlay_that_does_not_fit(work):
    source = work.folder / "overlay.dts"
    source.write_text('/dts-v1/; /plugin/; / { fragment@0 { target-path = "/none"; __overlay__ { a; }; }; };')
    subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", work.root / "none.dtbo", source], check=True)
    error = work.fails(XEN + "FDTEDIT=edited.dtb\nNUM_DT_OVERLAY=1\nDT_OVERLAY[0]=none.dtbo\n")
    assert "overlay 0 (none.dtbo): the overlay cannot be merged" in error


def test_amd_options(work):
    text = work.text(XEN + GUEST.replace("=1", "=2") + "DOMU_KERNEL[1]=zephyr.elf\nDOM0_VIOMMU=1\nDOMU_VIOMMU[0]=1\n"
                     "DOMU_VUART_PL011=1\n")
    assert ' dom0_viommu=1"' in text
    assert text.count("viommu\n") + text.count("viommu \n") == 1
    assert text.count('vpl011 "pl011"') == 2


@pytest.mark.parametrize("caps, bits", [("control|hardware", 3), ("Control | XENSTORE", 5), ("control hardware 4", 7),
                                        ("none", 0), ("dom0", 7), ("0x2", 2)])
def test_capabilities(caps, bits, work):
    assert f"capabilities <{bits}>\n" in work.text(XEN + GUEST + f"DOMU_CAPS[0]='{caps}'\n")
    assert "is no capability" in work.fails(XEN + GUEST + "DOMU_CAPS[0]='control|hard'\n")


def test_help_under_the_older_name(work):
    os.symlink(ABOARD, work.folder / "uboot-script-gen")
    done = subprocess.run([work.folder / "uboot-script-gen", "-h"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "-c" in done.stdout
