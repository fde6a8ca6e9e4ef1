# SPDX-License-Identifier: MIT
"""Bundles as folders, and what lint finds in them."""
import pytest

from bundles import bundle, oci  # noqa: F401 (fixtures)
from registry import MANIFEST, arm64_image


# Folders: what is wrong with them.

def test_folder(oci, bundle):
    shown = oci("inspect", bundle).json
    assert shown["folder"] == str(bundle) and shown["digest"].startswith("sha256:")
    assert oci("lint", bundle).out == b"" and oci("check", bundle).status == 0
    (bundle / "data/one.dtb").write_bytes(b"\xd0\x0d\xfe\xed" + b"changed")
    assert oci("inspect", bundle).json["digest"] != shown["digest"]
    (bundle / "data/two.dtb").unlink()
    oci("inspect", bundle).fails("not-found", "data/two.dtb", "device tree")
    assert b"error: old: the file data/two.dtb is missing" in oci("lint", bundle).out
    oci("push", bundle, "localhost:1/x/y").fails("not-found", "data/two.dtb")
    (bundle / "data/two.dtb").symlink_to("/etc/passwd")
    oci("inspect", bundle).fails("refused", "leads out")


@pytest.mark.parametrize("old,new,finding", [
    ('address: "0x48000000"', 'address: "0x40280000"', "error: one: the kernel data/Image takes 0x40200000 to "
     "0x402fffff once it runs, the initramfs data/initramfs.cpio begins at 0x40280000"),
    ('address: "0x4a000000"', 'address: "0x48000fff"', "error: one: the initramfs"),
    ('address: "0x4a000000"', 'address: "0x4a000004"', "error: one: the device tree's address 0x4a000004 is no multiple"),
    ("default_target: emmc", "default_target: nand", "error: default_target 'nand' is not one of the targets"),
    ("default: one", "default: two", "error: dtb.default 'two' is not one of the variants"),
    ("booti 0x40200000", "booti 0x41200000", "warning: one: bootcmd does not name 0x40200000, where the kernel is"),
    ("0x48000000:0x1000 ", "0x48000000 ", "warning: one: booti takes a plain initramfs only as ADDRESS:SIZE"),
    ('"0x40200000"', '"0x40210000"', "warning: one: the kernel's address 0x40210000 is no multiple of 2 MiB"),
    ("  shelltype: busybox", "  shelltyp: busybox", "unknown key 'shelltyp' is passed over"),
    ("booti 0x40200000 0x48000000:0x1000}", "bootm ${loadaddr}}", ""),
    ("booti 0x40200000 0x48000000:0x1000}", "bootm 0x40200000}", "warning: none: bootcmd does not name 0x48000000"),
])
def test_lint(oci, bundle, old, new, finding):
    assert old in MANIFEST
    (bundle / "manifest.yaml").write_text(MANIFEST.replace(old, new))
    out = oci("lint", bundle).out.decode()
    assert finding in out and (finding or not out)


def test_lint_compressed_kernel(oci, bundle):
    (bundle / "data/Image").write_bytes(b"\x1f\x8b" + b"x" * 1000)
    assert "kernel_comp_addr_r" in oci("lint", bundle).out.decode()
    (bundle / "data/Image").write_bytes(arm64_image(100, 1 << 63))
    oci("check", bundle).fails("config", "0x40200000", "once it runs")
    oci("check", bundle, "--variant", "what").fails("config", "no variant 'what'")
