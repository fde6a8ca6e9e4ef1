# SPDX-License-Identifier: MIT
"""What tests of built images share: the program, keys, and the programs of others. Import the fixtures by name."""
import os
import shutil
import subprocess

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
EPOCH = "1700000000"
KEYS = {"dev": ("rsa", 2048), "long": ("rsa", 3072), "longest": ("rsa", 4096), "curve": ("ec", "P-256")}


def program():
    return os.path.abspath(os.environ.get("ABOARD", os.path.join(ROOT, "build/src/cli/aboard")))


class Work:
    """A scratch folder in which programs run, ours and others'."""

    def __init__(self, folder):
        self.folder = folder
        self.environment = dict(os.environ, SOURCE_DATE_EPOCH=EPOCH, TZ="UTC", LC_ALL="C.UTF-8",
                                HOME=str(folder))

    def run(self, *argv, env=None):
        return subprocess.run([str(word) for word in argv], cwd=self.folder, text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, check=False, timeout=120,
                              env={**self.environment, **(env or {})})

    def need(self, *argv):
        """Runs a program that must succeed; its output."""
        result = self.run(*argv)
        assert result.returncode == 0, (argv, result.stdout, result.stderr)
        return result.stdout

    def aboard(self, *argv, **more):
        return self.run(program(), *argv, **more)

    def built(self, *argv):
        return self.need(program(), *argv)

    def refused(self, status, *argv):
        """Runs ours where it must fail with this status; what it says."""
        result = self.aboard(*argv)
        assert result.returncode == status, (argv, result.stdout, result.stderr)
        assert result.stderr.startswith("aboard: "), result.stderr
        return result.stderr

    def write(self, name, data):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    def read(self, name):
        return (self.folder / name).read_bytes()


@pytest.fixture(name="work")
def fixture_work(tmp_path):
    return Work(tmp_path)


@pytest.fixture(scope="session", name="keys")
def fixture_keys(tmp_path_factory):
    """A folder with a key of each kind: HINT.key and HINT.crt, and HINT.pem where mkimage looks for that."""
    folder = tmp_path_factory.mktemp("keys")
    for hint, (kind, size) in KEYS.items():
        option = f"rsa_keygen_bits:{size}" if kind == "rsa" else f"ec_paramgen_curve:{size}"
        key = folder / (f"{hint}.pem" if kind == "ec" else f"{hint}.key")
        subprocess.run(["openssl", "genpkey", "-algorithm", kind.upper(), "-pkeyopt", option, "-out", str(key)],
                       check=True, capture_output=True)
        subprocess.run(["openssl", "req", "-batch", "-new", "-x509", "-key", str(key), "-subj", f"/CN={hint}",
                        "-days", "3650", "-out", str(folder / f"{hint}.crt")], check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session", name="check_sign")
def fixture_check_sign():
    """U-Boot's own verifier of a FIT against a control tree, where there is one: Debian 12 does not ship it, but its source
    package u-boot makes it (make tools-only_defconfig tools-only)."""
    return shutil.which("fit_check_sign")


IMAGE = """
        {name} {{
            description = "{name}"; data = /incbin/("{file}"); type = "{type}"; arch = "arm64"; {os}
            compression = "none"; load = <{load:#x}>; {entry}
            hash-1 {{ algo = "{hash}"; }};
            {signature}
        }};"""

CONTROL = '/dts-v1/; / { model = "board"; };'


def signature(hint, algo, padding=None):
    more = f' padding = "{padding}";' if padding else ""
    return f'signature-1 {{ algo = "{algo}"; key-name-hint = "{hint}";{more} }};'


def its(images="", config="", hashes="sha256"):
    """A kernel, a device tree and a ramdisk; `images` and `config`: what else the nodes hold."""
    parts = [("kernel", "kernel", "kernel", 'os = "linux";', 0x80000, "entry = <0x80000>;"),
             ("fdt", "board.dtb", "flat_dt", "", 0x8000000, ""),
             ("ramdisk", "rd", "ramdisk", 'os = "linux";', 0x9000000, "")]
    nodes = "".join(IMAGE.format(name=name, file=file, type=kind, os=system, load=load, entry=entry, hash=hashes,
                                 signature=images)
                    for name, file, kind, system, load, entry in parts)
    return f"""/dts-v1/;
/ {{
    description = "three parts"; #address-cells = <1>;
    images {{{nodes}
    }};
    configurations {{
        default = "conf";
        conf {{
            description = "all of it"; kernel = "kernel"; fdt = "fdt"; ramdisk = "ramdisk";
            {config}
        }};
    }};
}};
"""


def put_parts(work, kernel=b"the kernel" * 200, ramdisk=b"the ramdisk" * 31):
    work.write("kernel", kernel)
    work.write("rd", ramdisk)
    work.write("board.dts", '/dts-v1/; / { model = "board"; #address-cells = <1>; };')
    work.need("dtc", "-q", "-o", "board.dtb", "board.dts")
    work.write("control.dts", CONTROL)
    work.need("dtc", "-q", "-o", "control.dtb", "control.dts")
