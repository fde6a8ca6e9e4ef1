# SPDX-License-Identifier: MIT
"""The HTTP client against a real server that cuts, changes, redirects, refuses and stalls."""
import hashlib
import random
import subprocess
import threading

import pytest

from peers import clean_env, make_ca, tool, web_server

BODY = random.Random(1).randbytes(3_000_000)
EXIT = {"usage": 2, "config": 3, "not-found": 4, "network": None, "auth": None, "timeout": 15, "cancelled": 130}


@pytest.fixture
def server():
    with web_server() as running:
        yield running


def run(*args, data=None):
    """Runs http-tool; standard input stays open (it is the cancel descriptor)."""
    with subprocess.Popen([tool("http-tool"), *map(str, args)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=clean_env()) as process:
        out = process.stdout.read()
        err = process.stderr.read().decode()
        process.wait(60)
    return process.returncode, out, err


def get(*args):
    return run("get", *args)


def assert_whole(result, body=BODY):
    status, out, err = result
    assert status == 0, err
    assert hashlib.sha256(out).hexdigest() == hashlib.sha256(body).hexdigest()


def assert_failed(result, kind, *words):
    status, _, err = result
    assert status != 0 and err.splitlines()[-1].startswith(("remedy", kind)) and f"{kind}: " in err, err
    for word in words:
        assert word in err, err


def file_route(body=BODY, cut_at=(), ranges=True, etag='"one"', honest=True, **more):
    """A file; the n-th answer ends after cut_at[n] bytes of its body."""
    cuts = list(cut_at)

    def route(request):
        start = request.range_start() if ranges else 0
        tag = etag() if callable(etag) else etag
        if start and request.headers.get("If-Range") not in (None, tag, more.get("Last_Modified")):
            start = 0
        part = body[start:]
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if tag:
            request.send_header("ETag", tag)
        for name, value in more.items():
            request.send_header(name.replace("_", "-"), value)
        if honest:
            request.send_header("Content-Length", str(len(part)))
        else:
            request.send_header("Connection", "close")
        request.end_headers()
        if cuts:
            request.wfile.write(part[:cuts.pop(0)])
            request.cut()
        else:
            request.wfile.write(part)
            if not honest:
                request.cut()
    return route


def test_plain(server):
    server.routes["/file"] = file_route()
    assert_whole(get(server.url + "/file"))
    _, _, err = get(server.url + "/file")
    assert f"size {len(BODY)} etag \"one\"" in err
    headers = server.seen[0][2]
    assert headers["Accept-Encoding"] == "identity" and "Range" not in headers and "Authorization" not in headers


@pytest.mark.parametrize("piece", [1000, 16384, 100_000, 4_000_000])
def test_pieces_of_any_size(server, piece):
    server.routes["/file"] = file_route()
    assert_whole(get(server.url + "/file", "--piece", piece))


@pytest.mark.parametrize("size", [0, 1])
def test_small(server, size):
    server.routes["/file"] = file_route(BODY[:size])
    assert_whole(get(server.url + "/file"), BODY[:size])


def test_no_length(server):
    server.routes["/file"] = file_route(honest=False)
    result = get(server.url + "/file")
    assert_whole(result)
    assert "size -1" in result[2]


def chunked(body, cut_at=None):
    def route(request):
        request.send_response(200)
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        for at in range(0, cut_at or len(body), 50_000):
            part = body[at:at + 50_000]
            request.wfile.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        if cut_at is None:
            request.wfile.write(b"0\r\n\r\n")
        else:
            request.cut()
    return route


def test_chunked(server):
    server.routes["/file"] = chunked(BODY)
    assert_whole(get(server.url + "/file"))


def test_chunked_cut_is_no_end(server):
    server.routes["/file"] = chunked(BODY, 100_000)
    assert_failed(get(server.url + "/file"), "network", "broke at byte 100000")


@pytest.mark.parametrize("cuts", [(0,), (1,), (100_000,), (1000, 1000, 70_000, 1_000_000)])
def test_cut_is_taken_up(server, cuts):
    server.routes["/file"] = file_route(cut_at=cuts)
    assert_whole(get(server.url + "/file"))
    assert [s[2].get("If-Range") for s in server.seen if "Range" in s[2]] == ['"one"'] * (len(cuts) - (0 in cuts))
    assert len(server.seen) == len(cuts) + 1


def test_cut_with_date_only(server):
    server.routes["/file"] = file_route(cut_at=(5000,), etag='W/"weak"', Last_Modified="Wed, 21 Oct 2015 07:28:00 GMT")
    assert_whole(get(server.url + "/file"))
    assert server.seen[1][2]["If-Range"] == "Wed, 21 Oct 2015 07:28:00 GMT"


def test_cut_without_validator(server):
    server.routes["/file"] = file_route(cut_at=(5000,), etag=None)
    assert_failed(get(server.url + "/file"), "network", "byte 5000", "neither ETag nor Last-Modified")


@pytest.mark.parametrize("ranges", [True, False])
def test_cut_without_validator_but_pinned(server, ranges):
    server.routes["/file"] = file_route(cut_at=(5000,), etag=None, ranges=ranges)
    assert_whole(get(server.url + "/file", "--pinned"))


def test_range_ignored_starts_again(server):
    server.routes["/file"] = file_route(cut_at=(900_000, 950_000), ranges=False)
    assert_whole(get(server.url + "/file"))


@pytest.mark.parametrize("ranges", [True, False])
def test_changed_between(server, ranges):
    tags = iter(['"one"', '"two"', '"two"'])
    server.routes["/file"] = file_route(cut_at=(5000,), etag=lambda: next(tags), ranges=ranges)
    assert_failed(get(server.url + "/file"), "network", "byte 5000", "another one")


def test_cut_always_at_the_same_place_ends(server):
    server.routes["/file"] = file_route(cut_at=[5000] * 50, ranges=False)
    assert_failed(get(server.url + "/file", "--tries", 2), "network", "could not be taken up")
    assert len(server.seen) == 3


def test_short_body_is_no_end(server):
    def route(request):
        request.send_response(200)
        request.send_header("Content-Length", "1000")
        request.end_headers()
        request.wfile.write(b"x" * 999)
        request.cut()
    server.routes["/file"] = route
    assert_failed(get(server.url + "/file", "--pinned", "--tries", 1), "network", "byte 999")


def test_wrong_part(server):
    def route(request):
        if "Range" not in request.headers:
            return file_route(cut_at=(5000,))(request)
        return request.answer(206, BODY[4000:], ETag='"one"', Content_Range=f"bytes 4000-2999999/{len(BODY)}")
    server.routes["/file"] = route
    assert_failed(get(server.url + "/file"), "network", "another part")


def test_refused_while_taken_up(server):
    first = file_route(cut_at=(5000,))
    answers = iter([(503, {"Retry_After": 0}), (500, {})])

    def route(request):
        if "Range" not in request.headers:
            return first(request)
        status, headers = next(answers, (None, None))
        return request.answer(status, b"busy", **headers) if status else file_route()(request)
    server.routes["/file"] = route
    assert_whole(get(server.url + "/file"))


def test_gone_while_taken_up(server):
    first = file_route(cut_at=(5000,))
    server.routes["/file"] = lambda r: r.answer(404, b"gone") if "Range" in r.headers else first(r)
    assert_failed(get(server.url + "/file"), "not-found", "404")
    assert len(server.seen) == 2


def test_offset(server):
    server.routes["/file"] = file_route()
    assert_whole(get(server.url + "/file", "--offset", 1234), BODY[1234:])
    assert server.seen[0][2]["Range"] == "bytes=1234-"
    server.routes["/file"] = file_route(ranges=False)
    result = get(server.url + "/file", "--offset", 1234)
    assert_whole(result, BODY[1234:])
    assert f"size {len(BODY)}" in result[2]


@pytest.mark.parametrize("status,kind", [(401, "auth"), (403, "auth"), (404, "not-found"), (410, "not-found"),
                                         (500, "network"), (503, "network"), (204, "network"), (206, "network")])
def test_status(server, status, kind):
    server.routes["/file"] = lambda r: r.answer(status, b"" if status == 204 else b"because  of\nthis")
    result = get(server.url.replace("//", "//me:hunter2@") + "/file?token=hunter3")
    assert_failed(result, kind, str(status), "/file", "" if status in (204, 206) else "because of this")
    assert "hunter" not in result[2]


def test_retry_after(server):
    server.routes["/file"] = lambda r: r.answer(503, b"later", Retry_After=17)
    assert_failed(get(server.url + "/file"), "network", "503", "in 17 s")
    assert "retry-after 17" in run("exchange", server.url + "/file")[2]


def test_secrets_are_sent_but_never_shown(server):
    def echo(request):
        request.answer(403, str(dict(request.headers.items())).encode())
    server.routes["/file"] = echo
    for args in (["--bearer", "tok-hunter2"], ["--header", "X-Token: hunter2secret"],
                 ["--header", "Authorization: Token hunter2", "--bearer", "loses"]):
        for verb in ("get", "exchange"):
            result = run(verb, server.url + "/file", *args)
            assert_failed(result, "auth", "403")
            assert "hunter2" not in result[2]
    sent = [s[2] for s in server.seen]
    assert sent[0]["Authorization"] == "Bearer tok-hunter2"
    assert sent[2]["X-Token"] == "hunter2secret"
    assert sent[4]["Authorization"] == "Token hunter2"


@pytest.mark.parametrize("verb", ["get", "exchange"])
def test_redirect_to_another_host_takes_no_secrets(server, verb):
    server.routes["/file"] = file_route(b"there")
    server.routes["/away"] = lambda r: r.answer(307, b"go", Location=f"http://localhost:{server.port}/back")
    server.routes["/back"] = lambda r: r.answer(302, b"", Location=f"{server.url}/file")
    for secret in (["--bearer", "t"], ["--user", "me", "--password", "p"], ["--header", "X-Key: k"],
                   ["--header", "Authorization: Own x"]):
        server.seen.clear()
        status, out, err = run(verb, server.url + "/away", *secret)
        assert (status, out) == (0, b"there"), err
        first, second, third = (s[2] for s in server.seen)
        assert "Authorization" in first or "X-Key" in first
        assert "Authorization" not in second and "X-Key" not in second
        assert "Authorization" not in third and "X-Key" not in third


def test_redirect_on_the_same_host_keeps_them(server):
    server.routes["/file"] = file_route(b"there")
    server.routes["/moved"] = lambda r: r.answer(301, b"", Location="file")
    assert get(server.url + "/moved", "--bearer", "t")[1] == b"there"
    assert server.seen[1][2]["Authorization"] == "Bearer t"


def test_redirects_have_an_end(server):
    server.routes["/loop"] = lambda r: r.answer(302, b"", Location="/loop")
    assert_failed(get(server.url + "/loop"), "network", "more than 10 redirects")
    assert len(server.seen) == 11


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/", "http://"])
def test_redirect_elsewhere(server, location):
    server.routes["/away"] = lambda r: r.answer(302, b"", Location=location)
    for verb in ("get", "exchange"):
        assert_failed(run(verb, server.url + "/away"), "network", "no http or https URL")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://localhost/x", "nothing", "http://", ""])
def test_other_urls(url):
    assert_failed(get(url), "usage", "no http or https URL")


@pytest.mark.parametrize("args", [["--header", "none"], ["--header", "A B: c"], ["--header", ": x"],
                                  ["--header", "A: b\r\nC: d"], ["--header", "A: b", "--header", "a: c"],
                                  ["--bearer", "a b"], ["--bearer", ""], ["--bearer", "x" * 4097]])
def test_bad_options(server, args):
    assert_failed(get(server.url, *args), "usage")
    assert not server.seen


def test_nobody_listens():
    with web_server() as gone:
        url = gone.url
    assert_failed(get(url), "network", "Connection refused")


def test_basic_and_digest(server):
    def basic(request):
        ok = request.headers.get("Authorization") == "Basic bWU6c2VjcmV0"
        request.answer(200 if ok else 401, b"in", WWW_Authenticate='Basic realm="x"')

    def digest(request):
        text = request.headers.get("Authorization", "")
        fields = dict(p.strip().split("=", 1) for p in text.removeprefix("Digest ").split(",") if "=" in p)
        fields = {k: v.strip('"') for k, v in fields.items()}

        def md5(*parts):
            return hashlib.md5(":".join(parts).encode()).hexdigest()
        right = "response" in fields and fields["response"] == md5(
            md5("me", "x", "secret"), "n", fields["nc"], fields["cnonce"], "auth", md5("GET", "/digest"))
        request.answer(200 if right else 401, b"in", WWW_Authenticate='Digest realm="x", nonce="n", qop="auth"')
    server.routes.update({"/basic": basic, "/digest": digest})
    me = ["--user", "me", "--password", "secret"]
    for verb in ("get", "exchange"):
        assert run(verb, server.url + "/basic", *me)[1] == b"in"
        assert run(verb, server.url.replace("//", "//me:secret@") + "/basic")[1] == b"in"
        assert run(verb, server.url + "/digest", *me, "--digest")[1] == b"in"
        assert_failed(run(verb, server.url + "/digest", "--user", "me", "--password", "no", "--digest"), "auth", "401")
        assert_failed(run(verb, server.url + "/digest", *me), "auth", "401")


def test_authenticate_prefers_bearer(server):
    def route(request):
        request.send_response(401)
        request.send_header("WWW-Authenticate", 'Basic realm="b"')
        request.send_header("WWW-Authenticate", 'Bearer realm="t",service="s"')
        request.send_header("Content-Length", "0")
        request.end_headers()
    server.routes["/x"] = route
    assert 'authenticate Bearer realm="t",service="s"' in run("exchange", server.url + "/x")[2]


def test_exchange_is_bounded(server):
    server.routes["/big"] = lambda r: r.answer(200, b"x" * 70_000)
    assert_failed(run("exchange", server.url + "/big"), "network", "larger than 65536")


@pytest.mark.parametrize("method", ["PUT", "POST"])
def test_upload(server, tmp_path, method):
    got = []

    def route(request):
        got.append(request.read_body())
        request.answer(201, b"", Location="/made")
    server.routes["/up"] = route
    (tmp_path / "data").write_bytes(BODY)
    status, _, err = run("put", server.url + "/up", "--method", method, "--file", tmp_path / "data")
    assert status == 0 and "status 201\nlocation /made" in err
    assert got == [BODY] and server.seen[0][0] == method
    assert server.seen[0][2]["Content-Length"] == str(len(BODY)) and "Expect" not in server.seen[0][2]


def test_upload_is_not_redirected(server, tmp_path):
    def route(request):
        request.read_body()
        request.answer(307, b"", Location="/elsewhere")
    server.routes["/up"] = route
    (tmp_path / "data").write_bytes(b"abc")
    assert "status 307" in run("put", server.url + "/up", "--method", "PUT", "--file", tmp_path / "data")[2]
    assert len(server.seen) == 1


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return make_ca(tmp_path_factory.mktemp("tls"))


def test_tls(authority):
    ca, certificate = authority
    with web_server(certificate) as server:
        server.routes["/file"] = file_route(cut_at=(100_000,))
        assert_failed(get(server.url + "/file"), "network", "certificate", "--cacert")
        assert not server.seen
        assert_whole(get(server.url + "/file", "--cacert", ca))
        assert_whole(get(server.url + "/file", "-k"))
        assert_failed(get(server.url + "/file", "--cacert", "/nonexistent.pem"), "config", "/nonexistent.pem")


def test_stall_is_taken_up(server):
    release = threading.Event()
    rest = file_route()

    def route(request):
        if "Range" in request.headers:
            return rest(request)
        request.send_response(200)
        request.send_header("ETag", '"one"')
        request.send_header("Content-Length", str(len(BODY)))
        request.end_headers()
        request.wfile.write(BODY[:5000])
        request.wfile.flush()
        return release.wait(60)
    server.routes["/file"] = route
    try:
        assert_whole(get(server.url + "/file", "--stall", 200))
    finally:
        release.set()


@pytest.mark.parametrize("verb", ["get", "exchange"])
@pytest.mark.parametrize("part", ["", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n", "head and some"])
def test_silent_server(server, verb, part):
    release, asked = threading.Event(), threading.Event()

    def route(request):
        text = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc" if part == "head and some" else part
        request.wfile.write(text.encode())
        request.wfile.flush()
        asked.set()
        release.wait(60)
        request.cut()
    server.routes["/file"] = route
    try:
        assert_failed(run(verb, server.url + "/file", "--stall", 100, "--tries", 1), "network", "no byte came")
        assert_failed(run(verb, server.url + "/file", "--deadline", 100), "timeout", "timed out")
        asked.clear()
        with subprocess.Popen([tool("http-tool"), verb, server.url + "/file"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=clean_env()) as process:
            assert asked.wait(30)
            _, err = process.communicate(b"x", timeout=30)
        assert process.returncode == EXIT["cancelled"] and b"cancelled" in err
    finally:
        release.set()
