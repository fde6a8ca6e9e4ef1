# SPDX-License-Identifier: MIT
"""Boot scripts against recorded outputs of Xen's ImageBuilder (oracle/README.md says how they are compared)."""
import hashlib
import os
import re
import shlex
import shutil
import subprocess

import pytest

import dtdump

HERE = os.path.dirname(os.path.abspath(__file__))
ORACLE = os.path.join(HERE, "oracle")
ABOARD = os.path.abspath(os.environ.get("ABOARD", os.path.join(HERE, "..", "..", "build", "src", "cli", "aboard")))
CASES = sorted(name for name in os.listdir(ORACLE) if re.match(r"\d\d-", name) and name != "14-errors")


@pytest.fixture(scope="session", name="inputs")
def fixture_inputs(tmp_path_factory):
    """The inputs, made once; the list of digests says that they are the ones of the recording."""
    folder = tmp_path_factory.mktemp("inputs") / "in"
    subprocess.run(["sh", os.path.join(ORACLE, "gen-inputs.sh"), str(folder)], check=True)
    with open(os.path.join(ORACLE, "INPUTS.sha256"), encoding="ascii") as lines:
        for line in lines:
            digest, name = line.rstrip("\n").split("  ", 1)
            data = (folder / name).read_bytes()
            assert hashlib.sha256(data).hexdigest() == digest, name
    os.mkdir(folder / "keys")
    subprocess.run(["openssl", "req", "-batch", "-new", "-newkey", "rsa:2048", "-nodes", "-x509", "-keyout",
                    str(folder / "keys/dev.key"), "-out", str(folder / "keys/dev.crt"), "-subj", "/CN=dev",
                    "-days", "3650"], check=True, capture_output=True)
    return folder


@pytest.fixture(name="work")
def fixture_work(tmp_path, inputs):
    shutil.copytree(inputs, tmp_path / "in", symlinks=True)
    return tmp_path


def run(work, config, args, *more):
    """The tool where the recording was made: a scratch folder with `config` and the inputs in `in/`."""
    shutil.copy(config, work / "config")
    words = shlex.split(args)
    link = work / words[0]
    if not link.exists():
        os.symlink(ABOARD, link)
    environment = dict(os.environ, SOURCE_DATE_EPOCH="1700000000", TZ="UTC", PWD=str(work))
    return subprocess.run([link, *words[1:], *more], cwd=work, env=environment, capture_output=True, text=True,
                          check=False, timeout=120)


def read(*path):
    with open(os.path.join(ORACLE, *path), encoding="utf-8") as file:
        return file.read()


def cells(match):
    """Cells by value: 0x10 is 16, blanks between do not count. Variables stay."""
    return "<" + " ".join(word if "$" in word else str(int(word, 0)) for word in match.group(1).split()) + ">"


def line_by_meaning(line):
    line = re.sub(r"partial-dtbs-[^/]+/partial-dts-domU(\d+)-[^.]+\.dtb", r"partial-dtbs-XXX/partial-dts-domU\1-XXX.dtb",
                  line)
    if line.startswith("fdt set "):
        line = re.sub(r"<([^<>\"]*)>$", cells, line.rstrip())
        line = re.sub(r"(bootargs \")([^\"]*)(\")", lambda m: m.group(1) + " ".join(m.group(2).split()) + m.group(3)
                      if "dtuart=serial0" in m.group(2) else m.group(0), line)
        line = re.sub(r" +", " ", line)
    # The one number that is ours: it is worked out from what is added.
    return re.sub(r"^fdt resize .*", "fdt resize N", line)


def by_meaning(text):
    return [line_by_meaning(line) for line in text.splitlines()]


# Defects of the recorded program that are not repeated, as (case, what is wrong there, a function that mends it).
def bitstream_in_hex(text):
    return re.sub(r"^(fpga load 0 \S+) (\d+)$", lambda m: f"{m.group(1)} 0x{int(m.group(2)):X}", text, flags=re.M)


def no_dash_for_bootefi(text):
    return re.sub(r"^bootefi (\S+) - ", r"bootefi \1  ", text, flags=re.M)


def overlay_is_applied(text):
    text = text.replace("tftpb 0x1A00000 board.dtb\n", "tftpb 0x1A00000 overlay1.dtbo\ntftpb 0x1C00000 board.dtb\n")
    text = text.replace("fdt addr 0x1A00000\nfdt resize 1024\n",
                        "fdt addr 0x1C00000\nfdt resize 1024\nfdt apply 0x1A00000\n")
    return text.replace("booti 0x1800000 - 0x1A00000", "booti 0x1800000 - 0x1C00000")


MENDED = {
    "04-linux-scsi-overlays-bitstream": ("a decimal size, which U-Boot reads as hexadecimal", bitstream_in_hex),
    "08-passthrough-dtb-noboot-fdtedit": ("with FDTEDIT the script forgets the overlay", overlay_is_applied),
    "10-fit-xen": ("a decimal size, which U-Boot reads as hexadecimal", bitstream_in_hex),
    "13-kernel-types-bootefi-extra": ("a dash, which bootefi takes for a device tree", no_dash_for_bootefi),
}


def recorded_files(case):
    """Names of what the run made, with "XXX" for what is made up."""
    return sorted(line.split()[0] for line in read(case, "expected", "files").splitlines())


def snapshot(folder):
    """Every file below a folder with its size and time."""
    found = {}
    for where, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(where, name)
            status = os.stat(path)
            found[os.path.relpath(path, folder)] = (status.st_size, status.st_mtime_ns, status.st_ino)
    return found


def changed(before, after):
    return sorted(re.sub(r"(partial-dtbs|domU\d+)-[0-9a-f]+", r"\1-XXX", name)
                  for name in after if before.get(name) != after[name])


def mkimage_list(path):
    return subprocess.run(["mkimage", "-l", path], env=dict(os.environ, TZ="UTC"), capture_output=True, text=True,
                          check=True).stdout


def without_sizes(text):
    return [line for line in text.splitlines() if "Bytes" not in line]


def build(case, work, *more):
    form = read(case, "form").strip()
    done = run(work, os.path.join(ORACLE, case, "config"), read(case, "args"), "--form", form, *more)
    assert done.returncode == 0, done.stderr
    return done


@pytest.mark.parametrize("case", CASES)
def test_text(case, work):
    build(case, work)
    sources = [name for name in recorded_files(case) if name.endswith(".source")]
    assert sources
    for name in sources:
        expected = read(case, "expected", name)
        if case in MENDED:
            mended = MENDED[case][1](expected)
            assert mended != expected
            expected = mended
        assert by_meaning((work / "in" / name).read_text()) == by_meaning(expected)


@pytest.mark.parametrize("case", CASES)
def test_standard_output_and_files(case, work):
    before = snapshot(work / "in")
    done = build(case, work)
    expected = read(case, "expected", "stdout")
    # The header of Xen for bootm said ARM, so U-Boot refused to start it.
    assert done.stdout == expected.replace("ARM Linux Kernel", "AArch64 Linux Kernel")
    assert changed(before, snapshot(work / "in")) == recorded_files(case)


@pytest.mark.parametrize("case", [case for case in CASES if any(
    name.endswith((".scr", ".ub")) for name in recorded_files(case))])
def test_legacy_images(case, work):
    build(case, work)
    for name in recorded_files(case):
        if not name.endswith((".scr", ".ub")):
            continue
        expected = read(case, "expected", name + ".txt").replace("ARM Linux Kernel", "AArch64 Linux Kernel")
        shown = mkimage_list(work / "in" / name)
        # The script's length differs with the number of `fdt resize`, and where a defect is mended.
        assert without_sizes(shown) == without_sizes(expected)
        if name.endswith(".ub"):
            assert shown == expected
            assert (work / "in" / name).read_bytes()[64:] == (work / "in" / "xen").read_bytes()
        else:
            text = (work / "in" / name.replace(".scr", ".source")).read_bytes()
            assert (work / "in" / name).read_bytes()[72:] == text


def tree_expected(case, name):
    # Recorded names have a backslash that was meant for U-Boot's shell.
    return dtdump.tree_of(read(case, "expected", name).replace("\\#", "#"))


def test_edited_tree(work):
    build("08-passthrough-dtb-noboot-fdtedit", work)
    properties, nodes = dtdump.tree_of(dtdump.dump((work / "in" / "edited.dtb").read_bytes()))
    expected_properties, expected = tree_expected("08-passthrough-dtb-noboot-fdtedit", "edited.dtb.txt")
    assert (properties, nodes) == (expected_properties, expected)


def test_partial_tree(work):
    build("09-passthrough-dts-repo", work)
    made, = (work / "in").glob("partial-dtbs-*/partial-dts-domU0-*.dtb")
    expected = tree_expected("09-passthrough-dts-repo", "partial-dtbs-XXX/partial-dts-domU0-XXX.dtb.txt")
    assert dtdump.tree_of(dtdump.dump(made.read_bytes())) == expected


def strip_hashes(node):
    """A FIT without what differs on purpose: hashes are SHA-256 here, the configuration is signed too."""
    properties, nodes = node
    kept = {name: text for name, text in properties.items() if name != "timestamp"}
    if "boot_scr" in nodes:
        nodes["boot_scr"][0].pop("data")
    return kept, {name: strip_hashes(child) for name, child in nodes.items()
                  if not re.match("(hash|signature)(-[0-9]+)?$", name)}


@pytest.mark.parametrize("case, name", [("10-fit-xen", "boot.fit"), ("11-fit-signed-linux", "signed.fit")])
def test_fit(case, name, work):
    build(case, work)
    dump = dtdump.dump((work / "in" / name).read_bytes())
    expected = dtdump.tree_of(read(case, "expected", name + ".txt"))
    assert strip_hashes(dtdump.tree_of(dump)) == strip_hashes(expected)
    assert [line for line in dump if line.endswith("{") and line.startswith("    ") and line[4] != " "] == \
        [line for line in read(case, "expected", name + ".txt").splitlines()
         if line.endswith("{") and line.startswith("    ") and line[4] != " "]
    edited = dtdump.tree_of(dtdump.dump((work / "in" / "board-fit.dtb").read_bytes()))
    assert edited == tree_expected(case, "board-fit.dtb.txt")


@pytest.mark.parametrize("case", CASES)
def test_same_again(case, work):
    """The same input gives the same bytes."""
    def outputs():
        return {name: (work / "in" / name).read_bytes() for name in changed_names}
    before = snapshot(work / "in")
    control = (work / "in" / "uboot-ctrl.dtb").read_bytes()
    build(case, work)
    changed_names = [name for name, facts in snapshot(work / "in").items() if before.get(name) != facts]
    first = outputs()
    (work / "in" / "uboot-ctrl.dtb").write_bytes(control)
    build(case, work)
    assert outputs() == first


# What the errors must speak of: the thing that is wrong, by name.
ERRORS = {
    "bad-boot-cmd": "config:8:1: BOOT_CMD=go is not valid",
    "bad-option": "unknown option",
    "dom0less-with-dom0-mem": "DOM0_MEM is for dom0",
    "domu-no-kernel": r"DOMU_KERNEL\[0\] is not set",
    "missing-kernel": "nope/Image is not there",
    "missing-overlay": "nope.dtbo is not there",
    "no-args": "no -d DIR was given",
    "no-domains": "neither a dom0 .* nor guests",
    "no-kernel": "neither XEN nor LINUX",
    "no-load-cmd": "LOAD_CMD is not set",
    "pool-cpu-missing": "/cpus/cpu@9 does not exist",
    "pool-cpu-twice": "/cpus/cpu@2 is already in another CPU pool",
    "repo-and-dtb": r"PASSTHROUGH_DTS_REPO and DOMU_PASSTHROUGH_DTB\[0\] are both set",
    "repo-cells-mismatch": "/axi/gpio@ff0a0000 has #address-cells 1",
    "repo-device-missing": "no partial device tree for /axi/spi@ff040000",
    "repo-paths-missing": r"DOMU_PASSTHROUGH_PATHS\[0\] is not",
    "rootfs-with-tftp": "only mmc and scsi",
    "sign-without-key": "FIT_ENC_UB_DTB needs a key",
    "too-small": "not enough memory",
    "wrong-bitstream": "xen is an arm64 Linux Image; it should be a Xilinx bitstream",
    "wrong-dtb": "bad/text.txt is text; it should be a device tree",
    "wrong-extra": "download.bit is a Xilinx bitstream; it should be plain text",
    "wrong-kernel": "bad/text.txt is text; it should be a kernel",
    "wrong-ramdisk": "bad/text.txt is text; it should be a cpio archive",
    # The recording ends with status 0 here.
    "xen-cmd-and-mem": "XEN_CMD is set together with DOM0_MEM or DOM0_VCPUS",
}


def test_every_error_has_its_text():
    names = {name[:-len(".config")] for name in os.listdir(os.path.join(ORACLE, "14-errors"))
             if name.endswith(".config")}
    assert names == set(ERRORS)


@pytest.mark.parametrize("form", ["seed", "next"])
@pytest.mark.parametrize("name", sorted(ERRORS))
def test_error(name, form, work):
    folder = os.path.join(ORACLE, "14-errors")
    args = os.path.join(folder, name + ".args")
    if not os.path.exists(args):
        args = os.path.join(folder, "args")
    before = snapshot(work / "in")
    done = run(work, os.path.join(folder, name + ".config"), read(args), "--form", form)
    assert done.returncode == 1
    assert re.search(ERRORS[name], done.stderr), done.stderr
    assert snapshot(work / "in") == before
