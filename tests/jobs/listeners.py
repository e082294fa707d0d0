"""A local web server that takes what is posted to it, and a local mail server: what notifiers talk to in tests."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Heard:
    """What came in, where the server listens, its status, an address and a type of alert it refuses for good."""

    port: int = 0
    status: int = 200
    refused: str | None = None
    unwanted: str | None = None
    messages: list[Any] = field(default_factory=list)


@contextmanager
def web_listener() -> Iterator[Heard]:
    """Take JSON by POST until the block ends."""
    heard = Heard()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.messages.append(json.loads(body))
            unwanted = heard.unwanted is not None and heard.messages[-1]["type"] == heard.unwanted
            self.send_response(400 if unwanted else heard.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler), heard):
        yield heard


@contextmanager
def odd_listener(status: str, headers: str, body: bytes = b"", *, for_ever: bool = False) -> Iterator[Heard]:
    """Answer every request with this status line, headers and body, the body again and again where `for_ever`."""
    heard, over = Heard(), threading.Event()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            length = 0
            while line := self.rfile.readline().decode().strip():
                name, _, value = line.partition(":")
                length = int(value) if name.lower() == "content-length" else length
            heard.messages.append(self.rfile.read(length).decode())
            with suppress(OSError):
                self.wfile.write(f"HTTP/1.1 {status}\r\n{headers}\r\n\r\n".encode() + body)
                while for_ever and not over.is_set():
                    self.wfile.write(body)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with _serving(Server(("127.0.0.1", 0), Handler), heard):
        try:
            yield heard
        finally:
            over.set()


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
                self.answer(_said_to(heard, line))

        def data(self) -> None:
            lines = []
            while (line := self.rfile.readline().decode().rstrip("\r\n")) != ".":
                lines.append(line.removeprefix(".") if line.startswith("..") else line)
            heard.messages.append("\n".join(lines))

    with _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler), heard):
        yield heard


def _said_to(heard: Heard, line: str) -> str:
    if line.upper().startswith("RCPT") and heard.refused is not None and heard.refused in line:
        return "550 nobody of this name"
    return "250 ok" if heard.status == 200 else "451 not now"


@contextmanager
def dripping_listener(first: bytes) -> Iterator[Heard]:
    """Answer `first` and then a byte ten times a second, without end: never silent, never done."""
    heard, over = Heard(), threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            heard.messages.append("came")
            with suppress(OSError):
                self.request.sendall(first)
                while not over.wait(0.1):
                    self.request.sendall(b"x")

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with _serving(Server(("127.0.0.1", 0), Handler), heard):
        try:
            yield heard
        finally:
            over.set()


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
