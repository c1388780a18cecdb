"""Proxy: a real nginx with deploy/nginx.conf, rendered for ports and a folder of a test's own."""

from __future__ import annotations

import contextlib
import datetime
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.gateways import clean_environ
from tests.support.ports import free_port

CONF = Path(__file__).parents[2] / "deploy" / "nginx.conf"
_UP_S = 10.0


class Proxy:
    """nginx before a gateway's port. `certificate` is what a client has to trust."""

    def __init__(self, folder: Path, gateway_port: int) -> None:
        self.folder = folder
        self.http_port = free_port()
        self.https_port = free_port()
        self.certificate = folder / "fullchain.pem"
        self.conf = folder / "nginx.conf"
        _certify(self.certificate, folder / "privkey.pem")
        self.conf.write_text(self._rendered(gateway_port))

    @property
    def url(self) -> str:
        return f"https://localhost:{self.https_port}"

    @property
    def ws_url(self) -> str:
        return f"wss://localhost:{self.https_port}/v1/ws"

    def _rendered(self, gateway_port: int) -> str:
        text = CONF.read_text()
        for old, new in {
            "worker_processes auto;": "worker_processes 1;",
            "worker_rlimit_nofile 65536;": "worker_rlimit_nofile 1024;",
            "worker_connections 32768;": "worker_connections 512;",
            "pid /run/nginx.pid;": f"pid {self.folder}/nginx.pid;\n" + ("user root;" if os.geteuid() == 0 else ""),
            "/var/log/nginx/livestream.log": f"{self.folder}/access.log",
            "/var/cache/nginx/livestream": f"{self.folder}/cache",
            "server 127.0.0.1:8080 ": f"server 127.0.0.1:{gateway_port} ",
            "listen 80;": f"listen 127.0.0.1:{self.http_port};",
            "listen 443 ssl": f"listen 127.0.0.1:{self.https_port} ssl",
            "/etc/nginx/tls/": f"{self.folder}/",
            "default_type ": "".join(
                f"{kind}_temp_path {self.folder}/{kind};\n"
                for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
            )
            + "default_type ",
        }.items():
            assert old in text, f"deploy/nginx.conf has no {old!r} any more"
            text = text.replace(old, new)
        return text

    def command(self, *arguments: str) -> list[str]:
        nginx = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
        assert nginx, "nginx is missing: on Debian, apt-get install nginx-light"
        return [nginx, "-p", str(self.folder), "-e", str(self.folder / "error.log"), "-c", str(self.conf), *arguments]

    def check(self) -> subprocess.CompletedProcess[str]:
        """`nginx -t`."""
        return subprocess.run(self.command("-t"), capture_output=True, text=True, check=False, env=clean_environ())

    @contextlib.contextmanager
    def running(self) -> Iterator[Proxy]:
        """It listens; ended by its own process number."""
        process = subprocess.Popen(
            self.command("-g", "daemon off;"), stdin=subprocess.DEVNULL, env=clean_environ(), start_new_session=True
        )
        try:
            self._wait_until_up(process)
            yield self
        finally:
            process.send_signal(signal.SIGTERM)
            status = process.wait(_UP_S)
        assert status == 0, (self.folder / "error.log").read_text()

    def _wait_until_up(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _UP_S
        while process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.https_port), 1):
                return
            time.sleep(0.02)
        raise AssertionError(f"nginx does not come up\n{(self.folder / 'error.log').read_text()}")


def _certify(certificate: Path, key_file: Path) -> None:
    """A certificate for localhost that signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.touch(mode=0o600)
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
