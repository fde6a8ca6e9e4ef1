# SPDX-License-Identifier: MIT
"""The STM32MP model: its stages, its phases and its media, with a host that shares no code with it."""
import json
import os
import struct
import subprocess
import time

import pytest

from stm32 import Board, boot, fip, flash, image, leave
from usbip import Dfu, Gone, Stalled, devlist, wait_for

UNDEFINED = 0xFFFFFFFF

SD = b"""#Opt\tId\tName\tType\tIP\tOffset\tBinary
-\t0x01\tfsbl-boot\tBinary\tnone\t0x0\ttf-a.stm32
-\t0x03\tfip-boot\tFIP\tnone\t0x0\tfip.bin
P\t0x04\tfsbl1\tBinary\tmmc0\t0x4400\ttf-a.stm32
P\t0x05\tfsbl2\tBinary\tmmc0\t0x44400\ttf-a.stm32
PD\t0x06\tfip-a\tFIP\tmmc0\t0x84400\tfip.bin
PED\t0x0A\tu-boot-env\tENV\tmmc0\t0x484400\tnone
P\t0x10\tbootfs\tSystem\tmmc0\t\t0x504400\tbootfs.ext4
P\t0x11\trootfs\tFileSystem\tmmc0\t0x904400\trootfs.ext4
"""


def expect_end(sim, busid="1-1"):
    with pytest.raises(AssertionError, match="did not come back"):
        wait_for(sim, busid, timeout=0.5)


def test_mp15_stages(sim):
    models = sim("stm32mp", "--absent", "20ms")
    board = Board(models)
    assert (board.info.vid, board.info.pid, board.info.release) == (0x0483, 0xDF11, 0x0200)
    assert board.product == "DFU in HS Mode @Device ID /0x500, @Revision ID /0x0000"
    assert len(board.serial) == 24
    assert board.alts() == {0: "@Partition0 /0x00/1*256Ke", 1: "@FSBL /0x01/1*1Me", 2: "@Partition2 /0x02/1*1Me",
                            3: "@Partition3 /0x03/1*16Me", 4: "@Partition4 /0x04/1*16Me",
                            5: "@virtual /0xF1/1*512Ba"}
    assert board.block == 1024 and len(board.descriptor(2)) == 9 * (6 + 2)
    assert board.get_phase()[0] == 1
    number = board.info.devnum
    assert board.put(1, image("mp15", os.urandom(3000))) == (0, 2)
    # the same session goes on, in TF-A
    assert board.get_phase() == (3, 0xC7000000, 0, b"")
    board.select(board.phases[3])
    board.download(0, fip())
    assert board.status() == (0, 0, 3) and board.status() == (0, 0, 5)
    board.download(1, b"")
    assert board.settle() == (0, 2)
    assert board.get_phase() == (0, UNDEFINED, 0, b"\1")
    serial = board.serial
    board = leave(board, models)
    assert board.info.devnum != number and board.serial == serial
    assert board.product.startswith("USB download gadget@Device ID /0x500, @Revision ID /0x2000, @Name /STM32MP157")
    assert list(board.alts().values()) == ["@FlashLayout/0x00/1*256Ke", "@virtual/0xf1/1*512Be", "@OTP/0xf2/1*776Be",
                                           "@PMIC/0xf4/1*8Be"]
    assert board.block == 4096
    assert board.get_phase() == (0, 0xC2000000, 0, b"\0")
    board.select(board.phases[0xF1])
    with pytest.raises(Stalled):
        board.upload(0, 8)


@pytest.mark.parametrize("chip, stages", [("mp13", [1, 0, 3, 0]), ("mp25", [1, 0, 2, 0, 3, 0]),
                                          ("mp21", [1, 0, 2, 0, 3, 0]), ("mp23", [1, 0, 2, 0, 3, 0])])
def test_stages_of_others(sim, chip, stages):
    models = sim("stm32mp", "--chip", chip, "--absent", "20ms")
    board, seen = Board(models), []
    while True:
        phase, _, _, extra = board.get_phase()
        if phase == 0 and extra == b"\0":
            break
        seen.append(phase)
        if phase == 0:
            board = leave(board, models)
        else:
            assert board.put(phase, image(chip, b"x") if phase == 1 else fip()) == (0, 2)
    assert seen == stages
    assert board.block == 4096
    wanted = 776 if chip == "mp13" else 2952
    assert f"@OTP/0xf2/1*{wanted}Be" in board.alts().values()


def test_flash_sd(sim, tmp_path):
    models = sim("stm32mp", "--media", "mmc0=sd.img:32M", "--absent", "20ms", "--dfu-buffer", "64K")
    files = {4: os.urandom(5000), 5: os.urandom(6000), 6: fip(os.urandom(3000)), 0x10: os.urandom(300000),
             0x11: os.urandom(1 << 20)}
    (tmp_path / "sd.img").write_bytes(b"\xa5" * (32 << 20))
    board = boot(models)
    assert flash(board, models, SD, files) == [4, 5, 6, 0x10, 0x11]
    expect_end(models)
    media = (tmp_path / "sd.img").read_bytes()
    for offset, data in zip((0x4400, 0x44400, 0x84400, 0x504400, 0x904400), files.values()):
        assert media[offset:offset + len(data)] == data
    assert not any(media[0x484400:0x504400])  # PED: erased
    table = json.loads(subprocess.run(["sfdisk", "--json", "sd.img"], cwd=tmp_path, check=True,
                                      capture_output=True).stdout)["partitiontable"]
    assert table["label"] == "gpt" and table["firstlba"] == 34
    parts = table["partitions"]
    assert [part["name"] for part in parts] == ["fsbl1", "fsbl2", "fip-a", "u-boot-env", "bootfs", "rootfs"]
    assert [part["start"] * 512 for part in parts] == [0x4400, 0x44400, 0x84400, 0x484400, 0x504400, 0x904400]
    assert parts[-1]["start"] + parts[-1]["size"] == (32 << 20) // 512 - 35
    assert parts[4]["attrs"] == "LegacyBIOSBootable" and "attrs" not in parts[5]
    assert parts[5]["uuid"] == "E91C4E10-16E6-4C0E-BD0E-77BECF4A3582"
    assert parts[2]["type"] == "19D5DF83-11B0-457B-BE2C-7559C13142A5"
    subprocess.run(["sgdisk", "--verify", "sd.img"], cwd=tmp_path, check=True)


def test_partition_alternates(sim):
    models = sim("stm32mp", "--media", "mmc0=:32M", "--absent", "20ms")
    board = boot(models)
    board.put(0, SD)
    assert board.get_phase() == (0, 0xC2000000, 0, b"\1")
    board = leave(board, models)
    assert list(board.alts().values())[:6] == [
        "@fsbl1/0x04/1*256Ke", "@fsbl2/0x05/1*256Ke", "@fip-a/0x06/1*4Me",
        "@u-boot-env/0x0a/1*512Ka", "@bootfs/0x10/1*4Me", "@rootfs/0x11/1*22Me"]
    assert board.get_phase() == (4, UNDEFINED, 0, b"")


def test_emmc_boot_partitions(sim, tmp_path):
    layout = (b"P\t0x04\tfsbl1\tBinary\tmmc1\tboot1\tx\nP\t0x05\tfsbl2\tBinary\tmmc1\tboot2\tx\n"
              b"P\t0x10\trootfs\tFileSystem\tmmc1\t0x80000\tx\n")
    models = sim("stm32mp", "--media", "mmc1=emmc:32M", "--absent", "20ms")
    files = {4: os.urandom(5000), 5: os.urandom(6000), 0x10: os.urandom(7000)}
    assert flash(boot(models), models, layout, files) == [4, 5, 0x10]
    assert (tmp_path / "emmc.boot1").read_bytes()[:5000] == files[4]
    assert (tmp_path / "emmc.boot2").read_bytes()[:6000] == files[5]
    assert (tmp_path / "emmc").read_bytes()[0x80000:0x80000 + 7000] == files[0x10]


def test_nand_copies(sim, tmp_path):
    layout = (b"P\t0x04\tfsbl1\tBinary(2)\tnand0\t0x0\tx\n-\t0x05\tfsbl2\tBinary\tnand0\t0x80000\tx\n"
              b"-\t0x06\tm1\tBinary\tnand0\t0x100000\tx\n-\t0x07\tm2\tBinary\tnand0\t0x180000\tx\n"
              b"P\t0x08\tfip-a1\tFIP\tnand0\t0x200000\tx\n-\t0x09\tfip-a2\tFIP\tnand0\t0x600000\tx\n"
              b"-\t0x0a\tfip-b1\tFIP\tnand0\t0xA00000\tx\n-\t0x0b\tfip-b2\tFIP\tnand0\t0xE00000\tx\n"
              b"-\t0x10\tubi\tSystem\tnand0\t0x1200000\tx\n")
    models = sim("stm32mp", "--media", "nand0=nand:32M", "--absent", "20ms")
    files = {4: os.urandom(150000), 8: os.urandom(100)}
    assert flash(boot(models), models, layout, files) == [4, 8]
    media = (tmp_path / "nand").read_bytes()
    assert media[:150000] == files[4] and media[0x40000:0x40000 + 150000] == files[4]


def failing(models, layout):
    """The text of a layout that is refused."""
    board = boot(models)
    assert board.put(0, layout) == (0, 2)
    phase, _, _, text = board.get_phase()
    if phase == 0:
        board = leave(board, models)
        phase, _, _, text = board.get_phase()
        assert "@FlashLayout" in board.alts()[0]
    assert phase == 0xFF
    return text.decode()


@pytest.mark.parametrize("line, text", [
    ("X\t0x10\ta\tBinary\tmmc0\t0x4400", "Layout line 2: invalid option 'X'"),
    ("ED\t0x10\ta\tBinary\tmmc0\t0x4400", "Layout line 2: missing 'P'"),
    ("P\t0xF1\ta\tBinary\tmmc0\t0x4400", "Layout line 2: invalid phase value 0xF1"),
    ("P\t0x10\tabcdefghijklmnopq\tBinary\tmmc0\t0x4400", "Layout line 2: partition name too long"),
    ("P\t0x10\ta\tbinary\tmmc0\t0x4400", "Layout line 2: invalid type 'binary'"),
    ("P\t0x10\ta\tBinary\tmmc10\t0x4400", "Layout line 2: invalid ip 'mmc10'"),
    ("P\t0x10\ta\tBinary\tnone\t0x4400", "Layout line 2: ip none not allowed"),
    ("P\t0x10\ta\tBinary\tmmc0\tboot3", "Layout line 2: bad boot part"),
    ("P\t0x10\ta\tBinary\tmmc0\t64K", "Layout line 2: bad offset '64K'"),
    ("P\t0x10\ta\tBinary\tmmc0", "Layout line 2: not enough columns"),
    ("P\t0x00\ta\tBinary\tmmc0\t0x4400", "Layout: invalid phase = 0x0"),
    ("P\t0x10\ta\tBinary\tmmc0\t0x4400\nP\t16\tb\tBinary\tmmc0\t0x8400", "Layout: duplicated phase 0x10"),
    ("", "Layout: no partition found"),
    ("-\t0x10\ta\tBinary\tmmc0\t0x4400", "Layout: selected none phase"),
    ("P\t0x10\ta\tBinary\tmmc2\t0x4400", "mmc2 device not found"),
    ("P\t0x10\ta\tBinary\tmmc0\t0x4000", "a (0x10): address 0x4000 is below the minimum 0x4400"),
    ("P\t0x10\ta\tBinary\tmmc0\t0x4000000", "a (0x10): address 0x4000000 is above the maximum"),
    ("P\t0x10\ta\tBinary\tmmc0\t0x4401", "a (0x10): not aligned on erase size 0x200"),
    ("P\t0x10\ta\tBinary\tmmc0\tboot1", "a (0x10): hw partition not expected"),
    ("P\t0x10\ta\tBinary\tmmc0\t0x4400\nP\t0x11\tb\tBinary\tmmc0\t0x4400", "a (0x10): same address than b (0x11)"),
    ("P\t0x10\tfsbl\tBinary(2)\tmmc0\t0x4400", "fsbl (0x10): multiple binary 2 not supported"),
    ("P\t0x10\ta\tBinary\tmmc0\t0x4400\n-\t0x11\tb\tBinary\tmmc0\t0x8400", "a (0x10): partition 1 not found on mmc0"),
    ("P\t0x10\ta\tBinary\tmmc1\t0x80200", "a (0x10): not aligned on erase size 0x80000"),
])
def test_layout_errors(sim, line, text):
    models = sim("stm32mp", "--absent", "5ms")
    assert failing(models, f"#Opt\tId\n{line}\n".encode()).startswith(text)


def test_partial_update(sim):
    models = sim("stm32mp", "--media", "mmc0=sd:32M", "--absent", "5ms")
    files = {4: b"a" * 100, 5: b"b", 6: fip(), 0x10: b"c", 0x11: b"d"}
    flash(boot(models), models, SD, files)
    models.stop()
    partial = SD.replace(b"P\t0x04", b"-\t0x04").replace(b"P\t0x05", b"-\t0x05")
    again = sim("stm32mp", "--media", "mmc0=sd:32M", "--absent", "5ms")
    assert flash(boot(again), again, partial, files) == [6, 0x10, 0x11]
    again.stop()
    wrong = sim("stm32mp", "--media", "mmc0=sd:32M", "--absent", "5ms")
    assert failing(wrong, partial.replace(b"0x44400", b"0x48400")).startswith(
        "fsbl1 (0x4): wrong size 0x44000, expected 0x40000")


def test_layout_with_header(sim):
    models = sim("stm32mp", "--absent", "5ms")
    board = boot(models)
    wrapped = image("mp15", b"P\t0x10\ta\tRawImage\tmmc0\t0x0\tx\n")
    assert board.put(0, wrapped[:0x44] + bytes([wrapped[0x44] ^ 1]) + wrapped[0x45:]) == (0, 2)
    assert board.get_phase()[3].startswith(b"Layout: bad checksum")
    number = board.info.devnum
    board.detach()
    board.close()
    expect_end(models)  # at its prompt, for ever
    assert number


def test_old_tfa_asks_for_the_layout_first(sim):
    models = sim("stm32mp", "--old-tfa", "--absent", "5ms")
    board = Board(models)
    board.put(1, image("mp15", b"tfa"))
    assert board.get_phase()[0] == 0 and board.get_phase()[3] == b"\0"
    board.put(0, image("mp15", b"P\t0x10\tsd\tRawImage\tmmc0\t0x0\tx\n"))
    assert board.get_phase()[0] == 3
    board.put(3, image("mp15", b"u-boot"))
    assert board.get_phase()[3] == b"\1"
    board = leave(board, models)
    assert board.get_phase()[0] == 0x10 and board.alts()[0] == "@sd/0x10/1*64Me"


def test_resume_and_order(sim, tmp_path):
    models = sim("stm32mp", "--media", "mmc0=sd:32M", "--absent", "5ms")
    board = boot(models)
    board.put(0, SD)
    board = leave(board, models)
    data = os.urandom(40960)
    board.set_phase(0x11, 0)
    assert board.get_phase()[0] == 0x11
    board.set_phase(0x11, 8192)
    assert board.get_phase()[:3] == (0x11, UNDEFINED, 8192)
    assert board.put(0x11, data) == (0, 2)
    assert board.get_phase()[0] == 0xFE
    assert board.get(0x11, 49152)[8192:49152] == data
    assert (tmp_path / "sd").read_bytes()[0x904400 + 8192:0x904400 + 49152] == data


def test_uboot_refusals(sim):
    models = sim("stm32mp", "--media", "mmc0=:32M", "--absent", "5ms")
    board = boot(models)
    with pytest.raises(Stalled):
        board.download(0, b"")
    assert board.status()[2] == 10
    with pytest.raises(Stalled):
        board.detach()
    board.select(0)  # SET_INTERFACE recovers
    assert board.status() == (0, 0, 2)
    board.download(0, b"#\n")
    board.status()
    with pytest.raises(Stalled):
        board.download(2, b"#\n")
    assert board.status() == (14, 0, 10)


def test_write_errors(sim):
    models = sim("stm32mp", "--media", "mmc0=:32M", "--absent", "5ms", "--dfu-buffer", "8K", "--fault",
                 "uboot:write-error@120")
    board = boot(models)
    board.put(0, SD)
    board = leave(board, models)
    assert board.put(4, bytes(65536)) == (14, 10)
    assert board.get_phase()[0] == 0xFF
    assert board.get_phase()[3] == b"DFU write error on fsbl1 (0x4)"
    board = leave(board, models)
    assert board.get_phase()[0] == 1  # the board was reset


def test_last_flush_fails(sim):
    models = sim("stm32mp", "--media", "mmc0=:32M", "--absent", "5ms", "--fault", "uboot:write-error@100")
    board = boot(models)
    board.put(0, SD)
    board = leave(board, models)
    number = board.info.devnum
    with pytest.raises(Gone):
        board.put(4, bytes(65536))
    assert wait_for(models, kind=Board, other_than=number).get_phase()[0] == 1


def test_tfa_errors(sim):
    models = sim("stm32mp", "--absent", "5ms")
    board = Board(models)
    board.put(1, image("mp15", b"tfa"))
    with pytest.raises(Stalled):
        board.put(2, b"not this")
    phase, address, _, text = board.get_phase()
    assert (phase, address) == (0xFF, UNDEFINED) and text == b"Phase 0x2 is not expected here"


def test_rom_refuses(sim):
    models = sim("stm32mp", "--chip", "mp13", "--count", "3")
    for busid, data in (("1-1", image("mp15", b"old header")), ("1-2", b"junk"),
                        ("1-3", image("mp13", bytes(129 << 10)))):
        board = Board(models, busid)
        assert board.put(1, data) == (0, 2)
        assert board.get_phase()[0] == 0xFF
        board.close()


def test_otp_and_pmic(sim, tmp_path):
    (tmp_path / "otp").write_bytes(struct.pack("<I", 0x17) + bytes(380))
    models = sim("stm32mp", "--otp", "otp", "--absent", "5ms")
    board = boot(models)
    words = bytearray(board.get(0xF2))
    assert len(words) == 776 and struct.unpack("<IIII", words[:16]) == (2, 0, 0x17, 0)
    struct.pack_into("<II", words, 8 + 8 * 59, 0x12345678, 0x80000000 | 0x40000000)
    struct.pack_into("<I", words, 8 + 8 * 60, 0x99)  # without the flag: nothing is written
    assert board.put(0xF2, bytes(words)) == (0, 2)
    again = board.get(0xF2)
    assert struct.unpack("<IIII", again[8 + 8 * 59:24 + 8 * 59]) == (0x12345678, 0x40000000, 0, 0)
    assert (tmp_path / "otp").read_bytes()[59 * 4:61 * 4] == struct.pack("<II", 0x12345678, 0)
    assert board.get(0xF4) == bytes(8)
    assert board.put(0xF4, b"pmicnvm!") == (0, 2)
    assert board.get(0xF4) == b"pmicnvm!"


def test_reset_after_detach_reboots(sim):
    models = sim("stm32mp", "--absent", "5ms")
    board = boot(models)
    board.put(0, b"P\t0x10\tsd\tRawImage\tmmc0\t0x0\tx\n")
    number = board.info.devnum
    board.detach()
    board.control(0x23, 3, 4, 1)  # SET_FEATURE PORT_RESET
    assert wait_for(models, kind=Board, other_than=number).get_phase()[0] == 1


def test_wrong_phase(sim):
    models = sim("stm32mp", "--fault", "phase@2")
    board = Board(models)
    assert [board.get_phase()[0] for _ in range(3)] == [1, 0x7E, 1]


def test_transfers_take_time(sim):
    models = sim("stm32mp", "--transfer-us", "1030")
    board = Board(models)
    began = time.monotonic()
    for _ in range(100):
        board.status()
    assert time.monotonic() - began >= 0.103


def test_two_boards_keep_apart(sim):
    models = sim("stm32mp", "--count", "2", "--absent", "5ms")
    assert {device.pid for device in devlist(models).values()} == {0xDF11}
    first, second = boot(models, busid="1-1"), Board(models, "1-2")
    assert first.serial != second.serial and second.get_phase()[0] == 1


def test_spl_instead_of_tfa(sim):
    models = sim("stm32mp", "--spl", "--absent", "5ms")
    board = Board(models)
    board.select(1)
    with pytest.raises(Gone):
        board.send(image("mp15", b"spl"), 1024)
    spl = wait_for(models, kind=Dfu, other_than=board.info.devnum)
    assert spl.alts() == {0: "u-boot.itb"} and spl.descriptor(1)[16] == 0 and spl.string(2) == "USB download gadget"
    spl.select(0)
    assert spl.send(struct.pack(">II", 0xD00DFEED, 100) + bytes(92)) == (0, 2)
    spl.detach()
    spl.close()
    assert wait_for(models, kind=Board, other_than=spl.info.devnum).get_phase() == (0, 0xC2000000, 0, b"\0")


def test_realistic_times(sim):
    models = sim("stm32mp", "--realistic", "--media", "mmc0=:8M", "--absent", "1ms")
    board = Board(models)
    began = time.monotonic()
    assert board.put(1, image("mp15", bytes(20 << 10))) == (0, 2)  # 21 blocks of about 1.9 ms
    assert 0.03 < time.monotonic() - began
    assert board.get_phase()[0] == 3
