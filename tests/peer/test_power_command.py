# SPDX-License-Identifier: MIT
"""Power by programs of the user's own."""
import signal

from power_helper import CANCELLED, CONFIG, HOST, POWER, Board, wait_for


def sh(script, *args):
    return ["sh", "-c", script, "sh", *map(str, args)]


def plug(folder, **more):
    """A plug that is a file: there is `on` in it, or not."""
    state = folder / "plug"
    power = {"type": "command", "off_time": "10ms",
             "on": sh('echo on >>"$1"; echo on >"$1.now"', state),
             "off": sh('echo off >>"$1"; echo off >"$1.now"', state),
             "status": sh('grep -q on "$1.now"', state)}
    power.update(more)
    return Board(folder, {key: value for key, value in power.items() if value is not None}), state


def test_on_off_and_status_by_exit_status(tmp_path):
    board, _ = plug(tmp_path)
    board.ok("on")
    assert board.ok("status") == "on"
    board.ok("off")
    assert board.ok("status") == "off"


def test_cycle_is_off_and_on(tmp_path):
    board, state = plug(tmp_path)
    board.ok("cycle")
    assert state.read_text() == "off\non\n"


def test_own_cycle(tmp_path):
    board, state = plug(tmp_path)
    board, _ = plug(tmp_path, cycle=sh('echo cycle >>"$1"; echo on >"$1.now"', state))
    board.ok("cycle")
    assert state.read_text() == "cycle\n"


def test_status_by_output(tmp_path):
    board, state = plug(tmp_path, status=["cat", str(tmp_path / "plug.now")], status_on="^ON$",
                        status_off="^OFF$")
    board.ok("on")
    assert board.ok("status") == "on"
    (tmp_path / "plug.now").write_text("neither\n")
    assert "neither on nor off: neither" in board.fails("status", POWER)
    board, state = plug(tmp_path, status=["cat", str(tmp_path / "plug.now")], status_off="neither")
    assert board.ok("status") == "off"
    (tmp_path / "plug.now").write_text("anything\n")
    assert board.ok("status") == "on"


def test_without_status_the_state_is_unknown(tmp_path):
    board, _ = plug(tmp_path, status=None)
    board.ok("on")
    assert board.ok("status") == "unknown"


def test_failure_quotes_status_and_end_of_output(tmp_path):
    board, _ = plug(tmp_path, on=sh("seq 1000; echo 'no such outlet' >&2; exit 4"))
    error = board.fails("on", POWER)
    assert "exit status 4: ..." in error and "999 1000 no such outlet" in error
    assert " 500 " not in error


def test_failing_status_is_an_error(tmp_path):
    board, _ = plug(tmp_path, status=sh("echo broken; exit 2"))
    assert "exit status 2: broken" in board.fails("status", POWER)


def test_state_that_does_not_change_is_an_error(tmp_path):
    board, _ = plug(tmp_path, off=["true"], timeout="300ms")
    board.ok("on")
    assert "still reads as on" in board.fails("off", POWER)


def test_slow_state_is_waited_for(tmp_path):
    board, state = plug(tmp_path, status=sh('echo x >>"$1.looks"; test $(wc -l <"$1.looks") -ge 3',
                                            tmp_path / "plug"))
    board.ok("on")
    assert (tmp_path / "plug.looks").read_text() == "x\nx\nx\n"


def test_too_slow_a_program_is_ended(tmp_path):
    board, _ = plug(tmp_path, on=["sleep", "1000"], timeout="200ms")
    error = board.fails("on", POWER)
    assert "timed out" in error and "'timeout' of the board's power is 0.2 s" in error


def test_cancel_ends_the_wait(tmp_path):
    board, state = plug(tmp_path, on=sh('echo >"$1"; exec sleep 1000', tmp_path / "plug"))
    with board.start("on") as tool:
        wait_for(state.exists)
        tool.send_signal(signal.SIGTERM)
        assert "cancelled" in tool.communicate(timeout=10)[1]
        assert tool.returncode == CANCELLED


def test_missing_program(tmp_path):
    board, _ = plug(tmp_path, on=["no-such-program"])
    assert "cannot run no-such-program" in board.fails("on", HOST)


def test_key_errors(tmp_path):
    for change, text in [({"on": "pdu on 3"}, "no shell takes it apart"),
                         ({"on": []}, "names no program"),
                         ({"on": None}, "'on' is missing"),
                         ({"status_on": "("}, "'(' is no pattern"),
                         ({"status": None, "status_on": "x"}, "need 'status'"),
                         ({"of_time": "1s"}, "did you mean 'off_time'"),
                         ({"type": "commandd"}, "did you mean 'command'")]:
        board, _ = plug(tmp_path, **change)
        error = board.fails("on", CONFIG)
        assert text in error and "board.yaml:1:" in error
