# SPDX-License-Identifier: MIT
"""The scripts of the virtual board: what they make is the same each time, and they leave nothing behind."""
import json
import os
import pathlib
import signal
import subprocess
import time

import pytest
from virtual_board import DEMO, make

READY = "readlink /proc/self/ns/net; "


def in_network(name):
    """The processes in a network namespace; a zombie is in none."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "ns/net") == name:
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            pass
    return found


def start(command, *options, before=""):
    """Runs `before`, then `command`, in a network; it has come to `command` when this returns."""
    process = subprocess.Popen([DEMO / "netns", *options, "sh", "-c", before + READY + command],
                               stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
    return process, process.stdout.readline().strip()


def end(process, timeout=20):
    process.stdin.close()
    status = process.wait(timeout=timeout)
    process.stdout.close()
    return status


def test_netns_gives_the_commands_status():
    process, name = start("read line; exit 7")
    assert any("dnsmasq" in command for command in in_network(name))
    assert end(process) == 7
    assert in_network(name) == []


def test_netns_without_dhcp():
    process, name = start("read line", "--no-dhcp")
    assert not any("dnsmasq" in command for command in in_network(name))
    end(process)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_netns_passes_a_signal_on_and_keeps_the_status(number):
    process, name = start("wait", before="trap 'exit 42' TERM; sleep 1000 & ")
    process.send_signal(number)
    assert end(process) == 42
    assert in_network(name) == []


def test_netns_ends_what_the_command_left():
    process, name = start("sleep 1000 & read line")
    assert any("sleep 1000" in command for command in in_network(name))
    assert end(process) == 1
    assert in_network(name) == []


def test_netns_killed_outright_leaves_nothing():
    process, name = start("read line")
    process.kill()
    deadline = time.monotonic() + 10
    while in_network(name):
        assert time.monotonic() < deadline, in_network(name)
    end(process)


def test_image_is_repeatable(arm64_cache, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    for name in "a.img", "b.img":
        make("make-image", tmp_path / name, "--size", "96M")
    assert (tmp_path / "a.img").read_bytes() == (tmp_path / "b.img").read_bytes()
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["a.img", "b.img"]


def test_image_has_labels_and_ids_of_its_own(arm64_cache, os_image, tmp_path):
    make("make-image", tmp_path / "other.img", "--banner", "another")

    def table(path):
        output = subprocess.run(["sfdisk", "--json", path], check=True, stdout=subprocess.PIPE,
                                env={**os.environ, "PATH": "/usr/sbin:" + os.environ["PATH"]}).stdout
        return json.loads(output)["partitiontable"]

    one, other = table(os_image.path), table(tmp_path / "other.img")
    assert [part["name"] for part in one["partitions"]] == ["boot", "root"]
    assert one["id"] != other["id"]
    assert one["partitions"][1]["uuid"] != other["partitions"][1]["uuid"]


def test_bundle_is_repeatable(arm64_cache, bundle, tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    for name in "a", "b":
        make("make-bundle", tmp_path / name)
    for file in "manifest.yaml", "data/vmlinuz", "data/initramfs.cpio.gz":
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


@pytest.mark.parametrize("script, args, text", [
    ("make-image", ["out.img", "--size", "10M"], "at least 96M"),
    ("make-image", [], "usage"),
    ("make-bundle", ["."], "exists already"),
    ("board-qemu", ["--dir"], "value is missing"),
    ("board-qemu", ["--dir", "x", "--colour", "red"], "no such option"),
    ("netns", [], "no command"),
    ("run", ["--fast"], "no such option"),
])
def test_wrong_arguments_are_refused(script, args, text, tmp_path):
    done = subprocess.run([DEMO / script, *args], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert text in done.stderr
    assert list(tmp_path.iterdir()) == []
