# SPDX-License-Identifier: MIT
"""Other people's USB programs, unmodified, on models behind a USB/IP server: a look-alike of libusb-1.0.so.0 is loaded
in place of the real one (tests/peer/libusb)."""
import pathlib
import re
import subprocess
import sys

from peers import BUILD, clean_env

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "rig"))

from sim import Sim  # noqa: E402, F401

LOOKALIKE = BUILD / "tests" / "peer" / "libusb"


def run_peer(models, *argv, status=0, cwd=None, timeout=60):
    """Runs a program on the models, which have to be the only USB devices it sees; returns what it said."""
    env = clean_env(LD_LIBRARY_PATH=LOOKALIKE, ABOARD_TEST_USBIP=models.address, LC_ALL="C.UTF-8", HOME=cwd or "/")
    done = subprocess.run([str(word) for word in argv], env=env, cwd=cwd, stdin=subprocess.DEVNULL, timeout=timeout,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    output = done.stdout.decode(errors="replace").replace("\r", "\n")
    assert done.returncode == status, f"status {done.returncode}:\n{output}"
    return output


def dfu_util(models, *argv, **more):
    return run_peer(models, "dfu-util", *argv, **more)


def listed(output):
    """The devices that `dfu-util -l` found, each as a dictionary, by port and alternate setting."""
    found = [dict(re.findall(r'(\w+)="?([^",]*)"?', line), id=re.search(r"\[(.*)\]", line)[1])
             for line in output.splitlines() if line.startswith("Found DFU: ")]
    return sorted(found, key=lambda device: (device["path"], int(device["alt"])))
