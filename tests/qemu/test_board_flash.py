# SPDX-License-Identifier: MIT
"""A board running real U-Boot and real Linux is flashed over the network, and boots what was flashed."""
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import time

import pytest
from lab import Lab


@pytest.fixture
def lab(tmp_path, network, board, bundle):
    lab = Lab(tmp_path, network, board, bundle)
    yield lab
    lab.run("power", "vb", "off", status=None)


def sha256(path, size=None):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        left = size if size is not None else os.fstat(file.fileno()).st_size
        while left:
            piece = file.read(min(left, 1 << 20))
            assert piece, f"{path} ends {left} bytes early"
            digest.update(piece)
            left -= len(piece)
    return digest.hexdigest()


def small_image(path, mib=8, seed=1):
    """Half random, half zeros: quick to write, and wrong bytes show."""
    data = random.Random(seed).randbytes(mib << 19)
    path.write_bytes(data + bytes(mib << 19))
    return path


def compress(path, *command):
    """The compressed file that this program makes of it, beside it."""
    out = path.with_name(f"{path.name}.{command[0]}")
    with open(out, "wb") as file:
        subprocess.run([*command, "-c", path], stdout=file, check=True)
    return out


def holds(disk, image):
    return sha256(disk, image.stat().st_size) == sha256(image)


def test_the_flashed_system_boots(lab, os_image, tmp_path):
    """The main job: plan, flash from .xz, power cycle, the new system's login banner from the disk."""
    image = compress(os_image.path, "xz", "-T2", "-1", "--keep")
    result = lab.result("flash", "vb", str(image), "--yes")
    assert result["outcome"] == "done" and result["exit"] == 0
    [write] = result["writes"]
    assert write["verified"] is True
    assert write["sha256"] == sha256(os_image.path)
    assert holds(lab.board.folder / "virtio.img", os_image.path)
    assert lab.leftovers() == []

    lab.board.listen()
    lab.board.power_on()
    lab.board.console.expect(os_image.banner, 90)
    lab.board.console.expect("login:", 30)


def test_sd_card_and_dump(lab, tmp_path):
    """The card is proven by reading it back: by aboard, here, and by a dump that equals what was written."""
    lab.write(power={**lab.keys["power"], "argv": [*lab.board.argv(), "--sd-size", "64M"]})
    image = small_image(tmp_path / "small.img")
    lab.run("flash", "vb", str(compress(image, "zstd")), "--target", "sd", "--yes")
    assert holds(lab.board.folder / "sd.img", image)

    dump = tmp_path / "dump.img.zst"
    result = lab.result("dump", "vb", str(dump), "--target", "sd", "--yes")
    subprocess.run(["zstd", "-dq", dump, "-o", tmp_path / "dump.img"], check=True)
    assert sha256(tmp_path / "dump.img") == sha256(lab.board.folder / "sd.img") == result["sha256"]
    assert lab.leftovers() == []


@pytest.mark.no_dhcp
def test_static_address_without_dhcp(lab, tmp_path):
    lab.write(network={"mode": "static", "address": "192.168.77.20", "netmask": "255.255.255.0"})
    image = small_image(tmp_path / "small.img")
    lab.run("flash", "vb", str(image), "--yes")
    assert holds(lab.board.folder / "virtio.img", image)


CODECS = [("xz",), ("gzip",), ("bzip2",), ("zstd",), ("lz4",)]


def test_every_codec_and_partitions_in_one_boot(lab, tmp_path):
    """A disk with one partition a codec; all are written in one boot, each found by its label on that disk only."""
    size = 8
    disk = tmp_path / "disk.img"
    with open(disk, "wb") as file:
        file.truncate((size * len(CODECS) + 4) << 20)
    table = "label: gpt\n" + "".join(
        f"start={(1 + size * index) << 11}, size={size << 11}, name=\"part {codec[0]}\"\n"
        for index, codec in enumerate(CODECS))
    subprocess.run(["sfdisk", "-q", disk], input=table, text=True, check=True)
    lab.run("flash", "vb", str(disk), "--yes")

    parts = [small_image(tmp_path / f"{codec[0]}.img", size, seed) for seed, codec in enumerate(CODECS)]
    arguments = []
    for codec, part in zip(CODECS, parts):
        # A name that lies about what is in it.
        lying = compress(part, *codec).rename(tmp_path / f"{codec[0]}.bin")
        arguments += ["-t", f"part {codec[0]}:{lying}"]
    events = lab.events("flash", "vb", *arguments, "--yes")
    assert len(events[-1]["writes"]) == len(CODECS)
    assert [event["name"] for event in events if event["event"] == "stage"].count("power-cycle") == 2
    with open(lab.board.folder / "virtio.img", "rb") as file:
        for index, part in enumerate(parts):
            file.seek((1 + size * index) << 20)
            assert file.read(size << 20) == part.read_bytes(), CODECS[index]


def test_a_bad_image_is_refused_before_power_is_touched(lab, tmp_path):
    image = compress(small_image(tmp_path / "small.img"), "xz")
    damaged = bytearray(image.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    image.write_bytes(damaged)
    result = lab.result("flash", "vb", str(image), "--yes", status=6)
    assert result["outcome"] == "refused"
    assert result["state"] == "nothing on the board was changed"
    assert not (lab.board.folder / "virtio.img").exists(), "the board was switched on"


def test_an_image_that_does_not_fit_is_not_written(lab, tmp_path):
    image = tmp_path / "large.img"
    with open(image, "wb") as file:
        file.truncate(1 << 30)
    result = lab.result("flash", "vb", str(image), "--yes", status=13)
    assert "does not fit" in result["error"]["text"]
    assert result["state"] == "nothing on the board was changed"
    assert lab.leftovers() == []


def test_unknown_label_names_what_there_is(lab, tmp_path):
    image = small_image(tmp_path / "small.img")
    result = lab.result("flash", "vb", "-t", f"nosuch:{image}", "--yes", status=13)
    assert "no partition 'nosuch'" in result["error"]["text"]
    assert lab.leftovers() == []


def begin(lab, *argv):
    return lab.popen(*argv, "--json", stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def until(process, wanted):
    """Reads events until one that `wanted` accepts."""
    for line in process.stdout:
        event = json.loads(line)
        if wanted(event):
            return event
    raise AssertionError(f"it ended first: {process.wait()} {process.stderr.read()}")


def writing(event):
    return event["event"] == "progress" and event["stage"] == "write" and event["done"] > 0


def large_image(path):
    """Takes long enough to write that it can be interrupted in the middle."""
    block = random.Random(7).randbytes(1 << 20)
    with open(path, "wb") as file:
        for number in range(256):
            file.write(number.to_bytes(8, "little") + block[8:])
    return path


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_cleans_up_and_is_recorded(lab, tmp_path, number):
    process = begin(lab, "flash", "vb", str(large_image(tmp_path / "large.img")), "--yes")
    until(process, writing)
    process.send_signal(number)
    result = until(process, lambda event: event["event"] == "result")
    assert process.wait(30) == 130
    assert result["outcome"] == "cancelled"
    assert "incomplete" in result["state"]
    assert lab.leftovers() == []
    [job] = json.loads(lab.run("history", "--json").stdout)
    assert job["outcome"] == "cancelled"


def test_after_kill_9_a_fresh_job_starts_at_once(lab, tmp_path):
    image = small_image(tmp_path / "small.img")
    process = begin(lab, "flash", "vb", str(large_image(tmp_path / "large.img")), "--yes")
    stage = random.choice(["interrupt", "load", "boot", "write"])
    until(process, lambda event: event.get("name") == stage or writing(event))
    time.sleep(random.random() / 2)  # anywhere in the stage
    process.kill()
    process.wait()
    lab.run("flash", "vb", str(image), "--yes")
    assert holds(lab.board.folder / "virtio.img", image)
    jobs = json.loads(lab.run("history", "--json").stdout)
    assert [job["outcome"] for job in jobs] == ["done", "interrupted"]


def test_power_failing_in_the_middle_is_tried_again(lab, tmp_path):
    """The board goes away while it is written: the job goes back to the power cycle, and ends well."""
    lab.write(timeouts={"command": "10s"})
    image = large_image(tmp_path / "large.img")
    process = begin(lab, "flash", "vb", str(image), "--yes")
    until(process, writing)
    pid = int((tmp_path / "home/state/power/vb.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    retry = until(process, lambda event: event["event"] == "stage" and event["state"] == "retry")
    assert retry["reason"]
    result = until(process, lambda event: event["event"] == "result")
    assert (process.wait(200), result["outcome"]) == (0, "done"), result
    assert holds(lab.board.folder / "virtio.img", image)


def test_shell_at_each_place(lab):
    done = lab.run("shell", "vb", "--at", "bootloader", "--exec", "echo in; false", status=1)
    assert done.stdout == "in\n"
    done = lab.run("shell", "vb", "--at", "linux", "--exec", "uname -m; (exit 7)", status=7)
    assert done.stdout == "aarch64\n"
    assert lab.leftovers() == []


def test_a_plan_changes_nothing_and_is_repeatable(lab, tmp_path):
    image = small_image(tmp_path / "small.img")
    digests = {next(event["digest"] for event in lab.events("plan", "vb", str(image)) if event["event"] == "plan")
               for _ in range(2)}
    assert len(digests) == 1
    assert not (lab.board.folder / "virtio.img").exists(), "the board was switched on"
    lab.run("flash", "vb", str(image), "--yes", "--plan-digest", "0" * 64, status=16)
    lab.run("flash", "vb", str(image), "--yes", "--plan-digest", digests.pop())
    assert holds(lab.board.folder / "virtio.img", image)


def test_stdin_is_streamed(lab, tmp_path):
    image = small_image(tmp_path / "small.img")
    with open(compress(image, "gzip"), "rb") as file:
        done = lab.network.popen([lab_program(), "flash", "vb", "-", "--yes"], cwd=lab.folder, env=lab.env,
                                 stdin=file, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out = done.communicate(timeout=200)
    assert done.returncode == 0, out
    assert holds(lab.board.folder / "virtio.img", image)


def lab_program():
    from lab import program
    return program()


def test_a_url_is_streamed_through_this_host_or_pulled_by_the_board(lab, tmp_path):
    image = small_image(tmp_path / "small.img")
    shutil.move(compress(image, "xz"), tmp_path / "served.img")
    url = lab.board.serve_http(tmp_path) + "/served.img"
    lab.run("flash", "vb", url, "--yes")
    assert holds(lab.board.folder / "virtio.img", image)
    (lab.board.folder / "virtio.img").write_bytes(b"")
    os.truncate(lab.board.folder / "virtio.img", 512 << 20)
    lab.run("flash", "vb", url, "--yes", "--direct")
    assert holds(lab.board.folder / "virtio.img", image)
