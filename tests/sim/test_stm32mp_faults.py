# SPDX-License-Identifier: MIT
"""The driver stm32mp when boards misbehave: in each stage it either gets there and proves it, or says what is wrong."""
import subprocess

import pytest

from sim import PROGRAM
from stm32_bench import Bench, Outcome, start
from stm32_files import MIB, gpt, noise, sdcard

QUICK = {"fastboot": "3s", "transfer": "2s", "tf-a": "3s", "uboot": "3s", "partitions": "3s", "attach": "3s"}
CARD = sdcard()


@pytest.fixture(name="bench")
def fixture_bench(tmp_path, sim):
    return Bench(tmp_path, sim)


def flash(bench, *faults, way="dfu", card=CARD, **more):
    name = bench.board(start(bench, faults=faults), way=way, timeouts=QUICK, **more)
    return bench.flash(name, bench.write("sdcard.img", card), "--retries", "2")


PASSES = ["stall@3", "rom:stall@20", "tfa:stall@20", "uboot:stall@20", "uboot:stall@500", "rom:short@20",
          "tfa:short@50", "uboot:short@700", "rom:hang@20", "tfa:hang@20", "uboot:hang@500", "rom:cut@30000",
          "tfa:cut@100000", "uboot:cut@3000000", "tfa:other-serial@1", "rom:phase@1", "tfa:phase@1", "uboot:phase@1",
          "uboot:write-error@3000", "uboot:slow-flush@800", "round@1", "round@2", "round@3",
          "no-strings@500"]


@pytest.mark.parametrize("fault", PASSES)
def test_what_passes_is_got_over(bench, fault):
    outcome = flash(bench, fault)
    assert outcome.status == 0, outcome
    assert outcome.result["writes"][0]["verified"]
    assert bench.medium("sd.img", len(CARD)) == CARD


@pytest.mark.parametrize("fault", ["fastboot:stall@5", "fastboot:short@8", "fastboot:cut@1000000",
                                   "fastboot:write-error@3000", "fastboot:slow-flush@300", "uboot:stall@20", "uboot:cut@100"])
def test_what_passes_in_fastboot_is_got_over(bench, fault):
    outcome = flash(bench, fault, way="fastboot")
    assert outcome.status == 0, outcome
    assert outcome.result["writes"][0]["verified"]
    assert bench.medium("sd.img", len(CARD)) == CARD


@pytest.mark.parametrize("fault, status, says", [
    ("fastboot:gone@1", 15, "not attached"),
    ("fastboot:write-error@3000+", 12, "flashing failure"),
    ("fastboot:swallow@3000+", 14, "reads back with another checksum"),
])
def test_what_stays_in_fastboot_is_told(bench, fault, status, says):
    outcome = flash(bench, fault, way="fastboot")
    assert outcome.status == status and says in outcome.error, outcome
    assert outcome.result["state"] != "what was written was read back from the board and is right"


@pytest.mark.parametrize("fault, status, says", [
    ("tfa:gone@1", 15, "not attached"),
    ("uboot:gone@1", 15, "not attached"),
    ("tfa:other-id@1", 15, "not attached"),
    ("rom:stall@20+", 12, "stalled"),
    ("uboot:stall@500+", 12, ""),
    ("uboot:cut@3000000+", 12, "asks again and again"),
    ("uboot:write-error@3000+", 12, "the board says: "),
    ("uboot:swallow@3000+", 14, "reads back as"),
])
def test_what_stays_is_told(bench, fault, status, says):
    outcome = flash(bench, fault)
    assert outcome.status == status and says in outcome.error, outcome
    assert outcome.remedy or status == 12, outcome
    assert outcome.result["state"] != "what was written was read back from the board and is right"


def test_a_broken_partition_goes_on_where_it_was(bench):
    """Some 16 MiB (two of U-Boot's buffers) before it broke, not at the beginning."""
    card = gpt(40 * MIB, [("fsbl1", 34, 2047, b"x"), ("root", 2048, 70000, noise(7, 33 * MIB))])
    name = bench.board(start(bench, media=["mmc0=sd.img:48M"], faults=["uboot:stall@17000"]), way="dfu")
    outcome = bench.flash(name, bench.write("sdcard.img", card))
    assert outcome.status == 0, outcome
    assert "going on at 17.0 MiB" in outcome.log()
    assert not [event for event in outcome.of("stage") if event["state"] == "retry"]
    assert bench.medium("sd.img", len(card)) == card


def test_two_boards_at_once_stay_apart(bench):
    model = start(bench, "--count", "2", media=["mmc0=sd%d.img:16M"])
    cards = {}
    for number in 1, 2:
        bench.board(model, name=f"b{number}", busid=f"1-{number}", way="dfu")
        cards[number] = sdcard(seed=number)
        bench.write(f"card{number}.img", cards[number])
    running = [subprocess.Popen(bench.argv("flash", f"b{number}", f"card{number}.img", "--yes"), cwd=bench.folder,
                                env=bench.env(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
               for number in cards]
    for number, process in zip(cards, running):
        out, errors = process.communicate(timeout=120)
        outcome = Outcome(subprocess.CompletedProcess([], process.returncode, out, errors))
        assert outcome.status == 0, outcome
        assert bench.medium(f"sd{number}.img", len(cards[number])) == cards[number]


def test_a_board_that_another_job_left_half_way_is_refused(bench):
    """Its U-Boot holds another layout: what it asks for may be another partition by the same number."""
    model = start(bench, faults=["uboot:hang@500+"])
    name = bench.board(model, way="dfu", timeouts=QUICK)
    bench.write("sdcard.img", CARD)
    assert bench.flash(name, "sdcard.img", "--retries", "0").status == 15
    outcome = bench.flash(name, "sdcard.img", "--retries", "0")
    assert outcome.status != 0, outcome


CYCLE = """#!/bin/sh
# The board loses its power (the model is killed) and gets it back, without the fault.
kill -9 "$1"
mkfifo started
"$2" --listen "$3" --until-idle 5s stm32mp --media mmc0=sd.img:16M >started 2>/dev/null &
read -r line <started
echo "$line" | grep -q listening
"""


@pytest.mark.parametrize("way, fault", [("dfu", "uboot:gone@1"), ("fastboot", "fastboot:gone@1")])
def test_a_board_that_hangs_is_switched_off_and_on(bench, way, fault):
    model = start(bench, faults=[fault], media=["mmc0=sd.img:16M"])
    (bench.folder / "cycle").write_text(CYCLE)
    cycle = ["sh", "cycle", str(model.process.pid), PROGRAM, model.address]
    name = bench.board(model, way=way, timeouts=QUICK,
                       power={"type": "command", "on": ["true"], "off": ["true"], "cycle": cycle})
    outcome = bench.flash(name, bench.write("sdcard.img", CARD))
    assert outcome.status == 0, outcome
    assert bench.medium("sd.img", len(CARD)) == CARD
    assert len([event for event in outcome.of("stage") if event["state"] == "retry"]) == 1
