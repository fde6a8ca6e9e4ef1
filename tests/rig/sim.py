# SPDX-License-Identifier: MIT
"""aboard-sim for tests: started on a free port, ended by closing its standard input."""
import os
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.get("ABOARD_BUILD", os.path.join(ROOT, "build-check")))
PROGRAM = os.path.join(BUILD, "sim", "aboard-sim")


class Sim:
    """Models behind a USB/IP server: Sim("stm32mp", "--chip", "mp15"). Also a context manager."""

    def __init__(self, *argv, cwd=None):
        self.process = subprocess.Popen(
            [PROGRAM, "--listen", "127.0.0.1:0", "--with-stdin", *map(str, argv)], cwd=cwd, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            _, errors = self.process.communicate()
            raise RuntimeError(errors or f"aboard-sim said {line!r}")
        self.address = line.split()[-1]  # "127.0.0.1:PORT"
        self.host, port = self.address.rsplit(":", 1)
        self.port = int(port)
        self.also = {}  # other servers of a model: {"tcp": "127.0.0.1:PORT"}
        for _ in range(sum(1 for word in argv if str(word).split("=")[0] in ("--tcp", "--udp"))):
            name, self_address = self.process.stdout.readline().split()[::3]
            self.also[name] = self_address

    def bus(self):
        """For `usbip://` addresses of the program under test."""
        return f"usbip://{self.address}"

    def path(self, busid="1-1"):
        return f"usbip://{self.address}/{busid}"

    def kill(self):
        """Gone without a word, as a lab machine that loses its power."""
        self.process.kill()
        self.process.communicate()

    def stop(self):
        """Ends it as its owner would. A sanitizer's complaint or a leak is a status other than 0."""
        if self.process.poll() is not None:
            return
        _, errors = self.process.communicate(timeout=20)
        assert self.process.returncode == 0, errors

    def __enter__(self):
        return self

    def __exit__(self, kind, *rest):
        if kind is None:
            self.stop()
        else:
            self.kill()
