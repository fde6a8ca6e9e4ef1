# SPDX-License-Identifier: MIT
"""Power distribution units behind Debian's snmpd."""
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess

import pytest

from peers import clean_env
from power_helper import AUTH, CANCELLED, CONFIG, NETWORK, POWER, Board, wait_for

SNMPD = shutil.which("snmpd", path="/usr/sbin:/usr/bin:/sbin")
NOT_FOUND = 4
OUTLETS = {"apc-spdu": "5", "apc-rpdu": "3", "apc-rpdu2": "7", "apc-cpdu": "1.3", "raritan-px2": "2",
           "eaton-epdu": "4", "sentry3": "1.1.3", "poe-mib": "1.12"}
CONF = """
[snmp] noPersistentLoad yes
agentAddress udp:127.0.0.1:0
rwcommunity private
rwcommunity write-me
rocommunity read-me
createUser alice SHA "alice-auth-pw" AES "alice-priv-pw"
createUser bob MD5 "bob-auth-pw" DES "bob-priv-pw"
createUser carol SHA "carol-auth-pw"
createUser dave
createUser erin SHA "erin-auth-pw" AES "erin-priv-pw"
rwuser alice priv
rwuser bob priv
rwuser carol auth
rwuser dave noauth
rouser erin priv
"""


def ports_of(pid):
    """UDP ports that a process has open."""
    inodes = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            inodes.add(os.readlink(f"/proc/{pid}/fd/{fd}").removeprefix("socket:[").removesuffix("]"))
        except FileNotFoundError:
            pass
    with open("/proc/net/udp", encoding="ascii") as table:
        rows = [row.split() for row in table.readlines()[1:]]
    return [int(row[1].split(":")[1], 16) for row in rows if row[9] in inodes]


class Pdu:
    def __init__(self, folder, port):
        self.folder, self.port = folder, port

    def state(self, make):
        return json.loads((self.folder / "state").read_text())[f"{make}/{OUTLETS[make]}"]

    def board(self, folder, secrets=None, **power):
        (folder / "secrets").mkdir(exist_ok=True)
        for name, value in (secrets or {}).items():
            (folder / "secrets" / name).write_text(value + "\n")
        names = {name: {"file": f"secrets/{name}"} for name in secrets or {}}
        return Board(folder, {"type": "snmp", "host": "127.0.0.1", "port": self.port, "off_time": "1ms", **power},
                     names)


@pytest.fixture(scope="module")
def agent(tmp_path_factory):
    folder = tmp_path_factory.mktemp("agent")
    script = pathlib.Path(__file__).with_name("snmp_pdu.py")
    bases = [".1.3.6.1.4.1.318", ".1.3.6.1.4.1.13742", ".1.3.6.1.4.1.534", ".1.3.6.1.4.1.1718", ".1.3.6.1.2.1.105"]
    (folder / "snmpd.conf").write_text(
        CONF + "".join(f"pass_persist {base} /usr/bin/python3 {script} {folder}\n" for base in bases))
    env = clean_env(SNMP_PERSISTENT_DIR=folder / "persistent", MIBS="")
    with subprocess.Popen([SNMPD, "-f", "-C", "-c", folder / "snmpd.conf", "-Lf", folder / "snmpd.log"],
                          env=env, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(lambda: ports_of(process.pid) or process.poll() is not None)
            assert process.poll() is None, (folder / "snmpd.log").read_text()
            yield Pdu(folder, ports_of(process.pid)[0])
        finally:
            process.terminate()


@pytest.fixture
def pdu(agent):
    (agent.folder / "state").write_text(json.dumps({f"{make}/{outlet}": "off" for make, outlet in OUTLETS.items()}))
    (agent.folder / "stuck").unlink(missing_ok=True)
    (agent.folder / "log").unlink(missing_ok=True)
    return agent


@pytest.mark.parametrize("make", OUTLETS)
def test_presets(tmp_path, pdu, make):
    board = pdu.board(tmp_path, preset=make, outlet=OUTLETS[make])
    assert board.ok("status") == "off"
    board.ok("on")
    assert pdu.state(make) == "on" and board.ok("status") == "on"
    board.ok("off")
    assert pdu.state(make) == "off" and board.ok("status") == "off"
    board.ok("cycle")
    assert pdu.state(make) == "on"
    others = [name for name in OUTLETS if name != make]
    assert all(pdu.state(name) == "off" for name in others)


ALICE = {"auth": "alice-auth-pw", "priv": "alice-priv-pw"}
KEYS = {"auth_key": "auth", "priv_key": "priv"}


@pytest.mark.parametrize("secrets, login", [
    ({"c": "write-me"}, {"community": "c"}),
    ({"c": "write-me"}, {"community": "c", "version": 1}),
    (ALICE, {"user": "alice", **KEYS}),
    (ALICE, {"user": "alice", "version": 3, "auth_protocol": "SHA", "priv_protocol": "aes", **KEYS}),
    ({"auth": "bob-auth-pw", "priv": "bob-priv-pw"},
     {"user": "bob", "auth_protocol": "md5", "priv_protocol": "des", **KEYS}),
    ({"auth": "carol-auth-pw"}, {"user": "carol", "auth_key": "auth"}),
    ({}, {"user": "dave"}),
])
def test_logins(tmp_path, pdu, secrets, login):
    board = pdu.board(tmp_path, secrets, preset="apc-rpdu", outlet=3, **login)
    board.ok("on")
    assert pdu.state("apc-rpdu") == "on" and board.ok("status") == "on"


@pytest.mark.parametrize("secrets, login, status, text", [
    ({"auth": "wrong-password", "priv": "alice-priv-pw"}, {"user": "alice", **KEYS}, AUTH, "wrongDigests"),
    ({"auth": "alice-auth-pw", "priv": "wrong-password"}, {"user": "alice", **KEYS}, AUTH, "'priv_key'"),
    (ALICE, {"user": "mallory", **KEYS}, AUTH, "does not know this user"),
    (ALICE, {"user": "carol", **KEYS}, AUTH, "level of security"),
    ({"auth": "alice-auth-pw"}, {"user": "alice", "auth_key": "auth"}, AUTH, "may read, but not write"),
    ({"auth": "erin-auth-pw", "priv": "erin-priv-pw"}, {"user": "erin", **KEYS}, AUTH, "may read, but not write"),
    ({"auth": "short", "priv": "alice-priv-pw"}, {"user": "alice", **KEYS}, CONFIG, "at least 8 characters"),
    ({"c": "guess"}, {"community": "c"}, AUTH, "does not answer to this community"),
    ({"c": "read-me"}, {"community": "c"}, AUTH, "may read, but not write"),
    ({"c": "read-me"}, {"community": "c", "version": 1}, NOT_FOUND, "the community may not write"),
])
def test_refused_logins(tmp_path, pdu, secrets, login, status, text):
    board = pdu.board(tmp_path, secrets, preset="apc-rpdu", outlet=3, **login)
    error = board.fails("on", status)
    assert text in error, error
    assert not any(value in error for value in secrets.values())
    assert pdu.state("apc-rpdu") == "off"


@pytest.mark.parametrize("version", ["1", "2c"])
def test_no_such_outlet(tmp_path, pdu, version):
    board = pdu.board(tmp_path, preset="apc-rpdu", outlet=24, version=version)
    assert "no such outlet" in board.fails("status", NOT_FOUND)
    assert board.run("on").returncode in (NOT_FOUND, AUTH)


def test_state_that_does_not_change(tmp_path, pdu):
    (pdu.folder / "stuck").touch()
    board = pdu.board(tmp_path, preset="raritan-px2", outlet=2, timeout="600ms")
    assert "still reads as off" in board.fails("on", POWER)


def test_a_refused_value(tmp_path, pdu):
    board = pdu.board(tmp_path, oid="1.3.6.1.4.1.318.1.1.12.3.3.1.1.4.3", on=9, off=2)
    assert "the value is refused" in board.fails("on", POWER)


def test_what_is_no_number(tmp_path, pdu):
    board = pdu.board(tmp_path, oid="1.3.6.1.2.1.1.1.0")
    assert "is not a number" in board.fails("status", POWER)


def test_own_objects(tmp_path, pdu):
    base = "1.3.6.1.4.1.318.1.1.26.9.2"
    board = pdu.board(tmp_path, oid=f".{base}.4.1.5.7", on=1, off=2, state_oid=f"{base}.3.1.5.7",
                      state_on=2, state_off=1)
    board.ok("on")
    assert pdu.state("apc-rpdu2") == "on" and board.ok("status") == "on"
    board.ok("off")
    assert (pdu.folder / "log").read_text().splitlines() == [f".{base}.4.1.5.7 integer 1", f".{base}.4.1.5.7 integer 2"]
    board = pdu.board(tmp_path, oid=f"{base}.4.1.5.7", on=1, off=2, state_oid="none")
    board.ok("on")
    assert board.ok("status") == "unknown"
    board = pdu.board(tmp_path, oid=f"{base}.4.1.5.7", on=1, off=2, state_oid=f"{base}.3.1.5.7",
                      state_on=7, state_off=8)
    assert "state 2 is neither on nor off" in board.fails("status", POWER)


def test_nobody_answers(tmp_path):
    """A port that takes everything and says nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        pdu = Pdu(tmp_path, silent.getsockname()[1])
        assert "does not answer" in pdu.board(tmp_path, preset="apc-rpdu", outlet=1).fails("on", NETWORK)
        error = pdu.board(tmp_path, preset="apc-rpdu", outlet=1, timeout="300ms").fails("on", POWER)
        assert "timed out" in error


@pytest.mark.parametrize("login", [{}, {"user": "dave"}])
def test_the_wait_can_be_cancelled(tmp_path, login):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        pdu = Pdu(tmp_path, silent.getsockname()[1])
        with pdu.board(tmp_path, preset="apc-rpdu", outlet=1, **login).start("on") as tool:
            silent.recv(2000)
            tool.send_signal(signal.SIGTERM)
            tool.communicate(timeout=10)
            assert tool.returncode == CANCELLED


def test_garbage_is_not_an_answer(tmp_path):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as liar:
        liar.bind(("127.0.0.1", 0))
        pdu = Pdu(tmp_path, liar.getsockname()[1])
        with pdu.board(tmp_path, preset="apc-rpdu", outlet=1).start("status") as tool:
            for garbage in b"", b"\x30\x82\xff\xff", b"\x30\x03\x02\x01\x01", os.urandom(1400):
                _, source = liar.recvfrom(2000)
                liar.sendto(garbage, source)
            _, error = tool.communicate(timeout=30)
            assert tool.returncode == NETWORK, error


def test_nothing_of_the_library_is_read(tmp_path, pdu):
    """A snmp.conf in the home folder must not change anything."""
    home = tmp_path / "home"
    (home / ".snmp").mkdir(parents=True)
    (home / ".snmp/snmp.conf").write_text("defVersion 1\ndefCommunity nonsense\nnonsense here\n")
    board = pdu.board(tmp_path, preset="apc-rpdu", outlet=3)
    board.env.update(HOME=str(home), SNMPCONFPATH=str(home / ".snmp"), SNMP_PERSISTENT_DIR=str(tmp_path / "p"))
    done = board.run("on")
    assert (done.returncode, done.stderr) == (0, "")
    assert not (tmp_path / "p/aboard.conf").exists()


@pytest.mark.parametrize("power, text", [
    ({}, "'preset' or 'oid' is missing"),
    ({"preset": "apc-rpud"}, "did you mean 'apc-rpdu"),
    ({"preset": "apc-rpdu"}, "'outlet' is missing"),
    ({"preset": "apc-rpdu", "outlet": "1.2"}, "is not an outlet"),
    ({"preset": "sentry3", "outlet": 3}, "TOWER.INFEED.OUTLET"),
    ({"preset": "apc-rpdu", "outlet": "x"}, "is not an outlet"),
    ({"preset": "apc-rpdu", "outlet": 1, "oid": "1.3.6"}, "has its own 'oid'"),
    ({"oid": "sysDescr.0"}, "must be an OID in numbers"),
    ({"oid": "1.3..6"}, "must be an OID in numbers"),
    ({"oid": "1.3.6", "outlet": 3}, "'outlet' needs a 'preset'"),
    ({"oid": "1.3.6", "version": 2}, "must be 1, 2c or 3"),
    ({"oid": "1.3.6", "version": 3}, "'user' is missing"),
    ({"oid": "1.3.6", "version": 1, "user": "x"}, "'user' needs 'version: 3'"),
    ({"oid": "1.3.6", "user": "x", "community": "s"}, "not a community"),
    ({"oid": "1.3.6", "user": "x", "auth_protocol": "sha"}, "need each other"),
    ({"oid": "1.3.6", "user": "x", "priv_key": "s"}, "needs authentication"),
    ({"oid": "1.3.6", "user": "x", "auth_key": "s", "auth_protocol": "sha3"}, "must be none, md5 or sha"),
    ({"oid": "1.3.6", "host": "h:161"}, "that goes to 'port'"),
    ({"oid": "1.3.6", "host": "tcp:h x"}, "not the address of a host"),
    ({"oid": "1.3.6", "port": 70000}, "1 to 65535"),
    ({"oid": "1.3.6", "kommunity": "s"}, "did you mean 'community'"),
])
def test_key_errors(tmp_path, power, text):
    board = Board(tmp_path, {"type": "snmp", "host": "h", **power}, {"s": {"env": "NONE"}})
    error = board.fails("status", CONFIG)
    assert text in error and "board.yaml:1:" in error
