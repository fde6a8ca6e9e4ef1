# SPDX-License-Identifier: MIT
"""aboard shell on a console that is there already: what is typed, what is shown, and how it ends."""
import os
import pty
import signal
import socket
import termios

import pytest

ENDS = b"ends]\r\n"  # of the greeting: the terminal is ready


class Console:
    """A terminal with aboard on one side of it, and the board at the other end of a socket."""

    def __init__(self, aboard, *argv):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.server.settimeout(30)
        port = self.server.getsockname()[1]
        aboard.write("aboard.yaml", f"name: lab3\ndriver: uboot\nserial: socket://127.0.0.1:{port}\n")
        self.person, self.side = pty.openpty()
        self.before = termios.tcgetattr(self.side)
        self.process = aboard.popen("shell", "lab3", *argv, stdin=self.side, stdout=self.side,
                                    stderr=self.side)
        self.board, _ = self.server.accept()
        self.board.settimeout(30)
        self.shown = b""

    def read_until(self, text):
        while text not in self.shown:
            piece = os.read(self.person, 4096)
            assert piece, self.shown
            self.shown += piece

    def type(self, text):
        os.write(self.person, text)

    def board_gets(self, text):
        got = b""
        while len(got) < len(text):
            piece = self.board.recv(4096)
            assert piece, got
            got += piece
        assert got == text

    def end(self):
        self.process.wait(timeout=30)
        after = termios.tcgetattr(self.side)
        assert after[:4] == self.before[:4], "the terminal is not as it was"
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.person)
        os.close(self.side)
        self.board.close()
        self.server.close()


@pytest.fixture
def console(aboard):
    opened = []

    def begin(*argv):
        opened.append(Console(aboard, *argv))
        return opened[-1]
    yield begin
    for one in opened:
        one.close()


def test_both_ways(console, aboard):
    one = console("--log", "session.log")
    one.read_until(ENDS)
    one.board.sendall(b"=> ")
    one.read_until(b"=> ")
    one.type(b"version\r\x03\x1d\x1d")
    one.board_gets(b"version\r\x03\x1d")
    one.type(b"\x1d?")
    one.read_until(b"Ctrl-] Ctrl-]")
    one.type(b"\x1d.")
    assert one.end() == 0
    assert (aboard.folder / "session.log").read_bytes() == b"=> "


def test_the_board_hangs_up(console):
    one = console()
    one.read_until(ENDS)
    one.board.close()
    assert one.end() == 11


@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal(console, which):
    one = console()
    one.read_until(ENDS)
    one.process.send_signal(which)
    assert one.end() == 130


def test_it_is_in_the_history(console, aboard):
    one = console()
    one.read_until(ENDS)
    one.type(b"\x1dq")
    assert one.end() == 0
    job, = aboard.run("history", "--json").lines()[0]
    assert (job["verb"], job["board"], job["outcome"]) == ("shell", "lab3", "done")
