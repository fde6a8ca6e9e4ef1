# SPDX-License-Identifier: MIT
"""Signed FIT images on a board whose U-Boot has the key in its control device tree and requires its signatures: Debian's
U-Boot verifies them itself, and is the judge of what `aboard build script -f -k -u` signs and of what it must refuse."""
import hashlib
import shutil
import struct
import subprocess

import pytest
from test_boot_scripts import DOM0, Work, fixture_inputs, fixture_work, guest, up  # noqa: F401

FIT = 0x48000000
SIGNED = "sha256,rsa2048:dev"
# What fit_check_sign does not see: it looks at no image beside the configuration, as the script is, and does not read the
# data of its loadables.
UNSEEN = ["script-changed", "script-hashed-anew", "signature-changed", "kernel-changed"]
# Parts that are only loaded and looked at. A strict script fails with its first part that does.
SMALL = """XEN=xen
DOM0_KERNEL=small
DOM0_RAMDISK=ramdisk.gz
DOM0_CMD="console=hvc0"
BOOT_CMD=none
"""


def new_key(path):
    subprocess.run(["openssl", "genrsa", "-out", path, "2048"], check=True, capture_output=True, timeout=120)


def sign(work, config, name, *more, key="keys/dev"):
    """Makes the FIT root/NAME.fit; the control tree gets the key."""
    return work.script(config, "-f", "-o", name, "-k", work.folder / key, "-u", "control.dtb", *more)


def check_sign(fit, control):
    """Status of U-Boot's fit_check_sign; None where there is none, as in Debian 12."""
    program = shutil.which("fit_check_sign")
    return program and subprocess.run([program, "-f", fit, "-k", control], capture_output=True, check=False,
                                      timeout=120).returncode


@pytest.fixture(name="signer")
def fixture_signer(work):
    """What makes boot scripts, with a key, a stranger's key of the same name, and a control tree without keys."""
    for folder in "keys", "stranger":
        (work.folder / folder).mkdir()
        new_key(work.folder / folder / "dev.key")
    shutil.copyfile(work.root / "virt.dtb", work.root / "control.dtb")
    # an arm64 Image by its header, and nothing that runs
    header = struct.pack("<IIQQQQQQ4sI", 0x14000000, 0, 0x80000, 4096, 0xA, 0, 0, 0, b"ARM\x64", 0)
    (work.root / "small").write_bytes(header.ljust(4096, b"s"))
    return work


def test_signed_fit_starts_xen_where_signatures_are_required(signer):
    line = sign(signer, DOM0 + "NUM_DOMUS=1\n" + guest(0), "boot")
    control = signer.root / "control.dtb"
    signer.run("build", "fit", "--verify", signer.root / "boot.fit", "-u", control)
    assert not check_sign(signer.root / "boot.fit", control)
    board = signer.power_on(control=control)
    board.boot(line, up("dom0"), up("guest0", r"\(XEN\) DOM1: "))
    # the script, the tree, Xen, and a kernel and a ramdisk for each of the two
    assert board.console.log.count(f"{SIGNED}+ ".encode()) == 7
    assert f"{SIGNED}- ".encode() not in board.console.log


def part(fit, path):
    """A property's bytes."""
    words = subprocess.run(["fdtget", "-t", "bx", fit, *path.rsplit("/", 1)], check=True, capture_output=True, text=True,
                           timeout=120).stdout.split()
    return bytes(int(word, 16) for word in words)


def flipped(data):
    return bytes([data[0] ^ 1]) + data[1:]


def changed(root, name, *changes):
    """A copy of good.fit in which bytes that occur once are others."""
    data = (root / "good.fit").read_bytes()
    for old, new in changes:
        assert data.count(old) == 1 and len(old) == len(new) and old != new
        data = data.replace(old, new)
    (root / f"{name}.fit").write_bytes(data)


@pytest.fixture(name="wrong")
def fixture_wrong(signer):
    """FIT images to be refused, beside good.fit which is not; what is wrong is their name."""
    root, kernel, script = signer.root, "/images/dom0_linux", "/images/boot_scr"
    sign(signer, SMALL, "by-a-stranger", "--strict", key="stranger/dev")
    (root / "small").write_bytes((root / "small").read_bytes().replace(b"ss", b"SS"))
    sign(signer, SMALL, "other", "--strict")
    (root / "small").write_bytes((root / "small").read_bytes().replace(b"SS", b"ss"))
    sign(signer, SMALL, "good", "--strict")
    signer.script(SMALL, "-f", "-o", "unsigned", "--strict")
    good, text = root / "good.fit", (root / "good.source").read_bytes()
    data, value = part(good, f"{kernel}/data"), part(good, f"{script}/signature/value")
    changed(root, "script-changed", (text, flipped(text)))
    changed(root, "script-hashed-anew", (text, flipped(text)),
            (hashlib.sha256(text).digest(), hashlib.sha256(flipped(text)).digest()))
    changed(root, "signature-changed", (value, flipped(value)))
    changed(root, "kernel-changed", (data, flipped(data)))
    # signed by the right key, in another FIT
    changed(root, "kernel-of-another", *[(part(good, kernel + place), part(root / "other.fit", kernel + place))
                                         for place in ("/data", "/hash/value", "/signature/value")])
    return root


def refused_on_the_host(signer, name):
    fit, control = signer.root / f"{name}.fit", signer.root / "control.dtb"
    signer.run("build", "fit", "--verify", fit, "-u", control, status=7)
    assert name in UNSEEN or check_sign(fit, control) != 0


def source(console, name):
    """Status and output of the script in a FIT."""
    console.check(f"tftpb {FIT:#x} {name}.fit", 60)
    return console.run(f"source {FIT:#x}:boot_scr", 60)


def test_uboot_refuses_what_is_not_signed_as_required(signer, wrong):
    console = signer.power_on(control=wrong / "control.dtb").console
    status, output = source(console, "good")
    assert status == 0 and output.count(f"{SIGNED}+ ") == 5, output
    for name in [*UNSEEN, "by-a-stranger", "unsigned"]:
        status, output = source(console, name)
        assert status == 1 and "Failed to verify required signature 'key-dev-image'" in output, (name, output)
        refused_on_the_host(signer, name)


def test_uboot_refuses_a_wrong_hash_where_no_signature_is_required(signer, wrong):
    console = signer.power_on().console
    status, output = source(console, "unsigned")
    assert status == 0, output
    for name in "script-changed", "kernel-changed":
        status, output = source(console, name)
        assert status == 1 and "Bad hash value for 'hash' hash node" in output, (name, output)


def test_uboot_refuses_a_configuration_of_parts_that_were_not_signed_together(signer, wrong):
    """`bootm` looks at the signature of the configuration, over all of its images."""
    console = signer.power_on(control=wrong / "control.dtb").console
    console.check(f"tftpb {FIT:#x} good.fit", 60)
    assert f"{SIGNED}+ OK" in console.check(f"bootm start {FIT:#x}#config", 60)
    for name in "kernel-of-another", "by-a-stranger", "unsigned":
        console.check(f"tftpb {FIT:#x} {name}.fit", 60)
        status, output = console.run(f"bootm start {FIT:#x}#config", 60)
        assert status != 0 and f"{SIGNED}+ OK" not in output, (name, output)
        refused_on_the_host(signer, name)
