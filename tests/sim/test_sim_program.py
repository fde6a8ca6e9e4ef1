# SPDX-License-Identifier: MIT
"""aboard-sim as a program: how it is started, told what to do, and ended."""
import os
import signal
import socket
import subprocess

import pytest

from sim import PROGRAM, Sim
from usbip import Device, Dfu, Gone, devlist


def run(*argv):
    return subprocess.run([PROGRAM, *argv], capture_output=True, text=True, timeout=60, check=False)


def start(*argv):
    process = subprocess.Popen([PROGRAM, "--listen=127.0.0.1:0", *argv], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, text=True)
    return process, process.stdout.readline().split()[-1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_ends_by_signal(number):
    process, _ = start("dfu")
    process.send_signal(number)
    assert process.wait(timeout=20) == 0
    process.stdout.close()


def test_ends_when_idle():
    process, address = start("--until-idle", "100ms", "dfu")
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=20):
        pass
    assert process.wait(timeout=20) == 0
    process.stdout.close()


def test_stdin_is_only_watched_for_its_end(sim):
    models = sim("dfu")
    models.process.stdin.write("words mean nothing\n")
    models.process.stdin.flush()
    assert list(devlist(models)) == ["1-1"]


def test_options_of_all_and_of_one(sim):
    models = sim("--serial", "ALL", "dfu", "dfu", "--serial", "ONE", "--id", "0483:df11", "--count", "2", "fastboot")
    found = devlist(models)
    assert [device.vid for device in found.values()] == [0x1D50, 0x0483, 0x0483, 0x0483]
    for busid, serial in (("1-1", "ALL"), ("1-2", "ONE"), ("1-3", "ONE"), ("1-4", "ALL")):
        with Device(models, busid) as device:
            assert device.string(device.descriptor(1)[16]) == serial


def test_port_taken():
    with Sim("dfu") as first:
        second = run("--listen", first.address, "dfu")
    assert second.returncode != 0 and "in use" in second.stderr and "->" in second.stderr


@pytest.mark.parametrize("argv, text", [
    ([], "no model is named"),
    (["dfu", "word"], "word"),
    (["--count", "many", "dfu"], "--count"),
    (["stm32mp", "--media", "floppy=x:1M"], "mmcN"),
    (["stm32mp", "--media", "mmc0=/nonexistent/x:1M"], "/nonexistent/x"),
    (["stm32mp", "--chip", "mp13", "--old-tfa"], "--old-tfa"),
    (["fastboot", "--buffer", "1"], "--buffer"),
    (["fastboot", "--env", "x"], "NAME=VALUE"),
    (["k3", "--soc", "am99"], "am99"),
    (["k3", "--media", "mmc0=:1M"], "eMMC"),
    (["help", "nonesuch"], "nonesuch"),
])
def test_errors(argv, text):
    result = run("--listen=127.0.0.1:0", *argv)
    assert result.returncode != 0 and text in result.stderr and not result.stdout


def test_help():
    assert "stm32mp" in run("--help").stdout
    assert "--alt" in run("help", "dfu").stdout and "--alt" in run("dfu", "--help").stdout
    assert "swallow" in run("help", "faults").stdout
    assert run("--version").stdout.startswith("aboard-sim ")


@pytest.mark.parametrize("page", ["aboard-sim"] + [f"aboard-sim-{model}" for model in ("dfu", "fastboot", "k3", "stm32mp", "ums")])
def test_manual_pages(page, tmp_path):
    text = run("help", "--man", page).stdout
    (tmp_path / "page.1").write_text(text)
    lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", "page.1"], cwd=tmp_path, capture_output=True,
                          text=True, check=False)
    assert not lint.stdout, lint.stdout
    assert "record is kept" not in text and ".yaml" not in text  # that is about `aboard` itself


def test_reset_on_detach(sim):
    models = sim("--reset-on-detach", "dfu")
    with Dfu(models) as dfu:
        dfu.download(0, b"half")
        assert dfu.state() == 3
    with Dfu(models) as dfu:
        assert dfu.state() == 2
    kept = sim("dfu")
    with Dfu(kept) as dfu:
        dfu.download(0, b"half")
    with Dfu(kept) as dfu:
        assert dfu.state() == 3


def test_clients_that_talk_nonsense(sim):
    models = sim("dfu")
    for junk in (b"", b"GET / HTTP/1.0\r\n\r\n", bytes(48), os.urandom(4096)):
        with socket.create_connection((models.host, models.port), timeout=20) as connection:
            connection.sendall(junk)
            connection.shutdown(socket.SHUT_WR)
            try:
                while connection.recv(4096):
                    pass
            except ConnectionError:
                pass
    with Device(models) as device:
        device.devid += 1  # another device than the one that was imported
        with pytest.raises(Gone):
            device.descriptor(1)
    assert list(devlist(models)) == ["1-1"]
