# SPDX-License-Identifier: MIT
"""Our Android sparse pieces, put together by AOSP's own simg2img; and images of img2simg cut up by us."""
import json
import random
import subprocess

import pytest

from peers import clean_env, tool

BLOCK = 4096
KIB = 1 << 10
MIB = 1 << 20


def cut(image, folder, limit, *more):
    """The pieces of an image: ([path], [[bytes, done, writes]])."""
    folder.mkdir()
    done = subprocess.run([tool("image-tool"), image, "--sparse", folder, "--limit", str(limit), *more],
                          capture_output=True, env=clean_env(), timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return sorted(folder.iterdir()), json.loads(done.stdout)


def joined(pieces, out):
    done = subprocess.run(["simg2img", *pieces, out], capture_output=True, timeout=120, check=False)
    assert done.returncode == 0 and not done.stderr, done.stderr.decode()
    return out.read_bytes()


def padded(data):
    return data + bytes(-len(data) % BLOCK)


def content(size, seed=1):
    """Noise, stored zeros, and single blocks of each."""
    source = random.Random(seed)
    data = bytearray(source.randbytes(size))
    for _ in range(size // (64 * KIB)):
        at = source.randrange(size)
        data[at:at + source.choice([100, BLOCK, 5 * BLOCK, 40 * BLOCK])] = bytes(0)
    at = 0
    while at < size:
        length = source.choice([BLOCK, 3 * BLOCK, 200 * KIB, 1 * MIB])
        if source.random() < 0.4:
            data[at:at + length] = bytes(len(data[at:at + length]))
        at += length
    return bytes(data[:size])


IMAGES = {
    "odd": content(5_000_003),
    "whole": padded(content(3_000_000, 2))[:720 * BLOCK],
    "zeros": bytes(2 * MIB + 5),
    "noise": random.Random(3).randbytes(3 * MIB),
    "one byte": b"x",
    "one block": b"x" * BLOCK,
    "last block only": bytes(4 * MIB) + b"end",
}


@pytest.mark.parametrize("limit", [64 * KIB, 100_001, 1 * MIB, 32 * MIB])
@pytest.mark.parametrize("name", IMAGES)
def test_simg2img_joins_the_pieces(name, limit, tmp_path):
    image = tmp_path / "image"
    image.write_bytes(IMAGES[name])
    pieces, told = cut(image, tmp_path / "pieces", limit)
    assert [piece.stat().st_size for piece in pieces] == [size for size, _, _ in told]
    assert all(size <= limit for size, _, _ in told)
    assert told[-1][1] == len(IMAGES[name])
    assert joined(pieces, tmp_path / "out") == padded(IMAGES[name])


@pytest.mark.parametrize("limit", [64 * KIB, 1 * MIB])
def test_each_piece_is_whole_in_itself(limit, tmp_path):
    """One after the other, as a device takes them, each on what those before have left."""
    data = IMAGES["odd"]
    image = tmp_path / "image"
    image.write_bytes(data)
    pieces, told = cut(image, tmp_path / "pieces", limit)
    medium = bytearray(b"\xa5" * len(padded(data)))
    at = 0
    for piece, (_, done, _) in zip(pieces, told):
        plain = joined([piece], tmp_path / "out")
        assert len(plain) == len(medium)
        medium[at:done] = plain[at:done]
        at = done
    assert bytes(medium[:len(data)]) == data


def test_holes_cost_nothing(tmp_path):
    image = tmp_path / "image"
    with open(image, "wb") as file:
        file.write(b"first")
        file.seek(5 << 30)
        file.write(b"last")
    _, told = cut(image, tmp_path / "pieces", 1 * MIB)
    assert sum(size for size, _, _ in told) < 20 * BLOCK
    assert sum(writes for _, _, writes in told) == (5 << 30) + BLOCK
    pieces, told = cut(image, tmp_path / "erased", 1 * MIB, "--erased", "yes")
    assert len(pieces) == 1 and told[0][2] == 2 * BLOCK


def test_what_an_image_does_not_use_is_not_sent(tmp_path):
    """DONT_CARE that is read stays DONT_CARE."""
    image = tmp_path / "image"
    noise = random.Random(5).randbytes(MIB)
    with open(image, "wb") as file:
        file.write(noise)
        file.seek(5 * MIB)
        file.write(noise)
        file.truncate(9 * MIB)
    [sparse], _ = cut(image, tmp_path / "sparse", 32 * MIB, "--erased", "yes")
    pieces, told = cut(sparse, tmp_path / "pieces", 300 * KIB)
    assert sum(writes for _, _, writes in told) == 2 * MIB
    assert joined(pieces, tmp_path / "out") == image.read_bytes()


def test_reads_what_img2simg_makes(tmp_path):
    image, sparse = tmp_path / "image", tmp_path / "image.simg"
    image.write_bytes(IMAGES["odd"])
    subprocess.run(["img2simg", image, sparse], check=True, capture_output=True)
    pieces, _ = cut(sparse, tmp_path / "pieces", 300 * KIB)
    assert joined(pieces, tmp_path / "out") == padded(IMAGES["odd"])


def test_compressed_and_of_unknown_size(tmp_path):
    """A stream that tells its size at its end only: every piece counts up to its own end."""
    data = IMAGES["odd"]
    image = tmp_path / "image"
    image.write_bytes(data)
    subprocess.run(["gzip", image], check=True)
    pieces, told = cut(tmp_path / "image.gz", tmp_path / "pieces", 256 * KIB, "--size", "unknown")
    medium = bytearray()
    for piece, (_, done, _) in zip(pieces, told):
        at = len(medium)
        plain = joined([piece], tmp_path / "out")
        assert len(plain) == len(padded(data[:done]))
        medium += plain[at:]
    assert bytes(medium) == padded(data)
