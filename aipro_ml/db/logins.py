"""The embedded server's logins: three roles with random passwords, kept in a file only its owner reads."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from aipro_ml.errors import DatabaseError

Role = Literal["app", "owner"]

SUPERUSER = "postgres"
ROLE_NAMES: Mapping[Role, str] = {"app": "aipro_app", "owner": "aipro_owner"}


@dataclass(frozen=True)
class Logins:
    """Passwords of the superuser, of the databases' owner and of the application."""

    superuser: str
    owner: str
    app: str

    def password(self, role: Role) -> str:
        """Return the password of `role`."""
        return self.app if role == "app" else self.owner


def load_logins(path: Path) -> Logins | None:
    """Return the logins stored at `path`, or None where there are none yet."""
    stored = read_json(path)
    if stored is None:
        return None
    try:
        return Logins(**stored)
    except TypeError as error:
        raise DatabaseError(f"{path}: not a file of database logins; restore it from a backup") from error


def create_logins(path: Path) -> Logins:
    """Draw new passwords, store them at `path` (mode 0600) and return them."""
    logins = Logins(*(secrets.token_urlsafe(24) for _ in range(3)))
    write_json(path, asdict(logins), mode=0o600)
    return logins


def read_json(path: Path) -> dict[str, Any] | None:
    """Return the object stored at `path`, None where there is none; one clear error where it is damaged."""
    try:
        loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except PermissionError as error:
        raise DatabaseError(
            f"{path}: not readable by this user: run as the user who owns this folder, or set AIPRO_HOME"
        ) from error
    except json.JSONDecodeError as error:
        raise DatabaseError(f"{path}, line {error.lineno}: not valid JSON: {error.msg}") from error
    return loaded


def write_json(path: Path, value: Mapping[str, Any], *, mode: int) -> None:
    """Store `value` at `path` in one step, so that no reader ever sees half a file."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(dict(value), file)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
