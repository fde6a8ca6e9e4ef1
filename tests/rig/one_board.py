# SPDX-License-Identifier: MIT
"""The program under test in a folder of its own, with one board `b`."""
import json
import os
import signal
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.abspath(os.environ.get("ABOARD", os.path.join(ROOT, "build-check/src/cli/aboard")))
LIMIT_S = 90  # of one run; nothing takes that long


class Lab:
    def __init__(self, folder):
        self.folder = folder
        self.env = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "ABOARD_HOME": str(folder / "home"), "TERM": "dumb",
                    "LC_ALL": "C.UTF-8", "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")}

    def board(self, text):
        (self.folder / "aboard.yaml").write_text("name: b\n" + text)

    def file(self, name, data):
        (self.folder / name).write_bytes(data)
        return name

    def popen(self, *argv):
        return subprocess.Popen([PROGRAM, *map(str, argv)], cwd=self.folder, env=self.env, text=True,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, *argv, status=0, stdin=subprocess.DEVNULL):
        done = subprocess.run([PROGRAM, *map(str, argv)], cwd=self.folder, env=self.env, text=True, timeout=LIMIT_S,
                              stdin=stdin, capture_output=True, check=False)
        assert done.returncode == status, done.stdout + done.stderr
        return done

    def events(self, verb, *argv, status=0):
        """What it says with --json, one object a line."""
        done = self.run(verb, "b", *argv, "--json", status=status)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def flash(self, *argv, status=0):
        return self.events("flash", *argv, "--yes", status=status)

    def interrupted(self, *argv, when):
        """The events of a flash that is ended as by Ctrl-C once when(event) holds."""
        events = []
        with self.popen("flash", "b", *argv, "--yes", "--json") as process:
            for line in process.stdout:
                events.append(json.loads(line))
                if when and when(events[-1]):
                    process.send_signal(signal.SIGINT)
                    when = None
            assert process.wait(timeout=LIMIT_S) == 130, process.stderr.read()
        return events


def result(events):
    assert events[-1]["event"] == "result"
    return events[-1]


def trouble(events):
    return result(events)["error"]


def checks(events):
    return {event["name"]: event for event in events if event["event"] == "check"}
