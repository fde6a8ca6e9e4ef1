# SPDX-License-Identifier: MIT
"""uuu judges the fastboot model over USB."""
import json
import os
import subprocess

import pytest

from usb_peers import Sim, run_peer

MIB = 1 << 20
PARTITIONS = "partitions=name=boot,start=1M,size=8M;name=root,size=-"


@pytest.fixture
def board(tmp_path):
    """A board with one of the ids that uuu 1.4 knows; its download buffer is small."""
    with Sim("fastboot", "--id", "18d1:0d02", "--buffer", "1M", "--media", "mmc1=emmc:32M", "--env", PARTITIONS,
             cwd=tmp_path) as models:
        yield models


def uuu(board, *words, **more):
    """One command, or a script of them; polling is what it has instead of events."""
    return run_peer(board, "uuu", "-pp", "20", *words, **more)


def test_list(board):
    words = [line.split() for line in uuu(board, "-lsusb").splitlines()]
    assert ["1:1", "FB:", "0x18D1", "0x0D02", "0x0223"] in words


def test_getvar(board):
    assert "0.4" in uuu(board, "-v", "FB:", "getvar", "version")
    assert "0x00100000" in uuu(board, "-v", "FB:", "getvar", "max-download-size")
    assert "Variable not implemented" in uuu(board, "FB:", "getvar", "nonsense", status=255)


def test_script(board, tmp_path):
    """Partitions are made, written and erased as a factory's script does."""
    small, large = os.urandom(6000), os.urandom(5 * MIB + 123)
    (tmp_path / "small").write_bytes(small)
    (tmp_path / "large").write_bytes(large)
    (tmp_path / "emmc").write_bytes(b"\xa5" * 32 * MIB)
    (tmp_path / "factory.auto").write_text("""uuu_version 1.2.39
FB: oem format
FB: flash boot small
FB: flash mmc1boot0 small
FB[-t 10000]: flash -raw2sparse root large
FB: oem partconf:1 1
FB: erase boot
FB: done
""")
    uuu(board, "factory.auto", cwd=tmp_path)
    medium = (tmp_path / "emmc").read_bytes()
    table = json.loads(subprocess.run(["sfdisk", "--json", tmp_path / "emmc"], check=True, capture_output=True).stdout)
    assert [part["name"] for part in table["partitiontable"]["partitions"]] == ["boot", "root"]
    assert (tmp_path / "emmc.boot1").read_bytes()[:6000] == small
    assert medium[9 * MIB:9 * MIB + len(large)] == large
    assert medium[MIB:MIB + 6000] != small  # erased


def test_flash_one(board, tmp_path):
    """A file goes to its place; the rest of the medium stays."""
    data = os.urandom(512 * 100 + 7)
    (tmp_path / "data").write_bytes(data)
    (tmp_path / "emmc").write_bytes(b"\xa5" * 32 * MIB)
    uuu(board, "FB:", "oem", "format")
    before = (tmp_path / "emmc").read_bytes()
    uuu(board, "FB:", "flash", "boot", tmp_path / "data")
    medium = (tmp_path / "emmc").read_bytes()
    end = MIB + len(data)
    assert medium[MIB:end] == data
    assert medium[:MIB] == before[:MIB]
    assert medium[MIB + 101 * 512:] == before[MIB + 101 * 512:]


def test_commands(tmp_path):
    """U-Boot's commands, as NXP's scripts send them: what was downloaded is written by `mmc write`."""
    data = os.urandom(64 * 512)
    (tmp_path / "data").write_bytes(data)
    (tmp_path / "write.auto").write_text("""uuu_version 1.2.39
FB: ucmd setenv where 800
FB: ucmd mmc dev 1
FB: download -f data
FB[-t 20000]: ucmd mmc write c0000000 ${where} 40
FB: acmd reset
FB: done
""")
    with Sim("fastboot", "--oem-run", "--absent", "20ms", "--id", "18d1:0d02", "--media", "mmc1=emmc:8M",
             cwd=tmp_path) as models:
        uuu(models, "write.auto", cwd=tmp_path)
        uuu(models, "FB:", "getvar", "version")  # it is there again
        assert "Error:" in uuu(models, "FB:", "ucmd", "mmc", "dev", "7", status=255)
    medium = (tmp_path / "emmc").read_bytes()
    assert medium[0x800 * 512:0x840 * 512] == data
    assert not any(medium[:0x800 * 512]) and not any(medium[0x840 * 512:])


@pytest.mark.parametrize("words, answer", [
    (["flash", "nowhere", "data"], "cannot find partition"),
    (["ucmd", "printenv"], "unsupported command"),
    (["acmd", "reset"], "unsupported command"),
    (["oem", "run:reset"], "unsupported command"),
])
def test_refused(board, tmp_path, words, answer):
    """The text of FAIL arrives, and the board can be asked again."""
    (tmp_path / "data").write_bytes(b"x" * 600)
    assert f"Error: {answer}" in uuu(board, "FB:", *words, status=255, cwd=tmp_path)
    uuu(board, "FB:", "getvar", "version")


def test_unplugged_in_the_middle(tmp_path):
    (tmp_path / "data").write_bytes(bytes(900000))
    with Sim("--fault", "cut@500000", "--absent", "10ms", "fastboot", "--id", "18d1:0d02", cwd=tmp_path) as models:
        assert "LIBUSB_ERROR_NO_DEVICE" in uuu(models, "FB:", "flash", "mmc1", tmp_path / "data", status=255)
        uuu(models, "FB:", "getvar", "version")


def test_reboot(board):
    uuu(board, "FB:", "reboot")
    uuu(board, "FB:", "getvar", "version")
