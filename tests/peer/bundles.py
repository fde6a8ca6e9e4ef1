# SPDX-License-Identifier: MIT
"""What the tests of bundles share: oci-tool with a home of its own, registries, and ways to put odd things in them."""
import hashlib
import http.client
import io
import json
import pathlib
import subprocess
import tarfile
import urllib.parse

import pytest

from peers import clean_env, tool
from registry import make_bundle, password_auth, registry, token_registry

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
    assert files_of(pathlib.Path(pulled["folder"])) == files_of(folder)


def put_manifest(running, name, tag, document, kind):
    body = json.dumps(document).encode()
    connection = http.client.HTTPConnection("127.0.0.1", running.port)
    connection.request("PUT", f"/v2/{name}/manifests/{tag}", body, {"Content-Type": kind})
    answer = connection.getresponse()
    assert answer.status == 201, answer.read()
    connection.close()
    return sha256(body), len(body)


def put_blob(running, name, data):
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
