# SPDX-License-Identifier: MIT
"""What is attached, as `aboard boards` tells it, with models on a USB/IP server as another machine's devices."""
import json
import os
import signal
import subprocess

import pytest

LIMIT_S = 60


@pytest.fixture
def boards(tmp_path):
    """boards("--attached", ...) runs it in the test's folder; boards.start() leaves it running."""
    program = os.environ["ABOARD"]
    environment = {"PATH": "/usr/bin:/bin", "ABOARD_HOME": str(tmp_path / "home"), "LC_ALL": "C.UTF-8"}

    def start(*argv):
        return subprocess.Popen([program, "boards", *argv], cwd=tmp_path, env=environment, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(*argv):
        with start(*argv) as process:
            out, errors = process.communicate(timeout=LIMIT_S)
        return process.returncode, out, errors

    run.start = start
    return run


def write_boards(folder, **paths):
    rows = "".join(f"  - {{name: {name}, driver: {driver}, usb: '{path}'}}\n" for name, (driver, path) in paths.items())
    (folder / "aboard.yaml").write_text("boards:\n" + rows)


def test_listed(tmp_path, sim, boards):
    bus = sim("stm32mp", "dfu")
    write_boards(tmp_path, dk2=("stm32mp", bus.path("1-1")), other=("dfu", bus.path("1-2")))
    status, out, errors = boards("--attached", "--json")
    assert (status, errors) == (0, "")
    first, second = json.loads(out)
    assert first["path"] == bus.path("1-1") and first["id"] == "0483:df11"
    # the server does not tell strings, and asking the device would reset it
    assert first["driver"] == "stm32mp" and not first["sure"] and first["serial"] is None
    assert first["board"] == "dk2" and first["speed"] == "high" and first["denied"] is False
    assert second["driver"] == "dfu" and second["board"] == "other"


def test_asked(tmp_path, sim, boards):
    bus = sim("stm32mp", "fastboot", "--id", "18d1:0d02")
    write_boards(tmp_path, dk2=("stm32mp", bus.path("1-1")))
    status, out, errors = boards("--attached", "--ask")
    assert (status, errors) == (0, "")
    lines = out.splitlines()
    assert lines[0].split() == ["port", "id", "speed", "serial", "what", "driver", "board"]
    assert "STM32MP boot ROM " in lines[1] and lines[1].split()[-1] == "dk2"
    assert lines[2].split()[-2:] == ["fastboot", "-"]
    assert len(lines[1].split()[3]) == 24  # a serial number


def test_a_server_that_is_away_hides_nothing(tmp_path, sim, boards):
    bus = sim("dfu")
    write_boards(tmp_path, away=("dfu", "usbip://127.0.0.1:1/1-1"), here=("dfu", bus.path()))
    status, out, errors = boards("--attached", "--json")
    assert status == 0
    assert [row["board"] for row in json.loads(out)] == ["here"]
    assert "127.0.0.1:1" in errors


def test_nothing_is_attached(boards):
    assert boards("--attached") == (0, "", "aboard: no device that a driver knows is attached\n")
    assert boards("--attached", "--json") == (0, "[]\n", "")


def test_watched(tmp_path, sim, boards):
    """A machine that is gone has taken its devices with it; that is told, and is not the end."""
    bus = sim("--absent", "20ms", "stm32mp", "--chip", "mp13")
    write_boards(tmp_path, dk2=("stm32mp", bus.path()))
    watcher = boards.start("--watch", "--json")
    try:
        event = json.loads(watcher.stdout.readline())
        assert (event["event"], event["path"], event["board"]) == ("attached", bus.path(), "dk2")
        bus.kill()
        event = json.loads(watcher.stdout.readline())
        assert (event["event"], event["path"]) == ("left", bus.path())
        watcher.send_signal(signal.SIGINT)
        out, errors = watcher.communicate(timeout=LIMIT_S)
        assert (watcher.returncode, out) == (0, "")
        assert errors.count("cannot connect") == 1
    finally:
        watcher.kill()
        watcher.communicate()
