# SPDX-License-Identifier: MIT
"""What is in an image, as other people's programs see it."""
import hashlib
import json
import os
import re
import subprocess
from xml.etree import ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
ABOARD = os.path.abspath(os.environ.get("ABOARD", os.path.join(HERE, "..", "..", "build", "src", "cli", "aboard")))
SECTOR = 512
LIMIT_S = 120
EPOCH = "1700000000"


def call(*argv, check=True, env=None, **more):
    environment = dict(os.environ, TZ="UTC", LC_ALL="C.UTF-8", PATH=os.environ["PATH"] + ":/usr/sbin:/sbin", **(env or {}))
    return subprocess.run([str(word) for word in argv], env=environment, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, check=check, timeout=LIMIT_S, **more)


def aboard(*argv, cwd, check=True, env=None):
    """`aboard build disk`."""
    result = call(ABOARD, "build", "disk", *argv, cwd=cwd, check=False, env={"SOURCE_DATE_EPOCH": EPOCH, **(env or {})})
    assert "Sanitizer" not in result.stderr, result.stderr
    if check:
        assert result.returncode == 0, result.stderr
    return result


def table(image):
    """The partition table as sfdisk reads it."""
    return json.loads(call("sfdisk", "-J", image).stdout)["partitiontable"]


def places(image):
    """(number, start, size) of each partition, in sectors."""
    return [(int(re.search(r"(\d+)$", part["node"]).group(1)), part["start"], part["size"])
            for part in table(image)["partitions"]]


def verify_table(image):
    text = call("sfdisk", "--verify", image).stdout
    assert "No errors detected" in text, text
    if table(image)["label"] == "gpt":
        text = call("sgdisk", "-v", image).stdout
        assert "No problems found" in text and "Warning" not in text, text


def cut(image, start, size, out):
    """A partition as a file of its own; holes stay holes."""
    call("dd", f"if={image}", f"of={out}", f"bs={SECTOR}", f"skip={start}", f"count={size}", "conv=sparse")
    os.truncate(out, size * SECTOR)
    return out


def fsck(part):
    with open(part, "rb") as file:
        file.seek(1080)
        is_ext = file.read(2) == b"\x53\xef"
    if is_ext:
        result = call("e2fsck", "-fn", part, check=False)
        assert result.returncode == 0, result.stdout
        assert "<y>" not in result.stdout and "Fix" not in result.stdout
    else:
        result = call("fsck.fat", "-n", part, check=False)
        assert result.returncode == 0 and "differ" not in result.stdout, result.stdout
    return "ext" if is_ext else "fat"


def ext_info(part):
    text = call("dumpe2fs", "-h", part).stdout
    return dict(re.findall(r"^([^:\n]+):\s+(.*)$", text, re.M))


def ext_tree(part, out):
    """rdump by debugfs: what is in the file system, without lost+found."""
    os.mkdir(out)
    call("debugfs", "-R", f"rdump / {out}", part)
    os.rmdir(os.path.join(out, "lost+found"))
    return out


def ext_stat(part, path):
    text = call("debugfs", "-R", f'stat "{path}"', part).stdout
    found = {}
    for name, pattern in {"mode": r"Mode:\s+(\d+)", "uid": r"User:\s+(\d+)", "gid": r"Group:\s+(\d+)",
                          "size": r"Size: (\d+)", "links": r"Links: (\d+)", "type": r"Type: (.*?)\s+Mode",
                          "mtime": r" mtime: 0x([0-9a-f]+)", "inode": r"Inode: (\d+)",
                          "device": r"Device major/minor number: (\S+)", "target": r'Fast link dest: "(.*)"'}.items():
        match = re.search(pattern, text)
        found[name] = match.group(1) if match else None
    return found


def listing(folder):
    """Lines as in a recording's `contents`."""
    lines = []
    for here, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(here, name)
            inside = os.path.relpath(path, folder)
            if os.path.islink(path):
                lines.append(f"l {os.readlink(path)} {inside}")
            elif os.path.isdir(path):
                lines.append(f"d - {inside}")
            else:
                lines.append(f"f {os.path.getsize(path)} {inside}")
    return sorted(lines)


def fat_tree(part, out):
    """What mtools find, copied out."""
    os.mkdir(out)
    call("mcopy", "-s", "-n", "-i", part, "::*", out, env={"MTOOLS_SKIP_CHECK": "1"})
    return out


def full_medium(path, size):
    """Storage that had other data on it before."""
    with open(path, "wb") as file:
        for _ in range(0, size, 4096):
            file.write(b"\x5a" * 4096)
        file.truncate(size)
    return path


def write_by_map(image, medium):
    """What a flasher does with a block map; bmaptool has its say about the map first. (It would empty a file that it
    copies to, so it is not the one to write.)"""
    call("bmaptool", "copy", "--bmap", f"{image}.bmap", image, f"{medium}.bmaptool")
    os.unlink(f"{medium}.bmaptool")
    root = ElementTree.parse(f"{image}.bmap").getroot()
    block, size = int(root.findtext("BlockSize")), int(root.findtext("ImageSize"))
    full_medium(medium, size)
    mapped = 0
    with open(image, "rb") as source, open(medium, "r+b") as target:
        for item in root.find("BlockMap"):
            first, _, last = item.text.strip().partition("-")
            start, end = int(first) * block, min((int(last or first) + 1) * block, size)
            source.seek(start)
            data = source.read(end - start)
            assert hashlib.sha256(data).hexdigest() == item.get("chksum")
            target.seek(start)
            target.write(data)
            mapped += end - start
    return mapped


def left_over(folder, before):
    return sorted(set(os.listdir(folder)) - set(before))
