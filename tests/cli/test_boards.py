# SPDX-License-Identifier: MIT
"""aboard boards, power, history, doctor: what needs no board that answers."""
import os
import socket

import pytest


def one(result):
    assert result.status == 0, result.err
    document, = result.lines()
    return document


def test_none(aboard):
    result = aboard.run("boards")
    assert (result.status, result.out) == (0, "")
    assert "no boards in ./aboard.yaml and " in result.err and "home/config/boards\n" in result.err
    assert one(aboard.run("boards", "--json")) == []


def test_link_of_a_driver_is_where_the_board_is(aboard):
    aboard.write("aboard.yaml", "name: net\ndriver: fastboot\nfastboot: {link: tcp:127.0.0.1:5554}\n")
    assert aboard.run("boards").out.splitlines()[1].split()[-1] == "tcp:127.0.0.1:5554"


def test_names_only(aboard):
    aboard.write("aboard.yaml", "name: lab3\ndriver: uboot\n---\nname: lab4\ndriver: uboot\n")
    assert aboard.run("boards", "-q").out == "lab3\nlab4\n"


def test_file_of_the_search_path_and_of_the_option(aboard):
    aboard.write("home/config/boards/x.yaml", "name: far\ndriver: uboot\n")
    aboard.write("other.yaml", "name: near\ndriver: uboot\n")
    assert aboard.run("boards", "-q").out == "far\n"
    assert aboard.run("boards", "-q", "--boards", "other.yaml").out == "near\n"
    assert aboard.run("--boards=other.yaml", "boards", "-q").out == "near\n"


def test_unknown_key(aboard):
    aboard.write("aboard.yaml", "name: lab3\ndriver: uboot\nserail: /dev/null\n")
    result = aboard.run("boards")
    assert result.status == 3
    assert "aboard.yaml:3:" in result.err
    assert "serial" in result.err.split("serail", 1)[1]


def test_what_can_be_seen(aboard):
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        aboard.write("aboard.yaml", "".join(
            f"---\nname: {name}\ndriver: uboot\nserial: '{serial}'\n" for name, serial in [
                ("there", "/dev/null"),
                ("missing", "/dev/ttyNotHere"),
                ("answers", f"socket://127.0.0.1:{server.getsockname()[1]}"),
                ("silent", f"socket://127.0.0.1:{closed.getsockname()[1]}"),
                ("program", "exec:/bin/false"),
            ]))
        rows = {row["name"]: row for row in one(aboard.run("boards", "--json"))}
    seen = {name: row["serial_seen"] for name, row in rows.items()}
    assert seen == {"there": "there", "missing": "missing", "answers": "answers", "silent": "silent",
                    "program": None}
    assert rows["missing"]["serial_note"] == "No such file or directory"
    assert rows["there"]["driver"] == "uboot" and rows["there"]["file"].endswith("aboard.yaml")
    text = aboard.run("boards").out
    assert "missing  uboot" in text and "(No such file or directory)" in text


def test_unknown_board(board):
    for argv in (["flash", "lab2", "x", "--yes"], ["power", "lab2", "on"], ["dump", "lab2", "x"]):
        result = board.run(*argv)
        assert result.status == 4
        assert "lab3" in result.err


SWITCH = """\
name: lab3
driver: uboot
power:
  type: command
  "on": [/bin/sh, -c, 'echo on > {0}/state']
  "off": [/bin/sh, -c, 'echo off > {0}/state']
  status: [cat, '{0}/state']
  status_on: "on"
  off_time: 10ms
"""


def test_power(aboard):
    aboard.write("aboard.yaml", SWITCH.format(aboard.folder))
    assert aboard.run("power", "lab3", "on").out == "lab3: on\n"
    assert aboard.run("power", "lab3", "status").out == "lab3: on\n"
    assert one(aboard.run("power", "lab3", "off", "--json"))["power"] == "off"
    assert (aboard.folder / "state").read_text() == "off\n"
    assert aboard.run("power", "lab3", "cycle").out == "lab3: on\n"
    assert one(aboard.run("boards", "--json"))[0]["power"] == "on"


def test_power_that_fails(aboard):
    aboard.write("aboard.yaml", 'name: lab3\ndriver: uboot\npower:\n  type: command\n'
                                '  "on": [/bin/false]\n  "off": [/bin/false]\n')
    result = aboard.run("power", "lab3", "on", "--json")
    assert result.status == 10
    assert result.end()["error"]["kind"] == "power"


def test_no_power(board):
    result = board.run("power", "lab3", "on")
    assert result.status == 3
    assert "no power switch" in result.err


def test_history_of_nothing(aboard):
    assert aboard.run("history").status == 0
    assert one(aboard.run("history", "--json")) == []
    result = aboard.run("history", "12")
    assert result.status == 4


def test_doctor(board):
    checks = one_of_either(board.run("doctor", "--json"))
    verdicts = {check["name"]: check["verdict"] for check in checks}
    assert verdicts["config-folder"] == verdicts["board-files"] == verdicts["serial"] == "pass"
    assert {"state-folder", "cache-folder", "tftp-port"} <= set(verdicts)


def one_of_either(result):
    """The TFTP port may be taken on the machine that tests."""
    assert result.status in (0, 5)
    document, = result.lines()
    return document


def test_doctor_says_what_mends(aboard):
    aboard.write("aboard.yaml", "name: lab3\ndriver: uboot\nserial: /dev/ttyNotHere\n")
    result = aboard.run("doctor")
    assert result.status == 5
    assert "xx  serial port of lab3" in result.out
    assert "-> plug it in" in result.out
    assert "checks failed" in result.err or "check failed" in result.err


def test_doctor_without_a_home(aboard):
    result = aboard.run("doctor", "--json", env={"ABOARD_HOME": "/dev/null/home"})
    checks = {check["name"]: check for check in one_of_either(result)}
    assert result.status == 5
    assert checks["state-folder"]["verdict"] == "fail"
    assert "ABOARD_HOME" in checks["state-folder"]["remedy"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may bind the port to be in the way")
def test_doctor_sees_a_taken_port(board):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        try:
            other.bind(("0.0.0.0", 69))
        except OSError:
            pass  # then it is taken already
        checks = {check["name"]: check for check in one_of_either(board.run("doctor", "--json"))}
    assert checks["tftp-port"]["verdict"] == "fail"
    assert "other TFTP server" in checks["tftp-port"]["remedy"]
