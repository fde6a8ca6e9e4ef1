# SPDX-License-Identifier: MIT
"""The program as a user runs it. ABOARD is the binary under test; every test has a home of its own."""
import json
import os
import shutil
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIMIT_S = 60  # of one run; nothing here takes that long


def program():
    return os.path.abspath(os.environ.get("ABOARD", os.path.join(ROOT, "build/src/cli/aboard")))


class Aboard:
    """Runs the program in an empty folder, with an environment that says nothing about the machine."""

    def __init__(self, folder):
        self.folder = folder
        self.path = program()
        self.environment = {
            "PATH": os.path.dirname(self.path) + ":/usr/bin:/bin:/usr/sbin:/sbin",
            "ABOARD_HOME": str(folder / "home"),
            "HOME": str(folder),
            "TERM": "dumb",
            "LC_ALL": "C.UTF-8",
            # a leak is an error of the program, not of the test
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", ""),
        }

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def popen(self, *argv, env=None, **more):
        return subprocess.Popen([self.path, *map(str, argv)], cwd=self.folder, text=True,
                                env={**self.environment, **(env or {})},
                                **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
                                   "stderr": subprocess.PIPE, "start_new_session": True, **more})

    def run(self, *argv, env=None, **more):
        with self.popen(*argv, env=env, **more) as process:
            try:
                process.stdout_text, process.stderr_text = process.communicate(timeout=LIMIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        return Result(process)


class Result:
    def __init__(self, process):
        self.status = process.returncode
        self.out = process.stdout_text or ""
        self.err = process.stderr_text or ""

    def lines(self):
        """Standard output as JSON, one value a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    def end(self):
        """The result event, which is the last line."""
        event = self.lines()[-1]
        assert event["event"] == "result" and event["v"] == 1
        assert event["exit"] == self.status
        return event


@pytest.fixture
def aboard(tmp_path):
    return Aboard(tmp_path)


@pytest.fixture
def tool():
    """A program of the machine, or the test is skipped."""
    def find(name):
        path = shutil.which(name)
        if not path:
            pytest.skip(f"{name} is not installed")
        return path
    return find


BOARD = """\
name: lab3
driver: uboot
serial: /dev/null
"""


@pytest.fixture
def board(aboard):
    """One board, and the program that knows it."""
    aboard.write("aboard.yaml", BOARD)
    return aboard
