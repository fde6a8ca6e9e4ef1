# SPDX-License-Identifier: MIT
"""GPIO lines: what can be tested on a machine without a GPIO chip, which is the errors."""
import pytest

from power_helper import CONFIG, HOST, Board


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
