# SPDX-License-Identifier: MIT
"""Manual pages and completions, which the program makes of its own tables."""
import os
import re
import subprocess

import pytest

from test_usage import verbs


def pages(aboard):
    return ["aboard", "aboard.yaml", *(f"aboard-{verb}" for verb in verbs(aboard))]


def run(*argv, **more):
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False, **more)


def test_manual_is_clean(aboard, tool):
    mandoc = tool("mandoc")
    for page in pages(aboard):
        source = aboard.run("help", "--man", page)
        assert result_is_good(source)
        path = aboard.write(page + ".man", source.out)
        lint = run(mandoc, "-T", "lint", str(path))
        assert (lint.stdout, lint.returncode) == ("", 0), page
        assert f"{page.upper()}(" in run(mandoc, "-T", "utf8", str(path)).stdout


def result_is_good(result):
    return result.status == 0 and result.err == "" and result.out.startswith('.\\"')


def test_every_page_is_built(aboard):
    """The list in meson.build is the list of verbs."""
    build = os.environ.get("ABOARD_BUILD")
    folder = os.path.join(build, "src", "cli") if build else os.path.dirname(aboard.path)
    built = {name for name in os.listdir(folder) if re.fullmatch(r"aboard.*\.[15]", name)}
    assert built == {page + (".5" if page.endswith(".yaml") else ".1") for page in pages(aboard)}


def test_unknown_page(aboard):
    assert aboard.run("help", "--man", "nothing").status == 4


def test_exit_statuses_are_in_the_manual(aboard):
    source = aboard.run("help", "--man", "aboard").out
    section = source[source.index(".SH EXIT STATUS"):source.index(".SH ENVIRONMENT")]
    statuses = [int(number) for number in re.findall(r"^\.B (\d+)$", section, re.M)]
    assert statuses == [*range(19), 130]


BASH = """
source "$1"
COMP_WORDS=(aboard "${@:2}")
COMP_CWORD=$(($# - 1))
_aboard 2>/dev/null
printf '%s\\n' "${COMPREPLY[@]}"
"""

COMPLETED = [
    # words, what must be offered, what must not
    (["fl"], ["flash"], ["plan"]),
    (["flash", "--ta"], ["--target"], ["--write"]),
    (["flash", "--no-p"], ["--no-power-off"], []),
    (["flash", "--js"], ["--json"], []),
    (["--boards", "aboard.yaml", "fl"], ["flash"], []),
    (["flash", ""], ["lab3", "lab4"], ["a.img"]),
    (["flash", "lab3", ""], ["a.img", "lab4"], []),
    (["flash", "--target", "emmc", "lab3", "a"], ["a.img"], ["lab4"]),
    (["flash", "--target", "=", "emmc", "lab3", "a"], ["a.img"], []),
    (["power", "lab3", "c"], ["cycle"], ["on"]),
    (["shell", "lab3", "--at", ""], ["bootloader", "linux", "none"], []),
    (["shell", "lab3", "--at", "=", "l"], ["linux"], ["none"]),
    (["boards", ""], ["import"], []),
    (["boards", "import", "a"], ["a.img"], []),
    (["help", "--completion", ""], ["bash", "zsh", "fish"], []),
]


@pytest.fixture
def script(board):
    def write(shell):
        board.write("aboard.yaml", "name: lab3\ndriver: uboot\n---\nname: lab4\ndriver: uboot\n")
        board.write("a.img", "")
        return board.write("completion." + shell, board.run("help", "--completion", shell).out)
    return write


@pytest.mark.parametrize("words,offered,not_offered", COMPLETED)
def test_bash(board, script, tool, words, offered, not_offered):
    result = run(tool("bash"), "-c", BASH, "bash", str(script("bash")), *words, cwd=board.folder,
                 env=board.environment)
    replies = result.stdout.split()
    assert result.stderr == ""
    assert set(offered) <= set(replies)
    assert not set(not_offered) & set(replies)


def test_bash_script_is_clean(script, tool):
    check = run(tool("shellcheck"), str(script("bash")))
    assert check.stdout == ""


def test_zsh(board, script, tool):
    """It loads, and it is what completes aboard."""
    text = "autoload -U compinit; compinit -u -D; source $1; print -r -- $_comps[aboard]"
    result = run(tool("zsh"), "-fc", text, "zsh", str(script("zsh")), cwd=board.folder,
                 env=board.environment)
    assert (result.stdout, result.stderr) == ("_aboard\n", "")
    functions = re.findall(r"^(\w+)\(\)$", script("zsh").read_text(), re.M)
    assert len(functions) == len(set(functions)) > 10


FISH = [
    ("aboard fl", ["flash"], ["plan"]),
    ("aboard flash --ta", ["--target"], []),
    ("aboard flash ", ["lab3", "lab4"], []),
    ("aboard power lab3 c", ["cycle"], []),
    ("aboard shell lab3 --at ", ["bootloader", "linux"], []),
]


@pytest.mark.parametrize("line,offered,not_offered", FISH)
def test_fish(board, script, tool, line, offered, not_offered):
    result = run(tool("fish"), "--no-config", "-c", 'source $argv[1]; complete -C "$argv[2]"',
                 str(script("fish")), line, cwd=board.folder, env=board.environment)
    words = [row.split("\t")[0] for row in result.stdout.splitlines()]
    assert set(offered) <= set(words), result.stderr
    assert not set(not_offered) & set(words)
