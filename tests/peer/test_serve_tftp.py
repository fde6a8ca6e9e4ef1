# SPDX-License-Identifier: MIT
"""The TFTP server against other makers' clients, and a client that loses packets."""

import os
import struct
import subprocess
import threading

import pytest

from serving import TOOL, Serving
from tftp_client import ACK, DATA, OACK, WRQ, Client, Refused, request

SIZES = [0, 1, 511, 512, 513, 1468 * 7, 1_000_003]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    for size in SIZES:
        (folder / f"f{size}").write_bytes(os.urandom(size))
    return folder


def staged(files):
    return [word for size in SIZES for word in ("--tftp", f"f{size}={files}/f{size}")]


@pytest.fixture(scope="module")
def server(files):
    with Serving(*staged(files), "--tftp-data", "sub/note=hello") as serving:
        yield serving


def run(*command, status=0):
    done = subprocess.run(command, capture_output=True, timeout=60)
    assert done.returncode == status, done.stderr.decode() + done.stdout.decode()
    return done


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "options",
    [[], ["--tftp-no-options"], ["--tftp-blksize", "8"], ["--tftp-blksize", "1468"], ["--tftp-blksize", "65464"]],
)
def test_curl(server, files, tmp_path, size, options):
    out = tmp_path / "out"
    out.touch()  # curl leaves an empty file out
    run("curl", "-sS", *options, "-o", out, f"tftp://127.0.0.1:{server.tftp}/f{size}")
    assert out.read_bytes() == (files / f"f{size}").read_bytes()


@pytest.mark.parametrize("size", SIZES)
def test_tftp_hpa(server, files, tmp_path, size):
    out = tmp_path / "out"
    run("tftp", "-m", "binary", "127.0.0.1", str(server.tftp), "-c", "get", f"f{size}", out)
    assert out.read_bytes() == (files / f"f{size}").read_bytes()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("windowsize", [1, 3, 16, 64])
def test_windows(server, files, size, windowsize):
    with Client(server.tftp) as client:
        got = client.fetch(f"f{size}", tsize=0, timeout=3, blksize=1468, windowsize=windowsize)
    assert got == (files / f"f{size}").read_bytes()
    tsize = {"tsize": size} if size else {}
    assert client.options == dict(timeout=3, blksize=1468, windowsize=windowsize, **tsize)
    assert client.count == 1 + size // 1468 + 1


def test_names(server):
    for name in ["sub/note", "/sub/note", "./sub/note", "//./sub/note"]:
        with Client(server.tftp) as client:
            assert client.fetch(name) == b"hello"


REFUSED = ["", "/", ".", "..", "sub", "sub/", "sub/./note", "../f1", "/etc/passwd", "f1 ", "F1", "f1\n", "\x80\xff", "n" * 255, "%s%n"]


@pytest.mark.parametrize("name", REFUSED)
def test_unknown_names(server, name):
    with Client(server.tftp) as client, pytest.raises(Refused) as refused:
        client.fetch(name, blksize=1468, windowsize=16)
    assert refused.value.code == 1


@pytest.mark.parametrize(
    "packet",
    [
        request("f1", opcode=WRQ),
        request("f1", mode=b"netascii"),
        request("f1", mode=b"mail"),
        request("n" * 300),
        b"\0\1f1\0octet",
        b"\0\1f1",
        b"\0\1",
    ],
)
def test_refused_requests(server, packet):
    """Code 2: U-Boot starts over, endlessly, on any but 1 and 2."""
    with Client(server.tftp) as client:
        client.socket.sendto(packet, client.server)
        with pytest.raises(Refused) as refused:
            client.take()
    assert refused.value.code == 2


def test_other_packets_are_not_answered(server):
    with Client(server.tftp) as client:
        for packet in [b"", b"\0", b"\0\3\0\1x", b"\0\4\0\0", b"\0\5\0\0no\0", b"\0\6a\0", b"\0\7", b"\xff" * 600]:
            client.socket.sendto(packet, client.server)
        client.ask("f1")  # the only thing that has an answer
        assert client.take() == (DATA, 1, client_file(server))
        client.ack(1)


def client_file(server):
    with Client(server.tftp) as client:
        return client.fetch("f1")


def test_same_port_asks_again(server, files):
    """One transfer, begun again, and from the port that the client may know already."""
    with Client(server.tftp) as client:
        client.ask("f1000003", blksize=1000, windowsize=4)
        assert client.take()[0] == OACK
        first = client.peer
        client.ack(0)
        assert [client.take()[1] for _ in range(4)] == [1, 2, 3, 4]
        client.ack(4)
        assert client.take()[1] == 5
        got = client.fetch("f1000003", blksize=1400)
        assert client.peer == first
    assert got == (files / "f1000003").read_bytes()


def test_strangers_do_not_disturb(server, files):
    with Client(server.tftp) as client, Client(server.tftp) as stranger:
        client.ask("f1000003", blksize=1000)
        client.take()
        for packet in [struct.pack(">HH", ACK, 0), b"\0\5\0\0stop\0", request("f1")]:
            stranger.socket.sendto(packet, client.peer)
        client.ack(0)
        got = [client.take()]
        while len(got[-1][2]) == 1000:
            client.ack(got[-1][1])
            got.append(client.take())
        client.ack(got[-1][1])
    assert b"".join(part for _, _, part in got) == (files / "f1000003").read_bytes()


@pytest.mark.parametrize("every", [7, 50])
@pytest.mark.parametrize("windowsize", [1, 8, 64])
def test_loss_on_the_way(files, every, windowsize):
    """Every Nth datagram never leaves the server."""
    with Serving(*staged(files), "--lose", every) as serving:
        with Client(serving.tftp) as client:
            got = client.fetch("f1000003", blksize=1468, windowsize=windowsize)
        assert got == (files / "f1000003").read_bytes()
        progress = serving.wait_for("f1000003", "ended", 1)
        assert progress["resent"] > 0
        assert progress["sent"] == progress["size"] == 1_000_003


@pytest.mark.parametrize("lost", [1, 2, 15, 16, 17, 100])
def test_one_loss(server, files, lost):
    with Client(server.tftp, lose=lambda block, count: count == lost) as client:
        got = client.fetch("f1000003", blksize=1468, windowsize=16)
    assert got == (files / "f1000003").read_bytes()


@pytest.mark.parametrize("tool", ["curl", "tftp"])
def test_loss_with_other_clients(files, tmp_path, tool):
    out = tmp_path / "out"
    with Serving(*staged(files), "--lose", 40) as serving:
        if tool == "curl":
            run("curl", "-sS", "--tftp-blksize", "1468", "-o", out, f"tftp://127.0.0.1:{serving.tftp}/f1000003")
        else:
            run("tftp", "-m", "binary", "127.0.0.1", str(serving.tftp), "-c", "get", "f1000003", out)
    assert out.read_bytes() == (files / "f1000003").read_bytes()


def test_wrap(tmp_path):
    """More than 65536 blocks, with losses at and around the wrap."""
    data = os.urandom(65_600 * 8 + 3)
    (tmp_path / "f").write_bytes(data)
    lost = {65530, 65535, 0, 1, 40000}
    seen = set()

    def lose(block, count):
        if block not in lost or block in seen or count < 30_000:
            return False
        seen.add(block)
        return True

    with Serving("--tftp", f"f={tmp_path}/f") as serving:
        with Client(serving.tftp, lose=lose) as client:
            assert client.fetch("f", blksize=8, windowsize=16) == data
    assert seen == lost


def test_many_at_once(server, files):
    want = (files / "f1000003").read_bytes()
    good = []

    def one(windowsize):
        with Client(server.tftp) as client:
            good.append(client.fetch("f1000003", blksize=1468, windowsize=windowsize) == want)

    threads = [threading.Thread(target=one, args=(1 + i,)) for i in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert good == [True] * 12


def test_client_goes_away(files):
    """Its closed port ends the transfer at once, unless the kernel sends no ICMP because it has sent many."""
    with Serving(*staged(files)) as serving:
        with Client(serving.tftp) as client:
            client.ask("f1000003", blksize=1468, windowsize=16)
            client.take()
            client.ack(0)
            client.take()
        progress = serving.wait_for("f1000003", "error", "the client has closed its port",
                                    "no answer from the client after 0 bytes")
        assert progress["begun"] == 1 and progress["ended"] == 0


def test_client_gives_up(files):
    with Serving(*staged(files)) as serving:
        with Client(serving.tftp) as client:
            client.ask("f1000003")
            client.take()
            client.socket.sendto(b"\0\5\0\3no room\0", client.peer)
            serving.wait_for("f1000003", "error", "the client ended it: no room (error 3)")


def test_file_shrinks(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(bytes(10_000))
    with Serving("--tftp", f"f={path}") as serving:
        os.truncate(path, 5_000)
        with Client(serving.tftp) as client, pytest.raises(Refused) as refused:
            client.fetch("f")
    assert refused.value.code == 2
    assert "shorter" in refused.value.text


def test_stops_in_the_middle(files):
    """Stopping does not wait for clients."""
    with Client(0) as client:
        with Serving(*staged(files)) as serving:
            client.server = ("127.0.0.1", serving.tftp)
            client.ask("f1000003", blksize=1468, windowsize=64)
            client.take()
            client.ack(0)


def test_port_after_kill(files):
    first = Serving(*staged(files))
    with Client(first.tftp) as client:
        client.ask("f1000003", windowsize=16)
        client.take()
        first.kill()
        with Serving(*staged(files), "--tftp-port", first.tftp) as second:
            assert second.tftp == first.tftp
            with Client(second.tftp) as other:
                assert other.fetch("f513") == (files / "f513").read_bytes()


def test_ipv6(files):
    with Serving("--address", "::1", *staged(files)) as serving:
        with Client(serving.tftp, address="::1") as client:
            got = client.fetch("f1000003", blksize=1400, windowsize=8)
    assert got == (files / "f1000003").read_bytes()


def test_port_taken(server):
    with pytest.raises(RuntimeError) as refused:
        Serving("--tftp-port", server.tftp)
    assert "in use" in str(refused.value)
    assert "another aboard job" in str(refused.value)


def test_port_needs_privilege():
    """As a user without privilege, where the system reserves the port."""
    with open("/proc/sys/net/ipv4/ip_unprivileged_port_start") as file:
        if int(file.read()) <= 69:
            pytest.skip("port 69 is free for all here")
    if os.geteuid() != 0:
        command = []
    else:
        command = ["setpriv", "--bounding-set", "-net_bind_service", "--inh-caps", "-net_bind_service"]
        command += ["--reuid", "65534", "--clear-groups"]
    done = subprocess.run(
        [*command, TOOL, "--tftp-port", "69"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20,
    )
    assert done.returncode == 5
    assert "cap_net_bind_service" in done.stderr and "tftp_port" in done.stderr
