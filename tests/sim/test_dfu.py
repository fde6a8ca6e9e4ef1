# SPDX-License-Identifier: MIT
"""The driver `dfu` against the model of a DFU device."""
import hashlib
import json
import os
import signal
import subprocess
import zlib

import pytest

import one_board
from one_board import PROGRAM, result

VERIFY, BOARD, IMAGE, TARGET, USB, CONFIG, USAGE, TIMEOUT = 14, 12, 6, 13, 18, 3, 2, 15


class Lab(one_board.Lab):
    def board(self, model, dfu="{}", more="", busid="1-1"):
        super().board(f"driver: dfu\nusb: {model.path(busid)}\ndfu: {dfu}\n{more}")


@pytest.fixture
def lab(tmp_path):
    return Lab(tmp_path)


def text(events):
    return result(events)["error"]["text"]


def suffix(data, vid=0xFFFF, pid=0xFFFF, version=0x0100):
    """As dfu-suffix adds it (DFU 1.1 appendix B)."""
    body = data + b"\xff\xff" + b"".join(n.to_bytes(2, "little") for n in (pid, vid, version)) + b"UFD\x10"
    return body + (zlib.crc32(body) ^ 0xFFFFFFFF).to_bytes(4, "little")


@pytest.mark.parametrize("size", [1, 1023, 1024, 1025, 4096, 300000])
def test_written_and_read_back(sim, lab, size):
    data = os.urandom(size)
    lab.board(sim("dfu", "--alt", "fw=medium", "--alt", "other=:4K"))
    events = lab.flash(lab.file("image", data), "--target", "fw")
    assert (lab.folder / "medium").read_bytes() == data
    assert result(events)["writes"] == [{"target": "fw", "device": None, "bytes": size, "verified": True,
                                         "sha256": hashlib.sha256(data).hexdigest()}]
    assert "read back" in result(events)["state"]


def test_rest_of_a_partition_stays(sim, lab):
    """What is compared is what was written: a partition is larger than the image."""
    lab.file("part", b"o" * 65536)
    lab.board(sim("dfu", "--uboot", "--alt", "rootfs=part:64K"), more="targets: {root: rootfs}\ndefault_target: root\n")
    lab.flash(lab.file("image", b"n" * 5000))
    assert (lab.folder / "part").read_bytes() == b"n" * 5000 + b"o" * 60536


@pytest.mark.parametrize("argv", [["--uboot"], ["--poll-ms", "2", "--manifest-ms", "5"], ["--transfer-size", "64"]],
                         ids=["uboot", "busy", "small-blocks"])
def test_manners(sim, lab, argv):
    data = os.urandom(20000)
    lab.board(sim("dfu", *argv, "--alt", "fw=medium"))
    lab.flash(lab.file("image", data))
    assert (lab.folder / "medium").read_bytes() == data


def test_several_at_once(sim, lab):
    lab.board(sim("dfu", "--uboot", "--alt", "boot=m1", "--alt", "root=m2"))
    lab.file("one", b"1" * 10000)
    lab.file("two", b"2" * 9)
    events = lab.flash("-t", "root:one", "-t", "0:two")
    assert (lab.folder / "m2").read_bytes() == b"1" * 10000
    assert (lab.folder / "m1").read_bytes() == b"2" * 9
    assert [write["target"] for write in result(events)["writes"]] == ["root", "0"]


def test_not_verified_is_not_success(sim, lab):
    lab.board(sim("dfu", "--no-upload", "--alt", "fw=medium"))
    lab.file("image", b"abc")
    events = lab.flash("image", status=VERIFY)
    assert "written, but not verified: the device says that it cannot be read" in text(events)
    assert (lab.folder / "medium").read_bytes() == b"abc"
    lab.flash("image", "--no-verify")


def test_device_that_is_gone_after_a_download(sim, lab):
    """One that waits for a reset gets it, comes back, and is read."""
    lab.board(sim("dfu", "--intolerant", "--alt", "fw=medium", "--alt", "more=m2"))
    lab.file("image", b"abc" * 1000)
    lab.file("second", b"xyz")
    lab.flash("-t", "fw:image", "-t", "more:second")
    assert (lab.folder / "medium").read_bytes() == b"abc" * 1000


def test_medium_that_keeps_nothing(sim, lab):
    lab.board(sim("dfu", "--fault", "swallow@1", "--alt", "fw=medium:64K"))
    events = lab.flash(lab.file("image", b"abc" * 1000), "--target", "fw", "--retries", "0", status=VERIFY)
    assert "reads back as" in text(events)


def test_write_error(sim, lab):
    lab.board(sim("dfu", "--fault", "write-error@3+", "--alt", "fw=medium"))
    events = lab.flash(lab.file("image", os.urandom(10000)), "--retries", "0", status=BOARD)
    failures = [event["reason"] for event in events if event["event"] == "stage" and event["state"] == "failed"]
    assert "block 1, 1024 bytes after the start: the device refused: errWRITE" in failures[0]
    assert "errWRITE" in text(events)
    assert "incomplete" in result(events)["state"]


@pytest.mark.parametrize("fault", ["stall@20", "short@20", "stall@9", "no-strings@300"])
def test_fault_that_passes(sim, lab, fault):
    data = os.urandom(30000)
    lab.board(sim("dfu", "--fault", fault, "--alt", "fw=medium"))
    lab.flash(lab.file("image", data), "--target", "fw")
    assert (lab.folder / "medium").read_bytes() == data


def test_unplugged_for_a_moment(sim, lab):
    """Cut in the middle: found again at its port, and begun anew."""
    data = os.urandom(30000)
    lab.board(sim("dfu", "--fault", "cut@12000", "--alt", "fw=medium"))
    events = lab.flash(lab.file("image", data), "--target", "fw", "--retries", "1")
    assert (lab.folder / "medium").read_bytes() == data
    stages = [(event["name"], event["state"], event["attempt"]) for event in events if event["event"] == "stage"]
    again = stages.index(("connect", "retry", 2))
    assert stages[:again].count(("write", "begin", 1)) == 1
    assert ("connect", "begin", 2) in stages[again:] and ("write", "done", 2) in stages[again:]


def test_image_that_is_too_large(sim, lab):
    """The device says so, in the middle: sent again it would be as large."""
    lab.board(sim("dfu", "--uboot", "--alt", "fw=medium:8K"))
    events = lab.flash(lab.file("image", os.urandom(20000)), status=TARGET)
    assert "  state     the board's storage is incomplete" in lab.run("history", "1").stdout
    assert "errADDRESS" in text(events) and "smaller image" in result(events)["error"]["remedy"]
    assert not [event for event in events if event["event"] == "stage" and event["state"] == "retry"]


def test_hang(sim, lab):
    lab.board(sim("dfu", "--fault", "hang@30+", "--alt", "fw=medium"), more="timeouts: {transfer: 300ms}\n")
    events = lab.flash(lab.file("image", os.urandom(30000)), "--retries", "0", status=15)
    assert "timed out" in text(events)


def test_suffix(sim, lab):
    """It is compared with the device, and not sent."""
    data = os.urandom(5000)
    model = sim("dfu", "--id", "1234:5678", "--alt", "fw=medium")
    lab.board(model)
    for name, file in ("any", suffix(data)), ("own", suffix(data, 0x1234, 0x5678)):
        lab.flash(lab.file(name, file))
        assert (lab.folder / "medium").read_bytes() == data
    for file, word in ((suffix(data, 0x1234, 0x9999), "1234:9999"), (suffix(data, version=0x011A), "DfuSe")):
        events = lab.flash(lab.file("wrong", file), status=IMAGE)
        assert word in text(events)
        assert result(events)["state"] == "nothing on the board was changed"
    damaged = bytearray(suffix(data))
    damaged[7] ^= 1
    assert "CRC" in text(lab.flash(lab.file("damaged", bytes(damaged)), status=IMAGE))
    assert "nothing in it but a suffix" in text(lab.flash(lab.file("none", suffix(b"")), status=IMAGE))


def test_compressed_and_piped(sim, lab):
    data = b"compressible " * 5000
    lab.board(sim("dfu", "--alt", "fw=medium"))
    lab.file("plain", data)
    subprocess.run(["xz", "-k", lab.folder / "plain"], check=True)
    lab.flash("plain.xz")
    assert (lab.folder / "medium").read_bytes() == data
    (lab.folder / "medium").write_bytes(b"")
    with open(lab.folder / "plain", "rb") as file:
        done = subprocess.run([PROGRAM, "flash", "b", "-", "--yes"], cwd=lab.folder, env=lab.env, stdin=file, timeout=60,
                              capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (lab.folder / "medium").read_bytes() == data


@pytest.mark.parametrize("argv,status,word", [
    (["image", "--target", "nothing"], TARGET, "has no alternate setting 'nothing'"),
    (["image"], TARGET, "2 alternate settings, and none is named"),
    (["-t", "a:image", "-t", "a:image"], USAGE, "written twice"),
    (["-t", "a:image", "--target", "b"], USAGE, "both name"),
    (["empty", "--target", "a"], IMAGE, "empty"),
])
def test_refusals(sim, lab, argv, status, word):
    lab.board(sim("dfu", "--alt", "a=:64K", "--alt", "b=:64K"))
    lab.file("image", b"abc")
    lab.file("empty", b"")
    events = lab.flash(*argv, status=status)
    assert word in text(events)
    assert result(events)["state"] == "nothing on the board was changed"


def test_dfuse(sim, lab):
    """ST's protocol has the same requests, and means other things by them."""
    lab.board(sim("dfu", "--dfu-version", "0x011a", "--alt", "fw=medium"))
    events = lab.flash(lab.file("image", b"abc"), "--retries", "0", status=BOARD)
    assert "DfuSe" in text(events) and "stm32mp" in result(events)["error"]["remedy"]
    assert not (lab.folder / "medium").read_bytes()


def test_cannot_be_written(sim, lab):
    lab.board(sim("dfu", "--no-download"))
    assert "cannot be written" in text(lab.flash(lab.file("image", b"abc"), status=TARGET))


def test_dump(sim, lab):
    data = os.urandom(70000)
    lab.file("medium", data)
    lab.board(sim("dfu", "--uboot", "--alt", "fw=medium", "--alt", "other=:1K"))
    lab.run("dump", "b", "out", "--target", "fw")
    assert (lab.folder / "out").read_bytes() == data
    lab.run("dump", "b", "none", "--target", "x", status=TARGET)
    assert not (lab.folder / "none").exists()
    assert not (lab.folder / "none.part").exists()


def test_reset_at_the_end(sim, lab):
    """A device that stays on the bus is reset, and can be flashed again."""
    model = sim("dfu", "--alt", "fw=medium")
    for _ in range(2):
        lab.board(model, "{at_end: reset}")
        lab.flash(lab.file("image", b"abc"))
    lab.board(model, "{at_end: detach}")
    events = lab.flash("image", status=BOARD)
    assert "at_end: reset" in result(events)["error"]["remedy"] and "is right" in result(events)["state"]


def test_leaves_dfu(sim, lab):
    """With `at_end: detach` U-Boot goes on: what is at the port then is no DFU device."""
    lab.board(sim("dfu", "--uboot", "--alt", "fw=medium"), "{at_end: detach}")
    lab.flash(lab.file("image", b"abc"))
    done = lab.run("flash", "b", "image", "--yes", "--dry-run")
    assert "not in DFU mode yet; it is waited for, 5 min 0 s at most" in done.stdout + done.stderr


def test_another_serial_number_is_another_board(sim, lab):
    """The error tells what is looked for, and each kind of device once."""
    path = sim("dfu", "--serial", "A", "--alt", "fw=medium").path()
    one_board.Lab.board(lab, f"driver: dfu\nusb: {{path: '{path}', serial: nix}}\ntimeouts: {{connect: 1s}}\n")
    said = text(lab.flash(lab.file("image", b"abc"), status=TIMEOUT))
    assert "board 'b', serial number nix, is not" in said and said.count("TI K3 DFU") == 1


@pytest.mark.parametrize("dfu,word", [
    ("{at_end: never}", "no way to end"),
    ("{in_flight: 3}", "aboard.yaml:4:18: 'in_flight' is 1 or 2"),
    ("{chain: ti-k9}", "ti-k3"),
    ("{tiboot3: x}", "'chain' is missing"),
    ("{chain: ti-k3}", "'tiboot3' is missing"),
])
def test_board_file(sim, lab, dfu, word):
    lab.board(sim("dfu"), dfu)
    done = lab.run("flash", "b", lab.file("image", b"abc"), "--yes", status=CONFIG)
    assert word in done.stderr


def test_suffix_at_the_end_of_a_pipe(sim, lab):
    """What cannot be read beforehand is looked at before the device is told that it has all."""
    data = os.urandom(9000)
    lab.board(sim("dfu", "--id", "1234:5678", "--alt", "fw=medium:64K"))

    def pipe(file):
        return subprocess.run([PROGRAM, "flash", "b", "-", "--yes"], cwd=lab.folder, env=lab.env, input=file, timeout=60,
                              capture_output=True, check=False)
    done = pipe(suffix(data, 0x1234, 0x5678))
    assert done.returncode == 0, done.stderr
    assert (lab.folder / "medium").read_bytes()[:9001] == data + b"\0"
    done = pipe(suffix(data, 0x1234, 0x9999))
    assert done.returncode == IMAGE and b"1234:9999" in done.stderr


def test_suffix_of_dfu_util(sim, lab):
    """The suffix as dfu-util's own tool adds it."""
    data = os.urandom(4097)
    lab.board(sim("dfu", "--id", "1234:5678", "--alt", "fw=medium"))
    lab.file("fw.dfu", data)
    subprocess.run(["dfu-suffix", "-v", "1234", "-p", "5678", "-a", lab.folder / "fw.dfu"], check=True, capture_output=True)
    assert (lab.folder / "fw.dfu").stat().st_size == 4097 + 16
    lab.flash("fw.dfu")
    assert (lab.folder / "medium").read_bytes() == data


def test_interrupted(sim, lab):
    """Ctrl-C ends it at once; the device is left so that the next one can go on."""
    data = os.urandom(60000)
    lab.board(sim("dfu", "--uboot", "--transfer-us", "20000", "--transfer-size", "512", "--alt", "fw=medium"))
    lab.file("image", data)
    with subprocess.Popen([PROGRAM, "flash", "b", "image", "--yes", "--json"], cwd=lab.folder, env=lab.env, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL) as job:
        for line in job.stdout:
            event = json.loads(line)
            if event["event"] == "progress" and event["stage"] == "write":
                job.send_signal(signal.SIGINT)
                break
        last = json.loads(job.stdout.read().splitlines()[-1])
        job.wait(timeout=20)
        job.stderr.read()
    assert job.returncode == 130
    assert last["outcome"] == "cancelled" and "incomplete" in last["state"]
    lab.flash(lab.file("image", data[:5000]))
    assert (lab.folder / "medium").read_bytes() == data[:5000]


def test_asked_one_by_one(sim, lab):
    """The same bytes, whether two blocks are under way or one."""
    data = os.urandom(50000)
    lab.board(sim("dfu", "--uboot", "--alt", "fw=medium"), "{in_flight: 1}")
    lab.flash(lab.file("image", data))
    assert (lab.folder / "medium").read_bytes() == data
