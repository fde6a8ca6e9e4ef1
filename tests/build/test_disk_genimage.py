# SPDX-License-Identifier: MIT
"""genimage's configuration files: the same images as Debian's genimage makes of them, or a clear refusal."""
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import tarfile

import pytest

import disks

SIZES = {"fsbl.bin": 237161, "ssbl.bin": 748042, "one.img": 1 << 20, "two.img": 300000, "boot.img": 70 << 10}


@pytest.fixture(name="work")
def fixture_work(tmp_path):
    for folder in ("in", "root/etc", "root/boot/overlays", "root/home"):
        (tmp_path / folder).mkdir(parents=True)
    for name, size in SIZES.items():
        data = hashlib.shake_256(name.encode()).digest(size)
        (tmp_path / "in" / name).write_bytes((b"STM2" if name == "fsbl.bin" else b"") + data[:size - 4 * (name == "fsbl.bin")])
    (tmp_path / "root/etc/hostname").write_text("board\n")
    os.symlink("hostname", tmp_path / "root/etc/link")
    os.link(tmp_path / "root/etc/hostname", tmp_path / "root/etc/hard")
    (tmp_path / "root/boot/kernel").write_bytes(os.urandom(100000))
    (tmp_path / "root/boot/overlays/Long Name.dtbo").write_bytes(b"overlay")
    (tmp_path / "root/home/file").write_bytes(b"home")
    return tmp_path


def ours(work, text, *more, check=True, out="out", env=None):
    (work / "genimage.cfg").write_text(text)
    return disks.aboard("--genimage", "genimage.cfg", "--inputpath", "in", "--rootpath", "root", "--outputpath", out,
                        *more, cwd=work, check=check, env=env)


def theirs(work, text, *more):
    (work / "peer.cfg").write_text(text)
    return disks.call("genimage", "--config", "peer.cfg", "--inputpath", "in", "--rootpath", "root", "--outputpath",
                      "peer", "--tmppath", "tmp", *more, cwd=work)


def masked(image, *, ids):
    """A partition table without what genimage makes up, and without how far it lets partitions go."""
    found = disks.table(image)
    for key in ("device", "firstlba", "lastlba", "grain", *(() if ids else ("id",))):
        found.pop(key, None)
    for part in found["partitions"]:
        part["node"] = re.search(r"\d+$", part["node"]).group()
        if not ids:
            part.pop("uuid", None)
    return found


STM32 = """image sdcard.img {
	hdimage {
		gpt = "true"
	}
	partition fsbl1 {
		image = "fsbl.bin"
	}
	partition fsbl2 {
		image = "fsbl.bin"
	}
	partition ssbl {
		image = "ssbl.bin"
	}
	partition rootfs {
		image = "rootfs.ext4"
		partition-type = 0x83
		bootable = "yes"
		size = 256M
	}
}
image rootfs.ext4 {
	ext4 {
		use-mke2fs = true
	}
	size = 60M
}
"""


def test_stm32mp1_sdcard(work):
    """The file of 2019 that genimage itself does not take any more, with a warning for the line it refuses."""
    result = ours(work, STM32)
    assert "partition-type 0x83" in result.stderr and "deprecated" in result.stderr
    assert "sector 2424" in result.stderr
    image = work / "out/sdcard.img"
    disks.verify_table(image)
    assert os.path.getsize(image) == 269697024
    assert disks.places(image) == [(1, 34, 464), (2, 498, 464), (3, 962, 1462), (4, 2424, 524288)]
    found = disks.table(image)["partitions"]
    assert [part["name"] for part in found] == ["fsbl1", "fsbl2", "ssbl", "rootfs"]
    assert [part.get("attrs") for part in found] == [None, None, None, "LegacyBIOSBootable"]
    theirs(work, STM32.replace("\t\tpartition-type = 0x83\n", ""))
    assert masked(image, ids=False) == masked(work / "peer/sdcard.img", ids=False)
    for number, name in ((0, "fsbl.bin"), (1, "fsbl.bin"), (2, "ssbl.bin")):
        _, start, size = disks.places(image)[number]
        part = disks.cut(image, start, size, work / f"p{number}")
        assert part.read_bytes()[:SIZES[name]] == (work / "in" / name).read_bytes()
    assert disks.fsck(work / "out/rootfs.ext4") == "ext"
    disks.call("diff", "-r", "--no-dereference", work / "root", disks.ext_tree(work / "out/rootfs.ext4", work / "tree"))


@pytest.mark.parametrize("old,new,message", [
    ("partition fsbl1", "partition fsbl", "looks for fsbl1"),
    ("partition fsbl2", "partition other", "no fsbl2"),
    ("partition ssbl", "partition uboot", "fip or ssbl"),
    ("partition ssbl", "partition metadata", "metadata1"),
    ('"fsbl.bin"', '"two.img"', "STM32 header"),
    ('gpt = "true"', 'partition-table-type = "mbr"', "only in a GPT"),
])
def test_stm32mp_rules(work, old, new, message):
    assert message not in ours(work, STM32).stderr
    assert message in ours(work, STM32.replace(old, new)).stderr


def part(name, text):
    return f"\tpartition {name} {{ {text.replace(';', chr(10)).replace('|', ';')} }}\n"


def disk(options, *parts, size=""):
    return f"image disk.img {{\n\thdimage {{ {options.replace(';', chr(10))} }}\n{''.join(parts)}{size}\n}}\n"


ONE, TWO = 'image = "one.img"', 'image = "two.img"'
U1, U2 = "92762261-e854-45c1-b4c9-fc5e752034ab", "41061242-1d5a-4657-892d-fcc1fdb11a6c"
GPT = 'partition-table-type = "gpt"'
LAYOUTS = {
    "mbr": disk("", part("a", f"{ONE};partition-type = 0xc;bootable = true"), part("b", f"{TWO};partition-type = 0x83")),
    "mbr aligned": disk("align = 1M;disk-signature = 0x12345678", part("a", f"{TWO};partition-type = 0x83"),
                        part("b", f"{TWO};partition-type = 0x83;size = 4M")),
    "mbr of six": disk("align = 64K", *[part(f"p{i}", f"{TWO};partition-type = 0x83") for i in range(6)]),
    "extended at 2": disk("extended-partition = 2", part("a", f"{ONE};partition-type = 0xc"),
                          part("b", f"{ONE};partition-type = 0x83"), part("c", f"{TWO};partition-type = 0x83")),
    "gpt": disk(GPT, part("a", f"{ONE};partition-uuid = {U1}"),
                part("b", f"{TWO};partition-type-uuid = U;partition-uuid = {U2};read-only = true;hidden = true")),
    "gpt of a size": disk(GPT + ';disk-uuid = "afcfea87-e41a-40e0-85ae-295c60773c7a"',
                          part("a", f"{ONE};partition-uuid = {U1}"),
                          part("b", f"autoresize = true;partition-uuid = {U2};no-automount = true"), size="size = 40M"),
    "gpt moved": disk(GPT + ";gpt-location = 1M", part("a", f"{ONE};align = 4M;partition-uuid = {U1}"),
                      part("boot", "in-partition-table = false;offset = 8K;image = boot.img")),
    "gpt single": disk(GPT + ";gpt-no-backup = true;fill = true", part("a", f"{ONE};partition-uuid = {U1}")),
    "hybrid": disk('partition-table-type = "hybrid"', part("a", f"{ONE};partition-type = 0xc;partition-uuid = {U1}"),
                   part("b", f"{TWO};partition-uuid = {U2}")),
    "hole": disk(GPT, part("boot", 'in-partition-table = false;offset = 0;image = "boot.img";holes = {"(440| 33K)"}'),
                 part("a", f"{ONE};offset = 129K;partition-uuid = {U1}")),
    "none": disk("partition-table-type = none;align = 4K", part("a", TWO), part("b", f"{TWO};offset = 1M"),
                 size="size = 2M"),
    "none, not in sectors": disk("partition-table-type = none", part("a", ONE), part("b", 'image = "ssbl.bin"')),
    "sectors": disk(GPT, part("a", f"{TWO};offset = 100s;size = 800s;partition-uuid = {U1}")),
}


def contents_below(work, folder, name):
    with open(work / folder / "disk.img", "rb") as file:
        return file.read().find((work / "in" / name).read_bytes())


@pytest.mark.parametrize("name", LAYOUTS)
def test_as_genimage(work, name):
    ours(work, LAYOUTS[name])
    theirs(work, LAYOUTS[name])
    image, peer = work / "out/disk.img", work / "peer/disk.img"
    if not name.startswith("none"):
        ids = "gpt" in name and "disk-uuid" in LAYOUTS[name] or "signature" in LAYOUTS[name]
        assert masked(image, ids=ids) == masked(peer, ids=ids)
    if not name.startswith("none") and name not in ("gpt moved", "gpt single"):
        disks.verify_table(image)
    if "mbr" not in name and "none" not in name and name != "extended at 2":  # there genimage's file ends with its last data
        assert os.path.getsize(image) == os.path.getsize(peer)
    for file in SIZES:
        assert contents_below(work, "out", file) == contents_below(work, "peer", file)
    # Both copies are where the tables say, and nothing else is anywhere: what differs is only tables and times.
    assert image.read_bytes()[:440] == peer.read_bytes()[:440]


def test_file_systems_and_archives(work):
    text = """
image root.ext4 { ext4 { label = "r" use-mke2fs = true } size = 32M }
image root.squashfs { squashfs { compression = "xz" } }
image boot.vfat { vfat { label = "BOOT" } size = 8M mountpoint = "/boot" }
image files.vfat { vfat { files = { "one.img", "two.img" } file sub/renamed.bin { image = "two.img" } } size = 4M }
image root.cpio { cpio { compress = "gzip" } }
image root.tar.gz { tar { } }
image copy.bin { file { name = "one.img" } }
"""
    ours(work, text)
    theirs(work, text.replace("root.cpio", "root.cpio.gz"))
    reference = work / "reference"
    shutil.copytree(work / "root", reference, symlinks=True)
    shutil.rmtree(reference / "boot")
    (reference / "boot").mkdir()
    out = work / "out"
    disks.fsck(out / "root.ext4")
    disks.call("diff", "-r", "--no-dereference", reference, disks.ext_tree(out / "root.ext4", work / "e"))
    assert disks.ext_stat(out / "root.ext4", "/etc/hard")["links"] == "2"
    disks.call("unsquashfs", "-q", "-n", "-d", work / "s", out / "root.squashfs")
    disks.call("diff", "-r", "--no-dereference", reference, work / "s")
    (work / "t").mkdir()
    disks.call("tar", "-xf", out / "root.tar.gz", "-C", work / "t")
    disks.call("diff", "-r", "--no-dereference", reference, work / "t")
    assert os.stat(work / "t/etc/hard").st_ino == os.stat(work / "t/etc/hostname").st_ino
    (work / "c").mkdir()
    data = subprocess.run(["gzip", "-dc", out / "root.cpio"], stdout=subprocess.PIPE, check=True).stdout
    subprocess.run(["cpio", "-id", "--quiet"], cwd=work / "c", input=data, check=True)
    disks.call("diff", "-r", "--no-dereference", reference, work / "c")
    for name in ("boot.vfat", "files.vfat"):
        disks.fsck(out / name)
        disks.fsck(work / "peer" / name)
        disks.call("diff", "-r", disks.fat_tree(out / name, work / f"o-{name}"),
                   disks.fat_tree(work / "peer" / name, work / f"p-{name}"))
    assert (work / "o-files.vfat/sub/renamed.bin").read_bytes() == (work / "in/two.img").read_bytes()
    assert (work / "o-boot.vfat/overlays/Long Name.dtbo").read_bytes() == b"overlay"
    assert (out / "copy.bin").read_bytes() == (work / "in/one.img").read_bytes()


def test_root_from_an_archive(work):
    with tarfile.open(work / "root.tar.gz", "w:gz") as file:
        file.add(work / "root", ".")
    (work / "one.cfg").write_text("image root.ext4 { ext4 { } size = 16M }\n")
    disks.aboard("--genimage", "one.cfg", "--rootpath", "root.tar.gz", "--outputpath", "out", cwd=work)
    disks.call("diff", "-r", "--no-dereference", work / "root", disks.ext_tree(work / "out/root.ext4", work / "e"))


def test_android_sparse(work):
    text = STM32.replace("size = 256M", "size = 64M") + 'image disk.simg { android-sparse { image = "sdcard.img" } }\n'
    ours(work, text)
    disks.call("simg2img", work / "out/disk.simg", work / "back.img")
    image = work / "out/sdcard.img"
    assert os.path.getsize(work / "out/disk.simg") < 4 << 20
    disks.verify_table(work / "back.img")
    assert (work / "back.img").read_bytes() == image.read_bytes()


def test_block_map(work):
    """Free blocks are left out; so is the middle of a partition with nothing in it, but not its ends."""
    text = STM32.replace("\tpartition rootfs", '\tpartition data {\n\t\tsize = 32M\n\t}\n\tpartition rootfs')
    ours(work, text)
    image, medium = work / "out/sdcard.img", work / "medium"
    disks.write_by_map(image, medium)
    disks.verify_table(medium)
    _, start, size = disks.places(medium)[4]
    part_file = disks.cut(medium, start, size, work / "p")
    os.truncate(part_file, 60 << 20)
    disks.fsck(part_file)
    disks.call("diff", "-r", "--no-dereference", work / "root", disks.ext_tree(part_file, work / "tree"))
    _, start, size = disks.places(medium)[3]
    data = disks.cut(medium, start, size, work / "d").read_bytes()
    assert not any(data[:1 << 20]) and not any(data[-(1 << 20) + 4096:]) and b"\x5a" * 4096 in data
    ours(work, text.replace("size = 32M", "size = 32M\n\t\tfill = true"))
    disks.write_by_map(image, medium)
    assert not any(disks.cut(medium, start, size, work / "f").read_bytes())


def test_same_bytes_every_time(work):
    text = STM32 + 'image b.vfat { vfat { files = { "one.img" } } size = 4M }\nimage r.tar.gz { tar { } }\n' \
        "image r.squashfs { squashfs { } }\nimage r.cpio { cpio { } }\n"
    ours(work, text)
    ours(work, text, out="again")
    names = sorted(os.listdir(work / "out"))
    assert names == sorted(os.listdir(work / "again")) and len(names) == 7
    for name in names:
        assert (work / "out" / name).read_bytes() == (work / "again" / name).read_bytes(), name


def test_includes_and_variables(work):
    (work / "parts").mkdir()
    (work / "parts/one.cfg").write_text('partition a {\n image = "${WHAT:-two.img}"\n}\n')
    text = 'image disk.img {\n hdimage { partition-table-type = gpt }\n include("one.cfg")\n}\n'
    ours(work, text, "--includepath", "parts:elsewhere")
    assert disks.places(work / "out/disk.img") == [(1, 34, 586)]
    (work / "parts/one.cfg").write_text('include("one.cfg")\n')
    # libconfuse forgets its buffers when it gives up
    result = ours(work, text, "--includepath", "parts", check=False, out="none", env={"ASAN_OPTIONS": "detect_leaks=0"})
    assert result.returncode == 3 and "circle" in result.stderr


@pytest.mark.parametrize("size,bits", [("512K", 12), ("4M", 12), ("15M", 12), ("16M", 16), ("33M", 16), ("511M", 16),
                                       ("512M", 32)])
def test_kinds_of_fat(work, size, bits):
    ours(work, f'image f.vfat {{ vfat {{ files = {{ "two.img" }} }} size = {size} }}\n')
    disks.fsck(work / "out/f.vfat")
    assert f"({bits} bit)" in disks.call("file", "-b", work / "out/f.vfat").stdout
    assert (disks.fat_tree(work / "out/f.vfat", work / "t") / "two.img").read_bytes() == (work / "in/two.img").read_bytes()


def test_folders_of_the_config_section(work):
    text = 'config { inputpath = "in" rootpath = "root" outputpath = "made" }\n' + LAYOUTS["gpt"]
    (work / "genimage.cfg").write_text(text)
    disks.aboard("--genimage", "genimage.cfg", cwd=work)
    disks.verify_table(work / "made/disk.img")


ERRORS = {
    "unknown key": ("image d.img {\n hdimage { }\n colour = red\n}\n", "genimage.cfg:3: no such option 'colour'"),
    "hook": ("image d.img {\n hdimage { }\n exec-pre = \"rm -rf /\"\n}\n", "genimage knows exec-pre"),
    "kind": ("image d.ubi {\n ubi {\n }\n}\n", "genimage knows ubi"),
    "syntax": ("image d.img {\n hdimage {\n", "brace is not closed"),
    "brace": ("image d.img { hdimage { } }\n}\n", "genimage.cfg:2"),
    "bool": ("image d.img {\n hdimage {\n  fill = perhaps\n }\n}\n", "genimage.cfg:3"),
    "no type": ("image d.img { size = 1M }\n", "no type"),
    "two types": ("image d.img { vfat { } ext4 { } size = 1M }\n", "both"),
    "no images": ("config { }\n", "0 images"),
    "twice": ("image d { file { name = one.img } }\nimage d { file { name = one.img } }\n", "duplicate title"),
    "name": ('image "../d" { file { name = one.img } }\n', "leads out"),
    "missing file": (disk(GPT, part("a", "image = absent.img")), "absent.img"),
    "no size": ("image d { ext4 { } }\n", "no size"),
    "bad size": ("image d { ext4 { } size = 12Q }\n", "12Q"),
    "negative": (disk(GPT, part("a", "size = -1;offset = 1M")), "-1"),
    "too small": ("image d { ext4 { } size = 90K }\n", "too small"),
    "itself": (disk(GPT, part("a", "image = disk.img")), "made of itself"),
    "overlap": (disk(GPT, part("a", f"{ONE};offset = 1M"), part("b", f"{ONE};offset = 1536K")), "overlap"),
    "over the table": (disk(GPT, part("a", f"{ONE};offset = 16K")), "overlaps the GPT array"),
    "over the second table": (disk(GPT, part("a", f"{ONE};offset = 1M"), size="size = 2M"), "second GPT"),
    "too much": (disk("", part("a", f"{ONE};partition-type = 1"), size="size = 1M"), "need"),
    "image too large": (disk(GPT, part("a", f"{ONE};size = 512K")), "too few"),
    "uuid": (disk(GPT, part("a", f"{ONE};partition-uuid = 1234")), "UUID"),
    "type uuid": (disk(GPT, part("a", f"{ONE};partition-type-uuid = Q")), "UUID"),
    "type uuid in mbr": (disk("", part("a", f"{ONE};partition-type-uuid = L")), "gpt and hybrid"),
    "five primaries": (disk('partition-table-type = "hybrid"', *[part(f"p{i}", f"{TWO};partition-type = 0x83")
                                                               for i in range(4)]), "hybrid"),
    "hybrid of nothing": (disk('partition-table-type = "hybrid"', part("a", ONE)), "needs a partition with a partition-type"),
    "extended in gpt": (disk(GPT + ";extended-partition = 2", part("a", ONE)), "extended-partition is for mbr"),
    "autoresize": (disk(GPT, part("a", "autoresize = true")), "autoresize needs"),
    "odd align": (disk(GPT + ";align = 1000", part("a", ONE)), "whole sectors"),
    "hole": (disk(GPT, part("a", f'{ONE};in-partition-table = no;holes = {{"440-33K"}}')), "(START; END)"),
    "extraargs": ('image d { ext4 { extraargs = "-m 0" } size = 4M }\n', "-m"),
    "shell": ('image d { squashfs { extraargs = "-p `id`" } }\n', "shell"),
    "fat name": ('image d { vfat { file "a:b" { image = one.img } } size = 4M }\n', "FAT"),
    "fat full": ('image d { vfat { files = { "one.img" } } size = 512K }\n', "full"),
    "compression": ('image d { squashfs { compression = "nope" } }\n', "image d: mksquashfs"),
    "truncated root": ("image d { ext4 { } size = 4M srcpath = in/cut.tar.gz }\n", "truncated"),
    "input is a folder": (disk(GPT, part("a", "image = .")), "is no file"),
    "mountpoint": ('image d { ext4 { } size = 4M mountpoint = "../.." }\n', "leads out"),
    "no root": ('image d { ext4 { } size = 4M srcpath = absent }\n', "absent"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors_leave_nothing(work, name):
    text, message = ERRORS[name]
    (work / "out").mkdir()
    (work / "in/before").write_bytes(b"")
    (work / "in/cut.tar.gz").write_bytes(gzip.compress(bytes(range(256)) * 40, mtime=0)[:-40])
    before = os.listdir(work) + ["genimage.cfg"]
    result = ours(work, text, check=False)
    assert result.returncode > 1, result.stdout
    assert message in result.stderr, result.stderr
    assert not disks.left_over(work, before) and not os.listdir(work / "out")


def test_options_do_not_mix(work):
    assert "--genimage" in ours(work, LAYOUTS["gpt"], "-c", "config", check=False).stderr
    assert disks.aboard("--inputpath", "in", cwd=work, check=False).returncode == 2
