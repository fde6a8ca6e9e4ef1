# SPDX-License-Identifier: MIT
"""The TI K3 model: its chain of loaders, byte by byte."""
import os
import struct

import pytest

from usbip import Dfu, Gone, Stalled, devlist, wait_for

TIBOOT3 = b"\x30\x82\x05\x00" + os.urandom(1096)


def fit(size=5000):
    return struct.pack(">II", 0xD00DFEED, size) + os.urandom(size - 8)


def rom(board, data=TIBOOT3):
    """tiboot3.bin to the ROM, which is gone before it has answered."""
    assert board.alts() == {0: "bootloader", 1: "SocId"}
    board.select(0)
    with pytest.raises(Gone):
        board.send(data, 512)
    board.close()
    return board.info.devnum


def spl(board, name, data):
    assert board.alts() == {0: name}
    board.select(0)
    status = board.send(data)
    number = board.info.devnum
    return status, number


def test_chain(sim):
    models = sim("k3", "--absent", "5ms", "--media", "mmc1=emmc:8M")
    board = Dfu(models)
    assert (board.info.vid, board.info.pid, board.string(3)) == (0x0451, 0x6165, "01.00.00.00")
    assert board.descriptor(0x21).hex() == "09210f0000000210" + "01"
    board.select(1)
    identity = board.upload(0, 512)
    assert len(identity) == 200 and identity[8:20] == b"am62x" + bytes(7) and identity[20:24] == b"HSFS"
    with pytest.raises(Stalled):
        board.download(0, b"SocId is not for writing")
        board.upload(0, 1)
    board.clear()
    board = wait_for(models, kind=Dfu, other_than=rom(board))
    assert struct.unpack("<H", board.descriptor(0x21)[5:7]) == (4096,)
    board.select(0)
    with pytest.raises(Gone):
        board.send(fit())
    board = wait_for(models, kind=Dfu, other_than=board.info.devnum)
    status, number = spl(board, "u-boot.img", fit(100000))
    assert status == (0, 2)
    board.detach()
    board = wait_for(models, kind=Dfu, other_than=number)
    names = board.alts()
    assert names[0] == "rawemmc" and names[3] == "u-boot.img.raw"
    board.select(0)
    data = os.urandom(70000)
    assert board.send(data) == (0, 2)
    assert board.receive(limit=70000)[:70000] == data
    board.detach()
    with pytest.raises(Gone):
        board.status()
    assert devlist(models) == {}


def test_worked_exchange(sim):
    models = sim("k3", "--answers-last", "--absent", "5ms")
    board = Dfu(models)
    board.select(0)
    assert board.control(0xA1, 3, length=6).hex() == "000000000200"
    for number in range(3):
        board.download(number, TIBOOT3[number * 512:number * 512 + 512])
        assert board.control(0xA1, 3, length=6).hex() == "000000000500"
    board.download(3, b"")
    assert board.control(0xA1, 3, length=6).hex() == "000000000700"
    with pytest.raises(Gone):
        board.status()


def test_stalls_last(sim):
    models = sim("k3", "--stalls-last", "--absent", "5ms")
    board = Dfu(models)
    board.select(0)
    with pytest.raises(Stalled):
        board.send(TIBOOT3, 512)
    assert wait_for(models, kind=Dfu, other_than=board.info.devnum).alts() == {0: "tispl.bin"}


def test_wrong_file_brings_the_rom_back(sim):
    models = sim("k3", "--absent", "5ms")
    board = wait_for(models, kind=Dfu, other_than=rom(Dfu(models), b"no certificate"))
    assert board.alts()[0] == "bootloader"


def test_second_rounds(sim):
    models = sim("k3", "--absent", "5ms", "--fault", "round@1", "--fault", "round@4", "--wait-detach")
    board = wait_for(models, kind=Dfu, other_than=rom(Dfu(models)))
    board = wait_for(models, kind=Dfu, other_than=rom(board))
    status, number = spl(board, "tispl.bin", fit())
    assert status == (0, 2)
    board.control(0x23, 3, 4, 1)  # SET_FEATURE PORT_RESET starts it as well
    board.close()
    for _ in range(2):
        board = wait_for(models, kind=Dfu, other_than=number)
        status, number = spl(board, "u-boot.img", fit())
        assert status == (0, 2)
        board.detach()
        board.close()
    with pytest.raises(AssertionError, match="did not come back"):
        wait_for(models, timeout=0.3)


@pytest.mark.parametrize("soc, second", [("am65x", "sysfw.itb"), ("am62l", "bootloader"), ("j7200", "tispl.bin")])
def test_other_socs(sim, soc, second):
    models = sim("k3", "--soc", soc, "--type", "gp", "--absent", "5ms")
    board = Dfu(models)
    board.select(1)
    identity = board.upload(0, 512)
    assert len(identity) == 32 and identity[:8].hex() == "01000000011a0000" and identity[20:24] == b"GP  "
    board = wait_for(models, kind=Dfu, other_than=rom(board))
    assert board.alts() == {0: second}


def test_identity_of_the_published_dump(sim):
    """A dump of a J721E, but for the versions of its ROMs."""
    models = sim("k3", "--soc", "j721e", "--type", "gp")
    board = Dfu(models)
    board.select(1)
    assert board.upload(0, 512)[:24].hex() == "01000000011a00006a3765730000000000000000" + "47502020"
