# SPDX-License-Identifier: MIT
"""Credentials: from everywhere they may be, to nowhere they must not go."""
import base64
import json
import os

import pytest

from bundles import PASSWORD, USER, bearer_registry, bundle, oci, password_registry  # noqa: F401 (fixtures)
from bundles import files_of, same_files, sha256, skopeo
from peers import make_ca, web_server
from registry import registry, token_registry


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
