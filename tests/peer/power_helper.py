# SPDX-License-Identifier: MIT
"""Runs the power tool on a board made up for one test."""
import json
import select
import subprocess
import time

from peers import clean_env, tool

TOOL = tool("power-tool")


class Board:
    """A board file with `power` and `secrets`, and a state folder of its own."""

    def __init__(self, folder, power, secrets=None, name="demo"):
        self.folder = folder
        self.file = folder / "board.yaml"
        # JSON is YAML.
        self.file.write_text(json.dumps({"name": name, "secrets": secrets or {}, "power": power}))
        self.env = clean_env(ABOARD_HOME=folder / "home")

    def start(self, verb, **more):
        return subprocess.Popen([TOOL, self.file, verb], env=self.env, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)

    def run(self, verb, answer=None):
        env = dict(self.env)
        if answer is not None:
            env["ABOARD_TEST_PERSON"] = "1"
        return subprocess.run([TOOL, self.file, verb], env=env, text=True, capture_output=True,
                              input=answer, timeout=60, check=False)

    def ok(self, verb):
        done = self.run(verb)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def fails(self, verb, status):
        done = self.run(verb)
        assert done.returncode == status, (done.returncode, done.stderr)
        return done.stderr


# Exit statuses: src/base/err.c.
CONFIG, HOST, NETWORK, AUTH, POWER, BUSY, CANCELLED = 3, 5, 8, 9, 10, 17, 130


def wait_for(condition):
    """For what another process does, where there is no descriptor to wait on."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        select.select([], [], [], 0.005)
