# SPDX-License-Identifier: MIT
"""What goes wrong at the bench: each ends with the right status, says why and what to do, and leaves nothing behind."""
import json
import os
import shutil
import subprocess
import threading

import pytest
from lab import Lab, program
from test_board_flash import compress, holds, small_image


@pytest.fixture
def lab(tmp_path, network, board, bundle):
    lab = Lab(tmp_path, network, board, bundle)
    yield lab
    lab.run("power", "vb", "off", status=None)


@pytest.fixture
def image(tmp_path):
    return small_image(tmp_path / "small.img")


def refused(lab, *arguments, status, words, state="nothing on the board was changed"):
    """The job's result: it failed with this status, and its error has these words and a remedy."""
    result = lab.result("flash", "vb", *map(str, arguments), "--yes", status=status)
    error = result["error"]
    assert all(word in error["text"] + (error["remedy"] or "") for word in words), error
    assert result["state"] == state
    return result


def test_wrong_digest(lab, image):
    refused(lab, image, "--os-image-checksum", "0" * 64, status=7, words=["0000"])
    image.with_name(image.name + ".sha256").write_text("1" * 64 + "  small.img\n")
    refused(lab, image, status=7, words=["1111"])
    assert not (lab.board.folder / "virtio.img").exists(), "the board was switched on"


def test_power_that_refuses(lab, image):
    lab.write(power={"type": "command", "on": ["false"], "off": ["false"]})
    refused(lab, image, status=10, words=["power cycle", "false"])


def test_a_console_that_stays_silent(lab, image):
    """The board is on but says nothing: the cable is not in."""
    lab.write(power={"type": "command", "on": ["true"], "off": ["true"]}, timeouts={"interrupt": "2s"})
    refused(lab, image, "--retries", "0", status=11, words=["interrupt autoboot", "cable"])


def test_an_address_the_board_cannot_reach(lab, image):
    refused(lab, image, "--host-address", "127.0.0.1", "--retries", "0", status=8,
            words=["cannot reach this host at 127.0.0.1", "--host-address"])
    assert lab.leftovers() == []


def test_a_flasher_that_is_not_what_it_should_be(lab, image, bundle, tmp_path):
    """The boot command comes back: said at once, not when the time for booting is over."""
    broken = tmp_path / "broken"
    shutil.copytree(bundle, broken)
    (broken / "data" / "vmlinuz").write_bytes(os.urandom(1 << 20))
    lab.write(bundle={"ref": str(broken)})
    refused(lab, image, "--retries", "0", status=12, words=["boot flasher", "booti"])
    assert lab.leftovers() == []


def test_a_source_that_ends_early(lab, image, tmp_path):
    """What is streamed from a pipe breaks off in the middle: never a success, and the record says what is there."""
    packed = compress(image, "gzip")
    process = lab.network.popen([program(), "flash", "vb", "-", "--yes", "--json"], cwd=lab.folder, env=lab.env,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    data = packed.read_bytes()
    threading.Thread(target=lambda: (process.stdin.write(data[:-100000]), process.stdin.close())).start()
    result = json.loads(process.stdout.read().splitlines()[-1])
    assert process.wait(120) == 6, result
    assert "cut short" in result["error"]["text"]
    assert "incomplete" in result["state"]
    assert lab.leftovers() == []


def test_a_medium_that_keeps_nothing(lab, image):
    """Every write goes well and nothing is there afterwards: only the read-back knows."""
    lab.write(power={**lab.keys["power"], "argv": [*lab.board.argv(), "--forgetful"]})
    refused(lab, image, "--retries", "0", status=14, words=["reads back as", "another"],
            state="the board's storage is incomplete: flash it again before it is used")
    assert lab.leftovers() == []


def test_a_full_disk_is_noticed_before_the_board_is_touched(lab, image, tmp_path):
    """The state folder is on a file system of 1 MiB."""
    home = tmp_path / "home"
    home.mkdir()
    script = f"mount -t tmpfs -o size=1M tmpfs {home} && exec {program()} flash vb {image} --yes --json"
    done = lab.network.run(["unshare", "-m", "sh", "-c", script], cwd=lab.folder, env=lab.env, capture_output=True,
                           text=True)
    result = json.loads(done.stdout.splitlines()[-1])
    assert (done.returncode, result["outcome"]) == (5, "refused"), done.stdout
    assert not (lab.board.folder / "virtio.img").exists(), "the board was switched on"


def test_two_jobs_on_one_board(lab, image):
    first = lab.popen("shell", "vb", "--at", "bootloader", "--exec", "sleep 3", "--json", stdout=subprocess.PIPE)
    for line in first.stdout:
        if json.loads(line)["event"] == "stage":
            break
    done = lab.run("flash", "vb", str(image), "--yes", status=17)
    assert "shell" in done.stderr and str(first.pid) in done.stderr
    first.stdout.read()
    assert first.wait(60) == 0


def test_prompts_and_noise_inside_output_fool_nobody(lab, image):
    """A background job floods the console with prompts, markers of others and binary while everything goes on."""
    noise = "(while :; do echo '=> '; echo '# '; printf '\\001\\377 flasher login: \\r\\n'; usleep 20000; done) & true"
    lab.keys["bundle"] = {"ref": str(noisy_bundle(lab, noise))}
    lab.write()
    result = lab.result("flash", "vb", str(image), "--yes")
    assert result["outcome"] == "done"
    assert holds(lab.board.folder / "virtio.img", image)


def noisy_bundle(lab, command):
    import yaml
    source, folder = lab.keys["bundle"]["ref"], lab.folder / "noisy"
    shutil.copytree(source, folder)
    manifest = yaml.safe_load((folder / "manifest.yaml").read_text())
    manifest["spec"]["preflash_commands"] = [command]
    (folder / "manifest.yaml").write_text(yaml.safe_dump(manifest))
    return folder
