# SPDX-License-Identifier: MIT
"""Scripts in the layout's place: the model's U-Boot, and what becomes of the board."""
import hashlib
import os
import struct
import subprocess
import time
import zlib

import pytest

from stm32 import Board, boot, fip, leave, script
from test_fastboot_model import Fastboot
from usbip import Gone, Stalled, devlist, wait_for


def run(models, text, kind=Fastboot, chip="mp15"):
    """Boots, sends the script, detaches; what comes back."""
    board = boot(models, chip)
    assert board.put(0, script(text)) == (0, 2)
    assert board.get_phase()[0] == 0xFE
    number = board.info.devnum
    board.detach()
    board.close()
    return wait_for(models, kind=kind, other_than=number)


@pytest.mark.parametrize("chip", ["mp15", "mp25"])
def test_fastboot_instead_of_dfu(sim, tmp_path, chip):
    models = sim("stm32mp", "--chip", chip, "--media", "mmc0=sd:8M", "--absent", "5ms", "--fastboot-buffer", "1M")
    serial = Board(models)
    text = serial.serial
    serial.close()
    board = run(models, "fastboot usb 0", chip=chip)
    assert (board.info.vid, board.info.pid) == (0x0483, 0x0AFB) and board.string(3) == text
    data = os.urandom(100 << 10)
    assert board.command("getvar:max-download-size") == "OKAY0x00100000"
    assert board.flash("0:0", data) == "OKAY"
    assert (tmp_path / "sd").read_bytes()[:100 << 10] == data
    assert board.command("continue") == "OKAY"
    with pytest.raises(Gone):
        board.command("getvar:version")
    assert devlist(models) == {}


def test_verify_by_crc32_and_hash(sim, tmp_path):
    text = """# verify what is on the card
env set fastboot.state flashing
fastboot usb 0
mmc dev 0
if mmc read c2000000 10 8; then
	crc32 c2000000 1000 c3000000; setexpr crc *c3000000
	hash sha256 c2000000 fff *sum; hash crc32 c2000000 1000 *crc2
	env set fastboot.crc "${crc}"
	env set fastboot.crc2 $crc2
	env set fastboot.sum.$filesize $sum
else
	env set fastboot.crc failed
fi
false && env set fastboot.state wrong
test 1 -eq 2 || env set fastboot.state 'it is done'
fastboot usb 0
mmc erase 0 4000
reset
"""
    models = sim("stm32mp", "--media", "mmc0=sd:8M", "--absent", "5ms", "--console", "console")
    data = os.urandom(4096)
    board = run(models, text)
    assert board.command("getvar:state") == "OKAYflashing"
    assert board.flash("0:0", bytes(0x2000) + data) == "OKAY"
    number = board.info.devnum
    assert board.command("continue") == "OKAY"
    board = wait_for(models, kind=Fastboot, other_than=number)
    assert board.command("getvar:state") == "OKAYit is done"
    crc = zlib.crc32(data)
    swapped = struct.unpack("<I", struct.pack(">I", crc))[0]
    assert board.command("getvar:crc2") == f"OKAY{crc:08x}"
    assert board.command("getvar:crc") == f"OKAY{swapped:x}"
    assert board.command("getvar:sum.3000") == ("OKAY" + hashlib.sha256(data[:0xFFF]).hexdigest())[:64]
    number = board.info.devnum
    assert board.command("continue") == "OKAY"
    assert wait_for(models, kind=Board, other_than=number).get_phase()[0] == 1
    assert not any((tmp_path / "sd").read_bytes())
    console = (tmp_path / "console").read_text()
    assert "mmc0 is current device" in console and f"==> {crc:08x}" in console


def test_features_that_are_not_built(sim):
    text = """crc32 c0000000 10 || env set fastboot.crc absent
hash sha256 c0000000 10 || env set fastboot.hash absent
mmc dev 5 || env set fastboot.dev absent
mmc read 10 0 1 || env set fastboot.ram none
fastboot usb 0
"""
    models = sim("stm32mp", "--absent", "5ms", "--no-crc32", "--no-hash")
    board = run(models, text)
    for name, value in (("crc", "absent"), ("hash", "absent"), ("dev", "absent"), ("ram", "none")):
        assert board.command(f"getvar:{name}") == f"OKAY{value}"


def test_no_fastboot_ends_at_the_prompt(sim):
    models = sim("stm32mp", "--absent", "5ms", "--no-fastboot")
    with pytest.raises(AssertionError, match="did not come back"):
        board = boot(models)
        board.put(0, script("fastboot usb 0"))
        board.detach()
        wait_for(models, timeout=0.5, other_than=board.info.devnum)


def test_no_script_slot(sim):
    models = sim("stm32mp", "--absent", "5ms", "--no-script-slot")
    board = boot(models)
    board.put(0, script("fastboot usb 0"))
    assert board.get_phase()[0] == 0xFF and board.get_phase()[3].startswith(b"Layout")


def test_a_damaged_script_is_no_script(sim):
    models = sim("stm32mp", "--absent", "5ms")
    board = boot(models)
    board.put(0, script("fastboot usb 0")[:-1] + b"1")
    assert board.get_phase()[0] == 0xFF


def test_setexpr_and_words(sim):
    text = ("setexpr a 10 + 2; setexpr b $a * 3; env set c 'x y'; env set fastboot.r \"$a $b ${c}\"\n"
            "if test \"$c\" = \"x y\"; then if test -z \"$d\"; then env set fastboot.n nested; fi; else env set fastboot.n no; fi\n"
            "setenv e; fastboot usb 0")
    board = run(sim("stm32mp", "--absent", "5ms"), text)
    assert board.command("getvar:r") == "OKAY12 36 x y"
    assert board.command("getvar:n") == "OKAYnested"


def test_stage_of_a_fault(sim):
    models = sim("stm32mp", "--absent", "5ms", "--fault", "fastboot:stall@2")
    board = run(models, "fastboot usb 0")
    board.bulk_out(1, b"getvar:version")
    with pytest.raises(Stalled):
        board.bulk_in(1, 64)


def test_images_of_mkimage(sim, tmp_path):
    """Headers and scripts that U-Boot's own tool makes are taken."""
    (tmp_path / "fsbl").write_bytes(os.urandom(3001))
    (tmp_path / "text").write_text("env set fastboot.made mkimage\nfastboot usb 0\n")
    for argv in (["-T", "stm32image", "-a", "0x2ffc2500", "-e", "0x2ffc2500", "-d", "fsbl", "fsbl.stm32"],
                 ["-A", "arm", "-T", "script", "-C", "none", "-d", "text", "text.img"]):
        subprocess.run(["mkimage", *argv], cwd=tmp_path, check=True, capture_output=True)
    models = sim("stm32mp", "--absent", "5ms")
    board = Board(models)
    assert board.put(1, (tmp_path / "fsbl.stm32").read_bytes()) == (0, 2)
    assert board.put(board.get_phase()[0], fip()) == (0, 2)
    board = leave(board, models)
    assert board.put(0, (tmp_path / "text.img").read_bytes()) == (0, 2)
    number = board.info.devnum
    board.detach()
    board.close()
    assert wait_for(models, kind=Fastboot, other_than=number).command("getvar:made") == "OKAYmkimage"


def test_a_script_takes_its_time(sim):
    models = sim("stm32mp", "--absent", "1ms", "--read-rate", "1M", "--media", "mmc0=:8M")
    began = time.monotonic()
    run(models, "mmc dev 0; mmc read c2000000 0 400; fastboot usb 0").close()
    assert time.monotonic() - began > 0.5
