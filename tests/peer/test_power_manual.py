# SPDX-License-Identifier: MIT
"""Power by hand."""
import os
import signal
import subprocess

from power_helper import CANCELLED, POWER, TOOL, Board


def test_a_person_is_asked(tmp_path):
    board = Board(tmp_path, {"type": "manual", "off_time": "1ms"})
    done = board.run("cycle", answer="")
    assert done.returncode == CANCELLED
    done = board.run("on", answer="\n")
    assert done.returncode == 0 and done.stderr == "switch demo on, then press Enter\n"
    assert board.ok("status") == "unknown"


def test_nobody_is_there(tmp_path):
    error = Board(tmp_path, {"type": "manual"}).fails("off", POWER)
    assert "a person is needed" in error and "remedy: run it from a terminal" in error


def test_the_question_can_be_cancelled(tmp_path):
    board = Board(tmp_path, {"type": "manual"})
    with subprocess.Popen([TOOL, board.file, "on"], env=dict(board.env, ABOARD_TEST_PERSON="1"), text=True,
                          stdin=subprocess.PIPE, stderr=subprocess.PIPE) as tool:
        assert "press Enter" in tool.stderr.readline()
        os.kill(tool.pid, signal.SIGTERM)
        assert tool.wait(10) == CANCELLED
