# SPDX-License-Identifier: MIT
"""What aboard writes down of a job is enough to have its session again without the device."""
import os
import pathlib
import subprocess

import pytest

from sim import BUILD
from test_dfu import Lab

REPLAY = pathlib.Path(BUILD) / "tests" / "peer" / "replay-tool"


@pytest.fixture
def lab(tmp_path):
    return Lab(tmp_path)


def replay(lab, name):
    done = subprocess.run([REPLAY, "usb.log", "firmware", name], cwd=lab.folder, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.mark.parametrize("manners", [["--poll-ms", "1"], ["--uboot"]], ids=["strict", "uboot"])
def test_flash_once_more(lab, sim, manners):
    model = sim("dfu", *manners, "--alt", "config=:4K", "--alt", "firmware=out")
    data = os.urandom(30000)
    lab.file("image", data)
    lab.file("other", data[:-1] + bytes([data[-1] ^ 1]))
    (lab.folder / "aboard.yaml").write_text(
        f"name: b\ndriver: dfu\nusb: {{path: '{model.path()}', trace: usb.log}}\ndefault_target: firmware\n")
    lab.flash(lab.file("image", data))
    assert (lab.folder / "out").read_bytes() == data
    model.stop()
    assert replay(lab, "image") == (0, "same\n")
    status, said = replay(lab, "other")  # the last block is not what the device was sent
    assert status == 18 and said.startswith("usb: ")
