# SPDX-License-Identifier: MIT
"""The fastboot model: U-Boot's behaviour over USB and UDP byte by byte, and AOSP's own fastboot over TCP and UDP."""
import os
import shutil
import socket
import struct
import subprocess

import pytest

from usbip import Device, Gone, Stalled, devlist, wait_for

SECTOR = 512


class Fastboot(Device):
    def command(self, text):
        """The last answer, after INFO lines."""
        self.bulk_out(1, text.encode())
        self.infos = []
        while True:
            answer = self.bulk_in(1, 512).decode()
            if not answer.startswith("INFO"):
                return answer
            self.infos.append(answer[4:])

    def download(self, data, piece=16384):
        assert self.command(f"download:{len(data):08x}") == f"DATA{len(data):08x}"
        for at in range(0, len(data), piece):
            self.bulk_out(1, data[at:at + piece])
        return self.bulk_in(1, 64).decode()

    def flash(self, name, data):
        assert self.download(data) == "OKAY"
        return self.command(f"flash:{name}")


def sparse(blocks, *chunks, total=None):
    """A sparse file of 4096-byte blocks; a chunk is its type, its length in blocks, its body."""
    body = b"".join(struct.pack("<HHII", kind, 0, length, 12 + len(data)) + data for kind, length, data in chunks)
    return struct.pack("<IHHHHIIII", 0xED26FF3A, 1, 0, 28, 12, 4096, blocks, len(chunks), 0) + body


def test_interface(sim):
    models = sim("fastboot", "--serial", "0042")
    device = devlist(models)["1-1"]
    assert (device.vid, device.pid, device.classes) == (0x0483, 0x0AFB, [(0xFF, 0x42, 0x03)])
    with Fastboot(models) as board:
        assert board.alts() == {0: "Android Fastboot"}
        assert board.descriptor(2)[18:].hex() == "07058102000200" + "07050102000200"


def test_variables(sim):
    models = sim("fastboot", "--serial", "0042", "--env", "fastboot.version=9", "--env", "board=stm32mp1", "--buffer", "16M")
    with Fastboot(models) as board:
        assert board.command("getvar:version") == "OKAY9"
        assert board.command("getvar:serialno") == "OKAY0042"
        assert board.command("getvar:max-download-size") == "OKAY0x01000000"
        assert board.command("getvar:product") == "OKAYstm32mp1"
        assert board.command("getvar:platform") == "FAILValue not set"
        assert board.command("getvar:nonsense") == "FAILVariable not implemented"
        assert board.command("getvar:partition-size:mmc1") == "OKAY0x0000000004000000"
        assert board.command("getvar:has-slot:rootfs") == "OKAYno"
        assert board.command("getvar:all") == "OKAY" and "max-download-size:0x01000000" in board.infos
        assert board.command("flashing unlock") == "FAILunrecognized command"
        assert board.command("oem run:reset") == "FAILunsupported command"
        assert board.command("reboot-bootloader") == "FAILCannot set reboot flag"
        assert board.command("getvar:version\0") == "OKAY9"


def test_download_rules(sim):
    models = sim("fastboot", "--buffer", "64K")
    with Fastboot(models) as board:
        assert board.command("download:00000000").startswith("FAIL")
        assert board.command("download:00010001") == "FAIL00010001"
        assert board.command("flash:mmc1") == "FAILno image downloaded"
        assert board.command("download:00000010") == "DATA00000010"
        board.bulk_out(1, b"")  # means nothing
        board.bulk_out(1, b"x" * 9)
        board.bulk_out(1, b"y" * 512)  # more than is due is dropped
        assert board.bulk_in(1, 64) == b"OKAY"


def test_an_answer_that_is_not_there_yet(sim):
    models = sim("fastboot")
    with Fastboot(models) as board:
        waiting = board.submit(1, True, 64)
        board.submit(1, False, 14, data=b"getvar:version")
        answers = [board.reply() for _ in range(1)]
        assert answers[0][1] != waiting  # the command was taken first
        assert board.reply()[:2] == (3, waiting)


def test_partitions(sim, tmp_path):
    models = sim("fastboot", "--media", "mmc0=sd:32M", "--media", "mmc1=emmc:32M",
                 "--env", "partitions=name=boot,start=1M,size=4M;name=root,size=-", "--env",
                 "fastboot_raw_partition_uboot=0x100 0x10", "--env", "fastboot_raw_partition_env=0x10 2 mmcpart 1",
                 "--env", "fastboot_partition_alias_system=root")
    with Fastboot(models) as board:
        assert board.command("oem format") == "OKAY"
        data = os.urandom(3000)
        assert board.flash("boot", data) == "OKAY"
        assert board.flash("system", b"S" * 512) == "OKAY"
        assert board.flash("uboot", b"U" * 512) == "OKAY"
        assert board.flash("env", b"E" * 1024) == "OKAY"
        assert board.flash("env", b"E" * 1025) == "FAILtoo large for partition"
        assert board.flash("mmc1boot1", b"2" * 512) == "OKAY"
        assert board.flash("0:0", b"D" * 512) == "OKAY"
        assert board.flash("1:2", b"P") == "OKAY"
        assert board.flash("1#boot", b"Q") == "OKAY"
        assert board.flash("nowhere", b"x") == "FAILcannot find partition"
        assert board.command("oem partconf:1 1") == "OKAY"
        assert board.command("oem partconf:") == "FAILExpected command parameter"
        assert board.command("getvar:partition-size:boot") == "OKAY0x0000000000400000"
    emmc = (tmp_path / "emmc").read_bytes()
    assert emmc[1 << 20:(1 << 20) + 3000] == b"Q" + bytes(511) + data[512:]
    assert emmc[5 << 20:(5 << 20) + 512] == b"P" + bytes(511)
    assert emmc[0x100 * SECTOR:0x101 * SECTOR] == b"U" * 512
    assert (tmp_path / "emmc.boot1").read_bytes()[0x10 * SECTOR:0x12 * SECTOR] == b"E" * 1024
    assert (tmp_path / "emmc.boot2").read_bytes()[:512] == b"2" * 512
    assert (tmp_path / "sd").read_bytes()[:512] == b"D" * 512
    assert subprocess.run(["sfdisk", "--list", "emmc"], cwd=tmp_path, check=True, capture_output=True,
                          text=True).stdout.count("emmc") >= 2


def test_erase_is_rounded_inwards(sim, tmp_path):
    (tmp_path / "emmc").write_bytes(b"\xaa" * (8 << 20))
    models = sim("fastboot", "--media", "mmc1=emmc:8M", "--env", "fastboot_raw_partition_small=0x500 0x100", "--env",
                 "fastboot_raw_partition_odd=0x200 0x900")
    with Fastboot(models) as board:
        assert board.command("erase:small") == "OKAY"
        assert (tmp_path / "emmc").read_bytes() == b"\xaa" * (8 << 20)
        assert board.command("erase:odd") == "OKAY"
    emmc = (tmp_path / "emmc").read_bytes()
    assert not any(emmc[0x80000:0x100000]) and set(emmc[0x40000:0x80000]) == {0xAA}


def test_sparse(sim, tmp_path):
    (tmp_path / "emmc").write_bytes(b"\xaa" * (1 << 20))
    models = sim("fastboot", "--media", "mmc1=emmc:1M")
    raw = os.urandom(8192)
    image = sparse(256, (0xCAC3, 1, b""), (0xCAC1, 2, raw), (0xCAC2, 1, b"\1\2\3\4"), (0xCAC3, 252, b""))
    with Fastboot(models) as board:
        assert board.flash("mmc1", image) == "OKAY"
        emmc = (tmp_path / "emmc").read_bytes()
        assert emmc == b"\xaa" * 4096 + raw + b"\1\2\3\4" * 1024 + b"\xaa" * (252 * 4096)
        assert board.flash("mmc1", sparse(256, (0xCAC1, 2, raw))) == "FAILsparse image write failure"
        assert board.flash("mmc1", sparse(257, (0xCAC3, 256, b""), (0xCAC2, 1, bytes(4)))).startswith("FAILRequest would")
        assert board.flash("mmc1", sparse(2, (0xCAC1, 1, raw), (0xCAC3, 1, b""))).startswith("FAILBogus")
        assert board.flash("mmc1", sparse(2, (0xCAC3, 1, b""), (0xCAC4, 0, bytes(4)), (0xCAC3, 1, b""))).startswith(
            "FAILUnknown chunk")
        assert board.flash("mmc1boot0", sparse(0)) == "OKAY"  # written as it is
    assert (tmp_path / "emmc.boot1").read_bytes()[:4] == b"\x3a\xff\x26\xed"


def test_reboot_and_continue(sim):
    models = sim("fastboot", "--absent", "20ms")
    with Fastboot(models) as board:
        assert board.command("reboot") == "OKAY"
        with pytest.raises(Gone):
            board.command("getvar:version")
        number = board.info.devnum
    with wait_for(models, kind=Fastboot, other_than=number) as board:
        assert board.command("continue") == "OKAY"
    assert devlist(models) == {}


def test_commands_of_uboot(sim, tmp_path):
    models = sim("fastboot", "--media", "mmc1=emmc:8M", "--oem-run", "--absent", "5ms")
    data = os.urandom(1024)
    with Fastboot(models) as board:
        assert board.download(data) == "OKAY"
        assert board.command("oem run:mmc dev 1") == "OKAY"
        assert board.command("UCmd:mmc write c0000000 10 2") == "OKAY"
        assert board.command("UCmd:setenv fastboot.size $filesize") == "OKAY"
        assert board.command("getvar:size") == "OKAY400"
        assert board.command("UCmd:false") == "FAIL"
        assert board.command("UCmd:nonesuch") == "FAIL"
        assert board.command("ACmd:reset") == "OKAY"
        with pytest.raises(Gone):
            board.command("getvar:version")
        number = board.info.devnum
    assert (tmp_path / "emmc").read_bytes()[0x2000:0x2400] == data
    wait_for(models, kind=Fastboot, other_than=number).close()


def test_write_error(sim):
    models = sim("fastboot", "--fault", "write-error@3")
    with Fastboot(models) as board:
        assert board.flash("mmc1", bytes(2048)) == "FAILfailed writing to device"
        assert board.command("flash:mmc1") == "OKAY"


def test_halted_endpoint(sim):
    models = sim("fastboot", "--fault", "stall@2")
    with Fastboot(models) as board:
        board.bulk_out(1, b"getvar:version")
        for _ in range(2):
            with pytest.raises(Stalled):
                board.bulk_in(1, 64)
        board.control(0x02, 1, 0, 0x81)  # CLEAR_FEATURE ENDPOINT_HALT
        assert board.bulk_in(1, 64) == b"OKAY0.4"


def udp(connection, ident, flags, sequence, data=b""):
    connection.send(struct.pack(">BBH", ident, flags, sequence & 0xFFFF) + data)
    return connection.recv(2048)


def test_udp_exchange(sim):
    """The worked exchange of AOSP's fastboot README: 2100 bytes in packets of 1024, from sequence 0xffff on."""
    models = sim("fastboot", "--udp", "127.0.0.1:0", "--udp-sequence", "0xfffd")
    host, port = models.also["udp"].rsplit(":", 1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.connect((host, int(port)))
        connection.settimeout(20)
        assert udp(connection, 1, 0, 0) == bytes.fromhex("01000000fffd")
        assert udp(connection, 2, 0, 0xFFFD, struct.pack(">HH", 1, 2048)) == bytes.fromhex("0200fffd00010400")
        assert udp(connection, 3, 0, 0xFFFE, b"getvar:version") == bytes.fromhex("0300fffe")
        assert udp(connection, 3, 0, 0xFFFF) == b"\3\0\xff\xffOKAY0.4"
        assert udp(connection, 3, 0, 0xFFFF) == b"\3\0\xff\xffOKAY0.4"  # again, as it was
        assert udp(connection, 3, 0, 0, b"download:00000834") == bytes.fromhex("03000000")
        assert udp(connection, 3, 0, 1) == b"\3\0\0\1DATA00000834"
        assert udp(connection, 3, 1, 2, b"a" * 1020) == bytes.fromhex("03000002")
        assert udp(connection, 3, 1, 3, b"b" * 1020) == bytes.fromhex("03000003")
        assert udp(connection, 3, 0, 4, b"c" * 60) == bytes.fromhex("03000004")
        assert udp(connection, 3, 0, 5) == b"\3\0\0\5OKAY"
        assert udp(connection, 1, 0, 0) == bytes.fromhex("010000000006")


@pytest.mark.skipif(not shutil.which("fastboot"), reason="fastboot is not installed")
@pytest.mark.parametrize("transport, argv", [("tcp", []), ("udp", []), ("udp", ["--lose", "50"]),
                                             ("tcp", ["--write-rate", "200K"]), ("udp", ["--write-rate", "200K"])])
def test_aosp_fastboot(sim, tmp_path, transport, argv):
    models = sim("fastboot", "--media", "mmc1=emmc:8M", "--buffer", "1M", f"--{transport}=127.0.0.1:0", *argv)
    address = f"{transport}:{models.also[transport]}"
    (tmp_path / "image").write_bytes(os.urandom(300 << 10))

    def fastboot(*more):
        run = subprocess.run(["fastboot", "-s", address, *more], cwd=tmp_path, capture_output=True, text=True,
                             timeout=120, check=False)
        assert run.returncode == 0, run.stderr
        return run.stderr

    assert "version: 0.4" in fastboot("getvar", "version")
    fastboot("flash", "mmc1", "image")
    emmc = (tmp_path / "emmc").read_bytes()
    image = (tmp_path / "image").read_bytes()
    assert emmc[:len(image)] == image
    fastboot("erase", "mmc1")
    assert not any((tmp_path / "emmc").read_bytes())
    fastboot("oem", "partconf:1 1")


def test_uboot_tcp_takes_no_data(sim):
    models = sim("fastboot", "--tcp", "127.0.0.1:0", "--uboot-tcp")
    host, port = models.also["tcp"].rsplit(":", 1)

    def message(connection, text):
        connection.sendall(struct.pack(">Q", len(text)) + text)
        size = struct.unpack(">Q", connection.recv(8, socket.MSG_WAITALL))[0]
        return connection.recv(size, socket.MSG_WAITALL)

    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(b"FB01")
        assert connection.recv(4, socket.MSG_WAITALL) == b"FB01"
        assert message(connection, b"getvar:version") == b"OKAY0.4"
        assert message(connection, b"download:00000010") == b"DATA00000010"
        assert message(connection, b"x" * 16) == b"FAILunrecognized command"
