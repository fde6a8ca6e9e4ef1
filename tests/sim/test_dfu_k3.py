# SPDX-License-Identifier: MIT
"""The boot chain of TI K3 boards, from the ROM on, against the model of one."""
import os
import subprocess

import pytest

from test_dfu import BOARD, IMAGE, Lab, result, text  # noqa: F401

CERTIFICATE = """[req]
distinguished_name = dn
x509_extensions = v3
prompt = no
[dn]
CN = test
[v3]
1.3.6.1.4.1.294.1.9 = ASN1:SEQUENCE:boot
[boot]
extImgSize = INTEGER:{size}
numComp = INTEGER:{count}
{names}
"""
COMPONENT = """[c{number}]
compType = INTEGER:{kind}
bootCore = INTEGER:16
compOpts = INTEGER:0
destAddr = FORMAT:HEX,OCT:43c00000
compSize = INTEGER:{size}
"""


def tiboot3(folder, secure=True):
    """A tiboot3.bin as U-Boot's binman builds it: a certificate that tells of the parts behind it."""
    kinds = [1, 2, 3, 18] if secure else [1, 2, 18]
    names = "".join(f"c{n} = SEQUENCE:c{n}\n" for n in range(len(kinds)))
    text = CERTIFICATE.format(size=20000 * len(kinds), count=len(kinds), names=names)
    text += "".join(COMPONENT.format(number=n, kind=kind, size=20000) for n, kind in enumerate(kinds))
    (folder / "openssl.cnf").write_text(text)
    subprocess.run(["openssl", "req", "-new", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-outform",
                    "DER", "-out", "cert.der", "-config", "openssl.cnf", "-sha512"], cwd=folder, check=True,
                   capture_output=True)
    (folder / "tiboot3.bin").write_bytes((folder / "cert.der").read_bytes() + os.urandom(20000 * len(kinds)))


def fit(folder, name, size):
    (folder / name).write_bytes(bytes.fromhex("d00dfeed") + size.to_bytes(4, "big") + os.urandom(size - 8))


KEYS = "{chain: ti-k3, tiboot3: tiboot3.bin, tispl: tispl.bin, uboot: u-boot.img%s}"


@pytest.fixture
def lab(tmp_path):
    tiboot3(tmp_path)
    for name in "tispl.bin", "u-boot.img", "sysfw.itb":
        fit(tmp_path, name, 70001)
    (tmp_path / "image").write_bytes(os.urandom(100000))
    return Lab(tmp_path)


def is_flashed(lab):
    return (lab.folder / "emmc").read_bytes()[:100000] == (lab.folder / "image").read_bytes()


def messages(events):
    return [event["text"] for event in events if event["event"] == "log"]


@pytest.mark.parametrize("argv", [[], ["--answers-last"], ["--stalls-last"], ["--wait-detach"], ["--manifest-ms", "20"],
                                  ["--fault", "round@1"], ["--fault", "bootloader:no-strings@200"]],
                         ids=lambda argv: argv[-1].strip("-") if argv else "plain")
def test_from_the_rom_to_the_medium(sim, lab, argv):
    lab.board(sim("k3", "--media", "mmc1=emmc:8M", *argv), KEYS % ", security: hs-fs")
    events = lab.flash("image", "--target", "rawemmc")
    assert is_flashed(lab)
    assert any("the part is am62x, HSFS" in line for line in messages(events))
    assert result(events)["soc"] == "am62x" and result(events)["writes"][0]["verified"]


@pytest.mark.parametrize("soc,more", [("am65x", ", sysfw: sysfw.itb"), ("j721e", ", sysfw: sysfw.itb"), ("j721s2", "")])
def test_other_parts(sim, lab, soc, more):
    lab.board(sim("k3", "--soc", soc, "--media", "mmc1=emmc:8M"), KEYS % more)
    lab.flash("image", "--target", "rawemmc")
    assert is_flashed(lab)


def test_am62l(sim, lab):
    """Its ROM asks for the second file by the name of the first."""
    lab.board(sim("k3", "--soc", "am62l", "--media", "mmc1=emmc:8M"), (KEYS % "").replace("ti-k3", "ti-am62l"))
    lab.flash("image", "--target", "rawemmc")
    assert is_flashed(lab)


def test_two_files_and_one_that_starts_in_the_middle(sim, lab):
    """What runs already is not sent again."""
    model = sim("k3", "--media", "mmc1=emmc:8M")
    lab.board(model, KEYS % "")
    lab.flash("-t", "rawemmc:image", "-t", "tiboot3.bin.raw:sysfw.itb")
    assert is_flashed(lab)
    events = lab.flash("image", "--target", "rawemmc")
    assert not any("is sent" in line for line in messages(events))


def test_wrong_security_type(sim, lab):
    lab.board(sim("k3", "--type", "gp"), KEYS % ", security: hs-fs")
    events = lab.flash("image", "--target", "rawemmc", status=BOARD)
    assert "the part is GP, the board file says hs-fs" in text(events)
    assert "nothing was sent" in result(events)["error"]["remedy"]


def test_suspicious_tiboot3(sim, lab):
    """The certificate of the file is not for this part: told, because the ROM would say nothing."""
    lab.board(sim("k3", "--type", "gp", "--media", "mmc1=emmc:8M"), KEYS % "")
    events = lab.flash("image", "--target", "rawemmc")
    assert any("looks as if it were for secure (hs)" in line for line in messages(events))


def test_rom_that_starts_over(sim, lab):
    """As it does with a tiboot3.bin of another security type."""
    lab.board(sim("k3", "--fault", "round@1+"), KEYS % "")
    events = lab.flash("image", "--target", "rawemmc", "--retries", "0", status=BOARD)
    assert "asks for 'bootloader' again after tiboot3 was sent twice" in text(events)
    assert "gp, hs-fs and hs" in result(events)["error"]["remedy"]
    assert result(events)["state"] == "nothing on the board was changed"


def test_nothing_comes_back(sim, lab):
    lab.board(sim("k3", "--fault", "gone@1"), KEYS % "", more="timeouts: {return: 1s}\n")
    events = lab.flash("image", "--target", "rawemmc", status=15)
    assert "after tiboot3" in text(events)
    assert "must be built with DFU" in result(events)["error"]["remedy"]


def test_uboot_without_dfu(sim, lab):
    lab.board(sim("k3"), KEYS % "", more="timeouts: {return: 1s}\n")
    events = lab.flash("image", "--target", "rawemmc", status=15)
    assert "after uboot" in text(events) and "dfu 0" in result(events)["error"]["remedy"]


@pytest.mark.parametrize("name,data,word", [
    ("tiboot3.bin", b"\x30\x82" + bytes(100), "certificate is damaged"),
    ("tiboot3.bin", b"MZ" + bytes(100), "does not begin with a certificate"),
    ("tispl.bin", b"\x7fELF" + bytes(100), "no FIT"),
    ("u-boot.img", bytes.fromhex("d00dfeed00010000") + bytes(100), "ends early"),
])
def test_bad_files(sim, lab, name, data, word):
    (lab.folder / name).write_bytes(data)
    lab.board(sim("k3"), KEYS % "")
    events = lab.flash("image", "--target", "rawemmc", status=IMAGE)
    assert word in text(events)


def test_twin_in_its_rom(sim, lab):
    """All ROMs tell one serial number: a twin that waits in its own is not taken for the board on its way."""
    model = sim("k3", "--media", "mmc1=emmc:8M", "k3", "--media", "mmc1=twin:8M")
    lab.board(model, KEYS % "")
    lab.flash("image", "--target", "rawemmc")
    assert is_flashed(lab)
    assert not any((lab.folder / "twin").read_bytes())
    lab.board(model, KEYS % "", busid="1-2")
    events = lab.flash("image", "--target", "rawemmc")
    assert any("tiboot3 is sent" in line for line in messages(events))
    assert (lab.folder / "twin").read_bytes()[:100000] == (lab.folder / "image").read_bytes()
