# SPDX-License-Identifier: MIT
"""Network plugs: servers that take only the exact requests of the real ones, and some that misbehave."""
import hashlib
import json
import re
import signal
import threading
import urllib.parse

import pytest

from peers import make_ca, web_server
from power_helper import AUTH, CANCELLED, CONFIG, NETWORK, POWER, Board, wait_for

PASSWORD = "p ä&=s/word"


class Plug:
    """State of a plug behind a server; `strange` has every request that the real one does not know."""

    def __init__(self, server):
        self.server, self.on, self.strange = server, [False] * 4, []
        server.host = f"127.0.0.1:{server.port}"

    def route(self, path, function):
        def guarded(request):
            try:
                function(request)
            except (AssertionError, KeyError, ValueError, IndexError) as wrong:
                self.strange.append((request.command, request.path, repr(wrong)))
                request.answer(400, b"strange")
        self.server.routes[path] = guarded

    def board(self, folder, **power):
        secrets = {"plug": {"file": "password"}}
        (folder / "password").write_text(PASSWORD + "\n")
        power = {"type": "http", "host": self.server.host, "off_time": "1ms", **power}
        return Board(folder, {k: v for k, v in power.items() if v is not None}, secrets)


def tasmota(plug, password=None, outlets=4):
    def cm(request):
        assert request.command == "GET" and "Authorization" not in request.headers
        query = urllib.parse.urlsplit(request.path).query
        fields = dict(urllib.parse.parse_qsl(query, strict_parsing=True))
        command = fields.pop("cmnd")
        if password and fields != {"user": "admin", "password": password}:
            return request.answer(401, b'{"WARNING":"Need user=<username>&password=<password>"}')
        assert password or not fields
        number, value = re.fullmatch(r"Power([1-9])(?: (On|Off))?", command).groups()
        if int(number) > outlets:
            return request.answer(200, b'{"Command":"Unknown"}')
        assert "%20" in query or not value
        index = int(number) - 1
        if value:
            plug.on[index] = value == "On"
        name = "POWER" if outlets == 1 else f"POWER{number}"
        return request.answer(200, json.dumps({name: "ON" if plug.on[index] else "OFF"}).encode())
    plug.route("/cm", cm)


def basic(request, user, password):
    import base64
    return request.headers.get("Authorization") == "Basic " + base64.b64encode(
        f"{user}:{password}".encode()).decode()


def shelly_gen1(plug, password=None):
    def relay(request):
        if password and not basic(request, "admin", password):
            return request.answer(401, b"", WWW_Authenticate='Basic realm="shelly"')
        index = int(request.path.rpartition("/")[2])
        if request.command == "POST":
            assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
            plug.on[index] = {b"turn=on": True, b"turn=off": False}[request.read_body()]
        else:
            assert request.command == "GET"
        return request.answer(200, json.dumps({"ison": plug.on[index], "has_timer": False}).encode())
    for i in range(4):
        plug.route(f"/relay/{i}", relay)


class Digest:
    """RFC 7616 with SHA-256, as the second generation of Shelly has it."""

    def __init__(self, user, password):
        self.user, self.password, self.nonce, self.used = user, password, "60dc2c56", 0

    def challenge(self):
        return f'Digest qop="auth", realm="shellyplus1-a8032ab12345", nonce="{self.nonce}", algorithm=SHA-256'

    def good(self, request):
        text = request.headers.get("Authorization", "")
        if not text.startswith("Digest "):
            return False
        given = {k: v.strip('"') for k, v in re.findall(r'(\w+)=("[^"]*"|[^,]*)', text[7:])}

        def digest(*parts):
            return hashlib.sha256(":".join(parts).encode()).hexdigest()
        ha1 = digest(self.user, given["realm"], self.password)
        ha2 = digest(request.command, request.path)
        wanted = digest(ha1, self.nonce, given["nc"], given["cnonce"], given["qop"], ha2)
        assert given["algorithm"] == "SHA-256" and given["nonce"] == self.nonce
        self.used += 1
        return given["username"] == self.user and given["response"] == wanted


def shelly_gen2(plug, digest=None):
    def rpc(request):
        assert request.command == "POST"
        body = request.read_body()
        if digest and not digest.good(request):
            return request.answer(401, b"", WWW_Authenticate=digest.challenge())
        call = json.loads(body)
        assert request.headers["Content-Type"] == "application/json"
        index = call["params"]["id"]
        if index >= len(plug.on):
            return request.answer(200, json.dumps(
                {"id": call["id"], "src": "x", "error": {"code": -105, "message": f"id={index} not found!"}}).encode())
        if call["method"] == "Switch.Set":
            result = {"was_on": plug.on[index]}
            assert set(call["params"]) == {"id", "on"} and call["params"]["on"] in (True, False)
            plug.on[index] = call["params"]["on"]
        else:
            assert call["method"] == "Switch.GetStatus" and set(call["params"]) == {"id"}
            result = {"id": index, "source": "HTTP_in", "output": plug.on[index], "apower": 0.0}
        return request.answer(200, json.dumps({"id": call["id"], "src": "x", "result": result}).encode())
    plug.route("/rpc", rpc)


def home_assistant(plug):
    def check(request):
        assert request.headers["Authorization"] == "Bearer eyJ0.token-1"

    def turn(on):
        def service(request):
            check(request)
            assert request.command == "POST" and request.headers["Content-Type"] == "application/json"
            assert json.loads(request.read_body()) == {"entity_id": "switch.board_1"}
            plug.on[0] = on
            request.answer(200, b"[]")
        return service

    def state(request):
        check(request)
        assert request.command == "GET"
        request.answer(200, json.dumps({"entity_id": "switch.board_1",
                                        "state": "on" if plug.on[0] else "off"}).encode())
    plug.route("/api/services/switch/turn_on", turn(True))
    plug.route("/api/services/switch/turn_off", turn(False))
    plug.route("/api/states/switch.board_1", state)


def esphome(plug):
    def turn(on):
        def function(request):
            assert request.command == "POST" and request.headers["Content-Length"] == "0"
            plug.on[0] = on
            request.answer(200)
        return function

    def state(request):
        assert request.command == "GET"
        request.answer(200, json.dumps({"id": "switch-relay", "value": plug.on[0],
                                        "state": "ON" if plug.on[0] else "OFF"}).encode())
    plug.route("/switch/relay/turn_on", turn(True))
    plug.route("/switch/relay/turn_off", turn(False))
    plug.route("/switch/relay", state)


def netio(plug):
    def function(request):
        assert basic(request, "netio", PASSWORD)
        if request.command == "POST":
            outputs = json.loads(request.read_body())["Outputs"]
            assert len(outputs) == 1 and set(outputs[0]) == {"ID", "Action"}
            plug.on[outputs[0]["ID"] - 1] = {0: False, 1: True}[outputs[0]["Action"]]
        outputs = [{"ID": i + 1, "Name": "x", "State": int(on)} for i, on in enumerate(plug.on)]
        request.answer(200, json.dumps({"Agent": {"Model": "4C"}, "Outputs": outputs[::-1]}).encode())
    plug.route("/netio.json", function)


@pytest.fixture
def plug():
    with web_server() as server:
        made = Plug(server)
        yield made
        assert not made.strange


def switch(board, plug, index):
    """On, off, cycle; only this outlet changes."""
    others = [i for i in range(len(plug.on)) if i != index]
    assert board.ok("status") == "off"
    board.ok("on")
    assert plug.on[index] and board.ok("status") == "on"
    board.ok("off")
    assert not plug.on[index]
    board.ok("cycle")
    assert plug.on[index] and not any(plug.on[i] for i in others)


@pytest.mark.parametrize("setup, settings, index", [
    (tasmota, {"preset": "tasmota"}, 0),
    (tasmota, {"preset": "tasmota", "channel": 3}, 2),
    (lambda plug: tasmota(plug, outlets=1), {"preset": "tasmota"}, 0),
    (lambda plug: tasmota(plug, PASSWORD), {"preset": "tasmota", "password": "plug"}, 0),
    (shelly_gen1, {"preset": "shelly-gen1"}, 0),
    (lambda plug: shelly_gen1(plug, PASSWORD),
     {"preset": "shelly-gen1", "channel": 1, "username": "admin", "password": "plug"}, 1),
    (shelly_gen2, {"preset": "shelly-gen2"}, 0),
    (lambda plug: shelly_gen2(plug, Digest("admin", PASSWORD)),
     {"preset": "shelly-gen2", "channel": 2, "password": "plug"}, 2),
    (esphome, {"preset": "esphome", "channel": "relay"}, 0),
    (netio, {"preset": "netio-json", "channel": 2, "username": "netio", "password": "plug"}, 1),
])
def test_presets(tmp_path, plug, setup, settings, index):
    setup(plug)
    switch(plug.board(tmp_path, **settings), plug, index)


def test_home_assistant(tmp_path, plug):
    home_assistant(plug)
    board = Board(tmp_path, {"type": "http", "preset": "home-assistant", "host": plug.server.host,
                             "channel": "switch.board_1", "token": "home", "off_time": 0},
                  {"home": {"file": "token"}})
    (tmp_path / "token").write_text("eyJ0.token-1\n")
    switch(board, plug, 0)


def test_digest_is_used_and_wrong_passwords_are_refused(tmp_path, plug):
    digest = Digest("admin", PASSWORD)
    shelly_gen2(plug, digest)
    board = plug.board(tmp_path, preset="shelly-gen2", password="plug")
    board.ok("on")
    assert digest.used == 2
    (tmp_path / "password").write_text("wrong-password\n")
    error = board.fails("off", AUTH)
    assert "wrong-password" not in error and plug.on[0]
    assert "401" in plug.board(tmp_path, preset="shelly-gen2").fails("off", AUTH)


def test_password_in_the_url_is_not_shown(tmp_path, plug):
    tasmota(plug, "another")
    error = plug.board(tmp_path, preset="tasmota", password="plug").fails("on", AUTH)
    assert "/cm: HTTP status 401" in error
    for text in PASSWORD, urllib.parse.quote(PASSWORD, safe=""), "user=admin":
        assert text not in error


def test_no_such_outlet(tmp_path, plug):
    tasmota(plug, outlets=2)
    assert 'the plug did not do it: {"Command":"Unknown"}' in plug.board(
        tmp_path, preset="tasmota", channel=3).fails("on", POWER)
    assert "has no 'POWER'" in plug.board(tmp_path, preset="tasmota", channel=3).fails("status", POWER)


def test_rpc_error(tmp_path, plug):
    shelly_gen2(plug)
    assert "id=9 not found!" in plug.board(tmp_path, preset="shelly-gen2", channel=9).fails("on", POWER)


def test_state_that_does_not_change(tmp_path, plug):
    plug.route("/relay/0", lambda request: request.answer(200, b'{"ison":false}'))
    board = plug.board(tmp_path, preset="shelly-gen1", timeout="400ms")
    assert "still reads as off" in board.fails("on", POWER)


def test_a_plug_that_restarts_meanwhile(tmp_path, plug):
    """The switch is taken; the next looks fail in several ways; then it is seen."""
    answers = [lambda r: r.answer(200, b'{"ison":true}'), lambda r: r.answer(503), lambda r: r.cut(),
               lambda r: r.answer(200, b"<html>starting</html>"), lambda r: r.answer(200, b'{"ison":false}'),
               lambda r: r.answer(200, b'{"ison":true}')]
    plug.route("/relay/0", lambda request: answers.pop(0)(request))
    plug.board(tmp_path, preset="shelly-gen1").ok("on")
    assert not answers


@pytest.mark.parametrize("body, said", [
    (b"<html>\x00\x1bno</html>", "not JSON"),
    (b'{"ison": "perhaps"}', 'neither on nor off: {"ison": "perhaps"}'),
    (b'{"ison": [true]}', "has no 'ison'"),
    (b"[]", "has no 'ison'"),
    (b"", "not JSON"),
    (b"[" * 60000, "not JSON"),
])
def test_garbage(tmp_path, plug, body, said):
    plug.route("/relay/0", lambda request: request.answer(200, body))
    error = plug.board(tmp_path, preset="shelly-gen1").fails("status", POWER)
    assert said in error and "\x1b" not in error and len(error) < 1600


def test_an_endless_reply(tmp_path, plug):
    plug.route("/relay/0", lambda request: request.answer(200, b" " * 1_000_000))
    assert plug.board(tmp_path, preset="shelly-gen1").run("status").returncode != 0


def test_status_500_is_a_failure(tmp_path, plug):
    plug.route("/relay/0", lambda request: request.answer(500, b"relay stuck"))
    assert "HTTP status 500" in plug.board(tmp_path, preset="shelly-gen1").fails("on", NETWORK)


def test_slow_and_cancelled(tmp_path, plug):
    asked, end = threading.Event(), threading.Event()

    def slow(request):
        asked.set()
        end.wait(30)
        request.cut()
    plug.route("/relay/0", slow)
    try:
        assert "timed out" in plug.board(tmp_path, preset="shelly-gen1", timeout="200ms").fails("on", POWER)
        asked.clear()
        with plug.board(tmp_path, preset="shelly-gen1").start("on") as tool:
            wait_for(asked.is_set)
            tool.send_signal(signal.SIGTERM)
            tool.communicate(timeout=10)
            assert tool.returncode == CANCELLED
    finally:
        end.set()


def test_nobody_there(tmp_path):
    with web_server() as server:
        gone = Plug(server)
    assert gone.board(tmp_path, preset="tasmota").fails("on", NETWORK)


def test_own_requests(tmp_path, plug):
    """PUT of 0 and 1, a state as plain text, headers and a password in one of them."""
    def state(request):
        assert request.headers["X-Key"] == "key " + PASSWORD.encode().decode("latin-1")
        if request.command == "PUT":
            assert request.headers["Content-Type"] == "text/plain"
            plug.on[0] = {b"1": True, b"0": False}[request.read_body()]
        request.answer(200, b"1\r\n" if plug.on[0] else b" 0\n")
    plug.route("/outlet/7", state)
    call = {"url": "{host}/outlet/{channel}", "headers": {"X-Key": "key {password}"}}
    put = {**call, "method": "PUT", "content_type": "text/plain"}
    board = plug.board(tmp_path, channel="7", username="u", password="plug", status=call,
                       on={**put, "body": "1"}, off={**put, "body": "0"})
    switch(board, plug, 0)


def test_own_patterns_and_values(tmp_path, plug):
    def outlets(request):
        if "set" in request.path:
            plug.on[1] = "set=1" in request.path
        request.answer(200, json.dumps({"a": [{"n": "1", "s": "idle"},
                                              {"n": "2", "s": "powered" if plug.on[1] else "dark"}]}).encode())
    plug.route("/o", outlets)
    url = f"http://{plug.server.host}/o"
    board = plug.board(tmp_path, host=None, on={"url": url + "?set=1", "expect": "powered"},
                       off={"url": url + "?set=0"},
                       status={"url": url, "value": "a.[n=2].s", "on_value": "^powered$", "off_value": "^dark$"})
    switch(board, plug, 1)
    board = plug.board(tmp_path, host=None, on={"url": url + "?set=0", "expect": "powered"}, off={"url": url})
    assert "did not do it" in board.fails("on", POWER)
    assert board.ok("status") == "unknown"


def test_tls(tmp_path):
    ca, certificate = make_ca(tmp_path)
    with web_server(certificate) as server:
        plug = Plug(server)
        shelly_gen1(plug)
        host = f"https://127.0.0.1:{server.port}"
        assert plug.board(tmp_path, preset="shelly-gen1", host=host).run("status").returncode != 0
        assert plug.board(tmp_path, preset="shelly-gen1", host=host, ca_file=ca.name).ok("status") == "off"
        assert plug.board(tmp_path, preset="shelly-gen1", host=host, insecure=True).ok("status") == "off"


URL = {"url": "http://h/"}


@pytest.mark.parametrize("power, text", [
    ({"preset": "tasmoto"}, "did you mean 'tasmota'"),
    ({"preset": "x" * 40}, "known are: tasmota, shelly-gen1"),
    ({"preset": "tasmota", "host": None}, "'host' is missing"),
    ({"preset": "tasmota", "host": "ftp://h"}, "must be http or https"),
    ({"preset": "tasmota", "host": "u:p@h"}, "not the address of a host"),
    ({"preset": "tasmota", "host": "h/x"}, "not the address of a host"),
    ({"preset": "tasmota", "channel": "1&x"}, "'channel' must be a number"),
    ({"preset": "esphome"}, "'channel' is missing"),
    ({"preset": "esphome", "channel": '"}'}, "is not a channel"),
    ({"preset": "esphome", "channel": "a", "password": "plug"}, "'username' is missing"),
    ({"preset": "home-assistant", "channel": "a"}, "'token' is missing"),
    ({"preset": "tasmota", "on": URL}, "has its own 'on'"),
    ({"on": URL}, "'on' and 'off', or 'preset', are missing"),
    ({"on": URL, "off": {"url": "file:///etc/passwd"}}, "must begin with http"),
    ({"on": URL, "off": {"url": "http://u:p@h/"}}, "a password does not belong"),
    ({"on": URL, "off": {"url": "{host}/"}, "host": None}, "'host' is missing"),
    ({"on": URL, "off": {**URL, "method": "GET / HTTP/1.0\r\n"}}, "is not an HTTP method"),
    ({"on": URL, "off": {**URL, "expect": "["}}, "is no pattern"),
    ({"on": URL, "off": {**URL, "expekt": "x"}}, "did you mean 'expect'"),
    ({"on": URL, "off": URL, "status": {**URL, "on_value": "("}}, "is no pattern"),
])
def test_key_errors(tmp_path, power, text):
    power = {k: v for k, v in {"type": "http", "host": "h", **power}.items() if v is not None}
    board = Board(tmp_path, power, {"plug": {"env": "NONE"}})
    error = board.fails("status", CONFIG)
    assert text in error and "board.yaml:1:" in error
