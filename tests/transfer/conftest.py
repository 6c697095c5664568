"""A server on this machine that misbehaves as asked, and quick ways to describe its file."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from carnatic_sep.transfer.origin import Origin

CONTENT = bytes(range(256)) * 5000
THIRD = len(CONTENT) // 3


@dataclass
class Server:
    """What a server does, and what it was asked: changed and read by the tests.

    `failures` are taken one by one, an answer each: a status, or ``broken`` for a body that ends
    after a third of what it should hold.
    """

    url: str = ""
    content: bytes = CONTENT
    etag: str | None = '"one"'
    ranges: bool = True
    lengths: bool = True
    failures: list[int | str] = field(default_factory=list)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    before: Callable[[], None] | None = None

    def header(self, name: str) -> list[str | None]:
        """Return what each request had under `name`."""
        return [headers.get(name) for _, headers in self.asked]

    def origin(self, path: str = "/a.bin", *, content: bytes = CONTENT, **options: int) -> Origin:
        digest = hashlib.sha256(content).hexdigest()
        return Origin(url=f"{self.url}{path}", sha256=digest, **options)


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            server.asked.append((self.path, dict(self.headers)))
            if server.before is not None:
                server.before()
            if self.path.startswith("/moved"):
                self.send_response(302)
                self.send_header("Location", "/a.bin" if self.path == "/moved" else self.path)
                self.end_headers()
                return
            failure = server.failures.pop(0) if server.failures else None
            if isinstance(failure, int):
                self.send_response(failure)
                self.send_header("Retry-After", "0")
                self.end_headers()
                return
            self._send(broken=failure == "broken")

        def _send(self, *, broken: bool) -> None:
            wanted = self.headers.get("Range") if server.ranges else None
            if self.headers.get("If-Range", server.etag) != server.etag:
                wanted = None
            start = int(wanted[6:-1]) if wanted else 0
            if start and start >= len(server.content):
                self.send_response(416)
                self.end_headers()
                return
            self.send_response(206 if wanted else 200)
            body = server.content[start:]
            if wanted:
                last = len(server.content) - 1
                self.send_header("Content-Range", f"bytes {start}-{last}/{len(server.content)}")
            if server.etag:
                self.send_header("ETag", server.etag)
            if server.lengths:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(OSError):  # who asked may have left
                self.wfile.write(body[: len(body) // 3] if broken else body)

        def log_message(self, format: str, *args: object) -> None:
            """Keep the test output quiet."""

    return Handler


@pytest.fixture
def server() -> Iterator[Server]:
    described = Server()
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(described)) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        described.url = f"http://127.0.0.1:{running.server_port}"
        yield described
        running.shutdown()
        thread.join()
