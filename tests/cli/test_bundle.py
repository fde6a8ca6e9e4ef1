# SPDX-License-Identifier: MIT
"""aboard bundle, as far as it needs no registry (tests/peer has those)."""
import hashlib
import json

import pytest

MANIFEST = """\
metadata: {name: evm}
spec:
  manufacturer: Nobody
  link: null
  bootcmd: bootm 0x40200000 - 0x4a000000
  default_target: emmc
  targets: {emmc: /dev/mmcblk0}
  kernel: {file: data/kernel, address: "0x40200000"}
  dtb: {default: one, address: "0x4a000000", variants: {one: {file: data/one.dtb}}}
"""


@pytest.fixture
def folder(aboard):
    aboard.write("evm/manifest.yaml", MANIFEST)
    aboard.write("evm/data/kernel", "k" * 1000)
    (aboard.folder / "evm/data/one.dtb").write_bytes(b"\xd0\x0d\xfe\xed" + b"d" * 100)
    return aboard.folder / "evm"


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_inspect(aboard, folder):
    shown = aboard.run("bundle", "inspect", folder)
    assert shown.status == 0 and shown.err == ""
    assert "emmc  /dev/mmcblk0  (default)" in shown.out and "data/one.dtb" in shown.out
    about = aboard.run("bundle", "inspect", "--json", folder).lines()[0]
    assert about["v"] == 1 and about["manifest"]["name"] == "evm"
    assert {f["name"]: f["digest"] for f in about["files"]} == {
        name: "sha256:" + hashlib.sha256(content).hexdigest() for name, content in files(folder).items()}


def test_pack_pull_prune(aboard, folder):
    packed = aboard.run("bundle", "pack", folder, "layout")
    assert packed.status == 0 and packed.out.startswith("sha256:") and "3 files" in packed.err
    pulled = aboard.run("bundle", "pull", "layout", "copy")
    assert (pulled.status, pulled.out) == (0, packed.out + "copy\n")
    assert files(aboard.folder / "copy") == files(folder)
    cached = aboard.run("bundle", "pull", "--json", "oci-layout:layout:latest").lines()[0]
    assert cached["digest"] == packed.out.strip() and cached["folder"].startswith(str(aboard.folder / "home/cache"))
    assert aboard.run("bundle", "pull", "layout", "copy").status == 5
    pruned = aboard.run("bundle", "prune", "--max-size", "0", "--json").lines()[0]
    assert pruned["refs"] == 2 and pruned["kept_bytes"] == 0
    assert "removed 0 B" in aboard.run("bundle", "prune").out


def test_lint(aboard, folder):
    assert aboard.run("bundle", "lint", folder).out == ""
    aboard.write("evm/manifest.yaml", MANIFEST.replace("0x4a000000", "0x40200000").replace("link", "lnk: 1\n  link"))
    found = aboard.run("bundle", "lint", folder)
    assert found.status == 3 and "has 1 error" in found.err
    assert "error: one: the kernel data/kernel takes 0x40200000 to 0x402003e7" in found.out
    assert "warning: " in found.out and "unknown key 'lnk' is passed over" in found.out
    result = aboard.run("bundle", "lint", "--json", folder)
    assert [f["level"] for f in json.loads(result.out.splitlines()[0])["findings"]] == ["warning", "error"]
    assert result.end()["error"]["kind"] == "config"


@pytest.mark.parametrize("argv,status,text", [
    (["inspect", "nothing/here/./x"], 2, "no reference"),
    (["inspect", "./nothing"], 4, "./nothing"),
    (["inspect", "--offline", "registry.example.org/a/b"], 4, "the cache does not have registry.example.org/a/b:latest"),
    (["push", "./nothing", "registry.example.org/a/b"], 4, "./nothing"),
    (["pack", "./evm", "./evm"], 16, "something else than an OCI layout"),
    (["prune", "--max-size", "much"], 2, "no size"),
    (["prune", "--max-age", "old"], 2, "max-age"),
])
def test_errors(aboard, folder, argv, status, text):
    result = aboard.run("bundle", *argv)
    assert (result.status, text in result.err) == (status, True), result.err
    assert "home" not in str(files(folder).keys())
