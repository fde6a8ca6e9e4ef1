# SPDX-License-Identifier: MIT
"""Images made, mapped and compressed by the field's own programs, read here; and ours read by theirs."""
import gzip
import hashlib
import json
import os
import random
import shutil
import subprocess
import threading

import pytest

from peers import clean_env, tool, web_server

MIB = 1 << 20
COMPRESSORS = {
    "xz -T0": "xz", "xz -T1": "xz", "xz --block-size=100000 -T2": "xz", "xz --check=none": "xz", "xz --check=sha256": "xz",
    "gzip": "gzip", "bzip2": "bzip2", "bzip2 -1": "bzip2", "lz4": "lz4", "lz4 -BD": "lz4",
    "lz4 --content-size": "lz4", "lz4 --no-frame-crc -B4": "lz4", "zstd": "zstd", "zstd -T0 -19": "zstd",
    "zstd --no-check": "zstd", "pzstd -p 2": "zstd",
}
TELLS_SIZE = ("xz", "zstd", "lz4 --content-size")
DECODERS = {"a.gz": "gzip -dc", "a.xz": "xz -dc", "a.zst": "zstd -dcq", "a.bz2": "bzip2 -dc", "a.lz4": "lz4 -dcq", "a.img": "cat"}


def content(size, seed=1):
    """Noise, text and zeros."""
    source = random.Random(seed)
    pieces = [source.randbytes(100_000), b"boards aboard " * 9000, bytes(150_000)]
    return (b"".join(pieces) * (size // 376_000 + 1))[:size]


PLAIN = content(5_000_003)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def run(*args, **more):
    return subprocess.run([tool("image-tool"), *map(str, args)], capture_output=True, env=clean_env(), timeout=120,
                          check=False, **more)


def read(*args, **more):
    """What image-tool says of an image that is good."""
    done = run(*args, **more)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def refused(*args, **more):
    done = run(*args, **more)
    assert done.returncode != 0
    assert not done.stdout
    return done.stderr.decode()


def make(folder, command, data=PLAIN):
    """FOLDER/image compressed by a program that reads a file, so that it can note the size."""
    plain = folder / "plain"
    plain.write_bytes(data)
    program, *options = command.split()
    out = folder / "image"
    if program == "lz4":
        subprocess.run([program, *options, "-q", "-f", plain, out], check=True)
    else:
        with open(out, "wb") as file:
            quiet = ["-q"] if program != "gzip" else []
            subprocess.run([program, *options, *quiet, "-c", plain], stdout=file, check=True)
    return out


@pytest.mark.parametrize("command", COMPRESSORS)
def test_reads_what_others_compress(command, tmp_path):
    image = make(tmp_path, command)
    result = read(image)
    assert result["after"]["codec"] == COMPRESSORS[command]
    assert result["after"]["sha256"] == sha256(PLAIN)
    assert result["after"]["given_sha256"] == sha256(image.read_bytes())
    assert result["after"]["size"] == len(PLAIN)
    told = command.startswith(TELLS_SIZE)
    assert result["before"]["size"] == (len(PLAIN) if told else None)


@pytest.mark.parametrize("name", DECODERS)
def test_others_read_what_we_compress(name):
    packed = run("--encode", name, input=PLAIN).stdout
    plain = subprocess.run(DECODERS[name].split(), input=packed, stdout=subprocess.PIPE, check=True).stdout
    assert plain == PLAIN
    assert name == "a.img" or len(packed) < len(PLAIN)


@pytest.mark.parametrize("command", COMPRESSORS)
def test_cut_short_is_never_an_end(command, tmp_path):
    image = make(tmp_path, command, content(300_000))
    whole = image.read_bytes()
    for size in [7, 20, len(whole) // 2, len(whole) - 13, len(whole) - 1]:
        image.write_bytes(whole[:size])
        assert "image: " in refused(image)


@pytest.mark.parametrize("command", ["lz4 --no-frame-crc -B4", "zstd --no-check", "xz --check=none"])
def test_damage_that_a_format_cannot_see_is_seen_by_the_digest(command, tmp_path):
    image = make(tmp_path, command)
    good = image.read_bytes()
    unseen = 0
    for place in range(1000, 60_000, 5003):  # incompressible, so stored as it is
        bad = bytearray(good)
        bad[place] ^= 0x10
        image.write_bytes(bad)
        done = run(image)
        if done.returncode == 0:
            unseen += 1
            assert json.loads(done.stdout)["after"]["sha256"] != sha256(PLAIN)
        assert refused(image, "--sha256", sha256(good)).startswith(("digest: ", "image: "))
    assert unseen > 0


def test_standard_input(tmp_path):
    image = make(tmp_path, "xz -T0")
    with subprocess.Popen(["cat", image], stdout=subprocess.PIPE) as cat:
        result = read("-", stdin=cat.stdout)
    assert result["after"]["sha256"] == sha256(PLAIN)
    assert result["after"]["repeatable"] is False


def test_named_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    image = make(tmp_path, "gzip")
    with subprocess.Popen(["cp", "--", image, pipe]) as _:
        assert read(pipe)["after"]["sha256"] == sha256(PLAIN)


# Holes, block maps, Android sparse


def sparse_file(path):
    """9 MiB: three stretches of data among holes; returns the content."""
    with open(path, "wb") as file:
        for place, size in [(0, 70_000), (3 * MIB, MIB), (7 * MIB + 4096, 4096)]:
            file.seek(place)
            file.write(content(size, place))
        file.truncate(9 * MIB)
    return path.read_bytes()


def kinds(result):
    return {extent[0] for extent in result["extents"]}


def total(result, kind):
    return sum(extent[2] for extent in result["extents"] if extent[0] == kind)


def test_holes_are_zeros_and_not_read(tmp_path):
    image = tmp_path / "image"
    plain = sparse_file(image)
    if os.stat(image).st_blocks * 512 > 5 * MIB:
        pytest.skip("no holes on this file system")
    result = read(image)
    assert result["after"]["sha256"] == result["after"]["given_sha256"] == sha256(plain)
    assert result["before"]["size"] == 9 * MIB
    assert kinds(result) == {"data", "zero"}
    assert total(result, "zero") > 7 * MIB


def bmap_of(image):
    path = image.parent / (image.name + ".bmap")
    subprocess.run(["bmaptool", "-q", "create", "-o", path, image], check=True)
    return path


def test_bmap_beside_the_image(tmp_path):
    """Unmapped zeros stay zeros: the map is one of holes. bmaptool and we write the same file."""
    image = tmp_path / "disk.img"
    plain = sparse_file(image)
    bmap_of(image)
    packed = tmp_path / "disk.img.xz"
    packed.write_bytes(subprocess.run(["xz", "-c", image], stdout=subprocess.PIPE, check=True).stdout)
    for source in [image, packed]:
        result = read(source, "--out", tmp_path / "ours")
        assert result["before"]["size"] == 9 * MIB
        assert result["after"]["sha256"] == sha256(plain)
        assert kinds(result) == {"data", "zero"}
        os.truncate(tmp_path / "ours", 9 * MIB)
        subprocess.run(["bmaptool", "-q", "copy", source, tmp_path / "theirs"], check=True)
        assert (tmp_path / "ours").read_bytes() == (tmp_path / "theirs").read_bytes() == plain
        for made in ["ours", "theirs"]:
            os.unlink(tmp_path / made)


def test_bmap_with_junk_between(tmp_path):
    """Unmapped blocks with bytes in them are free blocks of a file system: unused."""
    image = tmp_path / "disk.img"
    plain = sparse_file(image)
    bmap = bmap_of(image)
    junk = bytearray(plain)
    junk[5 * MIB:6 * MIB] = random.Random(5).randbytes(MIB)
    image.write_bytes(junk)
    result = read(image)
    assert ["unused", 5 * MIB, MIB] in result["extents"]
    assert result["after"]["sha256"] == sha256(plain)
    assert result["after"]["given_sha256"] == sha256(bytes(junk))
    junk[3 * MIB + 70_000] ^= 1
    image.write_bytes(junk)
    assert "is not the one in the block map" in refused(image)
    assert "is not the one in the block map" in refused("-", "--bmap", bmap, input=bytes(junk))
    image.write_bytes(junk + b"more")
    assert "the map is for an image of" in refused(image)


def test_bmap_changed(tmp_path):
    image = tmp_path / "disk.img"
    sparse_file(image)
    bmap = bmap_of(image)
    bmap.write_text(bmap.read_text().replace("<MappedBlocksCount> ", "<MappedBlocksCount>  "))
    assert "the digest of the map is" in refused(image)


@pytest.mark.parametrize("through", [None, "xz -T0", "gzip"])
def test_android_sparse_made_by_img2simg(through, tmp_path):
    image = tmp_path / "disk.img"
    plain = sparse_file(image) + b"fill" * MIB
    image.write_bytes(plain)
    simg = tmp_path / "disk.simg"
    subprocess.run(["img2simg", image, simg], check=True)
    source = make(tmp_path, through, simg.read_bytes()) if through else simg
    result = read(source, "--out", tmp_path / "ours")
    os.truncate(tmp_path / "ours", len(plain))
    assert result["after"]["layout"] == "android-sparse"
    assert result["before"]["size"] == len(plain)
    assert result["after"]["sha256"] == sha256(plain)
    assert "unused" not in kinds(result)  # img2simg makes zeros FILL
    assert (tmp_path / "ours").read_bytes() == plain
    subprocess.run(["simg2img", simg, tmp_path / "theirs"], check=True)
    assert (tmp_path / "theirs").read_bytes() == plain
    for size in [29, 5000, os.path.getsize(simg) - 1]:
        cut = tmp_path / "cut"
        cut.write_bytes(simg.read_bytes()[:size])
        assert "cut short" in refused(cut)


def chunk(kind, blocks, payload=b"", header=12):
    return b"".join(n.to_bytes(s, "little") for n, s in [(kind, 2), (0, 2), (blocks, 4), (header + len(payload), 4)]) + payload


def test_android_sparse_as_simg2img_reads_it(tmp_path):
    """All kinds of chunks, made here, expanded by both."""
    raw = content(8192)
    chunks = [chunk(0xCAC1, 2, raw), chunk(0xCAC3, 3), chunk(0xCAC2, 2, b"abcd"), chunk(0xCAC2, 1, bytes(4)), chunk(0xCAC1, 1, raw[:4096])]
    head = (0xED26FF3A).to_bytes(4, "little") + b"".join(
        n.to_bytes(2, "little") for n in [1, 0, 28, 12]) + b"".join(
        n.to_bytes(4, "little") for n in [4096, 9, len(chunks), 0])
    simg = tmp_path / "simg"
    simg.write_bytes(head + b"".join(chunks))
    result = read(simg, "--out", tmp_path / "ours")
    assert result["extents"] == [["data", 0, 8192], ["unused", 8192, 12288], ["data", 20480, 8192], ["zero", 28672, 4096],
                                 ["data", 32768, 4096]]
    subprocess.run(["simg2img", simg, tmp_path / "theirs"], check=True)
    theirs = (tmp_path / "theirs").read_bytes()
    assert (tmp_path / "ours").read_bytes() == theirs
    assert result["after"]["sha256"] == sha256(theirs)


# HTTP


def serve_file(body, cuts=0, ranges=True):
    """A route that cuts its first `cuts` answers in the middle; with `ranges` it takes up where it was cut."""
    left = [cuts]

    def route(handler):
        start = handler.range_start() if ranges else 0
        handler.send_response(206 if start else 200)
        if start:
            handler.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        handler.send_header("ETag", '"one"')
        handler.send_header("Content-Length", str(len(body) - start))
        handler.end_headers()
        if left[0] > 0:
            left[0] -= 1
            handler.wfile.write(body[start:start + len(body) // (cuts + 1)])
            handler.cut()
        else:
            handler.wfile.write(body[start:])
    return route


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("command", ["xz -T0", "zstd"])
def test_http_with_cuts(command, ranges, tmp_path):
    body = make(tmp_path, command).read_bytes()
    with web_server() as server:
        server.routes["/image.img"] = serve_file(body, cuts=2, ranges=ranges)
        result = read(server.url + "/image.img?token=secret", "--sha256", sha256(body))
        assert result["after"]["sha256"] == sha256(PLAIN)
        assert result["after"]["given_size"] == result["before"]["given_size"] == len(body)
        assert "secret" not in result["after"]["ref"]
        assert len(server.seen) == 3


def test_http_raw_size_is_known(tmp_path):
    with web_server() as server:
        server.routes["/raw"] = serve_file(PLAIN)
        assert read(server.url + "/raw")["before"]["size"] == len(PLAIN)


def test_http_refusals():
    with web_server() as server:
        server.routes["/page"] = serve_file(b"<!DOCTYPE html><html>sign in</html>")
        server.routes["/cut"] = serve_file(gzip.compress(PLAIN)[:-100])
        assert "a web page" in refused(server.url + "/page")
        assert "cut short" in refused(server.url + "/cut")
        said = refused(server.url + "/none")
        assert said.startswith("not-found") and said.count(server.url) == 1


def test_closing_ends_a_stalled_download(tmp_path):
    body = make(tmp_path, "gzip").read_bytes()
    released = threading.Event()

    def stall(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body[:len(body) // 2])
        handler.wfile.flush()
        released.wait(100)

    with web_server() as server:
        server.routes["/stalls"] = stall
        result = read(server.url + "/stalls", "--stop", 100_000)
        released.set()
        assert len(server.seen) == 1  # the client has not waited until it would try again
    assert result["after"]["sha256"] == ""


# Memory: what is decoded must not be held


@pytest.mark.parametrize("command", ["xz -0 -T1", "xz -0 -T2 --block-size=50331648", "zstd", "gzip -1"])
def test_memory_has_a_ceiling(command, tmp_path):
    """A GiB of zeros, as eight members or streams of 128 MiB."""
    zeros = tmp_path / "zeros"
    with open(zeros, "wb") as file:
        file.truncate(128 * MIB)
    with open(tmp_path / "one", "wb") as file:
        subprocess.run([*command.split(), "-c", zeros], stdout=file, check=True)
    with open(tmp_path / "image", "wb") as out:
        for _ in range(8):
            with open(tmp_path / "one", "rb") as one:
                shutil.copyfileobj(one, out)
    result = read(tmp_path / "image")
    assert result["after"]["size"] == 1024 * MIB
    # 64 MiB and the decoder's own, in a sanitizer build with its shadow and what it keeps of freed memory.
    assert 0 < result["peak_kib"] < (64 + 160 + 300) * 1024
