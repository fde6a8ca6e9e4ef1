# SPDX-License-Identifier: MIT
"""What files are, made by the programs of the field."""
import json
import os

import pytest

from fitrig import fixture_work  # noqa: F401

IMX = "IMAGE_VERSION 2\nBOOT_FROM sd\nDATA 4 0x020e04bc 0x00003028\n"


def told(work, path="out", status=0):
    result = work.aboard("--json", "inspect", path)
    assert result.returncode == status, (result.stdout, result.stderr)
    return json.loads(result.stdout.splitlines()[0])


def make_cpio(work):
    """By argument vector: cpio reads the names from a file."""
    work.write("tree/etc/hostname", "dom0\n")
    work.write("tree/init", "#!/bin/sh\n")
    work.write("names", "tree\ntree/etc\ntree/etc/hostname\ntree/init\n")
    work.need("sh", "-c", 'cpio -o -H newc <names >"$1" 2>errors', "sh", "out")


def make_ext4(work):
    work.write("tree/a", "a")
    work.need("mke2fs", "-q", "-t", "ext4", "-L", "root", "-d", "tree", "out", "4M")


def make_fat(work):
    work.write("out", bytes(4 << 20))
    work.need("mkfs.vfat", "-n", "BOOT", "out")


def make_squashfs(work):
    work.write("tree/a", "a" * 5000)
    work.need("mksquashfs", "tree", "out", "-comp", "zstd", "-quiet", "-no-progress")


def make_sparse(work):
    work.write("raw", b"x" * 8192 + bytes(1 << 20) + b"y" * 4096)
    work.need("img2simg", "raw", "out")


def make_script(work):
    work.write("text", "echo hello\n")
    work.need("mkimage", "-A", "arm64", "-T", "script", "-C", "none", "-n", "boot", "-d", "text", "out")


def make_kernel(work):
    work.write("in", os.urandom(3000))
    work.need("mkimage", "-A", "arm64", "-O", "linux", "-T", "kernel", "-C", "none", "-a", "0x80000", "-e", "0x80000",
              "-d", "in", "out")


def make_dtb(work):
    work.write("in", '/dts-v1/; / { model = "board"; compatible = "maker,board"; a { }; };')
    work.need("dtc", "-q", "-o", "out", "in")


def make_imx(work):
    work.write("cfg", IMX)
    work.write("in", os.urandom(3000))
    work.need("mkimage", "-n", "cfg", "-T", "imximage", "-e", "0x17800000", "-d", "in", "out")


def make_egon(work):
    work.write("in", os.urandom(3000))
    work.need("mkimage", "-T", "sunxi_egon", "-d", "in", "out")


def make_idblock(work):
    work.write("in", os.urandom(3000))
    work.need("mkimage", "-n", "rk3568", "-T", "rksd", "-d", "in", "out")


def make_old_idblock(work):
    work.write("in", os.urandom(3000))
    work.need("mkimage", "-n", "rk3399", "-T", "rksd", "-d", "in", "out")


def make_elf(work):
    work.write("out", open("/bin/true", "rb").read())


def make_gpt(work):
    work.write("out", bytes(8 << 20))
    work.write("table", "label: gpt\nstart=2048,size=4096,name=boot\nsize=4096,name=root\n")
    work.need("sh", "-c", 'sfdisk -q "$1" <table', "sh", "out")


def make_mbr(work):
    work.write("out", bytes(8 << 20))
    work.write("table", "label: dos\nstart=2048,size=2048,type=c\nstart=4096,size=8192,type=5\nstart=5000,size=1000\n"
                        "start=7000,size=1000\n")
    work.need("sh", "-c", 'sfdisk -q "$1" <table', "sh", "out")


# maker, kind, some facts, a byte whose change must be noticed (None: there is nothing to notice it by)
FORMATS = [
    (make_cpio, "cpio", {"entries": 4, "format": "newc"}, 0x60),
    (make_ext4, "ext4", {"label": "root", "type": "ext4", "clean": True}, 1024 + 0x78),
    (make_fat, "fat", {"bits": 12, "label": "BOOT"}, 0x201),
    (make_squashfs, "squashfs", {"compression": "zstd"}, 0x1c),
    (make_sparse, "android-sparse", {"expanded": (1 << 20) + 12288}, 0x1c),
    (make_script, "uimage", {"type": "script", "name": "boot", "script": 11}, 75),
    (make_kernel, "uimage", {"arch": "arm64", "data": 3000, "load": "0x80000"}, 10),
    (make_dtb, "fdt", {"model": "board", "nodes": 2}, 8),
    (make_imx, "imx-ivt", {"entry": "0x17800000", "dcd-size": 16, "signed": False}, 0x2c),
    (make_egon, "egon", {"stage": "BT0"}, 1000),
    (make_idblock, "rockchip-idblock", {"form": "new", "hash": "sha256"}, 2100),
    (make_old_idblock, "rockchip-idblock", {"form": "old, enciphered"}, None),
    (make_elf, "elf", {"bits": 64, "machine": "x86_64" if os.uname().machine == "x86_64" else "arm64"}, None),
    (make_gpt, "gpt", {"sector": 512}, 1024 + 32),
    (make_mbr, "mbr", {}, 446 + 15),
]


@pytest.mark.parametrize("make,kind,facts,guarded", FORMATS, ids=[row[0].__name__[5:] for row in FORMATS])
def test_format(work, make, kind, facts, guarded):
    make(work)
    found = told(work)
    assert (found["kind"], found["state"]) == (kind, "good"), found
    for name, value in facts.items():
        assert found["facts"][name] == value, name
    if guarded is None:
        return
    data = bytearray(work.read("out"))
    data[guarded] ^= 0x40
    work.write("out", bytes(data))
    found = told(work, status=6)
    assert (found["kind"], found["state"]) == (kind, "damaged")
    assert [check for check in found["checks"] if not check["good"] and check["note"]]


def test_logical_partitions(work):
    make_mbr(work)
    rows = told(work)["facts"]["partitions"]
    assert [(row["number"], row["first"], row["sectors"]) for row in rows] == [
        (1, 2048, 2048), (2, 4096, 8192), (5, 5000, 1000), (6, 7000, 1000)]


def test_backup_table(work):
    make_gpt(work)
    data = bytearray(work.read("out"))
    data[-512 + 60] ^= 1
    work.write("out", bytes(data))
    assert told(work, status=6)["checks"][-1]["check"] == "backup header"


def test_what_partitions_hold(work):
    make_gpt(work)
    make = work.write("part", bytes(2 << 20))
    work.need("mke2fs", "-q", "-L", "rootfs", make)
    disk = bytearray(work.read("out"))
    disk[2048 * 512:6144 * 512] = work.read("part")
    work.write("out", bytes(disk))
    holds = told(work)["facts"]["partitions"][0]["holds"]
    assert (holds["kind"], holds["state"], holds["facts"]["label"]) == ("ext4", "good", "rootfs")


@pytest.mark.parametrize("packer", [["gzip", "-k"], ["xz", "-k"], ["zstd", "-q"], ["bzip2", "-k"], ["lz4", "-q", "-m"]],
                         ids=lambda packer: packer[0])
def test_packed(work, packer):
    make_cpio(work)
    work.need(*packer, "out")
    name = next(name for name in os.listdir(work.folder) if name.startswith("out."))
    found = told(work, name)
    assert (found["kind"], found["facts"]["packing"]) == ("packed", packer[0])
    assert found["facts"]["holds"]["kind"] == "cpio" and found["facts"]["holds"]["facts"]["entries"] == 4
    work.write("short", work.read(name)[:-6])
    assert told(work, "short", status=6)["state"] == "damaged"


def test_content_not_names(work):
    make_dtb(work)
    os.rename(work.folder / "out", work.folder / "picture.png")
    assert told(work, "picture.png")["kind"] == "fdt"
    work.write("kernel.itb", "just text\n")
    assert told(work, "kernel.itb", status=6)["state"] == "unknown"


def test_for_people(work):
    make_script(work)
    text = work.built("inspect", "out")
    assert text.startswith("legacy U-Boot image, ") and "  ok   data CRC\n" in text
    assert work.built("inspect", "-q", "out") == ""


def test_wrong_use(work):
    work.refused(2, "inspect")
    work.refused(4, "inspect", "missing")
    work.refused(2, "inspect", ".")
    os.mkfifo(work.folder / "pipe")
    work.refused(2, "inspect", "pipe")
    work.write("empty", "")
    work.refused(6, "inspect", "empty")
