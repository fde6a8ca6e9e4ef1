# SPDX-License-Identifier: MIT
"""What the peer tests share: the built programs, certificates, and web servers that misbehave on demand."""
import contextlib
import http.server
import os
import pathlib
import ssl
import subprocess
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("ABOARD_BUILD", ROOT / "build"))


def tool(name):
    """The path of a program built in tests/peer."""
    return str(BUILD / "tests" / "peer" / name)


def clean_env(**more):
    """The environment without proxies and without anyone's credentials."""
    keep = {k: v for k, v in os.environ.items()
            if not k.lower().endswith("_proxy") and not k.startswith(("OCI_", "XDG_", "DOCKER_", "REGISTRY_"))}
    keep.update({k: str(v) for k, v in more.items()})
    return keep


def make_ca(folder):
    """A private authority and a certificate of it for localhost and 127.0.0.1: (ca.pem, server.pem)."""
    def openssl(*args):
        subprocess.run(["openssl", *args], cwd=folder, check=True, capture_output=True)

    (folder / "ext").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=test authority", "-keyout", "ca.key", "-out", "ca.pem")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
            "-keyout", "server.key", "-out", "server.csr")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-days", "2", "-extfile", "ext", "-out", "server.crt")
    (folder / "server.pem").write_text((folder / "server.crt").read_text() + (folder / "server.key").read_text())
    return folder / "ca.pem", folder / "server.pem"


class Handler(http.server.BaseHTTPRequestHandler):
    """Hands each request to the function in server.routes for its path; keeps what was asked."""
    protocol_version = "HTTP/1.1"

    def handle_any(self):
        self.server.seen.append((self.command, self.path, dict(self.headers.items())))
        route = self.server.routes.get(self.path.split("?")[0])
        if route is None:
            self.answer(404, b"no such path\n")
        else:
            route(self)

    do_GET = do_HEAD = do_PUT = do_POST = handle_any

    def answer(self, status, body=b"", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def read_body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", "0")))

    def cut(self):
        """Ends the connection without a word."""
        self.close_connection = True
        self.wfile.flush()

    def range_start(self):
        text = self.headers.get("Range")
        return int(text.removeprefix("bytes=").rstrip("-")) if text else 0

    def log_message(self, *args):
        pass


@contextlib.contextmanager
def web_server(certificate=None):
    """A server on a free port of 127.0.0.1; .routes maps paths to functions, .seen is what came in."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.routes, server.seen = {}, []
    scheme = "http"
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme = "https"
    server.port = server.server_address[1]
    server.url = f"{scheme}://127.0.0.1:{server.port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
