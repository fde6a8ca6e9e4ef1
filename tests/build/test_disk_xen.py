# SPDX-License-Identifier: MIT
"""Disk images from ImageBuilder's configs: recorded ones, and what ImageBuilder cannot do."""
import os
import re
import shlex
import shutil
import subprocess

import pytest

import disks

ORACLE = os.path.join(disks.HERE, "oracle_disk")
CASES = sorted(name for name in os.listdir(ORACLE) if re.match(r"\d\d-", name))


@pytest.fixture(scope="session", name="inputs")
def fixture_inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("disk-inputs") / "in"
    subprocess.run(["sh", os.path.join(disks.HERE, "oracle", "gen-inputs.sh"), str(folder)], check=True)
    return folder


@pytest.fixture(name="work")
def fixture_work(tmp_path, inputs):
    shutil.copytree(inputs, tmp_path / "in", symlinks=True)
    return tmp_path


def read(*path):
    with open(os.path.join(ORACLE, *path), encoding="utf-8") as file:
        return file.read()


def recorded(work, case, line):
    """One line of `args` run as it was recorded: through a link of the old program's name."""
    words = shlex.split(read(case, "args").splitlines()[line])
    link = work / words[0]
    if not link.exists():
        os.symlink(disks.ABOARD, link)
    more = ["--form", read(case, "form").strip()] if words[0] == "uboot-script-gen" else []
    return disks.call(link, *words[1:], *more, cwd=work / "in", check=False,
                      env={"SOURCE_DATE_EPOCH": disks.EPOCH, "PWD": str(work / "in")})


def contents(case):
    """{partition: lines} of a recording."""
    parts, lines = {}, []
    for line in read(case, "expected", "contents").splitlines():
        match = re.match(r"\[disk(\d+)\]", line)
        if match:
            lines = parts.setdefault(int(match.group(1)), [])
        elif line:
            lines.append(line)
    return {number: sorted(lines) for number, lines in parts.items()}


def without_script_size(lines):
    """`fdt resize` has another number in our scripts, which makes them a little longer."""
    return sorted(re.sub(r"^f \d+ (.*boot\.(scr|source))$", r"f - \1", line) for line in lines)


@pytest.mark.parametrize("case", CASES)
def test_recorded(work, case):
    """Layout, contents and xl files are the recorded ones.

    One difference is deliberate: a boot partition this small is no FAT32 (fewer clusters than a FAT32 must have), and
    its type in an MBR says so.
    """
    shutil.copy(os.path.join(ORACLE, case, "config"), work / "config")
    for line in (0, 1):
        result = recorded(work, case, line)
        assert result.returncode == int(read(case, "expected", f"rc-{line + 1}")), result.stderr
    image = work / "disk.img"
    expected = read(case, "expected", "partitions")
    assert os.path.getsize(image) == int(re.search(r"image size: (\d+)", expected).group(1))
    wanted = [(int(n), int(start), int(size)) for n, start, size in
              re.findall(r"^ *(\d+) +(\d+)s +\d+s +(\d+)s", expected, re.M)]
    assert disks.places(image) == wanted
    disks.verify_table(image)
    parts = disks.table(image)
    if parts["label"] == "gpt":
        assert [part["name"] for part in parts["partitions"]] == [f"Linux{n}" for n, _, _ in wanted]
        assert {part["type"] for part in parts["partitions"]} == {"0FC63DAF-8483-4772-8E79-3D69D8477DE4"}
    else:
        assert parts["partitions"][0]["bootable"] and parts["partitions"][0]["type"] == "e"
    for number, start, size in wanted:
        part = disks.cut(image, start, size, work / f"part{number}")
        out = work / f"tree{number}"
        if disks.fsck(part) == "ext":
            assert disks.ext_info(part)["Filesystem volume name"] == f"vos_{number}"
            disks.ext_tree(part, out)
        else:
            assert "FAT16" in disks.call("file", "-b", part).stdout or "(16 bit)" in disks.call("file", "-b", part).stdout
            disks.fat_tree(part, out)
        assert without_script_size(disks.listing(out)) == without_script_size(contents(case)[number])
    xl = os.path.join(ORACLE, case, "expected", "xl")
    for name in os.listdir(xl) if os.path.isdir(xl) else []:
        assert (work / "tree2" / "etc" / "xen" / name).read_text() == read(case, "expected", "xl", name)
    if os.path.isdir(xl):
        assert (work / "tree2/etc/xen/net.dtb").read_bytes() == (work / "in/net.dtb").read_bytes()


def config(work, text):
    (work / "config").write_text(text)
    disks.call(disks.ABOARD, "build", "script", "-c", "../config", "-d", ".", "-t", "sd", cwd=work / "in",
               env={"SOURCE_DATE_EPOCH": disks.EPOCH})


BASE = """MEMORY_START=0
MEMORY_END=0x80000000
DEVICE_TREE=board.dtb
UBOOT_SOURCE=boot.source
UBOOT_SCRIPT=boot.scr
"""
XEN = BASE + "XEN=xen\n"
DOM0 = XEN + "DOM0_KERNEL=Image-dom0\nDOM0_ROOTFS=rootfs/dom0.cpio.gz\n"


def guests(count, *, rootfs=(), more=""):
    lines = [f"NUM_DOMUS={count}"]
    for i in range(count):
        lines += [f"DOMU_KERNEL[{i}]=dom1/Image-domU", f"DOMU_NOBOOT[{i}]=1"]
        if i in rootfs:
            lines.append(f"DOMU_ROOTFS[{i}]=rootfs/domU.tar.gz")
    return "\n".join(lines) + "\n" + more


def build(work, *more, check=True):
    return disks.aboard("-c", "../config", "-d", ".", "-t", "sd", "-o", "../disk.img", *more, cwd=work / "in",
                        check=check)


def xl_of(work, image, number, guest):
    start, size = [(start, size) for n, start, size in disks.places(image) if n == number][0]
    part = disks.cut(image, start, size, work / f"xl{number}")
    return disks.call("debugfs", "-R", f"cat /etc/xen/domU{guest}.cfg", part).stdout


def test_dos_table_with_root_file_systems(work):
    """ImageBuilder's DOS table fails as soon as there is a root file system. Here partitions are primary while they
    last, as root= in the boot script counts them, and logical after."""
    config(work, DOM0 + guests(4, rootfs=(0, 1, 3)))
    build(work)
    image = work / "disk.img"
    disks.verify_table(image)
    parts = disks.table(image)["partitions"]
    assert [(n, part["type"]) for (n, _, _), part in zip(disks.places(image), parts)] == [
        (1, "e"), (2, "83"), (3, "83"), (4, "f"), (5, "83"), (6, "83")]
    for number, start, size in disks.places(image):
        if number != 4:
            disks.fsck(disks.cut(image, start, size, work / f"p{number}"))


def test_disk_lines_have_the_real_number(work):
    """ImageBuilder counts guests that have no partition too: guest 3 would look for p6 here."""
    config(work, DOM0 + "GPT=1\n" + guests(4, rootfs=(0, 3)))
    build(work)
    image = work / "disk.img"
    assert len(disks.places(image)) == 4
    assert 'disk=["/dev/mmcblk0p3,,xvda"]' in xl_of(work, image, 2, 0)
    assert "disk=" not in xl_of(work, image, 2, 1) and "root=/dev/ram0" in xl_of(work, image, 2, 1)
    assert 'disk=["/dev/mmcblk0p4,,xvda"]' in xl_of(work, image, 2, 3)


def test_disk_line_of_a_logical_partition(work):
    config(work, DOM0 + guests(3, rootfs=(0, 1, 2)))
    build(work)
    image = work / "disk.img"
    assert 'disk=["/dev/mmcblk0p6,,xvda"]' in xl_of(work, image, 2, 2)


def test_addresses_above_4_gib_and_private_interrupts(work):
    """ImageBuilder takes the low 32 bits of an address, and any interrupt for a shared one."""
    (work / "part.dts").write_text("""/dts-v1/;
/ { #address-cells = <2>; #size-cells = <2>;
 passthrough { compatible = "simple-bus"; ranges; #address-cells = <2>; #size-cells = <2>;
  dev@800000000 { reg = <8 0 0 0x3000>; interrupts = <0 10 4 1 11 4 0 12 1>;
   xen,path = "/dev"; xen,reg = <8 0 0 0x2800 0 0x40000000>; }; }; };
""")
    disks.call("dtc", "-q", "-O", "dtb", "-o", work / "in" / "high.dtb", work / "part.dts")
    config(work, DOM0 + "GPT=1\n" + guests(1, more="DOMU_PASSTHROUGH_DTB[0]=high.dtb\n"))
    result = build(work)
    text = xl_of(work, work / "disk.img", 2, 0)
    assert 'iomem = [ "0x800000,3@0x40000" ]\n' in text
    assert "irqs = [ 42,44 ]\n" in text
    assert "private interrupt" in result.stderr


def test_from_another_folder(work):
    """ImageBuilder finds the partial device tree only with -d . (it is looked for where the caller is)."""
    config(work, DOM0 + "GPT=1\n" + guests(1, more="DOMU_PASSTHROUGH_DTB[0]=net.dtb\n"))
    disks.aboard("-c", work / "config", "-d", work / "in", "-t", "sd", "-o", work / "disk.img", cwd="/")
    assert "iomem" in xl_of(work, work / "disk.img", 2, 0)


def test_absolute_names_below_the_root(work):
    """Also behind a link, as $PWD has it."""
    os.symlink(work, work / "link")
    here = work / "link" / "in"
    text = DOM0.replace("Image-dom0", "$PWD/./Image-dom0") + "GPT=1\n" + guests(1)
    (work / "config").write_text(text.replace("dom1/", '"$PWD"/dom1/'))
    for words in (["script"], ["disk", "-o", "../disk.img"]):
        disks.call(disks.ABOARD, "build", *words, "-c", "../config", "-d", ".", "-t", "sd", cwd=here,
                   env={"SOURCE_DATE_EPOCH": disks.EPOCH, "PWD": str(here)})
    assert "load mmc 0:1 0xE00000 Image-dom0\n" in (work / "in" / "boot.source").read_text()
    assert 'kernel="/boot/dom1/Image-domU"\n' in xl_of(work, work / "disk.img", 2, 0)


def test_true_dom0less(work):
    config(work, XEN + "NUM_DOMUS=1\nDOMU_KERNEL[0]=dom1/Image-domU\nDOMU_RAMDISK[0]=dom2/ramdisk.cpio.gz\n")
    build(work)
    (number, start, size), = disks.places(work / "disk.img")
    tree = disks.fat_tree(disks.cut(work / "disk.img", start, size, work / "p"), work / "tree")
    assert number == 1
    assert sorted(line.split()[-1] for line in disks.listing(tree)) == [
        "board.dtb", "boot.scr", "boot.source", "dom1", "dom1/Image-domU", "dom2", "dom2/ramdisk.cpio.gz", "xen"]


def test_linux(work):
    config(work, BASE + "LINUX=Image-dom0\nLINUX_ROOTFS=rootfs/domU.tar.gz\nGPT=1\n")
    result = build(work)
    assert "PARTUUID=" in result.stdout and "linux" in result.stdout
    places = disks.places(work / "disk.img")
    assert [number for number, _, _ in places] == [1, 2]
    assert disks.fsck(disks.cut(work / "disk.img", places[1][1], places[1][2], work / "p2")) == "ext"


def test_xl_text_is_quoted(work):
    config(work, DOM0 + "GPT=1\n" + guests(1, more="DOMU_CMD[0]='a=\"b c\" root=/dev/x'\n"))
    build(work)
    assert 'extra="a=\\"b c\\" root=/dev/x"\n' in xl_of(work, work / "disk.img", 2, 0)


def test_same_bytes_every_time(work):
    config(work, DOM0 + "GPT=1\n" + guests(2, rootfs=(0, 1)))
    build(work)
    first = [(work / name).read_bytes() for name in ("disk.img", "disk.img.bmap")]
    for path in (work / "in").rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)
    build(work)
    assert first == [(work / name).read_bytes() for name in ("disk.img", "disk.img.bmap")]
    assert os.stat(work / "disk.img").st_blocks * 512 < os.path.getsize(work / "disk.img") // 8


def test_block_map(work):
    """A medium full of other data, written by the map, is as good as one written whole."""
    config(work, DOM0 + "GPT=1\n" + guests(2, rootfs=(0, 1)))
    build(work)
    image, target = work / "disk.img", work / "medium"
    assert disks.write_by_map(image, target) < os.path.getsize(image) // 4
    disks.verify_table(target)
    for number, start, size in disks.places(target):
        kind = disks.fsck(disks.cut(target, start, size, work / f"m{number}"))
        disks.cut(image, start, size, work / f"i{number}")
        reader = disks.ext_tree if kind == "ext" else disks.fat_tree
        reader(work / f"m{number}", work / f"mt{number}")
        reader(work / f"i{number}", work / f"it{number}")
        disks.call("diff", "-r", "--no-dereference", work / f"mt{number}", work / f"it{number}")


def test_identity_is_given_or_of_names(work):
    config(work, DOM0 + "GPT=1\n")
    build(work, "--disk-id", "12345678-9abc-def0-1234-56789abcdef0")
    one = disks.table(work / "disk.img")
    assert one["id"] == "12345678-9ABC-DEF0-1234-56789ABCDEF0"
    build(work)
    two = disks.table(work / "disk.img")
    (work / "in" / "boot.source").write_text("# other\n")
    build(work)
    assert disks.table(work / "disk.img")["id"] == two["id"]
    assert one["partitions"][0]["uuid"] != two["partitions"][0]["uuid"]


def test_json(work):
    config(work, DOM0 + "GPT=1\n")
    result = build(work, "--json")
    told = __import__("json").loads(result.stdout)
    assert told["outputs"] == ["../disk.img", "../disk.img.bmap"]
    found = disks.table(work / "disk.img")["partitions"]
    assert [part["partuuid"].upper() for part in told["partitions"]] == [part["uuid"] for part in found]
    assert [part["start"] for part in told["partitions"]] == [part["start"] * 512 for part in found]


def damage(work, name, data):
    (work / "in" / name).write_bytes(data)


ERRORS = {
    "no kernel": (DOM0.replace("Image-dom0", "absent"), {}, [], "DOM0_KERNEL"),
    "no script": (DOM0.replace("UBOOT_SCRIPT=boot.scr", "UBOOT_SCRIPT=absent.scr"), {}, [], "aboard build script"),
    "truncated archive": (DOM0, {"rootfs/dom0.cpio.gz": "half"}, [], "truncated"),
    "not an archive": (DOM0, {"rootfs/dom0.cpio.gz": b"no archive " * 100}, [], "archive"),
    "empty archive": (DOM0, {"rootfs/dom0.cpio.gz": b""}, [], "dom0.cpio.gz"),
    "aux file outside": (DOM0 + 'NUM_BOOT_AUX_FILE=1\nBOOT_AUX_FILE[0]="../config"\n', {}, [], "outside"),
    "output is an input": (DOM0 + "NUM_BOOT_AUX_FILE=1\nBOOT_AUX_FILE[0]=xen\n", {}, ["-o", "xen"], "the output"),
    "command in the config": (DOM0 + "XEN_CMD=$(id)\n", {}, [], "config:9:9: $( would be run"),
    "no free space": (DOM0, {}, ["-s", "0"], "-s 0"),
    "prefix outside": (DOM0, {}, ["-p", "../x"], "-p"),
    "too small": (DOM0, {"rootfs/dom0.cpio.gz": "many"}, ["-s", "1"], "-s MIB"),
    "no device": (DOM0.replace("XEN=", "LOAD_CMD=tftpb\nXEN=") + guests(1), {}, [], "load command"),
    "no tree for a guest": (DOM0 + guests(1, more="DOMU_PASSTHROUGH_DTB[0]=board.dtb\n"), {}, [], "xen,reg"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_leave_nothing(work, name):
    text, files, more, message = ERRORS[name]
    (work / "config").write_text(text)
    (work / "in" / "boot.scr").write_bytes(b"x")
    (work / "in" / "boot.source").write_bytes(b"x")
    for path, data in files.items():
        if data == "half":
            data = (work / "in" / path).read_bytes()[:-100]
        elif data == "many":
            (work / "many").mkdir()
            for i in range(6000):
                (work / "many" / str(i)).write_bytes(b"x")
            data = subprocess.run(["tar", "-c", "-C", work / "many", "."], stdout=subprocess.PIPE, check=True).stdout
        damage(work, path, data)
    before = os.listdir(work)
    result = build(work, *more, check=False)
    assert result.returncode != 0
    assert message in result.stderr, result.stderr
    assert not disks.left_over(work, before)


def test_an_old_image_survives_an_error(work):
    config(work, DOM0)
    build(work)
    before = (work / "disk.img").read_bytes()
    damage(work, "rootfs/dom0.cpio.gz", b"\x1f\x8b broken")
    assert build(work, check=False).returncode != 0
    assert (work / "disk.img").read_bytes() == before


def test_a_signal_leaves_nothing(work):
    """A program that mtools are replaced by tells when the work is in its middle, and waits."""
    config(work, DOM0 + "GPT=1\n")
    tools = work / "tools"
    tools.mkdir()
    os.mkfifo(work / "at")
    (tools / "mmd").write_text(f"#!/bin/sh\necho here > {work}/at\nexec sleep 60\n")
    (tools / "mcopy").write_text(f"#!/bin/sh\necho here > {work}/at\nexec sleep 60\n")
    for name in ("mmd", "mcopy"):
        os.chmod(tools / name, 0o755)
    before = os.listdir(work)
    with subprocess.Popen([disks.ABOARD, "build", "disk", "-c", "../config", "-d", ".", "-t", "sd", "-o",
                           "../disk.img"], cwd=work / "in", stderr=subprocess.PIPE,
                          env=dict(os.environ, PATH=f"{tools}:{os.environ['PATH']}")) as process:
        with open(work / "at", encoding="ascii") as fifo:
            assert fifo.read() == "here\n"
        process.terminate()
        _, text = process.communicate(timeout=30)
    assert process.returncode == 15 or process.returncode > 0, text
    assert not disks.left_over(work, before)
