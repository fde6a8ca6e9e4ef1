# SPDX-License-Identifier: MIT
"""STM32 headers against U-Boot's mkimage and dumpimage (which know version 1 only)."""
import json
import os

import pytest

from fitrig import fixture_work  # noqa: F401


def test_same_bytes_as_mkimage(work):
    work.write("in", os.urandom(5000))
    work.built("build", "stm32", "in", "ours", "--load", "0x2ffc2500", "--entry", "0x2ffc2600")
    work.need("mkimage", "-T", "stm32image", "-a", "0x2ffc2500", "-e", "0x2ffc2600", "-d", "in", "theirs")
    assert work.read("ours") == work.read("theirs")
    listed = work.need("dumpimage", "-l", "ours")
    assert "STM32 V1.0" in listed and "5000 bytes" in listed and "0x2ffc2600" in listed


@pytest.mark.parametrize("version,size", [("1", 256), ("2.0", 512), ("2.2", 512), ("2.3", 576)])
def test_made_and_told(work, version, size):
    work.write("in", b"loader" * 100)
    work.built("build", "stm32", "in", "out", "--version", version, "--load", "0x2ffc2500", "--type", "0x10",
               "--version-number", "7")
    assert work.read("out")[size:] == work.read("in")
    told = json.loads(work.built("--json", "inspect", "out"))
    assert told["kind"] == "stm32" and told["state"] == "good" and told["size"] == size + 600
    facts = told["facts"]
    assert (facts["load"], facts["entry"], facts["type"]) == ("0x2ffc2500", "0x2ffc2500", "0x10")
    assert facts["version"].startswith(version) and facts["version-number"] == 7 and facts["signed"] is False


def test_damage_is_told(work):
    work.write("in", b"loader" * 100)
    work.built("build", "stm32", "in", "out")
    image = bytearray(work.read("out"))
    image[300] ^= 1
    work.write("out", bytes(image))
    assert "is damaged" in work.refused(6, "inspect", "out")
    told = work.aboard("inspect", "out").stdout
    assert "BAD  checksum" in told


def test_wrong_use(work):
    work.write("in", b"loader")
    work.write("empty", b"")
    assert "2.3" in work.refused(2, "build", "stm32", "in", "out", "--version", "9")
    work.refused(2, "build", "stm32", "in", "out", "--load", "0x100000000")
    work.refused(2, "build", "stm32", "in", "out", "--type", "256")
    work.refused(2, "build", "stm32", "in")
    work.refused(6, "build", "stm32", "empty", "out")
    work.refused(2, "build", "stm32", "in", "./in")
    work.refused(4, "build", "stm32", "missing", "out")
    work.built("build", "stm32", "in", "twice")
    assert "already" in work.refused(6, "build", "stm32", "twice", "out")
    assert not os.path.exists(work.folder / "out")
    assert "loads at most" in work.aboard("build", "stm32", big(work), "out").stderr


def big(work):
    return work.write("big", bytes(300 << 10))
