"""A server that speaks HTTP/2 over TLS, in a process of its own."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import trustme

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parent


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the version of the protocol and the headers that came, as JSON."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        """Read the body."""
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    body = json.dumps({"version": scope["http_version"], "headers": headers}).encode()
    start = {"type": "http.response.start", "status": 200}
    await send(start | {"headers": [(b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})


class Http2Origin(NamedTuple):
    """Where it is, and whom to trust."""

    port: int
    trust: ssl.SSLContext

    def url(self, target: str = "/ok") -> str:
        """The URL of something on this server."""
        return f"https://127.0.0.1:{self.port}{target}"


def certify(folder: Path) -> ssl.SSLContext:
    """Write `key.pem` and `certificate.pem` of loopback into a folder, and tell whom to trust."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(folder / "certificate.pem")
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    return trust


@contextmanager
def http2_origin(folder: Path) -> Iterator[Http2Origin]:
    """Start it on loopback, with a certificate of its own, and stop it."""
    trust = certify(folder)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        command = [
            *(sys.executable, "-m", "hypercorn", "http2_origin:application"),
            *("--bind", f"fd://{listening.fileno()}"),
            *("--keyfile", str(folder / "key.pem"), "--certfile", str(folder / "certificate.pem")),
        ]
        server = subprocess.Popen(
            command,
            cwd=FOLDER,
            pass_fds=[listening.fileno()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield Http2Origin(listening.getsockname()[1], trust)
        finally:
            server.terminate()
            server.wait(20)
