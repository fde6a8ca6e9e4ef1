# SPDX-License-Identifier: MIT
"""Eight boards at once: what goes wrong with one does not disturb the others, and each is told of."""
import pytest

from stm32_bench import Bench
from stm32_files import sdcard

PATIENT = {name: "60s" for name in ("tf-a", "uboot", "partitions", "fastboot", "attach", "transfer")}


@pytest.fixture(name="bench")
def fixture_bench(tmp_path, sim):
    """b1 to b8 on one server; writing fails on b7, and b8 is unplugged in the middle, for good."""
    bench = Bench(tmp_path, sim)
    common = ["--media", "mmc0=sd-%d.img:16M"]
    models = sim("--absent", "50ms", "stm32mp", "--count", "6", *common,
                 "stm32mp", *common, "--fault", "write-error@3000+",
                 "stm32mp", *common, "--fault", "uboot:cut@1500000", "--fault", "gone@3")
    for number in range(1, 9):
        bench.board(models, name=f"b{number}", busid=f"1-{number}", way="dfu", timeouts=PATIENT)
    return bench


def test_eight_at_once(bench):
    card = sdcard()
    outcome = bench.run("flash", "--all", bench.write("sdcard.img", card), "--yes", "--retries", "0")
    assert outcome.status == 102, outcome
    assert outcome.events[-1]["event"] == "fleet" and outcome.events[-1]["failed"] == ["b7", "b8"]
    results = {event["board"]: event for event in outcome.of("result")}
    assert len(results) == 8
    for number in range(1, 7):
        assert results[f"b{number}"]["outcome"] == "done" and results[f"b{number}"]["writes"][0]["verified"]
        assert bench.medium(f"sd-{number}.img", len(card)) == card
    assert "DFU write error" in results["b7"]["error"]["text"]
    assert results["b8"]["error"]["kind"] == "usb" and "is gone" in results["b8"]["error"]["text"]
    assert "incomplete" in results["b7"]["state"] and "incomplete" in results["b8"]["state"]


def test_one_line_for_each(bench):
    """On no terminal: plain lines, each with its board, and at the end which ones are not done."""
    bench.write("sdcard.img", sdcard())
    done = bench.plain("flash", "--all", "sdcard.img", "--yes", "--retries", "0")
    assert done.returncode == 102 and done.stdout == ""
    lines = done.stderr.splitlines()
    assert sum(line.startswith("  ok  b") and "  done in " in line for line in lines) == 6
    assert {line[6:8] for line in lines if line.startswith("  ..  ")} == {f"b{number}" for number in range(1, 9)}
    assert [line[:24] for line in lines if line.startswith("  xx  b7")] == ["  xx  b7  failed: write: "[:24]]
    end = lines[lines.index("6 of 8 boards done; not done:"):]
    assert [line[:5] for line in end if line.startswith("  b")] == ["  b7:", "  b8:"]
