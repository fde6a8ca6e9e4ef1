# SPDX-License-Identifier: MIT
"""The virtual board as the tests see it: its network, its power, its console. Nothing of aboard is used."""
import os
import pathlib
import re
import select
import socket
import subprocess
import tempfile
import time
import uuid

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEMO = ROOT / "demo"
HOST_ADDRESS = "192.168.77.1"


def make(script, *args):
    """Runs one of the demo's scripts that make something; returns what it printed."""
    return subprocess.run([DEMO / script, *map(str, args)], check=True, stdout=subprocess.PIPE, text=True,
                          timeout=300).stdout.strip()


class Network:
    """A network of its own, made by demo/netns and kept until close(); commands are run in it."""

    def __init__(self, dhcp=True):
        self.holder = subprocess.Popen(
            [DEMO / "netns", *([] if dhcp else ["--no-dhcp"]), "sh", "-c", "echo $$; exec cat"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        pid = self.holder.stdout.readline().strip()
        assert pid, "demo/netns did not start"
        user = [] if os.getuid() == 0 else ["--user", "--preserve-credentials"]
        self.enter = ["nsenter", "--target", pid, "--net", *user, "--"]
        self.env = {**os.environ, "ABOARD_TAP": "tap0", "ABOARD_HOST_ADDR": HOST_ADDRESS}

    def popen(self, argv, **kwargs):
        return subprocess.Popen([*self.enter, *map(str, argv)], env=kwargs.pop("env", self.env), **kwargs)

    def run(self, argv, timeout=60, **kwargs):
        return subprocess.run([*self.enter, *map(str, argv)], env=kwargs.pop("env", self.env), timeout=timeout,
                              **kwargs)

    def listens(self, kind, port, timeout=10):
        """Waits until somebody has bound this port; kind is "udp" or "tcp"."""
        deadline = time.monotonic() + timeout
        wanted = re.compile(r":%04X [0-9A-F]+:0000 0[A7] " % port)
        while not wanted.search(self.run(["cat", f"/proc/net/{kind}"], capture_output=True, text=True).stdout):
            assert time.monotonic() < deadline, f"nobody listens on {kind} port {port}"

    def close(self):
        """Ends everything in the network. Nothing may have been left running by then but what popen() gave out."""
        self.holder.stdin.close()
        self.holder.wait(timeout=30)
        self.holder.stdout.close()


class Console:
    """The board's serial port: a Unix socket we listen on, which the board connects to when it is switched on."""

    def __init__(self, path):
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.peer = None
        self.pending = b""
        self.log = b""

    def accept(self, timeout=10):
        self.listener.settimeout(timeout)
        if self.peer:
            self.peer.close()
        self.peer, _ = self.listener.accept()
        self.pending = b""

    def send(self, text):
        self.peer.sendall(text.encode())

    def expect(self, pattern, timeout):
        """Reads until the pattern is there; returns its match and the text before it. What follows is kept."""
        deadline = time.monotonic() + timeout
        pattern = re.compile(pattern.encode())
        while not (match := pattern.search(self.pending)):
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.peer], [], [], left)[0]:
                raise TimeoutError(f"no {pattern.pattern!r} within {timeout} s; last seen:\n{self.tail()}")
            data = self.peer.recv(65536)
            if not data:
                raise EOFError(f"the board went away; last seen:\n{self.tail()}")
            self.pending += data
            self.log += data
        before, self.pending = self.pending[:match.start()], self.pending[match.end():]
        return match, before.decode(errors="replace")

    def tail(self):
        return self.log[-3000:].decode(errors="replace")

    def run(self, command, timeout=30):
        """Runs one line, in U-Boot or in the shell: its output and status. Markers frame it, not the prompt."""
        mark = uuid.uuid4().hex[:12]
        self.send(f"echo A{mark}; {command}; echo Z{mark}:$?:\n")
        self.expect(rf"[\r\n]A{mark}\r?\n", timeout)
        match, output = self.expect(rf"Z{mark}:(\d+):\r?\n", timeout)
        return int(match[1]), output.replace("\r", "")

    def check(self, command, timeout=30):
        status, output = self.run(command, timeout)
        assert status == 0, f"{command}: status {status}\n{output}"
        return output

    def close(self):
        if self.peer:
            self.peer.close()
        self.listener.close()


class Board:
    """One virtual board with storage that is blank at first. power_on() and power_off() as often as you like.

    folder     virtio.img and sd.img are in it
    socket     path of the console for whoever talks to it; listen() makes us the one who does
    """

    def __init__(self, folder, network):
        self.folder = pathlib.Path(folder)
        self.network = network
        # The path of a Unix socket has room for 107 characters, pytest's folders may be deeper.
        self.run_folder = tempfile.TemporaryDirectory(prefix="board-")
        self.socket = pathlib.Path(self.run_folder.name) / "console.sock"
        self.console = None
        self.qemu = None
        self.others = []

    def argv(self):
        return [str(DEMO / "board-qemu"), "--dir", str(self.folder), "--console", str(self.socket), "--tap", "tap0"]

    def listen(self):
        self.console = Console(self.socket)
        return self.console

    def power_on(self):
        self.qemu = self.network.popen(self.argv())
        if self.console:
            self.console.accept()

    def power_off(self):
        if self.qemu:
            self.qemu.terminate()
            self.qemu.wait(timeout=10)
            self.qemu = None

    def interrupt(self):
        """From power on to U-Boot's prompt."""
        self.console.expect("Hit any key to stop autoboot", 10)
        self.console.send(" ")
        self.console.expect("\n=> ", 10)

    def serve_http(self, folder, port=8000):
        """Serves a folder over HTTP at the host's address; returns the base URL."""
        self.others.append(self.network.popen(
            ["/usr/bin/python3", "-m", "http.server", "--bind", HOST_ADDRESS, "--directory", folder, port],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        self.network.listens("tcp", port)
        return f"http://{HOST_ADDRESS}:{port}"

    def serve_tftp(self, folder):
        """Serves a folder by dnsmasq's TFTP server on port 69."""
        self.others.append(self.network.popen(
            ["dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--port=0", "--enable-tftp", f"--tftp-root={folder}",
             "--interface=tap0", "--bind-interfaces", "--pid-file="], stderr=subprocess.DEVNULL))
        self.network.listens("udp", 69)

    def boot_flasher(self, bundle):
        """From power on to a root shell in the bundle's Linux, with an address; by hand, over TFTP."""
        self.interrupt()
        self.console.check("setenv autoload no; dhcp")
        self.console.check("setenv tftpblocksize 1468; setenv bootargs console=ttyAMA0 quiet")
        for name, address in ("vmlinuz", "0x41000000"), ("initramfs.cpio.gz", "0x48000000"):
            size = (bundle / "data" / name).stat().st_size
            output = self.console.check(f"tftpboot {address} {HOST_ADDRESS}:{name}")
            assert f"Bytes transferred = {size} " in output
        self.console.send("booti 0x41000000 0x48000000:${filesize} ${fdtcontroladdr}\n")
        self.console.expect("flasher login:", 60)
        self.console.send("root\n")
        self.console.expect("# ", 10)
        self.console.check("set -o pipefail; dmesg -n 1; ip link set eth0 up; timeout 20 udhcpc -i eth0 -n -q")

    def close(self):
        self.power_off()
        for process in self.others:
            process.terminate()
            process.wait(timeout=10)
        if self.console:
            self.console.close()
        self.run_folder.cleanup()
