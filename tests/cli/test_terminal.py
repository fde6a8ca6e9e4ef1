# SPDX-License-Identifier: MIT
"""On a terminal: colours, and how they are switched off."""
import os

import pytest


def on_terminal(aboard, *argv, env):
    """What the terminal shows, and the exit status."""
    main, side = os.openpty()
    with aboard.popen(*argv, env=env, stdin=side, stdout=side, stderr=side) as process:
        os.close(side)
        shown = b""
        while True:
            try:
                piece = os.read(main, 4096)
            except OSError:  # how Linux says that the other end is closed
                break
            if not piece:
                break
            shown += piece
        os.close(main)
        process.wait(timeout=30)
    return shown, process.returncode


@pytest.mark.parametrize("env,colour", [
    ({"TERM": "xterm"}, True),
    ({"TERM": "xterm", "NO_COLOR": ""}, True),
    ({"TERM": "xterm", "NO_COLOR": "1"}, False),
    ({"TERM": "dumb"}, False),
])
def test_colours(aboard, env, colour):
    shown, status = on_terminal(aboard, "flsh", env=env)
    assert status == 2
    assert (b"\033[" in shown) == colour


def test_a_name_cannot_command_the_terminal(aboard):
    shown, status = on_terminal(aboard, "\033]0;owned\a", env={"TERM": "xterm", "NO_COLOR": "1"})
    assert status == 2
    assert b"\033" not in shown and b"\a" not in shown
