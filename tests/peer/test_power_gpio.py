# SPDX-License-Identifier: MIT
"""GPIO lines. The chip tests need gpio-sim of Linux (root, configfs); without it only errors are tested."""
import os
import pathlib

import pytest

from power_helper import CONFIG, HOST, Board

NOT_FOUND = 4
SIM = pathlib.Path("/sys/kernel/config/gpio-sim")


def make(folder, **power):
    return Board(folder, {"type": "gpio", "off_time": "1ms", **power})


def test_missing_chip(tmp_path):
    error = make(tmp_path, chip="/dev/no-such-chip", line=3).fails("on", HOST)
    assert "cannot open the GPIO chip /dev/no-such-chip: " in error and "gpiodetect" in error


def test_what_is_no_chip(tmp_path):
    error = make(tmp_path, chip="/dev/null", line=3).fails("status", HOST)
    assert "cannot open the GPIO chip /dev/null: " in error


@pytest.mark.parametrize("power, text", [
    ({"line": 3}, "'chip' is missing"),
    ({"chip": "x"}, "'line' is missing"),
    ({"chip": "x", "line": 1, "drive": "opendrain"}, "'drive' must be one of push_pull, open_drain, open_source"),
    ({"chip": "x", "line": 1, "bias": "up"}, "'bias' must be one of as_is"),
    ({"chip": "x", "line": 1, "initial": "high"}, "'initial' must be one of off, on"),
    ({"chip": "x", "line": 1, "active_low": "yep"}, "'active_low' must be true or false"),
    ({"chip": "x", "line": 1, "activelow": True}, "did you mean 'active_low'"),
])
def test_key_errors(tmp_path, power, text):
    error = make(tmp_path, **power).fails("on", CONFIG)
    assert text in error and "board.yaml:1:" in error


@pytest.fixture
def chip():
    """A chip of 4 lines made by gpio-sim; the second is called relay."""
    if not SIM.is_dir() or not os.access(SIM, os.W_OK):
        pytest.skip("gpio-sim is not there")
    device = SIM / f"aboard-{os.getpid()}"
    bank, line = device / "bank0", device / "bank0/line1"
    line.mkdir(parents=True)
    try:
        (bank / "num_lines").write_text("4")
        (line / "name").write_text("relay")
        (device / "live").write_text("1")
        name = (bank / "chip_name").read_text().strip()
        yield name, pathlib.Path("/sys/devices/platform") / (device / "dev_name").read_text().strip() / name
        (device / "live").write_text("0")
    finally:
        for folder in line, bank, device:
            folder.rmdir()

@pytest.mark.parametrize("line", ["1", "relay"])
@pytest.mark.parametrize("active_low", [False, True])
def test_a_line(tmp_path, chip, line, active_low):
    board = make(tmp_path, chip=chip[0], line=line, active_low=active_low)
    assert board.ok("status") == "unknown"
    board.ok("on")
    assert board.ok("status") in ("on", "unknown")
    board.ok("cycle")
    board.ok("off")
    assert make(tmp_path, chip=chip[0], line=2, initial="on").ok("status") == "on"


def test_no_such_line(tmp_path, chip):
    for line in "4", "reley":
        assert f"has no line {line}" in make(tmp_path, chip=chip[0], line=line).fails("on", NOT_FOUND)
