# SPDX-License-Identifier: MIT
"""The driver `fastboot` against the model of U-Boot's: over USB first, and TCP and UDP."""
import random
import subprocess

import pytest

from one_board import Lab, checks, result, trouble

MIB = 1 << 20
NOT_FOUND, BOARD, TARGET, VERIFY, TIMEOUT, USB = 4, 12, 13, 14, 15, 18
IMAGE = random.Random(11).randbytes(5_000_000) + bytes(3 * MIB) + b"end"
QUICK = "timeouts: {command: 2s, check: 2s, connect: 2s, write: 4s, verify: 2s, finish: 2s}\n"


@pytest.fixture
def lab(tmp_path):
    lab = Lab(tmp_path)
    lab.file("image", IMAGE)
    lab.file("mmc", b"\xa5" * (16 * MIB))
    return lab


def board(lab, model, keys="{}", more="", busid="1-1"):
    lab.board(f"driver: fastboot\nusb: {model.path(busid)}\nfastboot: {keys}\n{more}")


def medium(lab):
    return (lab.folder / "mmc").read_bytes()


@pytest.mark.parametrize("link", ["usb", "tcp", "udp"])
def test_written(sim, lab, link):
    model = sim("fastboot", "--media", "mmc1=mmc:16M", "--buffer", "1M", "--tcp", "127.0.0.1:0", "--udp", "127.0.0.1:0")
    board(lab, model, "{link: '%s'}" % (link if link == "usb" else link + ":" + model.also[link]))
    events = lab.flash("--target", "mmc1", "image", "--no-verify")
    assert medium(lab)[:len(IMAGE)] == IMAGE
    assert medium(lab)[9 * MIB:] == b"\xa5" * (7 * MIB)
    assert checks(events)["partition"]["text"] == "mmc1: 16.0 MiB"
    assert checks(events)["read-back"]["verdict"] == "warn"


@pytest.mark.parametrize("link", ["usb", "tcp", "udp"])
@pytest.mark.parametrize("way", ["run", "ucmd"])
def test_read_back(sim, lab, link, way):
    """U-Boot itself reads whole devices, partitions of a GPT that it was given first, and hardware boot partitions."""
    model = sim("fastboot", "--oem-run", "--media", "mmc1=mmc:16M", "--tcp", "127.0.0.1:0", "--udp", "127.0.0.1:0", "--env",
                "partitions=name=boot,start=1M,size=2M;name=rootfs,size=12M")
    lab.file("part", b"p" * 100_001)
    keys = "{link: '%s', mmc: 1, read_back: %s}" % (link if link == "usb" else link + ":" + model.also[link], way)
    board(lab, model, keys)
    lab.flash("--target", "1:0", "image")
    lab.flash("--target", "mmc1boot0", "part")
    subprocess.run(["fastboot", "-s", "tcp:" + model.also["tcp"], "oem", "format"], check=True, capture_output=True)
    events = lab.flash("-t", "boot:part", "-t", "rootfs:image")
    assert [write["verified"] for write in result(events)["writes"]] == [True, True]
    assert medium(lab)[MIB:MIB + 100_001] == b"p" * 100_001
    assert medium(lab)[3 * MIB:3 * MIB + len(IMAGE)] == IMAGE


def test_a_medium_that_keeps_nothing(sim, lab):
    model = sim("fastboot", "--oem-run", "--media", "mmc1=mmc:16M", "--fault", "swallow@5000")
    board(lab, model, "{mmc: 1}")
    events = lab.flash("--target", "1:0", "image", "--retries", "0", status=VERIFY)
    assert "read back with CRC-32" in trouble(events)["text"]


def test_packets_are_lost(sim, lab):
    model = sim("fastboot", "--media", "mmc1=mmc:16M", "--udp", "127.0.0.1:0", "--lose", "97", "--udp-sequence", "65500")
    board(lab, model, "{link: 'udp:%s'}" % model.also["udp"])
    lab.flash("--target", "mmc1", "image", "--no-verify")
    assert medium(lab)[:len(IMAGE)] == IMAGE


def test_partitions_by_any_name(sim, lab):
    model = sim("fastboot", "--media", "mmc1=mmc:16M", "--env", "partitions=name=boot,size=2M;name=rootfs,size=4M",
                "--env", "fastboot_raw_partition_env=0x6000 0x100")
    lab.file("part", b"p" * 100_000)
    board(lab, model)
    lab.flash("--target", "1:0", "part", "--no-verify")
    lab.flash("--target", "env", "part", "--no-verify")
    assert medium(lab)[0x6000 * 512:0x6000 * 512 + 100_000] == b"p" * 100_000
    done = lab.flash("--target", "nosuch", "part", "--no-verify", status=NOT_FOUND)
    assert "it says: cannot find partition" in trouble(done)["text"]


def test_two_boards_stay_apart(sim, lab):
    model = sim("fastboot", "--count", "2", "--media", "mmc1=:16M")
    board(lab, model, busid="1-2")
    lab.flash("--target", "mmc1", "image", "--no-verify")


def test_too_large(sim, lab):
    lab.file("small", b"\xa5" * (4 * MIB))
    board(lab, sim("fastboot", "--media", "mmc1=small:4M"))
    events = lab.flash("--target", "mmc1", "image", status=TARGET)
    assert "does not fit" in trouble(events)["text"]
    assert (lab.folder / "small").read_bytes() == b"\xa5" * (4 * MIB)


@pytest.mark.parametrize("fault,statuses", [
    ("write-error@100", {BOARD}), ("cut@3000000", {USB}), ("cut@30", {USB}), ("stall@3", {BOARD, USB}),
    ("hang@5", {TIMEOUT, USB, BOARD}), ("stall@20", {BOARD, USB}), ("hang@40", {TIMEOUT, USB, BOARD}),
    ("short@30", {TIMEOUT, BOARD, USB})])
def test_faults(sim, lab, fault, statuses):
    model = sim("fastboot", "--media", "mmc1=mmc:16M", "--buffer", "1M", "--fault", fault)
    board(lab, model, more=QUICK)
    done = lab.popen("flash", "b", "--target", "mmc1", "image", "--yes", "--no-verify", "--retries", "0")
    out, err = done.communicate(timeout=60)
    assert done.returncode in statuses | {0}, err
    assert not out and "runtime error" not in err
    if done.returncode == 0:  # it was met where it can be got over
        assert medium(lab)[:len(IMAGE)] == IMAGE


@pytest.mark.parametrize("fault", ["cut@3000000", "stall@40", "hang@40"])
def test_a_retry_helps(sim, lab, fault):
    """Also after a download that was left half-way: the device waits for the rest of it."""
    model = sim("fastboot", "--media", "mmc1=mmc:16M", "--buffer", "1M", "--fault", fault)
    board(lab, model, more="timeouts: {write: 6s}\n")
    lab.flash("--target", "mmc1", "image", "--no-verify", "--retries", "3")
    assert medium(lab)[:len(IMAGE)] == IMAGE


def test_ctrl_c_and_again(sim, lab):
    """What was cut off in the middle of a download does not spoil the next job."""
    model = sim("fastboot", "--media", "mmc1=mmc:16M", "--bulk-rate", "1M")
    board(lab, model)
    events = lab.interrupted("--target", "mmc1", "image", "--no-verify",
                             when=lambda e: e["event"] == "stage" and e["name"] == "write")
    assert result(events)["outcome"] == "cancelled"
    assert "incomplete" in result(events)["state"]
    lab.flash("--target", "mmc1", "image", "--no-verify")
    assert medium(lab)[:len(IMAGE)] == IMAGE


def test_a_partition_that_is_not_there_is_asked_for_once(sim, lab):
    """U-Boot without a list of its partitions says it only when one is written."""
    lab.board(f"driver: fastboot\nusb: {sim('fastboot', '--oem-run', '--media', 'mmc1=:16M').path()}\n")
    events = lab.flash(lab.file("image", b"x" * 5000), "--target", "rotfs", status=NOT_FOUND)
    assert "no partition 'rotfs'" in trouble(events)["text"] and trouble(events)["remedy"]
    assert not [event for event in events if event["event"] == "stage" and event["state"] == "retry"]
