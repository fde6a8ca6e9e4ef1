# SPDX-License-Identifier: MIT
"""dfu-util judges the models: plain DFU and U-Boot's."""
import os

import pytest

from usb_peers import Sim, dfu_util, listed


@pytest.fixture
def data(tmp_path):
    """A file that is not a whole number of blocks long, and its bytes."""
    path = tmp_path / "data.bin"
    path.write_bytes(os.urandom(10000))
    return path


def test_list(tmp_path):
    with Sim("dfu", "--alt", "firmware=fw", "--alt", "config=:4K", "--id", "0483:df11", "--serial", "A1",
             "dfu", "--uboot", "--alt", "u-boot.img=out", cwd=tmp_path) as models:
        first, second, third = listed(dfu_util(models, "-l"))
        assert {**first, "devnum": "", "ver": ""} == {
            "id": "0483:df11", "ver": "", "devnum": "", "cfg": "1", "intf": "0", "path": "1-1", "alt": "0",
            "name": "firmware", "serial": "A1"}
        assert (second["path"], second["alt"], second["name"]) == ("1-1", "1", "config")
        assert second["devnum"] == first["devnum"] != third["devnum"]
        assert (third["path"], third["alt"], third["name"]) == ("1-2", "0", "u-boot.img")


@pytest.mark.parametrize("manners", [["--poll-ms", "2", "--manifest-ms", "5"], ["--uboot"]], ids=["strict", "uboot"])
def test_download_and_upload(tmp_path, data, manners):
    with Sim("dfu", "--alt", "config=:4K", "--alt", "firmware=out", *manners, cwd=tmp_path) as models:
        said = dfu_util(models, "-a", "firmware", "-D", data)
        assert "DFU state(7) = dfuMANIFEST, status(0) = No error condition is present" in said
        assert said.rstrip().endswith("Done!")
        assert (tmp_path / "out").read_bytes() == data.read_bytes()
        said = dfu_util(models, "-a", "1", "-U", tmp_path / "back")
        assert "Received a total of 10000 bytes" in said
        assert (tmp_path / "back").read_bytes() == data.read_bytes()


def test_manifest_then_reset(tmp_path, data):
    """A device that is not manifestation tolerant waits for a reset of the bus, then is there again."""
    with Sim("dfu", "--intolerant", "--manifest-ms", "5", "--alt", "firmware=out", cwd=tmp_path) as models:
        said = dfu_util(models, "-D", data)
        assert "DFU state(8) = dfuMANIFEST-WAIT-RESET, status(0) = No error condition is present\n" \
            "Resetting USB to switch back to runtime mode\nDone!" in said
        assert (tmp_path / "out").read_bytes() == data.read_bytes()
        assert len(listed(dfu_util(models, "-l"))) == 1


def test_detach_of_uboot(tmp_path):
    with Sim("dfu", "--uboot", "--alt", "firmware=out", cwd=tmp_path) as models:
        said = dfu_util(models, "-e")
        assert "can't detach" not in said
        assert not listed(dfu_util(models, "-l"))


def test_detach_of_strict(tmp_path):
    """The standard has no DETACH in DFU mode."""
    with Sim("dfu", "--alt", "firmware=out", cwd=tmp_path) as models:
        assert "can't detach" in dfu_util(models, "-e")
        assert len(listed(dfu_util(models, "-l"))) == 1


def test_write_error(tmp_path, data):
    with Sim("--fault", "write-error@9", "dfu", "--alt", "firmware=out:64K", cwd=tmp_path) as models:
        said = dfu_util(models, "-D", data, status=74)
        assert "failed!\nDFU state(10) = dfuERROR, status(3) = Device is unable to write memory" in said
        said = dfu_util(models, "-D", data)  # it recovers: CLRSTATUS, then again
        assert "\nClearing status\n" in said
        assert (tmp_path / "out").read_bytes()[:10000] == data.read_bytes()


@pytest.mark.parametrize("option, flag, words", [
    ("--no-upload", "-U", "Error during upload (LIBUSB_ERROR_PIPE)"),
    ("--no-download", "-D", "Error during download (LIBUSB_ERROR_PIPE)"),
])
def test_one_way(tmp_path, data, option, flag, words):
    """What its descriptor does not offer is stalled."""
    with Sim("dfu", option, "--alt", "firmware=out", cwd=tmp_path) as models:
        said = dfu_util(models, flag, data if flag == "-D" else tmp_path / "back", status=74)
        assert words in said
        assert len(listed(dfu_util(models, "-l"))) == 1


def test_unplugged_in_the_middle(tmp_path, data):
    with Sim("--fault", "cut@5000", "--absent", "50ms", "dfu", "--alt", "firmware=out", cwd=tmp_path) as models:
        said = dfu_util(models, "-D", data, status=74)
        assert "LIBUSB_ERROR_NO_DEVICE" in said
