# SPDX-License-Identifier: MIT
"""A real docker-registry on loopback, open, with passwords, or with a token server; and bundles to put in it."""
import base64
import contextlib
import json
import os
import re
import struct
import subprocess
import threading
import time
import urllib.parse
import uuid

from peers import clean_env, web_server

CONFIG = """version: 0.1
log: {{level: info}}
storage:
  filesystem: {{rootdirectory: {store}}}
http:
  addr: 127.0.0.1:0
  {tls}
{auth}
"""


class Registry:
    def __init__(self, folder, process, port):
        self.folder, self.process, self.port = folder, process, port
        self.host = f"localhost:{port}"

    def blob_file(self, digest):
        algorithm, digits = digest.split(":")
        return self.folder / "store/docker/registry/v2/blobs" / algorithm / digits[:2] / digits / "data"

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait(30)
        self.process.stderr.close()


@contextlib.contextmanager
def registry(folder, auth="", certificate=None):
    """Starts docker-registry; its log tells the port."""
    tls = f"tls: {{certificate: {certificate}, key: {certificate}}}" if certificate else ""
    (folder / "config.yml").write_text(CONFIG.format(store=folder / "store", auth=auth, tls=tls))
    process = subprocess.Popen(["docker-registry", "serve", str(folder / "config.yml")], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=clean_env(), text=True)
    port = None
    for line in process.stderr:
        match = re.search(r"listening on \S*:(\d+)", line)
        if match:
            port = int(match.group(1))
            break
    if port is None:
        process.wait(10)
        raise RuntimeError("docker-registry did not start")
    # Its log must not fill the pipe.
    drain = threading.Thread(target=lambda: [None for _ in process.stderr], daemon=True)
    drain.start()
    running = Registry(folder, process, port)
    try:
        yield running
    finally:
        running.process.terminate()
        running.process.wait(30)
        drain.join()
        process.stderr.close()


def password_auth(folder, user, password):
    """The auth section for a file of passwords."""
    out = subprocess.run(["htpasswd", "-nbB", user, password], check=True, capture_output=True).stdout
    (folder / "htpasswd").write_bytes(out.strip() + b"\n")
    return f"auth: {{htpasswd: {{realm: test, path: {folder / 'htpasswd'}}}}}"


def b64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class TokenServer:
    """Gives out tokens a docker-registry believes (distribution's docs/spec/auth/jwt.md)."""

    def __init__(self, server, folder, user, password, lifetime):
        self.server, self.folder, self.lifetime = server, folder, lifetime
        self.good = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self.given = 0
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=tokens",
                        "-keyout", "token.key", "-out", "token.pem"], cwd=folder, check=True, capture_output=True)
        server.routes["/token"] = self.answer

    def sign(self, claims):
        der = subprocess.run(["openssl", "x509", "-in", "token.pem", "-outform", "DER"], cwd=self.folder, check=True,
                             capture_output=True).stdout
        header = {"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(der).decode()]}
        text = b64url(json.dumps(header).encode()) + "." + b64url(json.dumps(claims).encode())
        signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", "token.key"], cwd=self.folder, check=True,
                                   capture_output=True, input=text.encode()).stdout
        return text + "." + b64url(signature)

    def answer(self, request):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(request.path).query)
        if request.headers.get("Authorization") != self.good:
            request.answer(401, b'{"details": "wrong password"}')
            return
        kind, name, actions = query["scope"][0].split(":")
        now = int(time.time())
        self.given += 1
        token = self.sign({"iss": "tokens", "aud": query["service"][0], "sub": "me", "exp": now + self.lifetime,
                           "nbf": now - 60, "iat": now, "jti": str(uuid.uuid4()),
                           "access": [{"type": kind, "name": name, "actions": actions.split(",")}]})
        request.answer(200, json.dumps({"token": token}).encode(), Content_Type="application/json")


@contextlib.contextmanager
def token_registry(folder, user, password, lifetime=300):
    with web_server() as server:
        tokens = TokenServer(server, folder, user, password, lifetime)
        auth = (f"auth: {{token: {{realm: {server.url}/token, service: test-registry, issuer: tokens, "
                f"rootcertbundle: {folder / 'token.pem'}}}}}")
        with registry(folder, auth) as running:
            running.tokens = tokens
            yield running


MANIFEST = """apiVersion: jumpstarter.dev/v1alpha1
kind: FlashBundleManifest
metadata:
  name: test-bundle
spec:
  manufacturer: Nobody
  link: null
  bootcmd: booti 0x40200000 0x48000000:0x1000 0x4a000000
  shelltype: busybox
  login: {login_prompt: "login:", username: root, password: hunter2, prompt: "#"}
  default_target: emmc
  targets:
    emmc: /sys/class/block#4fb0000
    usd: /dev/mmcblk1
  kernel: {file: data/Image, address: "0x40200000"}
  initram: {file: data/initramfs.cpio, address: "0x48000000"}
  dtb:
    default: one
    address: "0x4a000000"
    variants:
      one: {file: data/one.dtb}
      old: data/two.dtb
      none: {bootcmd: booti 0x40200000 0x48000000:0x1000}
  preflash_commands: [echo hello]
"""


def arm64_image(size, image_size):
    """An Image as far as a boot loader looks at it."""
    return (bytes(16) + struct.pack("<Q", image_size) + bytes(32) + b"ARM\x64" + bytes(4)).ljust(size, b"k")


def make_bundle(folder, manifest=MANIFEST):
    files = {
        "manifest.yaml": manifest.encode(),
        "data/Image": arm64_image(300_000, 0x100000),
        "data/initramfs.cpio": os.urandom(4096),
        "data/one.dtb": b"\xd0\x0d\xfe\xed" + b"1" * 5000,
        "data/two.dtb": b"\xd0\x0d\xfe\xed" + b"2" * 5000,
    }
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / ".hidden").write_bytes(b"not for others")
    return files
