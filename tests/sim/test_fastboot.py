# SPDX-License-Identifier: MIT
"""The driver `fastboot` over TCP and UDP against a device that does what a test tells it; over USB:
test_fastboot_usb.py."""
import hashlib
import json
import random
import subprocess

import pytest

from fastboot import CUT, SILENT, Device, serving
from one_board import Lab, checks, result, trouble

MIB = 1 << 20
USAGE, CONFIG, NOT_FOUND, IMAGE, NETWORK, BOARD, TARGET, VERIFY, TIMEOUT = 2, 3, 4, 6, 8, 12, 13, 14, 15
WAYS = {"fetch": {"fetch": True}, "run": {"console": "run"}, "ucmd": {"console": "ucmd"}}
SIZES = {"boot": 300_000, "rootfs": 5 * MIB}
ROOT = random.Random(7).randbytes(2_500_003) + bytes(900_000) + b"end"


@pytest.fixture
def lab(tmp_path):
    lab = Lab(tmp_path)
    lab.file("boot.img", b"kernel" * 5000)
    lab.file("root.img", ROOT)
    return lab


def board(lab, link, keys="", more=""):
    lab.board(f"driver: fastboot\nfastboot: {{link: '{link}'{', ' + keys if keys else ''}}}\n{more}")


QUICK = "timeouts: {command: 1s, check: 1s, connect: 1s, write: 2s, verify: 2s, finish: 1s}\n"


@pytest.mark.parametrize("kind,loss", [("tcp", 0), ("udp", 0), ("udp", 1)])
@pytest.mark.parametrize("way", WAYS)
def test_written_and_read_back(lab, kind, loss, way):
    device = Device(SIZES, **WAYS[way])
    with serving(device, kind, **({"loss": loss} if loss else {})) as link:
        board(lab, link)
        events = lab.flash("-t", "boot:boot.img", "-t", "rootfs:root.img")
    assert device.content("rootfs")[:len(ROOT)] == ROOT
    assert device.content("boot")[:30000] == b"kernel" * 5000
    assert device.content("boot")[30000:] == b"\xa5" * 270_000
    assert [(write["target"], write["bytes"], write["sha256"], write["verified"])
            for write in result(events)["writes"]] == [
        ("boot", 30000, hashlib.sha256(b"kernel" * 5000).hexdigest(), True),
        ("rootfs", len(ROOT), hashlib.sha256(ROOT).hexdigest(), True)]
    assert "read back" in result(events)["state"]
    assert all(len(command) <= 64 for command in device.seen)


def test_zeros_are_written_and_not_sent(lab):
    device = Device({"rootfs": 40 * MIB}, console="run")
    lab.file("zeros", bytes(38 * MIB + 5))
    with serving(device) as link:
        board(lab, link)
        lab.flash("--target", "rootfs", "zeros")
    assert device.content("rootfs")[:38 * MIB + 5] == bytes(38 * MIB + 5)
    sent = [int(command[9:], 16) for command in device.seen if command.startswith("download:")]
    assert sum(sent) < 10000


@pytest.mark.parametrize("argv", [[], ["--no-verify"]])
def test_a_loader_that_cannot_be_asked(lab, argv):
    """Written is not verified; and what is not verified is not started."""
    device = Device(SIZES)
    with serving(device) as link:
        board(lab, link, "set_active: b, reboot: system")
        events = lab.flash("--target", "boot", "boot.img", *argv, status=0 if argv else VERIFY)
    assert device.content("boot")[:30000] == b"kernel" * 5000
    assert not result(events)["writes"][0]["verified"]
    assert checks(events)["read-back"]["verdict"] == "warn"
    assert ("reboot" in device.seen) == bool(argv) and device.slot == ("b" if argv else "a")
    if not argv:
        assert "written, but not verified" in trouble(events)["text"]
        assert "--no-verify" in trouble(events)["remedy"]


@pytest.mark.parametrize("key", ["run", "ucmd", "fetch", "none"])
def test_read_back_as_the_board_file_says(lab, key):
    device = Device(SIZES, console="run")
    with serving(device) as link:
        board(lab, link, f"read_back: {key}")
        lab.flash("--target", "boot", "boot.img", status=0 if key == "run" else VERIFY)


@pytest.mark.parametrize("way", WAYS)
def test_a_medium_that_keeps_nothing(lab, way):
    device = Device(SIZES, **WAYS[way])
    device.keeps = False
    with serving(device) as link:
        board(lab, link, "reboot: system")
        events = lab.flash("--target", "rootfs", "root.img", "--retries", "0", status=VERIFY)
    assert "CRC-32" in trouble(events)["text"] and "reboot" not in device.seen
    assert "incomplete" in result(events)["state"]


def test_wrong_name_gets_a_guess(lab):
    device = Device(SIZES, console="run")
    with serving(device) as link:
        board(lab, link)
        events = lab.flash("--target", "rotfs", "boot.img", status=NOT_FOUND)
        assert "rootfs" in trouble(events)["remedy"] and "no such partition" in trouble(events)["text"]
        assert "nothing on the board was changed" in result(events)["state"]
        trouble(lab.flash("-t", "boot:boot.img", "-t", "boot:root.img", status=USAGE))
        trouble(lab.flash("boot.img", status=USAGE))
        trouble(lab.flash("--target", "x", "-t", "boot:boot.img", status=USAGE))
    assert not [command for command in device.seen if command.startswith(("download", "flash"))]


def test_too_large_is_refused_before_the_first_write(lab):
    device = Device({"boot": 300_000, "tiny": 29_999}, console="run")
    with serving(device) as link:
        board(lab, link)
        events = lab.flash("-t", "boot:boot.img", "-t", "tiny:boot.img", status=TARGET)
    assert "does not fit" in trouble(events)["text"] and "29999" in trouble(events)["text"]
    assert not [command for command in device.seen if command.startswith(("download", "flash", "erase"))]


def test_a_device_that_tells_no_sizes(lab):
    device = Device(SIZES, console="run", tells=False)
    with serving(device) as link:
        board(lab, link)
        events = lab.flash("--target", "boot", "boot.img")
        assert checks(events)["partition"]["verdict"] == "warn"
        events = lab.flash("--target", "nosuch", "boot.img", status=NOT_FOUND)
    assert "no partition 'nosuch': it says: cannot find partition" in trouble(events)["text"]


def test_words_that_prove_nothing(lab):
    """Builds that cannot look partitions up say this of all; older ones have slots of names that have none."""
    device = Device(SIZES, console="run", tells=False)
    device.faults["getvar:partition-size"] = "FAILinvalid partition or device"
    device.faults["getvar:has-slot:boot"] = "OKAYyes"
    with serving(device) as link:
        board(lab, link)
        lab.flash("--target", "boot", "boot.img")
        device.faults["getvar:partition-size"] = "FAILno such partition"
        lab.flash("--target", "boot", "boot.img", status=NOT_FOUND)
    assert device.content("boot")[:30000] == b"kernel" * 5000


def test_names_that_take_no_sparse_image(lab):
    device = Device(SIZES, console="run", buffer=64 << 10)
    lab.file("fsbl", random.Random(1).randbytes(60_000))
    lab.file("large", random.Random(1).randbytes(70_000))
    with serving(device) as link:
        board(lab, link, more="targets: {fsbl: mmc0boot1, all: '0:0'}\n")
        lab.flash("--target", "fsbl", "fsbl")
        events = lab.flash("--target", "fsbl", "large", status=TARGET)
        lab.flash("--target", "all", "large")
    assert device.boot[1][:60_000] == (lab.folder / "fsbl").read_bytes()
    assert device.boot[0] == b"\xa5" * (128 << 10)
    assert "in one piece" in trouble(events)["text"]
    assert device.user[:70_000] == (lab.folder / "large").read_bytes()


def test_slots(lab):
    sizes = {"boot_a": 300_000, "boot_b": 300_000}
    for keys, slot in (("", "a"), ("set_active: b", "b")):
        device = Device(sizes, console="run")
        with serving(device) as link:
            board(lab, link, keys)
            lab.flash("--target", "boot", "boot.img")
        assert device.content(f"boot_{slot}")[:30000] == b"kernel" * 5000
        assert device.content("boot_b" if slot == "a" else "boot_a") == b"\xa5" * 300_000
        assert device.slot == slot


@pytest.mark.parametrize("end,command", [("system", "reboot"), ("bootloader", "reboot-bootloader"),
                                         ("continue", "continue"), ("off", "powerdown"), ("none", None)])
def test_erase_and_end(lab, end, command):
    device = Device(SIZES, console="run")
    with serving(device) as link:
        board(lab, link, f"erase: true, reboot: {end}")
        lab.flash("--target", "boot", "boot.img")
    assert device.content("boot")[30000:] == b"\xff" * 270_000
    assert device.seen.index("erase:boot") < device.seen.index("flash:boot")
    assert device.seen[-1] == command if command else device.seen[-1].startswith("oem run:setenv")


STAGES = ["getvar:version", "getvar:product", "getvar:max-download-size", "getvar:all", "getvar:has-slot",
          "getvar:partition-size", "oem run:setenv", "getvar:x", "oem run:mmc dev", "oem run:part start", "erase",
          "download", "flash", "oem run:mmc read", "oem run:crc32", "oem run:setexpr", "set_active", "reboot"]
# What these say is not needed: without it there is less to show, or nothing to check.
TOLERATED = {"FAILno": {"getvar:version", "getvar:product", "getvar:max-download-size", "getvar:all", "getvar:has-slot",
                        "getvar:partition-size"}}
# Without these it is written, and not verified.
UNPROVEN = {"oem run:setenv", "getvar:x", "oem run:mmc dev", "oem run:part start"}
FAULTS = {"fails": "FAILno", "cut": CUT, "junk": "hello", "data": "DATA00000007", "silent": SILENT,
          "chatter": ["INFOwait"] * 3 + [CUT]}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("stage", STAGES)
def test_every_fault_at_every_stage(lab, stage, fault):
    device = Device(SIZES, console="run")
    device.faults[stage] = FAULTS[fault]
    with serving(device) as link:
        board(lab, link, "erase: true, set_active: a, reboot: system", QUICK)
        with lab.popen("flash", "b", "--target", "boot", "boot.img", "--yes", "--retries", "0") as process:
            out, err = process.communicate(timeout=60)
    if stage in TOLERATED.get(FAULTS[fault] if fault == "fails" else "", ()):
        assert process.returncode == 0, err
        return
    expected = {"fails": {BOARD}, "junk": {BOARD}, "data": {BOARD}, "cut": {NETWORK, VERIFY},
                "silent": {TIMEOUT, NETWORK}, "chatter": {NETWORK}}[fault]
    if stage in UNPROVEN:
        expected = expected | {VERIFY}
    if stage == "getvar:version":
        expected = expected | {NETWORK}
    assert process.returncode in expected, err
    assert "Traceback" not in err and "runtime error" not in err and not out
    wrote = any(command.startswith(("flash", "erase")) for command in device.seen)
    assert wrote == (STAGES.index(stage) >= STAGES.index("erase") or stage in UNPROVEN and process.returncode == VERIFY
                     or stage in ("getvar:x", "oem run:setenv") and "flash:boot" in device.seen)


@pytest.mark.parametrize("stage", ["download", "flash", "oem run:crc32"])
def test_a_passing_fault_costs_a_retry(lab, stage):
    device = Device(SIZES, console="run")

    def once(command):
        del device.faults[stage]
        return CUT

    with serving(device) as link:
        board(lab, link)
        device.faults[stage] = once
        events = lab.flash("--target", "rootfs", "root.img")
    assert device.content("rootfs")[:len(ROOT)] == ROOT
    assert [event for event in events if event["event"] == "stage" and event["state"] == "retry"]


@pytest.mark.parametrize("stage", ["download", "flash"])
def test_ctrl_c_in_the_middle(lab, stage):
    """Whatever is waited for: it ends at once, and the record says what is on the board."""
    device = Device(SIZES, console="run")
    device.faults[stage] = SILENT
    with serving(device) as link:
        board(lab, link)
        events = lab.interrupted("--target", "rootfs", "root.img",
                                 when=lambda e: e["event"] == "stage" and e["name"] == "write" and e["state"] == "begin")
        assert result(events)["outcome"] == "cancelled" and "incomplete" in result(events)["state"]
        device.faults.clear()
        lab.flash("--target", "rootfs", "root.img")
    assert device.content("rootfs")[:len(ROOT)] == ROOT
    assert "cancelled" in lab.run("history").stdout


def test_what_the_device_says_is_shown(lab):
    device = Device(SIZES, console="run")
    device.faults["flash"] = ["INFOslot \x1b[2J", "FAILwrite protected"]
    with serving(device) as link:
        board(lab, link)
        done = lab.run("flash", "b", "--target", "boot", "boot.img", "--yes", "--retries", "0", status=BOARD)
    assert "device: slot ?[2J" in done.stderr and "the device says: write protected" in done.stderr
    assert "\x1b" not in done.stderr


def test_nobody_there(lab):
    with serving(Device(SIZES)) as link:
        pass
    board(lab, link)
    assert trouble(lab.flash("--target", "boot", "boot.img", status=NETWORK))["text"]
    board(lab, "udp" + link[3:])
    assert "nobody answers" in trouble(lab.flash("--target", "boot", "boot.img", status=NETWORK))["text"]


@pytest.mark.parametrize("keys,words", [("link: serial", "tcp:HOST"), ("form: spars", "did you mean 'sparse'"),
                                        ("read_back: fetsch", "did you mean 'fetch'"), ("reboot: tomorrow", "one of"),
                                        ("linkk: usb", "link")])
def test_board_file_errors(lab, keys, words):
    lab.board(f"driver: fastboot\nfastboot: {{{keys}}}\n")
    done = lab.run("flash", "b", "--target", "boot", "boot.img", "--yes", status=CONFIG)
    assert words in done.stderr and "aboard.yaml:3:" in done.stderr


def test_a_stream_of_unknown_size(lab):
    """Every piece counts up to its own end, as the size of the image shows only then."""
    device = Device(SIZES, console="run")
    with serving(device) as link:
        board(lab, link)
        with subprocess.Popen(["gzip", "-c", lab.folder / "root.img"], stdout=subprocess.PIPE) as gzip:
            done = lab.run("flash", "b", "--target", "rootfs", "-", "--yes", "--json", stdin=gzip.stdout)
        events = [json.loads(line) for line in done.stdout.splitlines()]
        assert result(events)["writes"][0]["sha256"] == hashlib.sha256(ROOT).hexdigest()
        assert result(events)["writes"][0]["verified"]
        # in one piece its size is told first, and so has to be known
        board(lab, link, "form: raw")
        with open(lab.folder / "boot.img", "rb") as stream:
            done = lab.run("flash", "b", "--target", "boot", "-", "--yes", stdin=stream, status=IMAGE)
        assert "give it as a file" in done.stderr
    assert device.content("rootfs")[:len(ROOT)] == ROOT


def test_a_plan_asks_but_changes_nothing(lab):
    device = Device(SIZES, console="run")
    with serving(device) as link:
        board(lab, link)
        assert "write 29.3 KiB to 'boot'" in lab.run("plan", "b", "--target", "boot", "boot.img").stdout
    assert not [command for command in device.seen if command.startswith(("download", "flash", "erase"))]


def test_dump(lab):
    device = Device(SIZES, fetch=True)
    with serving(device) as link:
        board(lab, link)
        events = lab.events("dump", "boot.out", "--target", "boot")
    assert (lab.folder / "boot.out").read_bytes() == device.content("boot")
    assert result(events)["sha256"] == hashlib.sha256(device.content("boot")).hexdigest()


def test_dump_refused_and_unstable(lab):
    with serving(Device(SIZES, console="run")) as link:
        board(lab, link)
        events = lab.events("dump", "boot.out", "--target", "boot", status=BOARD)
    assert "fetch" in trouble(events)["text"]
    device = Device(SIZES, fetch=True)
    count = iter(range(100))

    def other(command):
        device.user[device.partitions["boot"][0] * 512] = next(count)

    device.faults["fetch"] = other
    with serving(device) as link:
        board(lab, link)
        events = lab.events("dump", "boot.out", "--target", "boot", "--retries", "0", status=VERIFY)
    assert not list(lab.folder.glob("boot.out*"))
