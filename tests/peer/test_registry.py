# SPDX-License-Identifier: MIT
"""Bundles against a real docker-registry and skopeo."""
import base64
import hashlib
import io
import json
import os
import subprocess
import tarfile

import pytest

from peers import clean_env, make_ca, tool, web_server
from registry import MANIFEST, arm64_image, make_bundle, password_auth, registry, token_registry

USER, PASSWORD = "me", "hunter2secret"


class Result:
    def __init__(self, done):
        self.status, self.out, self.err = done.returncode, done.stdout, done.stderr.decode()

    @property
    def json(self):
        assert self.status == 0, self.err
        return json.loads(self.out)

    def fails(self, kind, *words):
        assert self.status != 0, self.out
        assert any(line.startswith(kind + ": ") for line in self.err.splitlines()), self.err
        for word in words:
            assert word in self.err
        assert PASSWORD not in self.err
        return self


@pytest.fixture
def oci(tmp_path):
    """Runs oci-tool with a home and a cache of its own."""
    home = tmp_path / "home"
    home.mkdir()

    def run(*args, **env):
        env = clean_env(HOME=home, ABOARD_HOME=home / "aboard", **env)
        return Result(subprocess.run([tool("oci-tool"), *map(str, args)], stdin=subprocess.DEVNULL, check=False,
                                     capture_output=True, env=env, timeout=60))
    run.home = home
    run.cache = home / "aboard" / "cache"
    return run


@pytest.fixture
def bundle(tmp_path):
    folder = tmp_path / "bundle"
    folder.mkdir()
    make_bundle(folder)
    return folder


@pytest.fixture(scope="module")
def open_registry(tmp_path_factory):
    with registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture
def own_registry(tmp_path):
    folder = tmp_path / "registry"
    folder.mkdir()
    with registry(folder) as running:
        yield running


@pytest.fixture(scope="module")
def password_registry(tmp_path_factory):
    folder = tmp_path_factory.mktemp("passwords")
    with registry(folder, password_auth(folder, USER, PASSWORD)) as running:
        yield running


@pytest.fixture(scope="module")
def bearer_registry(tmp_path_factory):
    with token_registry(tmp_path_factory.mktemp("tokens"), USER, PASSWORD) as running:
        yield running


def skopeo(*args):
    done = subprocess.run(["skopeo", *map(str, args)], check=False, capture_output=True, env=clean_env())
    assert done.returncode == 0, done.stderr
    return done.stdout


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()
            and not path.name.startswith(".")}


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def same_files(pulled, folder):
    import pathlib
    assert files_of(pathlib.Path(pulled["folder"])) == files_of(folder)


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


def put_manifest(running, name, tag, document, kind):
    import http.client
    body = json.dumps(document).encode()
    connection = http.client.HTTPConnection("127.0.0.1", running.port)
    connection.request("PUT", f"/v2/{name}/manifests/{tag}", body, {"Content-Type": kind})
    answer = connection.getresponse()
    assert answer.status == 201, answer.read()
    connection.close()
    return sha256(body), len(body)


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


def put_blob(running, name, data):
    import http.client
    import urllib.parse
    connection = http.client.HTTPConnection("127.0.0.1", running.port)
    connection.request("POST", f"/v2/{name}/blobs/uploads/")
    answer = connection.getresponse()
    answer.read()
    url = urllib.parse.urlsplit(answer.headers["Location"])
    connection.request("PUT", f"{url.path}?{url.query}&digest={sha256(data)}", data)
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 201
    connection.close()
    return {"size": len(data), "digest": sha256(data)}


def tar_of(entries):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, content in entries:
            info = tarfile.TarInfo(name)
            if content is None:
                info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
                archive.addfile(info)
            else:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


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


# Credentials.

def auth_file(path, host, **entry):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"auths": {host: entry or {
        "auth": base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}}}))


@pytest.mark.parametrize("kind", ["password", "bearer"])
def test_credentials(oci, request, kind, bundle):
    running = request.getfixturevalue(kind + "_registry")
    ref = f"{running.host}/lab/private:v1"
    oci("push", bundle, ref).fails("auth", "401", "no credentials", "skopeo login")
    both = {"OCI_USERNAME": USER, "OCI_PASSWORD": PASSWORD}
    pushed = oci("push", bundle, ref, **both).json
    assert oci("inspect", ref, **both).json["digest"] == pushed["digest"]
    oci("inspect", ref).fails("auth", "401", "wrong password" if kind == "bearer" else "UNAUTHORIZED")
    oci("inspect", ref, OCI_USERNAME=USER, OCI_PASSWORD="wrong").fails("auth", "401", "does not take the password")
    assert oci("inspect", ref, "--user", USER, "--password", PASSWORD).json["digest"] == pushed["digest"]
    oci("inspect", ref, "--user", USER).fails("usage", "only one")
    raw = skopeo("inspect", "--raw", "--tls-verify=false", "--creds", f"{USER}:{PASSWORD}", f"docker://{ref}")
    assert sha256(raw) == pushed["digest"]


@pytest.mark.parametrize("variable,name,path", [
    ("REGISTRY_AUTH_FILE", "auth.json", "auth.json"), ("XDG_RUNTIME_DIR", "", "containers/auth.json"),
    ("XDG_CONFIG_HOME", "", "containers/auth.json"), ("DOCKER_CONFIG", "", "config.json"),
    (None, "", ".config/containers/auth.json"), (None, "", ".docker/config.json")])
def test_auth_files(oci, password_registry, bundle, tmp_path, variable, name, path):
    root = tmp_path / "auth" if variable else oci.home
    env = {variable: root / name} if variable else {}
    ref = f"{password_registry.host}/lab/files:v1"
    for key in (password_registry.host, f"{password_registry.host}/lab", f"{password_registry.host}/lab/files",
                f"http://{password_registry.host}/v1/"):
        auth_file(root / path, key)
        assert oci("push", bundle, ref, **env).json
    auth_file(root / path, password_registry.host, username=USER, password=PASSWORD)
    assert oci("push", bundle, ref, **env).json
    for key in (f"{password_registry.host}/other", f"{password_registry.host}/lab/filesystem", "localhost:1"):
        auth_file(root / path, key)
        oci("push", bundle, ref, **env).fails("auth", "no credentials")


def test_auth_trouble(oci, password_registry, bundle):
    ref = f"{password_registry.host}/lab/trouble:v1"
    path = oci.home / ".docker/config.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"credHelpers": {password_registry.host: "secretservice"}}))
    oci("push", bundle, ref).fails("auth", "docker-credential-secretservice", ".docker/config.json", "not run")
    path.write_text(json.dumps({"auths": {password_registry.host: {}}, "credsStore": "pass"}))
    oci("push", bundle, ref).fails("auth", "docker-credential-pass")
    path.write_text('{"auths": ' + PASSWORD)
    oci("push", bundle, ref).fails("auth", "is passed over: not a JSON object (line 1, column ")
    auth_file(path, password_registry.host, auth="!!!")
    oci("push", bundle, ref).fails("auth", "not base64")
    oci("push", bundle, ref, OCI_USERNAME=USER).fails("auth", "only one of OCI_USERNAME and OCI_PASSWORD")
    auth_file(path, password_registry.host)
    result = oci("push", bundle, ref, OCI_PASSWORD="x")
    assert result.json and "only one of" in result.err


def test_short_token(oci, tmp_path, bundle):
    """Tokens that have run out already: each request asks for a new one, none asks for ever."""
    folder = tmp_path / "tokens"
    folder.mkdir()
    with token_registry(folder, USER, PASSWORD, lifetime=-300) as running:
        env = {"OCI_USERNAME": USER, "OCI_PASSWORD": PASSWORD}
        oci("push", bundle, f"{running.host}/lab/short:v1", **env).fails("auth", "401")
        assert running.tokens.given == 1


def test_tls_registry(oci, tmp_path, bundle):
    folder = tmp_path / "tls"
    folder.mkdir()
    ca, certificate = make_ca(folder)
    with registry(folder, certificate=certificate) as running:
        ref = f"{running.host}/lab/tls:v1"
        oci("push", bundle, ref).fails("network", "certificate")
        pushed = oci("push", bundle, ref, "--cacert", ca).json
        assert oci("inspect", "-k", ref).json["digest"] == pushed["digest"]


def test_password_is_not_told_less_safely(oci, tmp_path, bundle):
    """A registry reached by TLS that sends us to a plain realm does not get the password told there."""
    folder = tmp_path / "tls"
    folder.mkdir()
    ca, certificate = make_ca(folder)
    with web_server(certificate) as server, web_server() as realm:
        server.routes["/v2/"] = lambda r: r.answer(401)
        for path in ("/v2/lab/x/manifests/v1", "/v2/lab/x/blobs/" + sha256(b"{}")):
            server.routes[path] = lambda r: r.answer(
                401, WWW_Authenticate=f'Bearer realm="{realm.url}/token",service="x"')
        oci("inspect", f"localhost:{server.port}/lab/x:v1", "--cacert", ca, OCI_USERNAME=USER,
            OCI_PASSWORD=PASSWORD).fails("auth", "unencrypted")
        assert not realm.seen


# A registry of our own, for what docker-registry never does.

def fake_registry(server, bundle, name="lab/fake"):
    """Serves a bundle; blobs come from `storage`, another host, by redirect."""
    files = files_of(bundle)
    title = "org.opencontainers.image.title"
    manifest = json.dumps({"schemaVersion": 2, "layers": [
        {"mediaType": "x", "size": len(b), "digest": sha256(b), "annotations": {title: n}} for n, b in files.items()]})
    server.routes["/v2/"] = lambda r: r.answer(200)
    server.routes[f"/v2/{name}/manifests/v1"] = lambda r: r.answer(200, manifest.encode())
    return {f"/v2/{name}/blobs/{sha256(b)}": b for b in files.values()}


def test_redirected_blobs_get_no_token(oci, bundle):
    with web_server() as server:
        for path, content in fake_registry(server, bundle).items():
            storage = path.replace("/v2/", "/storage/")
            server.routes[path] = lambda r, s=storage: r.answer(307, Location=f"http://localhost:{server.port}{s}?sig=1")
            server.routes[storage] = lambda r, c=content: r.answer(200, c)
        same_files(oci("inspect", f"127.0.0.1:{server.port}/lab/fake:v1", "--bearer", "sometoken").json, bundle)
        told = {path.split("/")[1]: headers.get("Authorization") for _, path, headers in server.seen
                if "blobs" in path}
        assert told == {"v2": "Bearer sometoken", "storage": None}


def test_too_many_requests(oci, bundle):
    with web_server() as server:
        answers = {}
        for path, content in fake_registry(server, bundle).items():
            server.routes[path] = lambda r, c=content: r.answer(200, c)
        good = server.routes["/v2/lab/fake/manifests/v1"]

        def busy(request):
            answers[request.path] = answers.get(request.path, 0) + 1
            if answers[request.path] > 1:
                return good(request)
            return request.answer(429, b'{"errors": [{"code": "TOOMANYREQUESTS"}]}', Retry_After=1)
        server.routes["/v2/lab/fake/manifests/v1"] = busy
        same_files(oci("inspect", f"127.0.0.1:{server.port}/lab/fake:v1").json, bundle)


def test_token_runs_out_on_the_way(oci, bundle):
    """The connection breaks, the token is no good any more: a new one is asked for, and the download goes on."""
    big = os.urandom(1_000_000)
    (bundle / "data/Image").write_bytes(big)
    with web_server() as server:
        given = []

        def give(request):
            given.append(f"token{len(given)}")
            request.answer(200, json.dumps({"access_token": given[-1]}).encode())

        def ask(request):
            request.answer(401, WWW_Authenticate=f'Bearer realm="{server.url}/token?a=b",service="x"')

        def blob(request):
            start = request.range_start()
            if request.headers.get("Authorization") != f"Bearer {given[-1]}" if given else True:
                return ask(request)
            if start == 0 and request.command == "GET":
                given.append("revoked")
                request.send_response(200)
                request.send_header("Content-Length", str(len(big)))
                request.end_headers()
                request.wfile.write(big[:500_000])
                return request.cut()
            if start == 0:
                return request.answer(200, big)
            return request.answer(206, big[start:], Content_Range=f"bytes {start}-{len(big) - 1}/{len(big)}")
        for path, content in fake_registry(server, bundle).items():
            server.routes[path] = lambda r, c=content: r.answer(200, c)
        server.routes["/v2/lab/fake/blobs/" + sha256(big)] = blob
        server.routes["/token"] = give
        same_files(oci("inspect", f"127.0.0.1:{server.port}/lab/fake:v1").json, bundle)
        assert given == ["token0", "revoked", "token2"]
        assert [p for _, p, _ in server.seen if "token" in p] == [
            "/token?a=b&service=x&scope=repository%3Alab%2Ffake%3Apull"] * 2


def test_partial_download_is_taken_up(oci, bundle):
    """A download that broke in one run goes on in the next, with Range, and is still checked."""
    big = os.urandom(2_000_000)
    (bundle / "data/Image").write_bytes(big)
    with web_server() as server:
        for path, content in fake_registry(server, bundle).items():
            server.routes[path] = lambda r, c=content: r.answer(200, c)
        blob = "/v2/lab/fake/blobs/" + sha256(big)

        def cut(request):
            start = request.range_start()
            request.send_response(206 if start else 200)
            if start:
                request.send_header("Content-Range", f"bytes {start}-{len(big) - 1}/{len(big)}")
            request.send_header("Content-Length", str(len(big) - start))
            request.end_headers()
            request.wfile.write(big[start:1_000_000])
            request.cut()

        def rest(request):
            start = request.range_start()
            request.answer(206, big[start:], Content_Range=f"bytes {start}-{len(big) - 1}/{len(big)}")
        ref = f"127.0.0.1:{server.port}/lab/fake:v1"
        server.routes[blob] = cut
        oci("inspect", ref, "--tries", 1).fails("network", "data/Image", "byte 1000000")
        part = oci.cache / "partial" / sha256(big).replace(":", "-")
        assert part.stat().st_size == 1_000_000
        server.seen.clear()
        server.routes[blob] = rest
        same_files(oci("inspect", ref).json, bundle)
        assert [h["Range"] for _, p, h in server.seen if p == blob] == ["bytes=1000000-"]
        assert not part.exists()


def test_damaged_partial_download_is_begun_again(oci, bundle):
    with web_server() as server:
        for path, content in fake_registry(server, bundle).items():
            server.routes[path] = lambda r, c=content: r.answer(200, c)
        oci("inspect", f"127.0.0.1:{server.port}/lab/fake:nothing").fails("not-found")
        digest = sha256((bundle / "data/Image").read_bytes())
        (oci.cache / "partial" / digest.replace(":", "-")).write_bytes(b"rubbish")
        same_files(oci("inspect", f"127.0.0.1:{server.port}/lab/fake:v1").json, bundle)


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
    import fcntl
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
