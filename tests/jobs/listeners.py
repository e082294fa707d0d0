"""A local web server that takes what is posted to it, and a local mail server: what notifiers talk to in tests."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Heard:
    """What came in, where the server listens, and the status it answers with."""

    port: int = 0
    status: int = 200
    messages: list[Any] = field(default_factory=list)


@contextmanager
def web_listener() -> Iterator[Heard]:
    """Take JSON by POST until the block ends."""
    heard = Heard()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.messages.append(json.loads(body))
            self.send_response(heard.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler), heard):
        yield heard


@contextmanager
def mail_listener() -> Iterator[Heard]:
    """Take mail (RFC 5321, the least of it) until the block ends; each message is its whole text."""
    heard = Heard()

    class Handler(socketserver.StreamRequestHandler):
        def answer(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def handle(self) -> None:
            self.answer("220 listening")
            while line := self.rfile.readline().decode().strip():
                word = line.split()[0].upper()
                if word == "DATA":
                    self.answer("354 go on")
                    self.data()
                elif word == "QUIT":
                    self.answer("221 bye")
                    return
                self.answer("250 ok" if heard.status == 200 else "451 not now")

        def data(self) -> None:
            lines = []
            while (line := self.rfile.readline().decode().rstrip("\r\n")) != ".":
                lines.append(line.removeprefix(".") if line.startswith("..") else line)
            heard.messages.append("\n".join(lines))

    with _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler), heard):
        yield heard


@contextmanager
def _serving(server: socketserver.BaseServer, heard: Heard) -> Iterator[None]:
    heard.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
