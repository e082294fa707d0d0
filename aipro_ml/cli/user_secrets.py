"""How commands take a secret (never from an argument) and how they show one: a QR code in the terminal."""

import io
import sys

import typer

from aipro_ml.cli.output import say
from aipro_ml.errors import UsageError


def new_password(*, from_stdin: bool) -> str:
    """Return the new password: the first line of standard input, or typed twice without an echo."""
    return _line("password") if from_stdin else _typed("Password", "--password-stdin", twice=True)


def code(*, from_stdin: bool) -> str:
    """Return a code of the second factor: the first line of standard input, or typed."""
    return _line("code") if from_stdin else _typed("Code of the app", "--code-stdin", twice=False)


def is_asked() -> bool:
    """Return whether there is a person at the terminal to be asked."""
    return sys.stdin.isatty()


def show_qr(address: str) -> None:
    """Draw the address as a QR code of half blocks, to be read off the terminal by an app."""
    import segno

    drawn = io.StringIO()
    segno.make(address, error="m").terminal(drawn, compact=True)
    if sys.stdout.isatty():
        sys.stdout.write(drawn.getvalue())
    else:  # no colours in a file or a pipe: blocks as they are
        say(_blocks(address))


def _blocks(address: str) -> str:
    import segno

    rows = [list(row) for row in segno.make(address, error="m").matrix_iter(border=2)]
    rows += [[0] * len(rows[0])] * (len(rows) % 2)
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return "\n".join("".join("█▀▄ "[2 * (up & 1) + (low & 1)] for up, low in zip(*pair, strict=True)) for pair in pairs)


def _line(what: str) -> str:
    text = sys.stdin.readline().rstrip("\r\n")
    if not text:
        raise UsageError(f"standard input holds no {what}: write it as its first line")
    return text


def _typed(label: str, option: str, *, twice: bool) -> str:
    if not is_asked():
        raise UsageError(f"nobody is at the terminal to be asked: pipe it in with {option}")
    return str(typer.prompt(label, hide_input=twice, confirmation_prompt=twice, err=True))
