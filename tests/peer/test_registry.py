# SPDX-License-Identifier: MIT
"""Bundles against a real docker-registry and skopeo."""
import json

import pytest

from bundles import bundle, files_of, oci, open_registry, own_registry  # noqa: F401 (fixtures)
from bundles import put_blob, put_manifest, same_files, sha256, skopeo, tar_of
from registry import MANIFEST, make_bundle


def test_push_and_pull(oci, open_registry, bundle):
    ref = f"{open_registry.host}/lab/one:v1"
    pushed = oci("push", bundle, ref).json
    assert pushed["files"] == 5 and pushed["sent"] == pushed["bytes"] + 2
    pulled = oci("inspect", "oci://" + ref).json
    assert pulled["digest"] == pushed["digest"] and not pulled["offline"]
    assert pulled["manifest"]["name"] == "test-bundle" and "password" not in json.dumps(pulled)
    assert {f["name"]: f["digest"] for f in pulled["files"]} == {n: sha256(b) for n, b in files_of(bundle).items()}
    same_files(pulled, bundle)
    again = oci("push", bundle, f"{open_registry.host}/lab/one:v2").json
    assert again["digest"] == pushed["digest"] and again["sent"] == 0


def test_skopeo_reads_what_was_pushed(oci, open_registry, bundle, tmp_path):
    ref = f"{open_registry.host}/lab/skopeo:v1"
    pushed = oci("push", bundle, ref).json
    raw = skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{ref}")
    assert sha256(raw) == pushed["digest"]
    manifest = json.loads(raw)
    assert manifest["artifactType"] == "application/vnd.oci.bundle.v1"
    assert manifest["config"] == {
        "mediaType": "application/vnd.oci.empty.v1+json", "size": 2,
        "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}
    assert [(la["mediaType"], la["annotations"]["org.opencontainers.image.title"]) for la in manifest["layers"]] == [
        ("application/octet-stream", "data/Image"), ("application/octet-stream", "data/initramfs.cpio"),
        ("application/octet-stream", "data/one.dtb"), ("application/octet-stream", "data/two.dtb"),
        ("application/yaml", "manifest.yaml")]
    skopeo("copy", "--src-tls-verify=false", f"docker://{ref}", f"dir:{tmp_path / 'copy'}")
    for name, content in files_of(bundle).items():
        assert (tmp_path / "copy" / sha256(content)[7:]).read_bytes() == content, name


def test_pull_what_skopeo_pushed(oci, open_registry, bundle, tmp_path):
    packed = oci("pack", bundle, tmp_path / "layout").json
    ref = f"{open_registry.host}/lab/copied:v1"
    skopeo("copy", "--dest-tls-verify=false", f"oci:{tmp_path / 'layout'}:latest", f"docker://{ref}")
    pulled = oci("inspect", ref).json
    assert pulled["digest"] == packed["digest"]
    same_files(pulled, bundle)


def test_layouts(oci, bundle, tmp_path, open_registry):
    packed = oci("pack", bundle, tmp_path / "layout").json
    assert oci("pack", bundle, tmp_path / "layout").json["sent"] == 0
    for ref in (tmp_path / "layout", f"oci-layout:{tmp_path / 'layout'}", f"oci-layout:{tmp_path / 'layout'}:latest",
                f"oci-layout:{tmp_path / 'layout'}@{packed['digest']}"):
        pulled = oci("inspect", ref).json
        assert pulled["digest"] == packed["digest"]
        same_files(pulled, bundle)
    oci("inspect", f"oci-layout:{tmp_path / 'layout'}:other").fails("not-found", "no tag 'other'")
    oci("inspect", f"oci-layout:{tmp_path / 'nothing'}").fails("not-found", "no OCI layout")
    ref = f"{open_registry.host}/lab/back:v1"
    assert oci("push", bundle, ref).json["digest"] == packed["digest"]
    skopeo("copy", "--src-tls-verify=false", f"docker://{ref}", f"oci:{tmp_path / 'by-skopeo'}:v1")
    same_files(oci("inspect", tmp_path / "by-skopeo").json, bundle)


def test_damaged_layout(oci, bundle, tmp_path):
    oci("pack", bundle, tmp_path / "layout").json
    digest = sha256((bundle / "data/one.dtb").read_bytes())
    blob = tmp_path / "layout/blobs/sha256" / digest[7:]
    blob.chmod(0o644)
    blob.write_bytes(b"\xd0\x0d\xfe\xed" + b"3" * 5000)
    oci("inspect", tmp_path / "layout").fails("digest", digest, "data/one.dtb")


def test_by_digest(oci, open_registry, bundle):
    ref = f"{open_registry.host}/lab/pinned"
    pushed = oci("push", bundle, ref + ":v1").json
    pinned = f"{ref}@{pushed['digest']}"
    assert oci("inspect", pinned).json["offline"] is False
    assert oci("inspect", pinned).json["offline"] is True
    assert oci("inspect", f"{ref}:v1@{pushed['digest']}").json["digest"] == pushed["digest"]
    oci("inspect", f"{ref}@sha256:{'0' * 64}").fails("not-found", "MANIFEST_UNKNOWN")
    oci("push", bundle, f"{ref}@sha256:{'0' * 64}").fails("digest", pushed["digest"])


def test_index(oci, open_registry, bundle, tmp_path):
    name = "lab/index"
    arm = oci("push", bundle, f"{open_registry.host}/{name}:arm").json["digest"]
    other = tmp_path / "other"
    other.mkdir()
    make_bundle(other, MANIFEST.replace("test-bundle", "other-bundle"))
    amd = oci("push", other, f"{open_registry.host}/{name}:amd").json["digest"]
    manifest_type = "application/vnd.oci.image.manifest.v1+json"
    sizes = {d: len(skopeo("inspect", "--raw", "--tls-verify=false", f"docker://{open_registry.host}/{name}@{d}"))
             for d in (arm, amd)}

    def entry(digest, arch):
        return {"mediaType": manifest_type, "digest": digest, "size": sizes[digest],
                "platform": {"os": "linux", "architecture": arch}}
    kind = "application/vnd.oci.image.index.v1+json"
    index = {"schemaVersion": 2, "mediaType": kind, "manifests": [entry(amd, "amd64"), entry(arm, "arm64")]}
    digest, _ = put_manifest(open_registry, name, "multi", index, kind)
    assert oci("inspect", f"{open_registry.host}/{name}:multi").json["digest"] == arm
    pinned = f"{open_registry.host}/{name}@{digest}"
    assert oci("inspect", pinned).json["digest"] == arm
    assert oci("inspect", "--offline", pinned).json["digest"] == arm
    index["manifests"] = [entry(amd, "s390x"), entry(arm, "ppc64le")]
    put_manifest(open_registry, name, "strange", index, kind)
    oci("inspect", f"{open_registry.host}/{name}:strange").fails("not-found", "linux/s390x, linux/ppc64le")


def test_damaged_blob(oci, own_registry, bundle):
    ref = f"{own_registry.host}/lab/damaged:v1"
    oci("push", bundle, ref).json
    content = (bundle / "data/Image").read_bytes()
    blob = own_registry.blob_file(sha256(content))
    blob.write_bytes(content[:1000] + b"!" + content[1001:])
    oci("inspect", ref).fails("digest", sha256(content), "data/Image")
    assert not list((oci.cache / "bundles").iterdir())
    blob.write_bytes(content[:-1])
    oci("inspect", ref).fails("digest", sha256(content))
    blob.write_bytes(content + b"more")
    oci("inspect", ref).fails("digest", sha256(content))
    blob.write_bytes(content)
    same_files(oci("inspect", ref).json, bundle)


def test_damaged_manifest(oci, own_registry, bundle):
    ref = f"{own_registry.host}/lab/damaged"
    digest = oci("push", bundle, ref + ":v1").json["digest"]
    blob = own_registry.blob_file(digest)
    blob.write_bytes(blob.read_bytes().replace(b"data/one.dtb", b"data/uno.dtb"))
    oci("inspect", f"{ref}@{digest}").fails("digest", digest)
    oci("inspect", ref + ":v1").fails("digest", digest)


def test_not_there(oci, open_registry, bundle):
    oci("inspect", f"{open_registry.host}/lab/nothing:v1").fails("not-found", "404", "/lab/nothing/manifests/v1")
    oci("push", bundle, f"{open_registry.host}/lab/there:v1").json
    oci("inspect", f"{open_registry.host}/lab/there:v2").fails("not-found", "MANIFEST_UNKNOWN")
    oci("inspect", "/nonexistent/folder").fails("not-found", "/nonexistent/folder")
    oci("inspect", "Not A Ref").fails("usage", "no reference")


def test_no_bundle(oci, open_registry, tmp_path):
    kind = "application/vnd.oci.image.manifest.v1+json"
    empty = tmp_path / "bundle"
    empty.mkdir()
    make_bundle(empty)
    oci("push", empty, f"{open_registry.host}/lab/image:bundle").json
    config = {"mediaType": "application/vnd.oci.empty.v1+json", "size": 2, "digest": sha256(b"{}")}
    put_manifest(open_registry, "lab/image", "v1",
                 {"schemaVersion": 2, "mediaType": kind, "config": config,
                  "layers": [{"mediaType": "application/octet-stream", "size": 2, "digest": sha256(b"{}")}]}, kind)
    oci("inspect", f"{open_registry.host}/lab/image:v1").fails("not-found", "no bundle")


@pytest.mark.parametrize("titles,word", [(["../evil"], "leads out"), (["/etc/evil"], "leads out"),
                                         (["a/../../evil"], "leads out"), (["a\\b"], "leads out"),
                                         (["twice", "./twice"], "twice")])
def test_titles(oci, own_registry, bundle, titles, word):
    kind = "application/vnd.oci.image.manifest.v1+json"
    oci("push", bundle, f"{own_registry.host}/lab/titles:good").json
    config = {"mediaType": "application/vnd.oci.empty.v1+json", "size": 2, "digest": sha256(b"{}")}
    layers = [{"mediaType": "application/octet-stream", "size": 2, "digest": sha256(b"{}"),
               "annotations": {"org.opencontainers.image.title": title}} for title in titles]
    put_manifest(own_registry, "lab/titles", "bad",
                 {"schemaVersion": 2, "mediaType": kind, "config": config, "layers": layers}, kind)
    oci("inspect", f"{own_registry.host}/lab/titles:bad").fails("refused", word)


@pytest.mark.parametrize("prefix", ["data/", "./data/"])
def test_folder_layer(oci, open_registry, bundle, prefix):
    files = files_of(bundle)
    blob = tar_of([(prefix + n.removeprefix("data/"), b) for n, b in files.items() if n != "manifest.yaml"])
    push_layers(open_registry, "lab/folder", "v1", blob, files["manifest.yaml"])
    same_files(oci("inspect", f"{open_registry.host}/lab/folder:v1").json, bundle)


@pytest.mark.parametrize("entries,word", [([("data/../../x", b"1")], "leads out"), ([("/etc/x", b"1")], "leads out"),
                                          ([("data/link", None)], "neither a file nor"),
                                          ([("data/x", b"1"), ("data/x", b"2")], "cannot make")])
def test_bad_folder_layer(oci, open_registry, bundle, entries, word):
    push_layers(open_registry, "lab/badfolder", "v1", tar_of(entries), (bundle / "manifest.yaml").read_bytes())
    oci("inspect", f"{open_registry.host}/lab/badfolder:v1").fails("refused", word)
    assert not list((oci.cache / "bundles").iterdir())


def push_layers(running, name, tag, archive, manifest):
    kind = "application/vnd.oci.image.manifest.v1+json"
    title = "org.opencontainers.image.title"
    put_manifest(running, name, tag, {
        "schemaVersion": 2, "mediaType": kind,
        "config": {"mediaType": "application/vnd.oci.empty.v1+json", **put_blob(running, name, b"{}")},
        "layers": [
            {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", **put_blob(running, name, archive),
             "annotations": {title: "data", "io.deis.oras.content.unpack": "true"}},
            {"mediaType": "application/yaml", **put_blob(running, name, manifest),
             "annotations": {title: "manifest.yaml"}}]}, kind)
