# SPDX-License-Identifier: MIT
"""serve-tool as a fixture: the two servers on loopback, with given things staged."""

import json
import subprocess
import time

from peers import tool

TOOL = tool("serve-tool")


class Serving:
    def __init__(self, *options):
        self.process = subprocess.Popen(
            [TOOL, *map(str, options)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        first = self.process.stdout.readline()
        if not first:
            self.process.wait()
            raise RuntimeError(self.process.stderr.read())
        where = json.loads(first)
        self.tftp, self.http, self.paths = where["tftp"], where["http"], where["paths"]

    def url(self, name):
        return f"http://127.0.0.1:{self.http}{self.paths[name]}"

    def progress(self, name):
        """What the server says of a thing by now."""
        self.process.stdin.write(name + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def wait_for(self, name, key, *values):
        """Asks until it is one of these, for two minutes at most."""
        end = time.monotonic() + 120
        while time.monotonic() < end:
            progress = self.progress(name)
            if progress[key] in values:
                return progress
        raise AssertionError(f"{name}: {key} is not {values}: {progress}")

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def stop(self):
        """Ends it as its owner would. A sanitizer's complaint or a leak is a status other than 0."""
        _, errors = self.process.communicate(timeout=20)
        assert self.process.returncode == 0, errors

    def __enter__(self):
        return self

    def __exit__(self, kind, *rest):
        if self.process.poll() is None and kind is None:
            self.stop()
        elif self.process.poll() is None:
            self.kill()
