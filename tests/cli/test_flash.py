# SPDX-License-Identifier: MIT
"""What flash and dump refuse before a board is touched, and how they end when a signal comes."""
import os
import signal

import pytest


def test_without_a_terminal_it_needs_yes(board):
    board.write("a.img", "image")
    result = board.run("flash", "lab3", "a.img")
    assert result.status == 16
    assert "there is no terminal" in result.err and "--yes" in result.err


def test_json_never_asks(board):
    board.write("a.img", "image")
    result = board.run("flash", "lab3", "a.img", "--json")
    end = result.end()
    assert (end["outcome"], end["error"]["kind"]) == ("refused", "refused")
    assert "--yes" in end["error"]["remedy"]


def test_dump_does_not_replace_a_file(board):
    board.write("backup.img", "precious")
    result = board.run("dump", "lab3", "backup.img")
    assert result.status == 16
    assert (board.folder / "backup.img").read_text() == "precious"


def test_refused_for_want_of_a_bundle(board):
    """The checks come before power, and the job is known of."""
    board.write("a.img", "image")
    result = board.run("flash", "lab3", "a.img", "--yes", "--json")
    end = result.end()
    assert (end["outcome"], end["error"]["kind"], end["writes"]) == ("refused", "config", [])
    assert end["state"] == "nothing on the board was changed"
    job, = board.run("history", "--json").lines()[0]
    assert (job["job"], job["outcome"]) == (end["job"], "refused")
    assert "has no bundle" in board.run("history").out
    assert "has no bundle" in board.run("history", end["job"]).out
    assert board.run("history", end["job"], "--log").status == 4
    assert board.run("history", "--failed", "--board", "other", "--json").lines() == [[]]


def test_a_plan_is_no_job(board):
    board.write("a.img", "image")
    assert board.run("plan", "lab3", "a.img").status == 3
    assert board.run("history", "--json").lines() == [[]]


def test_checksum_file(board):
    result = board.run("plan", "lab3", "a.img", "--os-image-checksum-file", "none")
    assert result.status == 4 or "none" in result.err
    board.write("sums", "not a digest\n")
    result = board.run("plan", "lab3", "a.img", "--os-image-checksum-file", "sums")
    assert result.status == 2
    assert "sums: 'not' is not a SHA-256" in result.err


def test_headers_of_a_file(board):
    board.write("headers", "X-Token: 1\nbad header\n")
    result = board.run("plan", "lab3", "http://127.0.0.1:9/a.img", "--header", "@headers")
    assert result.status == 2
    assert "--header" in result.err


def test_bearer_of_the_environment(board):
    result = board.run("plan", "lab3", "http://127.0.0.1:9/a.img",
                       env={"ABOARD_BEARER": "two words"})
    assert result.status == 2
    assert "ABOARD_BEARER" in result.err
    assert "two words" not in result.err


SLOW = """\
name: lab3
driver: uboot
power:
  type: command
  "on": [/bin/sh, -c, 'echo > {0}; exec sleep 600']
  "off": ["true"]
"""


@pytest.fixture
def slow(aboard):
    """A program in the middle of something: it waits for a command that does not end."""
    fifo = aboard.folder / "begun"
    os.mkfifo(fifo)
    aboard.write("aboard.yaml", SLOW.format(fifo))

    def begin(*argv, **more):
        process = aboard.popen("power", "lab3", "on", *argv, **more)
        fifo.read_text()  # until the command runs
        return process
    return begin


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it(slow, which):
    with slow() as process:
        process.send_signal(which)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "aboard: cancelled; cleaning up\n" in err


def test_a_signal_in_json(slow):
    with slow("--json") as process:
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 130
    assert '"outcome":"cancelled"' in out


def test_an_ignored_signal_stays_ignored(slow):
    """As nohup does it. The second signal would be answered otherwise if the first had counted."""
    def ignore():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with slow(preexec_fn=ignore) as process:
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "still cleaning up" not in err


def test_the_command_is_ended_too(slow, aboard):
    with slow() as process:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    # the board is free again: its lock went with the process
    aboard.write("aboard.yaml", SLOW.format("/dev/null").replace("exec sleep 600", "true"))
    assert aboard.run("power", "lab3", "on").status == 0


def test_a_busy_board(slow, aboard):
    with slow() as process:
        result = aboard.run("power", "lab3", "off")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert result.status == 17
    assert "power" in result.err
