# SPDX-License-Identifier: MIT
"""FIT images against U-Boot's mkimage, dumpimage and fit_check_sign: theirs read by ours, ours by theirs."""
import json
import os
import re
import struct

import pytest

from fit_hashed import hashed
from fitrig import fixture_check_sign, fixture_keys, fixture_work, its, program, put_parts, signature  # noqa: F401

ALGORITHMS = [("dev", "sha256,rsa2048", None), ("dev", "sha1,rsa2048", None), ("dev", "sha512,rsa2048", None),
              ("long", "sha256,rsa3072", None), ("longest", "sha256,rsa4096", None),
              ("longest", "sha384,rsa4096", "pss"), ("dev", "sha256,rsa2048", "pss")]
NAMES = re.compile(r'signer-(name|version) = ".*"|hashed-strings = <.*>|value = <[^>]{300,}>|value = \[[^]]{300,}\]')


def tree(work, path):
    """A tree as text, without what may differ: who signed, and the signatures."""
    return NAMES.sub("", work.need("dtc", "-q", "-I", "dtb", "-O", "dts", path))


def signed_its(hint, algo, padding=None):
    one = signature(hint, algo, padding)
    return its(images=one, config=one.replace("};", 'sign-images = "kernel", "fdt", "ramdisk"; };'))


@pytest.mark.parametrize("algo", ["crc32", "md5", "sha1", "sha256", "sha384", "sha512"])
def test_same_tree_as_mkimage(work, algo):
    put_parts(work)
    work.write("a.its", its(hashes=algo))
    work.built("build", "fit", "a.its", "-o", "ours.fit")
    work.need("mkimage", "-f", "a.its", "theirs.fit")
    assert tree(work, "ours.fit") == tree(work, "theirs.fit")
    work.built("build", "fit", "--verify", "ours.fit")
    work.built("build", "fit", "--verify", "theirs.fit")


def test_listed_and_extracted_by_their_tools(work):
    put_parts(work)
    work.write("a.its", its())
    work.built("build", "fit", "a.its", "-o", "a.fit")
    listed = work.need("mkimage", "-l", "a.fit")
    assert "three parts" in listed and "Default Configuration: 'conf'" in listed
    for number, file in enumerate(["kernel", "board.dtb", "rd"]):
        work.need("dumpimage", "-T", "flat_dt", "-p", str(number), "-o", "part", "a.fit")
        assert work.read("part") == work.read(file)


@pytest.mark.parametrize("hint,algo,padding", ALGORITHMS)
def test_signed_by_ours(work, keys, check_sign, hint, algo, padding):
    put_parts(work)
    work.write("a.its", signed_its(hint, algo, padding))
    work.built("build", "fit", "a.its", "-o", "a.fit", "-k", keys, "-u", "control.dtb")
    assert work.need("fdtget", "control.dtb", f"/signature/key-{hint}", "required").strip() == "conf"
    assert work.need("fdtget", "control.dtb", f"/signature/key-{hint}-image", "required").strip() == "image"
    if check_sign:
        work.need(check_sign, "-f", "a.fit", "-k", "control.dtb")
    work.built("build", "fit", "--verify", "a.fit", "-u", "control.dtb")
    work.built("build", "fit", "--verify", "a.fit", "-k", keys)
    assert f"{algo}:{hint}" in work.need("mkimage", "-l", "a.fit")


@pytest.mark.parametrize("hint,algo,padding", ALGORITHMS)
def test_signed_by_mkimage(work, keys, check_sign, hint, algo, padding):
    put_parts(work)
    work.write("a.its", signed_its(hint, algo, padding))
    work.need("mkimage", "-f", "a.its", "-k", keys, "-K", "control.dtb", "-r", "theirs.fit")
    work.built("build", "fit", "--verify", "theirs.fit", "-u", "control.dtb")
    work.built("build", "fit", "--verify", "theirs.fit", "-k", keys)
    # the other way round with one control tree: the keys are the same
    work.built("build", "fit", "a.its", "-o", "ours.fit", "-k", keys)
    if check_sign:
        work.need(check_sign, "-f", "ours.fit", "-k", "control.dtb")
    assert tree(work, "ours.fit") == tree(work, "theirs.fit")


def test_control_tree_as_mkimage_leaves_it(work, keys):
    put_parts(work)
    one = signature("dev", "sha256,rsa2048").replace("};", 'sign-images = "kernel", "fdt", "ramdisk"; };')
    work.write("a.its", its(config=one))
    work.write("theirs.dtb", work.read("control.dtb"))
    work.built("build", "fit", "a.its", "-o", "a.fit", "-k", keys, "-u", "control.dtb")
    work.need("mkimage", "-f", "a.its", "-k", keys, "-K", "theirs.dtb", "-r", "b.fit")
    text = work.need("dtc", "-q", "-I", "dtb", "-O", "dts", "control.dtb")
    assert text == work.need("dtc", "-q", "-I", "dtb", "-O", "dts", "theirs.dtb")
    assert "key-dev {" in text


@pytest.mark.parametrize("hint,algo,padding", [*ALGORITHMS, ("curve", "sha256,ecdsa256", None)])
@pytest.mark.parametrize("whose", ["ours", "theirs"])
def test_openssl_verifies_what_was_signed(work, keys, whose, hint, algo, padding):
    """Of images and the configuration, over bytes that this test works out itself; mkimage's too, so that it does so rightly."""
    put_parts(work)
    work.write("a.its", signed_its(hint, algo, padding))
    if whose == "ours":
        work.built("build", "fit", "a.its", "-o", "a.fit", "-k", keys)
    else:
        work.need("mkimage", "-f", "a.its", "-k", keys, "-r", "a.fit")
    for image, file in ("kernel", "kernel"), ("fdt", "board.dtb"), ("ramdisk", "rd"):
        verified_by_openssl(work, keys, f"/images/{image}/signature-1", hint, algo, padding, work.read(file))
    config = "/configurations/conf/signature-1"
    nodes = work.need("fdtget", "-t", "s", "a.fit", config, "hashed-nodes").split()
    assert {"/", "/configurations/conf", "/images/kernel/hash-1", "/images/fdt/hash-1", "/images/ramdisk"} <= set(nodes)
    offset, size = work.need("fdtget", "-t", "u", "a.fit", config, "hashed-strings").split()
    assert offset == "0"
    signed = hashed(work.read("a.fit"), nodes, int(size))
    verified_by_openssl(work, keys, config, hint, algo, padding, signed)


def verified_by_openssl(work, keys, node, hint, algo, padding, signed):
    words = work.need("fdtget", "-t", "bx", "a.fit", node, "value").split()
    value = bytes(int(word, 16) for word in words)
    work.write("signed", signed)
    work.write("value", der(value[:32], value[32:]) if "ecdsa" in algo else value)
    work.write("key.pub", work.need("openssl", "x509", "-in", keys / f"{hint}.crt", "-noout", "-pubkey"))
    pss = ["-sigopt", "rsa_padding_mode:pss"] if padding else []
    command = ["openssl", "dgst", f"-{algo.split(',')[0]}", *pss, "-verify", "key.pub", "-signature", "value", "signed"]
    work.need(*command)
    work.write("signed", signed[:-1] + bytes([signed[-1] ^ 1]))
    assert work.run(*command).returncode != 0


def test_ecdsa(work, keys):
    """fit_check_sign of this age has no ECDSA keys from a tree; openssl verifies, and mkimage's is read."""
    put_parts(work)
    work.write("a.its", signed_its("curve", "sha256,ecdsa256"))
    work.built("build", "fit", "a.its", "-o", "ours.fit", "-k", keys, "-u", "control.dtb")
    work.built("build", "fit", "--verify", "ours.fit", "-u", "control.dtb")
    assert work.need("fdtget", "control.dtb", "/signature/key-curve", "ecdsa,curve").strip() == "prime256v1"
    words = work.need("fdtget", "-t", "bx", "ours.fit", "/images/kernel/signature-1", "value").split()
    raw = bytes(int(word, 16) for word in words)
    assert len(raw) == 64
    work.write("sig.der", der(raw[:32], raw[32:]))
    public = work.need("openssl", "x509", "-in", keys / "curve.crt", "-noout", "-pubkey")
    work.write("curve.pub", public)
    work.need("openssl", "dgst", "-sha256", "-verify", "curve.pub", "-signature", "sig.der", "kernel")
    work.need("mkimage", "-f", "a.its", "-k", keys, "-r", "theirs.fit")
    work.built("build", "fit", "--verify", "theirs.fit", "-u", "control.dtb")


def der(*numbers):
    body = b""
    for number in numbers:
        number = number.lstrip(b"\0")
        number = b"\0" + number if number[0] & 0x80 else number
        body += bytes([2, len(number)]) + number
    return bytes([0x30, len(body)]) + body


def test_changed_bytes_are_refused_by_both(work, keys, check_sign):
    """A change in every part of a FIT; what may change is what U-Boot's format does not sign."""
    put_parts(work, kernel=b"k" * 64, ramdisk=b"r" * 32)
    work.write("a.its", signed_its("dev", "sha256,rsa2048"))
    work.built("build", "fit", "a.its", "-o", "a.fit", "-k", keys, "-u", "control.dtb")
    fit = bytearray(work.read("a.fit"))
    spared = unsigned_places(work, fit)
    start, _ = struct.unpack(">II", fit[8:16])
    wrong = []
    for place in range(start, len(fit), 11):
        if place in spared:
            continue
        fit[place] ^= 0x04
        work.write("bad.fit", bytes(fit))
        fit[place] ^= 0x04
        if check_sign and work.run(check_sign, "-f", "bad.fit", "-k", "control.dtb").returncode == 0:
            wrong.append(("fit_check_sign", place))
        if work.aboard("build", "fit", "--verify", "-q", "bad.fit", "-u", "control.dtb").returncode == 0:
            wrong.append(("aboard", place))
    assert not wrong


def unsigned_places(work, fit):
    """Properties of signature nodes but the value, padding behind data, the name of the default configuration."""
    begin, end, prop = 1, 2, 3
    structure, strings = struct.unpack(">II", fit[8:16])
    at, names, places = structure, [], set(range(structure))
    while True:
        token, = struct.unpack(">I", fit[at:at + 4])
        if token == begin:
            stop = fit.index(b"\0", at + 4)
            names.append(fit[at + 4:stop].decode())
            at = (stop + 4) & ~3
        elif token == end:
            names.pop()
            at += 4
        elif token == prop:
            size, offset = struct.unpack(">II", fit[at + 4:at + 12])
            name = fit[strings + offset:fit.index(b"\0", strings + offset)].decode()
            stop = (at + 12 + size + 3) & ~3
            places.update(range(at + 12 + size, stop))
            if (names[-1].startswith("signature") and name != "value") or name == "default":
                places.update(range(at, stop))
            at = stop
        else:
            assert token == 9
            return places


def test_configuration_names_are_held(work, keys, check_sign):
    """Another image under a configuration, with its own right hash, is refused by both."""
    put_parts(work)
    one = signature("dev", "sha256,rsa2048").replace("};", 'sign-images = "kernel", "fdt", "ramdisk"; };')
    work.write("a.its", its(config=one))
    work.built("build", "fit", "a.its", "-o", "a.fit", "-k", keys, "-u", "control.dtb")
    work.need("fdtput", "-t", "s", "a.fit", "/configurations/conf", "ramdisk", "kernel")
    assert not check_sign or work.run(check_sign, "-f", "a.fit", "-k", "control.dtb").returncode != 0
    assert "not what was signed" in work.refused(7, "build", "fit", "--verify", "a.fit", "-u", "control.dtb")


def test_unsigned_for_a_board_that_wants_signatures(work, keys, check_sign):
    put_parts(work)
    work.write("a.its", signed_its("dev", "sha256,rsa2048"))
    work.built("build", "fit", "a.its", "-o", "a.fit", "-k", keys, "-u", "control.dtb")
    work.built("build", "fit", "a.its", "-o", "plain.fit")
    assert not check_sign or work.run(check_sign, "-f", "plain.fit", "-k", "control.dtb").returncode != 0
    work.refused(7, "build", "fit", "--verify", "plain.fit", "-u", "control.dtb")
    work.write("b.its", its())
    work.built("build", "fit", "b.its", "-o", "b.fit")
    assert not check_sign or work.run(check_sign, "-f", "b.fit", "-k", "control.dtb").returncode != 0
    assert "not signed by the required key 'dev'" in work.refused(
        7, "build", "fit", "--verify", "b.fit", "-u", "control.dtb")


def test_what_a_signature_leaves_out_is_told(work, keys, check_sign):
    """mkimage signs what sign-images names; ours names the rest."""
    put_parts(work)
    one = signature("dev", "sha256,rsa2048").replace("};", 'sign-images = "kernel", "fdt"; };')
    work.write("a.its", its(config=one))
    work.need("mkimage", "-f", "a.its", "-k", keys, "-K", "control.dtb", "-r", "a.fit")
    if check_sign:
        work.need(check_sign, "-f", "a.fit", "-k", "control.dtb")
    report = json.loads(work.built("--json", "build", "fit", "--verify", "a.fit", "-u", "control.dtb"))
    mark = [mark for mark in report["marks"] if mark["kind"] == "signature"]
    assert mark[0]["verdict"] == "good" and mark[0]["note"] == "the signature does not cover ramdisk"
    # ours covers it whatever the list says
    work.built("build", "fit", "a.its", "-o", "ours.fit", "-k", keys)
    report = json.loads(work.built("--json", "build", "fit", "--verify", "ours.fit", "-u", "control.dtb"))
    assert all("note" not in mark for mark in report["marks"])
    if check_sign:
        work.need(check_sign, "-f", "ours.fit", "-k", "control.dtb")


@pytest.mark.parametrize("option", [[], ["-p", "0x4000"]])
def test_external_data(work, keys, option):
    put_parts(work)
    work.write("a.its", signed_its("dev", "sha256,rsa2048"))
    work.need("mkimage", "-E", *option, "-f", "a.its", "-k", keys, "-K", "control.dtb", "-r", "a.fit")
    work.built("build", "fit", "--verify", "a.fit", "-u", "control.dtb")
    fit = bytearray(work.read("a.fit"))
    place = fit.index(b"the kernel")
    fit[place] ^= 1
    work.write("a.fit", bytes(fit))
    work.refused(7, "build", "fit", "--verify", "a.fit", "-u", "control.dtb")


def test_reproducible_and_whole_or_not_at_all(work, keys):
    put_parts(work)
    work.write("a.its", signed_its("dev", "sha256,rsa2048"))
    work.built("build", "fit", "a.its", "-o", "a.fit", "-k", keys)
    work.built("build", "fit", "a.its", "-o", "b.fit", "-k", keys)
    assert work.read("a.fit") == work.read("b.fit")
    assert work.need("fdtget", "a.fit", "/", "timestamp").strip() == "1700000000"
    before = sorted(os.listdir(work.folder))
    control = work.read("control.dtb")
    work.write("a.its", signed_its("nobody", "sha256,rsa2048"))
    assert "no key 'nobody'" in work.refused(4, "build", "fit", "a.its", "-o", "c.fit", "-k", keys, "-u", "control.dtb")
    assert sorted(os.listdir(work.folder)) == before
    assert work.read("control.dtb") == control


@pytest.mark.parametrize("text,says", [
    ("no tree", "syntax error"),
    ('/dts-v1/; / { images { a { data = /incbin/("missing"); }; }; };', "missing"),
    ('/dts-v1/;\n/include/ "a.its"\n', "nested too deeply"),
    ("/dts-v1/; / { };", "no images"),
    ('/dts-v1/; /include/ "a.its" / { };', "Includes nested too deeply"),
    ('/dts-v1/; / { images { a { data = "x"; hash-1 { algo = "rot13"; }; }; }; };', "rot13"),
    ('/dts-v1/; / { images { a { hash-1 { algo = "sha256"; }; }; }; };', "no data"),
])
def test_wrong_sources(work, text, says):
    work.write("a.its", text)
    result = work.aboard("build", "fit", "a.its", "-o", "a.fit")
    assert result.returncode not in (0, 1) or "internal" not in result.stderr
    assert result.returncode != 0 and says in result.stderr
    assert os.listdir(work.folder) == ["a.its"]


def test_signature_over_what_has_no_hash(work, keys):
    put_parts(work)
    one = signature("dev", "sha256,rsa2048")
    work.write("a.its", its(config=one).replace('hash-1 { algo = "sha256"; };', "", 1))
    assert "image 'kernel' has no hash" in work.refused(6, "build", "fit", "a.its", "-o", "a.fit", "-k", keys)


def test_wrong_use(work):
    work.write("a.its", its())
    work.refused(2, "build", "fit", "a.its")
    work.refused(2, "build", "fit")
    work.refused(2, "build", "fit", "--verify", "a.its", "-o", "b")
    work.refused(2, "build", "fit", "a.its", "-o", "b", "-u", "c")
    work.refused(2, "build", "fit", "a.its", "-o", "./a.its")
    assert os.path.exists(program())


def test_the_epoch_is_checked(work):
    put_parts(work)
    work.write("a.its", its())
    result = work.aboard("build", "fit", "a.its", "-o", "a.fit", env={"SOURCE_DATE_EPOCH": "soon"})
    assert result.returncode == 3 and "SOURCE_DATE_EPOCH" in result.stderr
