# SPDX-License-Identifier: MIT
"""The plain DFU model, byte by byte, with a client that shares no code with it."""
import os
import struct
import time

import pytest

from usbip import Dfu, Gone, Stalled, devlist, wait_for


def test_devlist_and_descriptors(sim):
    models = sim("dfu", "--alt", "fw=:64K", "--alt", "config=:4K", "--count", "2", "dfu", "--uboot", "--serial", "B7")
    found = devlist(models)
    assert list(found) == ["1-1", "1-2", "1-3"]
    assert found["1-1"].classes == [(0xFE, 1, 2)] and found["1-1"].speed == 3
    assert (found["1-1"].vid, found["1-1"].pid) == (0x1D50, 0x6089)
    assert len({device.devnum for device in found.values()}) == 3
    with Dfu(models) as dfu:
        assert dfu.alts() == {0: "fw", 1: "config"}
        assert dfu.descriptor(0x21).hex() == "092107e80300041001"
        assert dfu.descriptor(2)[-9:] == dfu.descriptor(0x21)
        with pytest.raises(Gone):
            Dfu(models)  # it is taken
    with Dfu(models, "1-3") as dfu:
        assert dfu.string(dfu.descriptor(1)[16]) == "B7"
        assert dfu.descriptor(0x21).hex() == "09210f0000001010" + "01"


def test_exchange_of_uboot(sim):
    """The exchange that dfu-util 0.11 has with U-Boot's gadget, for a file of 1100 bytes in blocks of 512."""
    models = sim("dfu", "--uboot", "--transfer-size", "512", "--alt", "u-boot.img=out")
    with Dfu(models) as dfu:
        dfu.select(0)
        assert dfu.control(0xA1, 3, length=6).hex() == "000000000200"
        data = os.urandom(1100)
        for number in range(3):
            dfu.download(number, data[number * 512:number * 512 + 512])
            assert dfu.control(0xA1, 3, length=6).hex() == "000000000500"
        dfu.download(3, b"")
        assert dfu.control(0xA1, 3, length=6).hex() == "000000000700"
        assert dfu.control(0xA1, 3, length=6).hex() == "000000000200"
        assert dfu.receive(512) == data


def test_strict_state_machine(sim):
    models = sim("dfu", "--poll-ms", "20", "--manifest-ms", "10")
    with Dfu(models) as dfu:
        with pytest.raises(Stalled):
            dfu.download(0, b"")  # nothing was sent yet
        assert dfu.status() == (15, 0, 10)
        with pytest.raises(Stalled):
            dfu.abort()
        dfu.clear()
        dfu.download(0, b"x" * 1024)
        assert dfu.state() == 3
        assert dfu.status() == (0, 20, 4)
        with pytest.raises(Stalled):
            dfu.status()  # before the poll timeout has passed
        assert dfu.status()[2] == 10
        dfu.clear()
        dfu.download(0, b"x" * 1024)
        assert dfu.settle() == (0, 5)
        with pytest.raises(Stalled):
            dfu.download(2, b"x")  # a block is missing
        assert dfu.status() == (8, 0, 10)
        dfu.clear()
        assert dfu.send(b"y" * 3000, 1024) == (0, 2)
        assert dfu.receive(1024)[:3001] == b"y" * 3000 + b"\0"


def test_intolerant_waits_for_reset(sim):
    models = sim("dfu", "--intolerant", "--alt", "a=out")
    with Dfu(models) as dfu:
        assert dfu.send(b"z" * 10, 1024) == (0, 8)
        with pytest.raises(Stalled):
            dfu.download(0, b"z")
        dfu.control(0x23, 3, 4, 1)  # SET_FEATURE PORT_RESET
        assert dfu.status() == (0, 0, 2)


def test_uboot_detach_leaves(sim):
    models = sim("dfu", "--uboot")
    with Dfu(models) as dfu:
        dfu.download(0, b"abc")
        with pytest.raises(Stalled):
            dfu.detach()
        dfu.clear()
        dfu.detach()
        with pytest.raises(Gone):
            dfu.status()
    assert devlist(models) == {}


def test_faults(sim):
    models = sim("dfu", "--alt", "a=:1M", "--fault", "stall@2", "--fault", "short@4", "--fault", "hang@5",
                 "--fault", "other-serial@1", "--fault", "cut@5000", "--absent", "50ms", "--fault", "write-error@200")
    with Dfu(models) as dfu:
        assert dfu.status() == (0, 0, 2)
        with pytest.raises(Stalled):
            dfu.status()
        assert dfu.status() == (0, 0, 2)
        assert len(dfu.control(0xA1, 3, length=6)) == 3
        hung = dfu.submit(0, True, 6, struct.pack("<BBHHH", 0xA1, 3, 0, 0, 6))
        assert dfu.unlink(hung) == -104
        first = dfu.string(dfu.descriptor(1)[16])
        with pytest.raises(Gone):
            dfu.send(bytes(8192), 1024)
        number = dfu.info.devnum
    with wait_for(models, kind=Dfu, other_than=number) as dfu:
        assert dfu.string(dfu.descriptor(1)[16]) == first[:-1] + "X"
        assert dfu.status() == (0, 0, 2)
        assert dfu.send(bytes(1 << 20), 1024) == (3, 10)


def test_never_comes_back(sim):
    models = sim("dfu", "--fault", "cut@1", "--fault", "gone", "dfu")
    with Dfu(models) as dfu, pytest.raises(Gone):
        dfu.status()
    assert list(devlist(models)) == ["1-2"]


def test_strings_come_late(sim):
    models = sim("dfu", "--fault", "no-strings@100")
    with Dfu(models) as dfu:
        refused = 0
        while True:  # until the device answers; a test that hangs here is ended by its runner
            try:
                assert dfu.string(1) == "aboard"
                break
            except Stalled:
                refused += 1
        assert refused


def test_medium_that_keeps_nothing(sim, tmp_path):
    models = sim("dfu", "--alt", "a=m:64K", "--fault", "swallow@3")
    with Dfu(models) as dfu:
        assert dfu.send(b"\xaa" * 4096, 512) == (0, 2)
    assert (tmp_path / "m").read_bytes()[:4096] == b"\xaa" * 1024 + bytes(3072)


@pytest.mark.parametrize("argv, text", [
    (["dfu", "--alt", "x"], "NAME=FILE"),
    (["dfu", "--fault", "melt"], "stall, hang"),
    (["dfu", "--id", "12"], "VID:PID"),
    (["dfu", "--until-idle", "soon"], "not a time"),
    (["nonesuch"], "unknown command"),
])
def test_usage_errors(sim, argv, text):
    with pytest.raises(RuntimeError, match=text):
        sim(*argv)


def test_busy_for_ever(sim):
    models = sim("dfu", "--uboot", "--fault", "busy@2")
    with Dfu(models) as dfu:
        dfu.download(0, b"one")
        assert dfu.status() == (0, 0, 5)
        dfu.download(1, b"two")
        assert [dfu.status()[2] for _ in range(3)] == [4, 4, 4]
        with pytest.raises(Stalled):
            dfu.download(2, b"three")
        assert dfu.status()[2] == 10
        dfu.clear()
        assert dfu.status() == (0, 0, 2)


def test_slow_flush_keeps_the_host_waiting(sim):
    models = sim("dfu", "--uboot", "--fault", "slow-flush@300")
    with Dfu(models) as dfu:
        dfu.download(0, b"data")
        dfu.status()
        dfu.download(1, b"")
        assert dfu.status()[2] == 7
        began = time.monotonic()
        assert dfu.status() == (0, 0, 2)
        assert time.monotonic() - began > 0.25
