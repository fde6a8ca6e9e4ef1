# SPDX-License-Identifier: MIT
"""ext file systems from archives: as e2fsprogs see them, against mke2fs -d, and from archives that mean harm."""
import io
import os
import re
import struct
import subprocess
import tarfile

import pytest

import disks


def make(tmp_path, archive, *, kind="ext4", size="64M", more="", check=True, out="out"):
    """An image of this tree, through a genimage file with the archive as root file system."""
    (tmp_path / "one.cfg").write_text(f'image root.img {{ {kind} {{ label = "test" {more} }} size = {size} }}\n')
    result = disks.aboard("--genimage", "one.cfg", "--rootpath", archive, "--outputpath", out, cwd=tmp_path, check=check)
    return tmp_path / out / "root.img" if check else result


def entry(name, kind=tarfile.REGTYPE, data=b"", **more):
    info = tarfile.TarInfo(name)
    info.type, info.size, info.mtime, info.mode = kind, len(data), 1600000000, 0o644
    for key, value in more.items():
        setattr(info, key, value)
    return info, data


def tar(path, entries, mode="w", **more):
    with tarfile.open(path, mode, format=tarfile.PAX_FORMAT, **more) as file:
        for info, data in entries:
            file.addfile(info, io.BytesIO(data))
    return path


CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")
LONG_TARGET = "x" * 200


def everything():
    holes = b"begin" + bytes(200000) + b"end"
    return [
        entry("./", tarfile.DIRTYPE, mode=0o750, uid=3, gid=4),
        entry("etc", tarfile.DIRTYPE, mode=0o755),
        entry("etc/shadow", data=b"secret\n", mode=0o640, uid=0, gid=42),
        entry("bin/su", data=b"\x7fELF" * 5000, mode=0o4755),
        entry("bin/sudo", tarfile.LNKTYPE, linkname="bin/su"),
        entry("big-owner", data=b"x", uid=100000, gid=2000000),
        entry("dev/null", tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666),
        entry("dev/mmcblk0p1", tarfile.BLKTYPE, devmajor=179, devminor=1, mode=0o660, gid=6),
        entry("dev/far", tarfile.BLKTYPE, devmajor=259, devminor=70000),
        entry("run/pipe", tarfile.FIFOTYPE),
        entry("link", tarfile.SYMTYPE, linkname="etc/shadow"),
        entry("long-link", tarfile.SYMTYPE, linkname=LONG_TARGET),
        entry("empty"),
        entry("holes", data=holes),
        entry("late", data=b"future", mtime=2 ** 32 + 5),
        entry("old", data=b"past", mtime=0),
        entry("last", pax_headers={"mtime": str(2 ** 63 - 1)}),
        entry("first", pax_headers={"mtime": str(-2 ** 63)}),
        entry("caps", data=b"p", pax_headers={"SCHILY.xattr.security.capability": CAPABILITY.decode("latin-1"),
                                              "SCHILY.xattr.user.note": "hello"}),
        entry("name-\u00e9", data=b"utf-8"),
        entry("twice", data=b"first"),
        entry("twice", data=b"second"),
        *[entry(f"many/file-with-a-rather-long-name-{i:05}", data=b"%d" % i) for i in range(2000)],
    ]


@pytest.mark.parametrize("kind", ["ext2", "ext3", "ext4"])
def test_everything_is_kept(tmp_path, kind):
    part = make(tmp_path, tar(tmp_path / "all.tar", everything(), encoding="utf-8", errors="surrogateescape"), kind=kind)
    assert disks.fsck(part) == "ext"

    def stat(path):
        return disks.ext_stat(part, path)

    assert (stat("/")["mode"], stat("/")["uid"], stat("/")["gid"]) == ("0750", "0", "0")  # root-owner, as genimage
    assert (stat("/etc/shadow")["mode"], stat("/etc/shadow")["gid"]) == ("0640", "42")
    assert stat("/bin/su")["mode"] == "04755"
    assert stat("/bin/su")["inode"] == stat("/bin/sudo")["inode"] and stat("/bin/su")["links"] == "2"
    assert (stat("/big-owner")["uid"], stat("/big-owner")["gid"]) == ("100000", "2000000")
    assert stat("/dev/null")["type"] == "character special" and stat("/dev/null")["device"].startswith("01:03")
    assert stat("/dev/mmcblk0p1")["type"] == "block special" and stat("/dev/mmcblk0p1")["device"].startswith("179:01")
    assert stat("/dev/far")["device"].startswith("259:70000")
    assert stat("/run/pipe")["type"] == "FIFO"
    assert stat("/link")["target"] == "etc/shadow"
    assert stat("/etc/shadow")["mtime"] == f"{1600000000:08x}"
    assert stat("/old")["mtime"] == "00000000"
    if kind == "ext4":
        text = disks.call("debugfs", "-R", "stat /late", part).stdout
        assert "mtime: 0x00000005:00000001" in text, text
        assert "mtime: 0x7fffffff:00000003" in disks.call("debugfs", "-R", "stat /last", part).stdout
        assert "mtime: 0x80000000:00000000" in disks.call("debugfs", "-R", "stat /first", part).stdout
        text = disks.call("debugfs", "-R", "ea_list /caps", part).stdout
        assert 'user.note (5) = "hello"' in text
        assert "security.capability (20) = " + " ".join(f"{byte:02x}" for byte in CAPABILITY) in text
    tree = disks.ext_tree(part, tmp_path / "tree")
    assert (tree / "holes").read_bytes() == b"begin" + bytes(200000) + b"end"
    assert os.readlink(tree / "long-link") == LONG_TARGET
    assert (tree / "twice").read_bytes() == b"second"
    assert (tree / "bin/sudo").read_bytes() == b"\x7fELF" * 5000
    assert (tree / "name-\u00e9").read_bytes() == b"utf-8"
    assert len(os.listdir(tree / "many")) == 2000
    assert (tree / "many/file-with-a-rather-long-name-01234").read_bytes() == b"1234"


PACKERS = {"tar": None, "tar.gz": ["gzip", "-n"], "tar.xz": ["xz"], "tar.zst": ["zstd"], "tar.bz2": ["bzip2"],
           "tar.lz4": ["lz4"], "cpio": None, "cpio.gz": ["gzip", "-n"], "cpio.xz": ["xz"], "cpio.zst": ["zstd"]}


def small_tree(folder):
    (folder / "a").mkdir(parents=True)
    (folder / "a/file").write_bytes(os.urandom(300000))
    os.link(folder / "a/file", folder / "hard")
    os.symlink("a/file", folder / "soft")
    (folder / "empty").write_bytes(b"")
    return folder


@pytest.mark.parametrize("kind", PACKERS)
def test_kinds_of_archives(tmp_path, kind):
    tree = small_tree(tmp_path / "tree")
    path = tmp_path / f"root.{kind}"
    if kind.startswith("tar"):
        data = subprocess.run(["tar", "-c", "."], cwd=tree, stdout=subprocess.PIPE, check=True).stdout
    else:
        names = subprocess.run(["find", "."], cwd=tree, stdout=subprocess.PIPE, check=True).stdout
        data = subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=tree, input=names, stdout=subprocess.PIPE,
                              check=True).stdout
    if PACKERS[kind]:
        data = subprocess.run([*PACKERS[kind], "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout
    path.write_bytes(data)
    part = make(tmp_path, path)
    disks.fsck(part)
    disks.call("diff", "-r", "--no-dereference", tree, disks.ext_tree(part, tmp_path / "back"))
    assert disks.ext_stat(part, "/hard")["links"] == "2"


def test_like_mke2fs(tmp_path):
    """The same features and sizes as `mke2fs -d`, and the same tree."""
    tree = small_tree(tmp_path / "tree")
    for size in (64, 1024):
        part = make(tmp_path, tree, size=f"{size}M", out=f"out{size}")
        reference = tmp_path / f"reference{size}"
        with open(reference, "wb") as file:
            file.truncate(size << 20)
        config = tmp_path / "mke2fs.conf"
        text = open("/etc/mke2fs.conf", encoding="ascii").read()
        config.write_text(text.replace("blocksize = 1024", "blocksize = 4096"))
        disks.call("mke2fs", "-q", "-t", "ext4", "-L", "test", "-d", tree, reference, env={"MKE2FS_CONFIG": str(config)})
        ours, theirs = disks.ext_info(part), disks.ext_info(reference)
        for key in ("Filesystem features", "Filesystem flags", "Default mount options", "Inode count", "Block count",
                    "Reserved block count", "Block size", "Reserved GDT blocks", "Inodes per group", "Flex block group size",
                    "Inode size", "Desired extra isize", "Journal inode", "Default directory hash", "Checksum type",
                    "Total journal size", "Filesystem state", "Errors behavior", "Maximum mount count"):
            assert ours.get(key) == theirs.get(key), key
        disks.call("diff", "-r", "--no-dereference", disks.ext_tree(part, tmp_path / f"ours{size}"),
                   disks.ext_tree(reference, tmp_path / f"theirs{size}"))


def test_same_bytes_from_the_same_archive(tmp_path):
    archive = tar(tmp_path / "a.tar", everything(), encoding="utf-8", errors="surrogateescape")
    one = make(tmp_path, archive, out="one").read_bytes()
    assert one == make(tmp_path, archive, out="two").read_bytes()
    tar(archive, everything()[:-1] + [entry("many/file-with-a-rather-long-name-01999", data=b"1")], encoding="utf-8",
        errors="surrogateescape")
    other = make(tmp_path, archive, out="three").read_bytes()
    assert other[1024 + 104:1024 + 120] != one[1024 + 104:1024 + 120]  # s_uuid follows the content


def test_many_groups_and_extents(tmp_path):
    """More data than one block group holds, and a file with a hole at every second block."""
    holes = b"".join(os.urandom(4096) + bytes(4096) for _ in range(1500))
    big = os.urandom(1 << 20) * 200
    part = make(tmp_path, tar(tmp_path / "big.tar", [entry("big", data=big), entry("holes", data=holes)]), size="512M")
    disks.fsck(part)
    tree = disks.ext_tree(part, tmp_path / "tree")
    assert (tree / "big").read_bytes() == big and (tree / "holes").read_bytes() == holes


def cpio_entry(name, data=b"", mode=0o100644, *, size=None):
    name = name.encode() + b"\0"
    fields = [1, mode, 0, 0, 1, 0, len(data) if size is None else size, 0, 0, 0, 0, len(name), 0]
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name
    head += bytes(-len(head) % 4)
    return head + data + bytes(-len(data) % 4)


HOSTILE = {
    "up": (lambda p: tar(p, [entry("../../etc/passwd", data=b"x")]), "out of the tree"),
    "up in the middle": (lambda p: tar(p, [entry("a/../../b", data=b"x")]), "out of the tree"),
    "through a link": (lambda p: tar(p, [entry("a", tarfile.SYMTYPE, linkname="/etc"), entry("a/b", data=b"x")]),
                       "symbolic link"),
    "through a file": (lambda p: tar(p, [entry("a", data=b""), entry("a/b", data=b"x")]), "no folder"),
    "hard link out": (lambda p: tar(p, [entry("a", tarfile.LNKTYPE, linkname="../../etc/passwd")]), "hard link"),
    "hard link to nothing": (lambda p: tar(p, [entry("a", tarfile.LNKTYPE, linkname="b")]), "hard link"),
    "hard link to a folder": (lambda p: tar(p, [entry("d", tarfile.DIRTYPE), entry("a", tarfile.LNKTYPE, linkname="d")]),
                              "a folder"),
    "a name too long": (lambda p: tar(p, [entry("n" * 300, data=b"x")]), "longer than"),
    "a folder by a file": (lambda p: tar(p, [entry("d/x", data=b"x"), entry("d", data=b"y")]), "not empty"),
    "absurd size": (lambda p: p.write_bytes(cpio_entry("x", b"abc", size=0xffffffff) + cpio_entry("TRAILER!!!")), ""),
    "cut short": (lambda p: p.write_bytes(tar(p, [entry("x", data=bytes(100000))]).read_bytes()[:50000]), ""),
    "deep": (lambda p: tar(p, [entry("/".join(["d"] * 600), data=b"x")]), "deep"),
    "larger than the image": (lambda p: tar(p, [entry("x", data=b"x" * (70 << 20))]), "too small"),
    "lost+found is a file": (lambda p: tar(p, [entry("lost+found", data=b"x")]), "lost+found"),
    "nothing": (lambda p: p.write_bytes(b""), ""),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archives(tmp_path, name):
    make_archive, message = HOSTILE[name]
    path = tmp_path / "bad"
    make_archive(path)
    before = os.listdir(tmp_path) + ["one.cfg"]
    result = make(tmp_path, path, check=False)
    assert result.returncode not in (0, 1) and message in result.stderr, result.stderr
    assert not disks.left_over(tmp_path, before)


def test_an_absolute_name_stays_inside(tmp_path):
    part = make(tmp_path, tar(tmp_path / "a.tar", [entry("/etc/hostname", data=b"in\n")]))
    assert (disks.ext_tree(part, tmp_path / "tree") / "etc/hostname").read_bytes() == b"in\n"


def test_folder_as_it_is(tmp_path):
    tree = small_tree(tmp_path / "tree")
    os.setxattr(tree / "a/file", "user.x", b"y")
    os.mkfifo(tree / "fifo")
    part = make(tmp_path, tree)
    disks.fsck(part)
    assert 'user.x (1) = "y"' in disks.call("debugfs", "-R", "ea_list /hard", part).stdout
    assert disks.ext_stat(part, "/fifo")["type"] == "FIFO"


@pytest.mark.parametrize("more,key,value", [
    ('features = "^has_journal,^metadata_csum"', "Filesystem features", "has_journal"),
    ('extraargs = "-U 01234567-89ab-cdef-0123-456789abcdef"', "Filesystem UUID", "01234567-89ab-cdef-0123-456789abcdef"),
    ('fs-timestamp = "20000101000000"', "Filesystem created", "Sat Jan  1 00:00:00 2000"),
])
def test_options(tmp_path, more, key, value):
    part = make(tmp_path, small_tree(tmp_path / "tree"), more=more)
    disks.fsck(part)
    found = disks.ext_info(part)[key]
    assert value not in found.split() and "metadata_csum" not in found if "^" in more else found == value


@pytest.mark.parametrize("size", ["300K", "1M", "3M", "9M", "129M", "5G"])
def test_sizes(tmp_path, size):
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/x").write_bytes(b"x" * 5000)
    part = make(tmp_path, tmp_path / "tree", size=size)
    disks.fsck(part)
    number, unit = re.match(r"(\d+)(.)", size).groups()
    assert os.path.getsize(part) == int(number) << {"K": 10, "M": 20, "G": 30}[unit]
    assert os.stat(part).st_blocks * 512 < 8 << 20
    with open(part, "rb") as file:
        file.seek(1024 + 56)
        assert struct.unpack("<H", file.read(2))[0] == 0xef53
