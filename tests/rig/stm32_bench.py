# SPDX-License-Identifier: MIT
"""A folder with the files of an STM32MP board, its board file and its model; aboard is run in it."""
import json
import os
import pathlib
import subprocess

from stm32_files import write_boot_files

ROOT = pathlib.Path(__file__).resolve().parents[2]
ABOARD = os.environ.get("ABOARD", str(ROOT / "build-check" / "src" / "cli" / "aboard"))
TIMEOUTS = {"tf-a": "5s", "uboot": "8s", "partitions": "8s", "fastboot": "8s", "attach": "8s", "transfer": "5s"}


class Outcome:
    """What a run of aboard told: its events, and shortcuts into them."""

    def __init__(self, done):
        self.status = done.returncode
        self.errors = done.stderr
        self.events = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    def of(self, kind):
        return [event for event in self.events if event["event"] == kind]

    @property
    def result(self):
        return self.of("result")[-1]

    @property
    def error(self):
        return self.result["error"]["text"] if self.result["error"] else ""

    @property
    def remedy(self):
        return self.result["error"]["remedy"] or ""

    @property
    def plan(self):
        return self.of("plan")[-1]["plan"]

    def log(self):
        return "\n".join(event["text"] for event in self.of("log"))

    def __repr__(self):
        return f"status {self.status}: {self.error}\n{self.remedy}\n{self.log()}\n{self.errors[-2000:]}"


class Bench:
    """A folder with a board's files and its board file; runs aboard in it."""

    def __init__(self, folder, sim):
        self.folder, self.sim = folder, sim
        self.boards = []

    def board(self, model, name="b1", busid="1-1", chip="mp15", way="auto", timeouts=None, power=None, **keys):
        write_boot_files(self.folder, chip)
        own = {"fsbl": "tf-a.stm32", "fip": "fip.bin", "way": way, **keys}
        if chip.startswith("mp2"):
            own |= {"fip_ddr": "fip-ddr.bin"}
        if chip == "mp23":
            own |= {"chip": "mp23"}
        self.boards.append({"name": name, "driver": "stm32mp", "usb": model.path(busid), "stm32mp": own,
                            "timeouts": TIMEOUTS | (timeouts or {}), **({"power": power} if power else {})})
        (self.folder / "boards.json").write_text(json.dumps({"boards": self.boards}))
        return name

    def argv(self, *words):
        return [ABOARD, *map(str, words), "--json", "--boards", str(self.folder / "boards.json")]

    def run(self, *words):
        done = subprocess.run(self.argv(*words), cwd=self.folder, env=self.env(), capture_output=True, text=True,
                              timeout=120)
        return Outcome(done)

    def plain(self, *words):
        """The same without --json: what a person reads."""
        words = [word for word in self.argv(*words) if word != "--json"]
        return subprocess.run(words, cwd=self.folder, env=self.env(), capture_output=True, text=True, timeout=120)

    def env(self):
        return {**os.environ, "ABOARD_HOME": str(self.folder / "home"), "NO_COLOR": "1"}

    def flash(self, name, file, *words):
        return self.run("flash", name, file, "--yes", *words)

    def write(self, name, data):
        (self.folder / name).write_bytes(data)
        return name

    def medium(self, name, size):
        return (self.folder / name).read_bytes()[:size]


def start(bench, *argv, chip="mp15", media=("mmc0=sd.img:16M", "mmc1=emmc.img:32M"), faults=()):
    words = [word for medium in media for word in ("--media", medium)]
    words += [word for fault in faults for word in ("--fault", fault)]
    return bench.sim("stm32mp", "--chip", chip, *words, *argv)
