# SPDX-License-Identifier: MIT
"""aboard on the virtual board: a board file, a home of its own, and the program run as a user runs it."""
import json
import os
import pathlib
import subprocess

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]


def program():
    return os.environ.get("ABOARD") or str(ROOT / "build" / "src" / "cli" / "aboard")


class Lab:
    """One board file with the board `vb`, in `folder`; what is run, is run in the board's network."""

    def __init__(self, folder, network, board, bundle, **keys):
        self.folder = pathlib.Path(folder)
        self.network = network
        self.board = board
        self.keys = {
            "name": "vb",
            "driver": "uboot",
            "serial": {"url": f"unix:{board.socket}?listen"},
            "power": {"type": "process", "argv": board.argv(), "off_time": "0s"},
            "network": {"mode": "dhcp"},
            "bundle": {"ref": str(bundle)},
            "default_target": "virtio",
            **keys,
        }
        self.env = {**network.env, "ABOARD_HOME": str(self.folder / "home"), "NO_COLOR": "1"}
        self.write()

    def write(self, **keys):
        self.keys.update(keys)
        (self.folder / "aboard.yaml").write_text(yaml.safe_dump(self.keys, sort_keys=False))

    def popen(self, *argv, **kwargs):
        return self.network.popen([program(), *argv], cwd=self.folder, env=self.env,
                                  stdin=subprocess.DEVNULL, text=True, **kwargs)

    def run(self, *argv, timeout=300, status=0):
        """Runs aboard to its end; returns the finished process with stdout and stderr."""
        done = self.network.run([program(), *argv], cwd=self.folder, env=self.env, timeout=timeout,
                                stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert status is None or done.returncode == status, \
            f"aboard {' '.join(map(str, argv))}: status {done.returncode}\n{done.stdout}\n{done.stderr}\n{self.console()}"
        return done

    def events(self, *argv, **more):
        """Runs with --json; returns the events."""
        return [json.loads(line) for line in self.run(*argv, "--json", **more).stdout.splitlines()]

    def result(self, *argv, **more):
        events = self.events(*argv, **more)
        assert events[-1]["event"] == "result", events
        return events[-1]

    def console(self):
        """The end of the newest console log."""
        logs = sorted(self.folder.glob("home/state/jobs/*/console.log"), key=lambda path: int(path.parent.name))
        return logs[-1].read_text(errors="replace")[-3000:] if logs else "(no console log)"

    def is_on(self):
        return self.run("power", "vb", "status").stdout.strip().endswith("on")

    def leftovers(self):
        """What a finished job must not leave: sockets bound in the board's network, a running board."""
        found = []
        for kind in "tcp", "udp":
            table = self.network.run(["cat", f"/proc/net/{kind}"], capture_output=True, text=True).stdout
            for line in table.splitlines()[1:]:
                local, state = line.split()[1], line.split()[3]
                if int(local.split(":")[1], 16) != 67 and state in ("0A", "07"):
                    found.append(f"{kind} {local}")
        if self.is_on():
            found.append("the board is on")
        return found
