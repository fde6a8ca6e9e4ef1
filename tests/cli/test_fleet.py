# SPDX-License-Identifier: MIT
"""Many boards at once, as far as it goes without a board: what is refused, and how that is told."""
import json

import pytest

BOARDS = """
boards:
  - {name: lab1, driver: uboot, serial: /dev/null}
  - {name: lab2, driver: uboot, serial: /dev/null}
  - {name: lab3, driver: uboot, serial: /dev/null}
"""


@pytest.fixture
def lab(aboard):
    aboard.write("aboard.yaml", BOARDS)
    aboard.write("os.img", "x" * 4096)
    return aboard


def test_the_status_counts(lab):
    assert lab.run("flash", "--yes", "lab1", "lab3", "os.img").status == 102
    result = lab.run("flash", "--yes", "--all", "os.img")
    assert result.status == 103
    assert "0 of 3 boards done; not done:" in result.err
    for name in ("lab1", "lab2", "lab3"):
        assert f"{name}: board '{name}' has no bundle" in result.err
    # each was a job of its own, with a record
    jobs = json.loads(lab.run("history", "--json").out)
    assert sorted(job["board"] for job in jobs) == ["lab1", "lab1", "lab2", "lab3", "lab3"]


def test_one_stream(lab):
    result = lab.run("flash", "--yes", "--json", "--all", "os.img")
    events = [json.loads(line) for line in result.out.splitlines()]
    assert result.err == ""
    ends = {event["board"]: event["exit"] for event in events if event["event"] == "result"}
    assert ends == {"lab1": 3, "lab2": 3, "lab3": 3}
    assert events[-1]["event"] == "fleet"
    assert events[-1]["boards"] == 3
    assert events[-1]["failed"] == ["lab1", "lab2", "lab3"]
    assert events[-1]["exit"] == result.status == 103


def test_a_plan_is_no_job(lab):
    result = lab.run("plan", "lab1", "lab2", "os.img")
    assert result.status == 102
    assert "xx  lab1  board 'lab1' has no bundle" in result.out
    assert lab.run("history").out == ""


def test_nobody_is_there_to_be_asked(lab):
    assert lab.run("flash", "lab1", "lab2", "os.img").status == 16
    result = lab.run("flash", "--json", "lab1", "lab2", "os.img")
    assert result.status == 16
    assert "--yes" in json.loads(result.out.splitlines()[-1])["error"]["remedy"]


@pytest.mark.parametrize("words, text", [
    (["--all"], "give one IMAGE"),
    (["--all", "lab1", "os.img"], "--all is every board"),
    (["lab1", "lab1", "os.img"], "'lab1' is named twice"),
    (["lab1", "lab2", "-"], "standard input can be read for one board only"),
    (["lab1", "lab2", "os.img", "--plan-digest", "00"], "--plan-digest is of one board's plan"),
    (["lab1", "lbb2", "os.img"], "did you mean 'lab2'?"),
    ([], "BOARD is missing"),
])
def test_what_does_not_fit(lab, words, text):
    result = lab.run("flash", "--yes", *words)
    assert result.status in (2, 4)
    assert text in result.err
    assert lab.run("history").out == ""
