# SPDX-License-Identifier: MIT
"""A program as the board, started by one process and found by the next."""
import ctypes
import os
import signal
import subprocess

import pytest
from power_helper import CANCELLED, CONFIG, HOST, POWER, Board, wait_for

# Says that it is there, then waits for ever.
SLEEPER = "echo up; exec sleep 1000"
STUBBORN = "trap '' TERM; echo up; while :; do sleep 1000; done"


@pytest.fixture
def boards():
    made = []
    yield made
    for board in made:
        board.ok("off")


def make(boards, folder, script=SLEEPER, **more):
    board = Board(folder, {"type": "process", "argv": ["sh", "-c", script], **more})
    boards.append(board)
    return board


def pid_file(board, name="demo"):
    return board.folder / "home/state/power" / f"{name}.pid"


def pid_of(board):
    return int(pid_file(board).read_text().split()[0])


def is_gone(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as stat:
            return stat.read().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def members(group):
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if not is_gone(pid):
            try:
                if os.getpgid(int(pid)) == group:
                    found.append(int(pid))
            except ProcessLookupError:
                pass
    return found


def test_it_runs_on_after_us(tmp_path, boards):
    board = make(boards, tmp_path)
    assert board.ok("status") == "off"
    board.ok("on")
    pid = pid_of(board)
    assert board.ok("status") == "on" and not is_gone(pid)
    assert (tmp_path / "home/state/power/demo.log").read_text() == "up\n"
    board.ok("on")
    assert pid_of(board) == pid
    board.ok("off")
    assert board.ok("status") == "off" and is_gone(pid)
    assert not pid_file(board).exists()
    board.ok("off")


def test_cycle_starts_it_anew(tmp_path, boards):
    board = make(boards, tmp_path)
    board.ok("on")
    first = pid_of(board)
    board.ok("cycle")
    assert pid_of(board) != first and is_gone(first)


def test_log_beside_the_board_file(tmp_path, boards):
    board = make(boards, tmp_path, log="console.log")
    board.ok("on")
    assert (tmp_path / "console.log").read_text() == "up\n"


@pytest.mark.parametrize("script, said", [
    ("echo old; echo 'no such machine' >&2; exit 7", "exit status 7: old no such machine"),
    ("kill -SEGV $$", "ended at once by signal 11"),
    ("exit 0", "exit status 0"),
])
def test_a_program_that_ends_at_once(tmp_path, boards, script, said):
    board = make(boards, tmp_path, script)
    error = board.fails("on", POWER)
    assert said in error
    assert board.ok("status") == "off" and not pid_file(board).exists()
    # Only what this start wrote is quoted.
    assert board.fails("on", POWER).count("old") == error.count("old")


def test_missing_program(tmp_path):
    board = Board(tmp_path, {"type": "process", "argv": ["no-such-program"]})
    assert "cannot run no-such-program: No such file" in board.fails("on", HOST)
    assert not pid_file(board).exists()


def test_it_dies_by_itself(tmp_path, boards):
    board = make(boards, tmp_path)
    board.ok("on")
    first = pid_of(board)
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: is_gone(first))
    assert board.ok("status") == "off"
    board.ok("on")
    assert board.ok("status") == "on" and pid_of(board) != first


def test_the_starter_is_killed(tmp_path, boards):
    """In the middle of `on`: what it started is known, and can be ended."""
    board = make(boards, tmp_path)
    starter = board.start("on")
    wait_for(pid_file(board).exists)
    starter.kill()
    starter.communicate()
    # Killed before the program was let go, it never runs; after that it is on.
    pid = pid_of(board)
    if board.ok("status") == "on":
        assert not is_gone(pid)
        board.ok("on")
        assert pid_of(board) == pid
    board.ok("off")
    assert is_gone(pid) and not members(pid)


def test_a_zombie_is_off(tmp_path, boards):
    libc = ctypes.CDLL(None)
    set_subreaper = 36
    assert libc.prctl(set_subreaper, 1, 0, 0, 0) == 0
    board = make(boards, tmp_path)
    board.ok("on")
    pid = pid_of(board)
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert os.path.exists(f"/proc/{pid}/stat")
    try:
        assert board.ok("status") == "off"
        board.ok("on")
        assert pid_of(board) != pid
        board.ok("off")
    finally:
        libc.prctl(set_subreaper, 0, 0, 0, 0)
        os.waitpid(pid, 0)
        while True:
            try:
                os.waitpid(-1, 0)
            except ChildProcessError:
                break


def test_a_pid_used_again_is_not_ours(tmp_path, boards):
    board = make(boards, tmp_path)
    board.ok("on")
    ours, start, boot = pid_file(board).read_text().split()
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as stranger:
        try:
            pid_file(board).write_text(f"{stranger.pid} {start} {boot}\n")
            assert board.ok("status") == "off"
            board.ok("off")
            assert stranger.poll() is None
            # The right start time, but of another boot.
            real = open(f"/proc/{stranger.pid}/stat").read().rpartition(")")[2].split()[19]
            pid_file(board).write_text(f"{stranger.pid} {real} {boot[::-1]}\n")
            assert board.ok("status") == "off"
            board.ok("off")
            assert stranger.poll() is None
        finally:
            stranger.kill()
    pid_file(board).write_text(f"{ours} {start} {boot}\n")
    assert board.ok("status") == "on"


@pytest.mark.parametrize("text", ["", "x", "1 5 b\n", "0 5 b\n", "-1 5 b\n", "12 b\n",
                                  "99999999999 5 b\n", "12 5 " + "b" * 100])
def test_a_damaged_pid_file(tmp_path, text):
    board = Board(tmp_path, {"type": "process", "argv": ["sleep", "1000"]})
    board.ok("status")
    pid_file(board).write_text(text)
    for verb in "status", "on", "off":
        assert "does not name a process" in board.fails(verb, HOST)


def test_a_stubborn_program_is_killed_with_its_group(tmp_path, boards):
    board = make(boards, tmp_path, STUBBORN, timeout="1s")
    board.ok("on")
    pid = pid_of(board)
    assert len(members(pid)) == 2
    board.ok("off")
    assert not members(pid) and board.ok("status") == "off"


def test_children_get_time_to_end(tmp_path, boards):
    """The leader dies at once, a child needs a moment to write what it has."""
    child = "trap 'sleep 0.2; echo saved; exit' TERM; echo ready; while :; do sleep 0.01; done"
    board = make(boards, tmp_path, f"sh -c \"{child}\" & wait")
    board.ok("on")
    pid = pid_of(board)
    log = tmp_path / "home/state/power/demo.log"
    wait_for(lambda: "ready" in log.read_text())
    board.ok("off")
    assert log.read_text().endswith("saved\n") and not members(pid)


def test_cancel_while_it_ends(tmp_path, boards):
    board = make(boards, tmp_path, "trap 'echo asked' TERM; while :; do sleep 1000; done",
                 timeout="3s")
    board.ok("on")
    log = tmp_path / "home/state/power/demo.log"
    with board.start("off") as tool:
        wait_for(lambda: "asked" in log.read_text())
        tool.send_signal(signal.SIGTERM)
        tool.communicate(timeout=4)
        assert tool.returncode == CANCELLED


def test_names_of_boards_stay_in_the_folder(tmp_path):
    board = Board(tmp_path, {"type": "process", "argv": ["sh", "-c", SLEEPER]}, name="../../x y")
    board.ok("on")
    assert pid_file(board, "%2E.%2F..%2Fx%20y").exists()
    board.ok("off")


def test_key_errors(tmp_path):
    board = Board(tmp_path, {"type": "process", "argv": []})
    assert "names no program" in board.fails("on", CONFIG)
    board = Board(tmp_path, {"type": "process", "log": "x"})
    assert "'argv' is missing" in board.fails("on", CONFIG)
