# SPDX-License-Identifier: MIT
"""The cache of bundles, and images in a registry."""
import fcntl
import json
import os
import subprocess

from bundles import bundle, oci, own_registry  # noqa: F401 (fixtures)
from bundles import put_blob, put_manifest, same_files, sha256, tar_of
from peers import clean_env, tool
from registry import MANIFEST, make_bundle


# The cache.

def test_offline(oci, own_registry, bundle):
    ref = f"{own_registry.host}/lab/offline:v1"
    pushed = oci("push", bundle, ref).json
    oci("inspect", "--offline", ref).fails("not-found", "offline", ref)
    oci("inspect", ref).json
    assert oci("inspect", "--offline", ref).json["offline"] is True
    own_registry.process.terminate()
    own_registry.process.wait(30)
    pulled = oci("inspect", ref).json
    assert pulled["offline"] is True and pulled["digest"] == pushed["digest"]
    assert any("could not be asked" in w for w in pulled["warnings"])
    same_files(pulled, bundle)
    oci("inspect", f"{own_registry.host}/lab/offline:v2").fails("network")


def test_damaged_cache_mends_itself(oci, own_registry, bundle):
    ref = f"{own_registry.host}/lab/mend:v1"
    oci("push", bundle, ref).json
    pulled = oci("inspect", ref).json
    digest = sha256((bundle / "data/one.dtb").read_bytes())
    blob = oci.cache / "blobs/sha256" / digest[7:]
    blob.chmod(0o644)
    blob.write_bytes(b"damaged")
    oci("inspect", "--offline", ref).fails("not-found", digest, "data/one.dtb")
    assert oci("inspect", ref).json["folder"] == pulled["folder"]
    same_files(pulled, bundle)


def test_prune(oci, own_registry, bundle, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    make_bundle(other, MANIFEST.replace("test-bundle", "other"))
    refs = [f"{own_registry.host}/lab/prune:{tag}" for tag in ("a", "b")]
    oci("push", bundle, refs[0]).json
    oci("push", other, refs[1]).json
    for ref in refs:
        oci("inspect", ref).json
    pruned = oci("prune").json
    assert pruned["refs"] == pruned["blobs"] == pruned["folders"] == pruned["bytes"] == 0
    os.utime(next(p for p in (oci.cache / "refs").iterdir() if p.name.endswith("a")), (1, 1))
    pruned = oci("prune", "--max-age", 3600).json
    assert pruned["refs"] == 1 and pruned["folders"] == 1 and pruned["blobs"] == 3
    same_files(oci("inspect", "--offline", refs[1]).json, other)
    oci("inspect", "--offline", refs[0]).fails("not-found")
    oci("inspect", refs[0]).json
    oci("push", other, refs[0]).json
    oci("inspect", refs[0]).json
    pruned = oci("prune").json
    assert pruned["refs"] == 0 and pruned["blobs"] == 3
    pruned = oci("prune", "--max-size", 0).json
    assert pruned["refs"] == 2 and pruned["kept"] == 0
    assert not [p for p in oci.cache.rglob("*") if p.is_file() and p.name != "lock"]


def test_prune_waits_for_nobody(oci):
    oci("prune").json
    with open(oci.cache / "lock", "r+", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        oci("prune").fails("busy", "in use by another process")
        oci("inspect", "localhost:1/x/y").fails("network")
        fcntl.flock(lock, fcntl.LOCK_EX)
        oci("inspect", "localhost:1/x/y").fails("busy", "being pruned")


def test_two_at_once(oci, own_registry, bundle):
    (bundle / "data/Image").write_bytes(os.urandom(5_000_000))
    ref = f"{own_registry.host}/lab/both:v1"
    oci("push", bundle, ref).json
    env = clean_env(HOME=oci.home, ABOARD_HOME=oci.home / "aboard")
    both = [subprocess.Popen([tool("oci-tool"), "inspect", ref], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, env=env) for _ in range(4)]
    for process in both:
        out, err = process.communicate(timeout=60)
        assert process.returncode == 0, err
        same_files(json.loads(out), bundle)
    assert not list((oci.cache / "partial").iterdir())
    assert len(list((oci.cache / "bundles").iterdir())) == 1


# Images.

def push_image(running, name, tag, kind, *blobs):
    manifest_kind = "application/vnd.oci.image.manifest.v1+json"
    put_manifest(running, name, tag, {
        "schemaVersion": 2, "mediaType": manifest_kind,
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", **put_blob(running, name, b"{}")},
        "layers": [{"mediaType": kind, **put_blob(running, name, blob)} for blob in blobs]}, manifest_kind)


def test_image(oci, own_registry):
    disk = os.urandom(1_500_000)
    ref = f"oci://{own_registry.host}/lab/disk:v1"
    push_image(own_registry, "lab/disk", "v1", "application/octet-stream", b"not this", disk)
    result = oci("image", ref)
    assert result.status == 0 and result.out == disk and f"size {len(disk)}" in result.err
    blob = own_registry.blob_file(sha256(disk))
    blob.write_bytes(disk[:-1] + bytes([disk[-1] ^ 1]))
    oci("image", ref).fails("digest", sha256(disk))
    oci("image", f"oci://{own_registry.host}/lab/disk:v2").fails("not-found", "MANIFEST_UNKNOWN")


def test_image_in_tar(oci, own_registry):
    disk = os.urandom(700_000)
    kind = "application/vnd.oci.image.layer.v1.tar+gzip"
    blob = tar_of([("readme.txt", b"hello"), ("disk.img", disk), ("after", b"x" * 100_000)])
    push_image(own_registry, "lab/tar", "v1", kind, blob)
    assert oci("image", f"{own_registry.host}/lab/tar:v1").out == disk
    stored = own_registry.blob_file(sha256(blob))
    stored.write_bytes(blob[:-100] + b"!" * 100)
    oci("image", f"{own_registry.host}/lab/tar:v1").fails("digest", sha256(blob))
    push_image(own_registry, "lab/tar", "v2", kind, tar_of([("readme.txt", b"hello")]))
    oci("image", f"{own_registry.host}/lab/tar:v2").fails("image", "no file whose name")
