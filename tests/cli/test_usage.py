# SPDX-License-Identifier: MIT
"""Command lines that are wrong, and help for those that do not know."""
import re

import pytest

WRONG = [
    # arguments, what is said, remedy
    (["flsh"], "unknown command 'flsh'", "did you mean 'aboard flash'?"),
    (["xyzzy"], "unknown command 'xyzzy'", "'aboard --help'"),
    (["--jsn"], "unknown option --jsn", "did you mean --json?"),
    (["flash"], "flash: BOARD is missing", "usage: aboard flash"),
    (["dump", "a", "b", "c"], "one argument too many: 'c'", "usage: aboard dump"),
    (["flash", "--tagret", "x"], "unknown option --tagret", "did you mean --target?"),
    (["flash", "--no-powr-off"], "unknown option --no-powr-off", "did you mean --no-power-off?"),
    (["flash", "--target"], "--target needs an argument", ""),
    (["flash", "--yes=1"], "--yes takes no argument", ""),
    (["power", "lab3"], "power: on|off|cycle|status is missing", "usage: aboard power"),
    (["power", "lab3", "onn"], "'onn' is none of on|off|cycle|status", "did you mean 'on'?"),
    (["boards", "imprt"], "boards: unknown command 'imprt'", "did you mean 'aboard boards import'?"),
    (["shell", "lab3", "--at", "linx"], "'linx' is none of", "did you mean 'linux'?"),
    (["shell", "lab3", "--exec", "ls"], "--exec needs to know where", "--at linux"),
    (["shell", "lab3"], "needs a terminal", "--exec"),
    (["help", "flsh"], "unknown command 'flsh'", "did you mean"),
    (["help", "boards", "x"], "unknown command 'x'", ""),
    (["history", "twelve"], "'twelve' is not the number of a job", "'aboard history'"),
    (["history", "--log"], "--log needs the number of a job", ""),
    (["history", "--limit", "many"], "--limit: 'many' is not a number", "whole number"),
]

WRONG_FLASH = [
    ([], "there is nothing to write", "-t PARTITION:FILE"),
    (["a.img", "-t", "boot:b.img"], "not both", ""),
    (["-t", "boot"], "'boot' is not PARTITION:FILE", "like rootfs:root.img"),
    (["-t", ":b.img"], "is not PARTITION:FILE", ""),
    (["-t", "a:1", "-t", "b:2", "--os-image-checksum", "a" * 64], "one checksum", ""),
    (["a.img", "--os-image-checksum", "abc"], "is not a SHA-256", ""),
    (["a.img", "--os-image-checksum", "a" * 64, "--os-image-checksum-file", "f"], "both", ""),
    (["a.img", "--retries", "-1"], "--retries: '-1' is not a number", ""),
    (["a.img", "--header", "no colon"], "--header", ""),
    (["a.img", "--header", "X-A: 1", "--header", "x-a: 2"], "given twice", ""),
    (["a.img", "--bearer", "two words"], "--bearer", ""),
]


@pytest.mark.parametrize("argv,text,remedy", WRONG)
def test_wrong(aboard, argv, text, remedy):
    result = aboard.run(*argv)
    assert result.status == 2
    assert result.out == ""
    assert result.err.startswith("aboard: ")
    assert text in result.err
    assert remedy in result.err


@pytest.mark.parametrize("argv,text,remedy", WRONG_FLASH)
@pytest.mark.parametrize("verb", ["flash", "plan"])
def test_wrong_flash(board, verb, argv, text, remedy):
    result = board.run(verb, "lab3", *argv)
    assert (result.status, result.out) == (2, "")
    assert text in result.err
    assert remedy in result.err


@pytest.mark.parametrize("argv,text,remedy", WRONG)
def test_wrong_in_json(aboard, argv, text, remedy):
    result = aboard.run(*argv, "--json")
    if argv[-1] == "--target":  # it took --json as its argument
        return
    end = result.end()
    assert end["outcome"] == "failed"
    assert end["error"]["kind"] == "usage"
    assert result.status == 2
    assert len(result.lines()) == 1
    assert result.err.startswith("aboard: ")


def test_nothing_at_all(aboard):
    result = aboard.run()
    assert (result.status, result.out) == (2, "")
    assert result.err.startswith("usage: aboard ")


def verbs(aboard):
    text = aboard.run("--help").out
    commands = text[text.index("Commands:"):text.index("Options of every command:")]
    return re.findall(r"^  ([a-z]+)", commands, re.M)


def test_help_of_everything(aboard):
    names = verbs(aboard)
    assert {"boards", "plan", "flash", "dump", "shell", "power", "history", "doctor"} <= set(names)
    for name in names:
        result = aboard.run(name, "--help")
        assert (result.status, result.err) == (0, "")
        assert result.out.startswith(f"usage: aboard {name} ")
        assert all(len(line) <= 100 for line in result.out.splitlines())
        assert aboard.run("help", name).out == result.out
        assert aboard.run("--help", name).out == result.out


def test_help_of_a_sub_verb(aboard):
    result = aboard.run("boards", "import", "--help")
    assert result.out.startswith("usage: aboard boards import [OPTION]... FILE\n")
    assert aboard.run("help", "boards", "import").out == result.out


def test_version(aboard):
    assert re.fullmatch(r"aboard \d+\.\d+\.\d+\n", aboard.run("--version").out)
    assert aboard.run("version").out == aboard.run("--version").out
    document, = aboard.run("version", "--json").lines()
    assert document["name"] == "aboard" and document["events"] == 1


def test_output_that_does_not_arrive(aboard):
    with open("/dev/full", "w", encoding="ascii") as full:
        result = aboard.run("help", "flash", stdout=full)
    assert result.status == 5
    assert "standard output" in result.err


def test_options_of_older_scripts(board):
    """Names and letters other tools' scripts use; what fails is the missing file, never the option."""
    result = board.run("plan", "lab3", "none.img", "--partition", "emmc", "--force-exporter-http",
                       "--os-image-checksum", "a" * 64, "--console-debug", "-k", "--retries", "1",
                       "--header", "X-A: 1", "--bearer", "token", "--no-power-off",
                       "--force-flash-bundle", "./none", "--method", "x")
    assert "unknown option --method" in result.err
    result = board.run("plan", "lab3", "none.img", "--partition", "emmc", "--force-exporter-http",
                       "--os-image-checksum", "a" * 64, "--console-debug", "-k", "--retries", "1",
                       "--header", "X-A: 1", "--bearer", "token", "--no-power-off",
                       "--force-flash-bundle", "./none")
    assert result.status not in (0, 2), result.err
