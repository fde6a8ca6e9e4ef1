# SPDX-License-Identifier: MIT
"""The driver stm32mp against the model of such boards: every chip, both ways, and what can go wrong."""
import lzma
import struct
import subprocess

import pytest

from stm32_bench import Bench, start
from stm32_files import DDR, MIB, fip, noise, sdcard, stm32_image, write_boot_files


@pytest.fixture(name="bench")
def fixture_bench(tmp_path, sim):
    return Bench(tmp_path, sim)


WAYS = ["dfu", "fastboot"]
CHIPS = ["mp13", "mp15", "mp21", "mp23", "mp25"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("chip", CHIPS)
def test_an_image_gets_to_the_card_and_is_proven(bench, chip, way):
    name = bench.board(start(bench, chip=chip), chip=chip, way=way)
    card = sdcard(chip)
    outcome = bench.flash(name, bench.write("sdcard.img", card))
    assert outcome.status == 0, outcome
    assert bench.medium("sd.img", len(card)) == card
    write, = outcome.result["writes"]
    assert write["verified"] and write["bytes"] == len(card)
    log = outcome.log()
    assert "high speed" in log and "0483:df11" in log and "phase 0x01: " in log
    assert ("by fastboot" in log) == (way == "fastboot")


def test_a_compressed_image_and_its_plan(bench):
    name = bench.board(start(bench), way="dfu")
    card = sdcard()
    bench.write("sdcard.img.xz", lzma.compress(card, preset=0))
    outcome = bench.run("plan", name, "sdcard.img.xz")
    assert outcome.status == 0, outcome
    facts = outcome.plan["facts"]
    assert facts["phase 0x01"]["header"].startswith("STM32 1.0, TF-A")
    assert facts["phase 0x03"]["package"] == "FIP of 2 images"
    assert facts["partition 0x10"]["size"] == len(card)
    assert facts["partition 0x10"]["compression"] == "xz"
    assert facts["partition 0x10"]["partitions"] == "fsbl1, fsbl2, fip, rootfs"
    assert facts["board"]["chip"] == "STM32MP15"
    assert bench.medium("sd.img", 512) == bytes(512)
    outcome = bench.flash(name, "sdcard.img.xz")
    assert outcome.status == 0, outcome
    assert bench.medium("sd.img", len(card)) == card


@pytest.mark.parametrize("way", WAYS)
def test_uboot_spl_in_place_of_tfa(bench, way):
    """U-Boot's SPL tells no phase and has no serial number; what it takes is a FIT."""
    name = bench.board(start(bench, "--spl"), way=way)
    bench.write("fip.bin", struct.pack(">II", 0xD00DFEED, 4096) + noise(3, 4088))
    card = sdcard()
    outcome = bench.flash(name, bench.write("sdcard.img", card))
    assert outcome.status == 0, outcome
    assert bench.medium("sd.img", len(card)) == card
    assert outcome.result["writes"][0]["verified"]
    assert "U-Boot SPL" in outcome.log()


def test_old_tfa_asks_for_the_layout_first(bench):
    name = bench.board(start(bench, "--old-tfa"))
    card = sdcard()
    outcome = bench.flash(name, bench.write("sdcard.img", card))
    assert outcome.status == 0, outcome
    assert bench.medium("sd.img", len(card)) == card
    assert "TF-A of this age wants the layout itself" in outcome.log()


EMMC = """P\t0x04\tfsbl1\tBinary\tmmc1\tboot1\ttf-a-emmc.stm32
P\t0x05\tfsbl2\tBinary\tmmc1\tboot2\ttf-a-emmc.stm32
P\t0x06\tmetadata1\tFWU_MDATA\tmmc1\t0x00080000\tmetadata.bin
P\t0x07\tmetadata2\tFWU_MDATA\tmmc1\t0x00100000\tmetadata.bin
P\t0x08\tfip-a\tFIP\tmmc1\t0x00180000\tfip.bin
PED\t0x09\tfip-b\tFIP\tmmc1\t0x00580000\tnone
PED\t0x0A\tu-boot-env\tENV\tmmc1\t0x00980000\tnone
P\t0x10\tbootfs\tSystem\tmmc1\t0x00A00000\tbootfs.ext4
P\t0x11\trootfs\tFileSystem\tmmc1\t0x01200000\trootfs.ext4.xz
"""


def write_emmc(bench, chip="mp15"):
    """The layout with A/B firmware on an eMMC; its files lie beside it."""
    folder = bench.folder / "images"
    folder.mkdir()
    lines = write_boot_files(folder, chip)
    (folder / "tf-a-emmc.stm32").write_bytes(stm32_image(chip, noise(21, 70000)))
    (folder / "metadata.bin").write_bytes(noise(22, 120))
    (folder / "bootfs.ext4").write_bytes(noise(23, 3 * MIB))
    (folder / "rootfs.ext4.xz").write_bytes(lzma.compress(noise(24, 5 * MIB + 4096), preset=0))
    (folder / "emmc.tsv").write_text("#Opt\tId\tName\tType\tIP\tOffset\tBinary\n" + "\n".join(lines) + "\n" + EMMC)
    return folder


@pytest.mark.parametrize("way", WAYS)
def test_partitions_of_an_emmc(bench, way):
    name = bench.board(start(bench), way=way, media=[{"device": "mmc1", "capacity": "32M", "erase_size": "512K"}])
    folder = write_emmc(bench)
    outcome = bench.flash(name, "images/emmc.tsv")
    assert outcome.status == 0, outcome
    emmc = bench.medium("emmc.img", 32 * MIB)
    loader = (folder / "tf-a-emmc.stm32").read_bytes()
    for boot in "boot1", "boot2":
        assert bench.medium(f"emmc.img.{boot}", len(loader)) == loader
    for place, data in (0x180000, (folder / "fip.bin").read_bytes()), (0xA00000, noise(23, 3 * MIB)), \
            (0x1200000, noise(24, 5 * MIB + 4096)):
        assert emmc[place:place + len(data)] == data
    assert len(outcome.result["writes"]) == 7
    assert all(write["verified"] for write in outcome.result["writes"])
    assert any("boot from boot2" in text for text in outcome.plan["warnings"])
    table = subprocess.run(["sfdisk", "-d", bench.folder / "emmc.img"], check=True, capture_output=True, text=True)
    assert [line.split('name="')[1].split('"')[0] for line in table.stdout.splitlines() if 'name="' in line] == [
        "metadata1", "metadata2", "fip-a", "fip-b", "u-boot-env", "bootfs", "rootfs"]


@pytest.mark.parametrize("wrong, says", [
    ("P\t0x10\tx\tBinary\tmmc9x\t0x0\tfip.bin\n", "emmc.tsv:4: device 'mmc9x'"),
    ("P\t0x10\tx\tBinary\tmmc1\t0x0\tfip.bin\n", "emmc.tsv:4: x begins at 0x0"),
    ("P\t0x10\tx\tBinary\tmmc1\t0x80000\tnowhere.bin\n", "nowhere.bin"),
    ("P\t0x10\tx\tFIP\tmmc1\t0x80000\ttf-a.stm32\nP\t0x11\ty\tBinary\tmmc1\t0x81000\tfip.bin\n", "(4096)"),
    ("P\t0x08\tfip-a\tFIP\tmmc1\t0x80000\tnoise.bin\n", "no FIP"),
])
def test_a_wrong_layout_is_refused_before_usb_is_touched(bench, wrong, says):
    name = bench.board(start(bench))
    lines = write_boot_files(bench.folder)
    bench.write("noise.bin", noise(3, 5000))
    (bench.folder / "emmc.tsv").write_text("# a comment\n" + "\n".join(lines) + "\n" + wrong)
    outcome = bench.flash(name, "emmc.tsv")
    assert outcome.status != 0 and says in outcome.error, outcome
    assert outcome.result["outcome"] == "refused"
    assert outcome.result["state"] == "nothing on the board was changed"


def damaged(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


@pytest.mark.parametrize("file, change, says", [
    ("tf-a.stm32", lambda data: damaged(data, 5000), "checksum is wrong"),
    ("tf-a.stm32", lambda data: data[:5000], "cut short"),
    ("tf-a.stm32", lambda data: noise(1, 5000), "STM32"),
    ("tf-a.stm32", lambda data: stm32_image("mp25", noise(1, 5000)), None),
    ("tf-a.stm32", lambda data: stm32_image("mp15", noise(1, 260000)), "the ROM of STM32MP15 takes"),
    ("fip.bin", lambda data: fip(**{DDR: noise(1, 5000)}), "the two are swapped"),
    ("fip.bin", lambda data: data[:1000], "outside"),
    ("sdcard.img", lambda data: damaged(data, 520), "partition table"),
])
def test_a_wrong_file_is_refused(bench, file, change, says):
    name = bench.board(start(bench), chip="mp15")
    bench.write("sdcard.img", sdcard())
    bench.write(file, change((bench.folder / file).read_bytes()))
    outcome = bench.flash(name, "sdcard.img")
    assert outcome.status != 0, outcome
    assert outcome.result["outcome"] == "refused"
    assert not says or says in outcome.error, outcome


@pytest.mark.parametrize("way", WAYS)
def test_a_card_that_swallows_what_is_written(bench, way):
    model = start(bench, faults=["swallow@3000+"])
    outcome = bench.flash(bench.board(model, way=way), bench.write("sdcard.img", sdcard()))
    assert outcome.status == 14, outcome
    assert "medium does not keep" in outcome.remedy


def test_a_file_for_another_chip_is_refused_at_the_board(bench):
    name = bench.board(start(bench, chip="mp13"), chip="mp15")
    outcome = bench.flash(name, bench.write("sdcard.img", sdcard()))
    assert outcome.status == 13, outcome
    assert "is an STM32MP13, the files are for an STM32MP15" in outcome.error


def test_the_boards_own_words(bench):
    """The layout is right for all the host knows, but the card is smaller."""
    name = bench.board(start(bench, media=["mmc0=sd.img:4M"]), way="dfu")
    lines = write_boot_files(bench.folder)
    bench.write("x.bin", noise(3, 5000))
    (bench.folder / "x.tsv").write_text("\n".join(lines) + "\nP\t0x10\tx\tBinary\tmmc0\t0x800000\tx.bin\n")
    outcome = bench.flash(name, "x.tsv")
    assert outcome.status == 12, outcome
    assert "the board says: " in outcome.error and "reset the board" in outcome.remedy


@pytest.mark.parametrize("option, says", [
    ("--no-fastboot", "the board is back in 'DFU in HS Mode"),
    ("--no-script-slot", "the board says: "),
])
def test_without_fastboot_it_goes_on_by_dfu(bench, option, says):
    """A script that ends in a reset, and one that is refused as a layout: U-Boot needs a reset then."""
    name = bench.board(start(bench, option))
    card = sdcard()
    outcome = bench.flash(name, bench.write("sdcard.img", card), "--retries", "0")
    assert outcome.status == 0, outcome
    assert "going on by DFU" in outcome.log() and says in outcome.log(), outcome
    assert bench.medium("sd.img", len(card)) == card
    assert outcome.result["writes"][0]["verified"]


@pytest.mark.parametrize("option", ["--no-fastboot", "--no-script-slot"])
def test_fastboot_alone_is_not_replaced(bench, option):
    name = bench.board(start(bench, option), way="fastboot")
    outcome = bench.flash(name, bench.write("sdcard.img", sdcard()), "--retries", "0")
    assert outcome.status == 12, outcome
    assert "switching U-Boot to fastboot" in outcome.error


def test_what_cannot_be_read_back_is_not_called_proven(bench):
    card = bench.write("sdcard.img", sdcard())
    name = bench.board(start(bench, "--no-crc32"), reboot=True)
    outcome = bench.flash(name, card, "--retries", "0")
    assert outcome.status == 14, outcome
    assert "no mmc read, crc32 or setexpr" in outcome.error + outcome.log(), outcome
    outcome = bench.flash(name, card, "--no-verify")
    assert outcome.status == 0, outcome
    assert not outcome.result["writes"][0]["verified"]


def test_a_used_card_reads_as_the_image_where_the_image_is_zero(bench):
    """Zero runs are not left out: the card held something else there."""
    bench.write("sd.img", noise(9, 16 * MIB))
    name = bench.board(start(bench), way="fastboot")
    card = sdcard(used=0.2)
    outcome = bench.flash(name, bench.write("sdcard.img", card))
    assert outcome.status == 0, outcome
    assert bench.medium("sd.img", len(card)) == card


def test_unused_blocks_are_not_sent(bench):
    """What a block map leaves out is neither written nor asked for; all the rest is proven."""
    old, card, hole = noise(9, 16 * MIB), sdcard(used=0.2), slice(5 * MIB, 6 * MIB)
    bench.write("sd.img", old)
    bench.write("full.img", card)
    assert not any(card[hole])
    subprocess.run("cp --sparse=always full.img sdcard.img && bmaptool create -o sdcard.img.bmap sdcard.img",
                   shell=True, cwd=bench.folder, check=True, capture_output=True)
    with open(bench.folder / "sdcard.img", "r+b") as image:
        image.seek(hole.start)
        image.write(noise(10, MIB))
    name = bench.board(start(bench), way="fastboot")
    outcome = bench.flash(name, "sdcard.img")
    assert outcome.status == 0, outcome
    assert outcome.result["writes"][0]["verified"]
    after = bench.medium("sd.img", len(card))
    assert after[hole] == old[hole]
    assert after[:hole.start] + card[hole] + after[hole.stop:] == card


def test_otp_words_and_the_pmic_are_read(bench):
    words = bytearray(96 * 4)
    words[57 * 4:58 * 4] = bytes.fromhex("78563412")
    bench.write("otp.words", words)
    model = start(bench, "--otp", "otp.words")
    name = bench.board(model)
    outcome = bench.run("dump", name, "otp.bin", "--target", "otp")
    assert outcome.status == 0, outcome
    dump = (bench.folder / "otp.bin").read_bytes()
    assert len(dump) == 776 and dump[0] == 2
    assert dump[8 + 8 * 57:12 + 8 * 57] == bytes.fromhex("78563412")
    model.stop()
    bench.boards.clear()
    outcome = bench.run("dump", bench.board(start(bench)), "pmic.bin", "--target", "pmic")
    assert outcome.status == 0, outcome
    assert len((bench.folder / "pmic.bin").read_bytes()) == 8


def test_otp_words_are_not_written_on_a_yes_in_advance(bench):
    bench.write("otp.words", bytes(96 * 4))
    bench.write("words.txt", b"# the board's id\n59 0x00000005\n")
    name = bench.board(start(bench, "--otp", "otp.words"))
    outcome = bench.flash(name, "words.txt", "--target", "otp")
    assert outcome.status == 16, outcome
    assert "59=0x00000005" in outcome.plan["irreversible"]
    assert bench.medium("otp.words", 96 * 4) == bytes(96 * 4)


def test_otp_words_are_written_when_they_are_named(bench):
    before = bytearray(96 * 4)
    before[60 * 4] = 0x0F
    bench.write("otp.words", before)
    bench.write("words.txt", b"59 0x00000005\n")
    phrase = ("--irreversible", "write OTP 59=0x00000005")
    model = start(bench, "--otp", "otp.words")
    outcome = bench.flash(bench.board(model), "words.txt", "--target", "otp", *phrase)
    assert outcome.status == 0, outcome
    model.stop()
    after = bytearray(before)
    after[59 * 4] = 5
    assert bench.medium("otp.words", 96 * 4) == after

    # A bit that is set cannot be cleared: that is known before anything is sent.
    bench.boards.clear()
    bench.write("words.txt", b"60 0x00000001\n")
    outcome = bench.flash(bench.board(start(bench, "--otp", "otp.words")), "words.txt", "--target", "otp",
                          "--irreversible", "write OTP 60=0x00000001", "--retries", "0")
    assert outcome.status == 12 and "cannot be cleared" in outcome.error, outcome
    assert bench.medium("otp.words", 96 * 4) == after
