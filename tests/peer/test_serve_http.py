# SPDX-License-Identifier: MIT
"""The HTTP server against other makers' clients."""

import hashlib
import os
import shutil
import socket
import subprocess
import time

import pytest

from serving import Serving

SIZE = 5_000_001


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    path = tmp_path_factory.mktemp("files") / "image"
    path.write_bytes(os.urandom(SIZE))
    return path


@pytest.fixture(scope="module")
def data(image):
    return image.read_bytes()


@pytest.fixture(scope="module")
def server(image):
    with Serving("--http", f"image={image}", "--http-data", "note=hello", "--http-data", "empty=",
                 "--http-data", "odd name+é%=odd") as serving:
        yield serving


def curl(*options, status=0):
    done = subprocess.run(["curl", "-sS", "-m", "60", *map(str, options)], capture_output=True)
    assert done.returncode == status, done.stderr.decode()
    return done.stdout


def status_of(*options):
    return int(curl("-o", os.devnull, "-w", "%{http_code}", *options))


def headers_of(*options):
    lines = curl("-D", "-", "-o", os.devnull, *options).decode().splitlines()
    pairs = [line.split(": ", 1) for line in lines[1:] if line]
    return {key.lower(): value for key, value in pairs}


def raw(server, text, size=1 << 20):
    """Sends bytes as they are; all that comes back until the server closes."""
    with socket.create_connection(("127.0.0.1", server.http), timeout=20) as connection:
        connection.sendall(text)
        answer = b""
        while part := connection.recv(size):
            answer += part
    return answer


CLIENTS = {
    "curl": ["curl", "-sS", "-o", "OUT", "URL"],
    "curl HTTP/1.0": ["curl", "-sS", "-0", "-o", "OUT", "URL"],
    "busybox": ["busybox", "wget", "-q", "-O", "OUT", "URL"],
    "wget": ["wget", "-q", "-t", "1", "-O", "OUT", "URL"],
}


def fetch(client, url, out):
    command = [{"OUT": str(out), "URL": url}.get(word, word) for word in CLIENTS[client]]
    if not shutil.which(command[0]):
        pytest.skip(command[0] + " is not there")
    return subprocess.run(command, capture_output=True, timeout=60).returncode


@pytest.fixture(params=CLIENTS)
def client(request):
    return request.param


def test_file(server, data, tmp_path, client):
    assert fetch(client, server.url("image"), tmp_path / "out") == 0
    assert (tmp_path / "out").read_bytes() == data


def test_memory(server):
    assert curl(server.url("note")) == b"hello"
    assert curl(server.url("empty")) == b""
    assert curl(server.url("odd name+é%")) == b"odd"
    assert "odd%20name%2B%C3%A9%25" in server.url("odd name+é%")


def test_paths_cannot_be_guessed(server):
    token = server.paths["image"].split("/")[1]
    assert len(token) == 32
    assert len({path.split("/")[1] for path in server.paths.values()}) == len(server.paths)
    base = f"http://127.0.0.1:{server.http}"
    answers = set()
    for path in ["/", "/image", f"/{token}", f"/{token}/", f"/{token}/note", f"/{'0' * 32}/image",
                 f"/{token}/../{token}/image", f"/{token}/image/", "//" + server.paths["image"], "/%00", "/" + "x" * 5000]:
        answers.add(curl("--path-as-is", "-w", "%{http_code}", base + path))
    assert answers == {b"404"}


def test_head(server):
    seen = headers_of("-I", server.url("image"))
    assert seen["content-length"] == str(SIZE)
    assert seen["accept-ranges"] == "bytes"
    before = server.progress("image")["requests"]
    assert seen["etag"] == headers_of("-I", server.url("image"))["etag"]
    assert server.progress("image")["requests"] == before


@pytest.mark.parametrize(
    "asked, first, last",
    [("0-0", 0, 0), ("0-", 0, SIZE - 1), ("1000000-1999999", 1000000, 1999999), ("-10", SIZE - 10, SIZE - 1),
     ("4999999-9999999", 4999999, SIZE - 1), (f"-{SIZE * 2}", 0, SIZE - 1)],
)
def test_ranges(server, data, asked, first, last):
    assert curl("-r", asked, server.url("image")) == data[first : last + 1]
    seen = headers_of("-r", asked, server.url("image"))
    assert seen["content-range"] == f"bytes {first}-{last}/{SIZE}"
    assert seen["content-length"] == str(last - first + 1)
    assert status_of("-r", asked, server.url("image")) == 206


def test_range_outside(server):
    assert status_of("-r", f"{SIZE}-", server.url("image")) == 416
    assert headers_of("-r", f"{SIZE}-", server.url("image"))["content-range"] == f"bytes */{SIZE}"


def test_several_ranges_are_all_of_it(server):
    assert status_of("-r", "0-1,4-5", server.url("image")) == 200


def test_resume(server, data, tmp_path):
    out = tmp_path / "out"
    out.write_bytes(data[:3_000_000])
    curl("-C", "-", "-o", out, server.url("image"))
    assert out.read_bytes() == data


def test_if_range(server):
    etag = headers_of("-I", server.url("image"))["etag"]
    assert status_of("-r", "5-", "-H", f"If-Range: {etag}", server.url("image")) == 206
    assert status_of("-r", "5-", "-H", 'If-Range: "other"', server.url("image")) == 200


def test_etags_differ(server):
    tags = {headers_of("-I", server.url(name))["etag"] for name in ("image", "note", "empty")}
    assert len(tags) == 3


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW"])
def test_other_methods(server, method):
    for path in (server.url("note"), f"http://127.0.0.1:{server.http}/x"):
        assert status_of("-X", method, path) == 405
    assert headers_of("-X", method, server.url("note"))["allow"] == "GET, HEAD"
    assert status_of("-X", method, "-d", "x" * 100_000, server.url("note")) == 405


def test_http_1_0_without_host(server):
    """As U-Boot's older wget asks."""
    answer = raw(server, f"GET {server.paths['note']} HTTP/1.0\r\n\r\n".encode())
    head, body = answer.split(b"\r\n\r\n", 1)
    assert head.split()[1] == b"200" and body == b"hello"
    assert b"Content-Length: 5" in head


def test_one_connection_many_requests(server):
    url = server.url("note")
    assert curl("-w", "%{num_connects} ", url, url, url) == b"hello1 hello0 hello0 "


def test_nonsense(server):
    for text in [b"\r\n\r\n", b"GET\r\n\r\n", b"\0" * 100 + b"\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"]:
        assert b" 200 " not in raw(server, text + b"GET / HTTP/1.0\r\n\r\n").split(b"\r\n")[0]
    assert curl(server.url("note")) == b"hello"


def streaming(image, length="-", fail_at=""):
    return Serving("--stream", f"image={image},{length},{fail_at}")


@pytest.mark.parametrize("length", ["-", SIZE])
def test_stream(image, data, tmp_path, client, length):
    with streaming(image, length) as serving:
        assert fetch(client, serving.url("image"), tmp_path / "out") == 0
        assert (tmp_path / "out").read_bytes() == data
        progress = serving.wait_for("image", "done", True)
        assert progress == dict(sent=SIZE, requests=1, done=True, failed=False, error="")
        assert status_of(serving.url("image")) == 410


@pytest.mark.parametrize("length", ["-", SIZE])
@pytest.mark.parametrize("fail_at", [0, 1, 3_000_000, SIZE])
def test_stream_that_fails(image, data, tmp_path, client, length, fail_at):
    """Also when only its end, after the last byte, tells that it is damaged."""
    with streaming(image, length, fail_at) as serving:
        assert fetch(client, serving.url("image"), tmp_path / "out") != 0
        got = (tmp_path / "out").read_bytes() if (tmp_path / "out").exists() else b""
        assert data.startswith(got)
        progress = serving.wait_for("image", "failed", True)
        assert progress["error"] == f"the reader fails at {fail_at}" and not progress["done"]


@pytest.mark.parametrize("length", [SIZE - 1, SIZE + 1, 0])
def test_stream_of_another_length(image, tmp_path, client, length):
    with streaming(image, length) as serving:
        assert fetch(client, serving.url("image"), tmp_path / "out") != 0
        serving.wait_for("image", "failed", True)


def test_stream_head_and_ranges(image, data):
    with streaming(image, SIZE) as serving:
        assert headers_of("-I", serving.url("image"))["content-length"] == str(SIZE)
        assert status_of("-r", "5-", serving.url("image")) == 410
        assert status_of("-r", "-5", serving.url("image")) == 410
        assert hashlib.sha256(curl("-r", "0-", serving.url("image"))).digest() == hashlib.sha256(data).digest()


def big_file(folder, size=200_000_000):
    path = folder / "big"
    with open(path, "wb") as file:
        file.truncate(size)
    return path


def begin(serving, path):
    """Asks, reads a little and reads no more."""
    connection = socket.create_connection(("127.0.0.1", serving.http), timeout=20)
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert connection.recv(1000)
    return connection


@pytest.mark.parametrize("kind", ["http", "stream"])
def test_client_killed_in_the_middle(tmp_path, kind):
    big = big_file(tmp_path)
    with Serving(f"--{kind}", f"big={big}", "--http-data", "note=hello") as serving:
        begin(serving, serving.paths["big"]).close()
        assert curl(serving.url("note")) == b"hello"
        progress = serving.progress("big")
        assert progress["requests"] == 1 and not progress["done"] and not progress["failed"]
        assert status_of("-I", serving.url("big")) == 200


@pytest.mark.parametrize("kind", ["http", "stream"])
def test_stop_with_a_stuck_client(tmp_path, kind):
    big = big_file(tmp_path)
    with Serving(f"--{kind}", f"big={big}") as serving:
        with begin(serving, serving.paths["big"]):
            started = time.monotonic()
            serving.stop()
            assert time.monotonic() - started < 5


def test_stuck_client_does_not_hold_others(tmp_path):
    big = big_file(tmp_path)
    with Serving("--http", f"big={big}", "--http-data", "note=hello") as serving:
        with begin(serving, serving.paths["big"]):
            assert curl(serving.url("note")) == b"hello"


@pytest.mark.parametrize("version", ["-0", "--http1.1"])
def test_file_that_shrinks(tmp_path, version):
    big = big_file(tmp_path)
    with Serving("--http", f"big={big}") as serving:
        with begin(serving, serving.paths["big"]):
            os.truncate(big, 50_000_000)
            done = subprocess.run(["curl", "-sS", version, "-m", "60", "-o", tmp_path / "out", serving.url("big")],
                                  capture_output=True)
        assert done.returncode in (18, 56)
        assert "shorter" in serving.wait_for("big", "failed", True)["error"]


def test_port_after_kill(tmp_path):
    big = big_file(tmp_path)
    first = Serving("--http", f"big={big}")
    with begin(first, first.paths["big"]):
        first.kill()
        with Serving("--http-port", first.http, "--http-data", "note=hello") as second:
            assert second.http == first.http
            assert curl(second.url("note")) == b"hello"


def test_ipv6():
    with Serving("--address", "::1", "--http-data", "note=hello") as serving:
        assert curl("-g", f"http://[::1]:{serving.http}{serving.paths['note']}") == b"hello"


def test_port_taken(server):
    with pytest.raises(RuntimeError) as refused:
        Serving("--http-port", server.http)
    assert "in use" in str(refused.value) and "another aboard job" in str(refused.value)
