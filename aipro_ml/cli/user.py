"""`aipro user`: accounts, their roles, passwords and second factors."""

import getpass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from aipro_ml.cli import user_secrets
from aipro_ml.cli.context import settings
from aipro_ml.cli.output import say, table
from aipro_ml.enums import UserRole
from aipro_ml.errors import UsageError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from aipro_ml.db.repositories.accounts import StoredAccount
    from aipro_ml.jobs.accounts import Change

app = typer.Typer(help="Users: add, list, roles, passwords, second factors, erase.", no_args_is_help=True)

Email = Annotated[str, typer.Argument(help="The user's e-mail address.")]
By = Annotated[str | None, typer.Option(help="Who acts: a user's address; default the machine's login.")]
FromStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from the first line of standard input.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a row.")]
Role = Annotated[UserRole, typer.Argument(help="What the user may do from now on.")]


class FactorAct(StrEnum):
    """What is done with a second factor."""

    ON = "on"
    CONFIRM = "confirm"
    OFF = "off"


@app.command("add")
def add(
    context: typer.Context,
    email: Email,
    role: Annotated[UserRole, typer.Option(help="What the user may do.")] = UserRole.USER,
    name: Annotated[str | None, typer.Option(help="The name shown.")] = None,
    password_stdin: FromStdin = False,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Add a user; the password is asked for, at least 12 characters."""
    from aipro_ml.jobs.accounts import NewUser, add_user
    from aipro_ml.jobs.database import opened

    new = NewUser(email, user_secrets.new_password(from_stdin=password_stdin), name, role)
    with opened(settings(context)) as engine:
        change = change_of(engine, email, by)
        stored = add_user(engine, new, change.actor, change.now)
    table([row_of(stored)], title="user added", as_json=as_json)


@app.command("list")
def list_command(context: typer.Context, as_json: AsJson = False) -> None:
    """List the users, those who are disabled or erased too."""
    from aipro_ml.jobs.accounts import list_users
    from aipro_ml.jobs.database import opened

    with opened(settings(context)) as engine:
        found = list_users(engine)
    table([row_of(each) for each in found], title="users", as_json=as_json)


@app.command("role")
def role_command(context: typer.Context, email: Email, role: Role, by: By = None, as_json: AsJson = False) -> None:
    """Give a user a role; sessions and keys can do what it may from then on."""
    from aipro_ml.jobs.accounts import set_role
    from aipro_ml.jobs.database import opened

    with opened(settings(context)) as engine:
        stored = set_role(engine, change_of(engine, email, by), role)
    table([row_of(stored)], title="user", as_json=as_json)


@app.command("disable")
def disable_command(context: typer.Context, email: Email, by: By = None, as_json: AsJson = False) -> None:
    """Disable a user: sessions end, and neither login nor key opens anything."""
    from aipro_ml.jobs.accounts import disable
    from aipro_ml.jobs.database import opened

    with opened(settings(context)) as engine:
        stored = disable(engine, change_of(engine, email, by))
    table([row_of(stored)], title="user", as_json=as_json)


@app.command("enable")
def enable_command(context: typer.Context, email: Email, by: By = None, as_json: AsJson = False) -> None:
    """Enable a disabled user; keys that are not revoked work again."""
    from aipro_ml.jobs.accounts import enable
    from aipro_ml.jobs.database import opened

    with opened(settings(context)) as engine:
        stored = enable(engine, change_of(engine, email, by))
    table([row_of(stored)], title="user", as_json=as_json)


@app.command("password")
def password(context: typer.Context, email: Email, password_stdin: FromStdin = False, by: By = None) -> None:
    """Set a user's password; every session of the user ends."""
    from aipro_ml.jobs.accounts import set_password
    from aipro_ml.jobs.database import opened

    new = user_secrets.new_password(from_stdin=password_stdin)
    with opened(settings(context)) as engine:
        set_password(engine, change_of(engine, email, by), new)
    say("the password is set, every session ended; keys go on: see `aipro key list`")


@app.command("totp")
def totp(
    context: typer.Context,
    email: Email,
    act: Annotated[FactorAct, typer.Argument(help="on: a new secret; confirm: put it in force; off: drop it.")],
    code_stdin: Annotated[
        bool, typer.Option("--code-stdin", help="Read the code from the first line of standard input.")
    ] = False,
    by: By = None,
) -> None:
    """Second factor: show a new secret as a QR code, put it in force by a code of the app, or switch it off."""
    from aipro_ml.jobs import two_factor
    from aipro_ml.jobs.database import opened

    chosen = settings(context)
    with opened(chosen) as engine:
        if act is FactorAct.OFF:
            two_factor.switch_off(engine, change_of(engine, email, by))
            say("the second factor is off and its secret dropped")
            return
        if act is FactorAct.ON:
            change = change_of(engine, email, by)
            factor = two_factor.begin(engine, chosen, change)
            address = factor.address(change.email)
            user_secrets.show_qr(address)
            say(f"secret: {factor.text}\n{address}")
            if not code_stdin and not user_secrets.is_asked():
                say(f"in force after: aipro user totp {change.email} confirm")
                return
        code = user_secrets.code(from_stdin=code_stdin)
        two_factor.confirm(engine, chosen, change_of(engine, email, by), code)
    say("the second factor is in force: each login asks for a code")


@app.command("rotate-key")
def rotate_key(
    context: typer.Context,
    by: By = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would be sealed; write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Seal all second factors with the new AIPRO_SECRET_KEY; AIPRO_SECRET_KEY_OLD is the one that sealed them."""
    from aipro_ml.jobs import two_factor
    from aipro_ml.jobs.actors import acting
    from aipro_ml.jobs.database import opened

    chosen = settings(context)
    with opened(chosen) as engine:
        actor = acting(engine, by, getpass.getuser())
        done = two_factor.rotate_key(engine, chosen, actor, datetime.now(UTC), dry_run=dry_run)
    table([vars(done)], title="dry run" if dry_run else "second factors", as_json=as_json)


@app.command("sessions")
def sessions(
    context: typer.Context,
    email: Email,
    end: Annotated[bool, typer.Option("--end", help="End them all.")] = False,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """List a user's sessions, or end them."""
    from aipro_ml.jobs.accounts import end_sessions, open_sessions
    from aipro_ml.jobs.database import opened

    with opened(settings(context)) as engine:
        change = change_of(engine, email, by)
        if end:
            say(f"{end_sessions(engine, change)} sessions ended")
            return
        found = open_sessions(engine, email, change.now)
    rows: list[dict[str, object]] = [
        {
            "session": each.id.hex[:8],
            "begun_at": each.created_at,
            "expires_at": each.expires_at,
            "ip": each.ip,
            "agent": each.agent,
        }
        for each in found
    ]
    table(rows, title="sessions", as_json=as_json)


@app.command("unlock")
def unlock_command(context: typer.Context, email: Email, by: By = None) -> None:
    """Forgive the failed logins on a user's account so far."""
    from aipro_ml.jobs.accounts import unlock
    from aipro_ml.jobs.database import opened

    with opened(settings(context)) as engine:
        unlock(engine, change_of(engine, email, by))
    say("the account's failed logins are forgiven")


@app.command("prefs")
def prefs(
    context: typer.Context,
    email: Email,
    wishes: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE, such as timezone=Europe/Berlin; may be repeated.")
    ] = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Show what a user set for themselves, or set it."""
    from aipro_ml.jobs.accounts import preferences, set_preferences
    from aipro_ml.jobs.database import opened

    asked = dict(_pair(wish) for wish in wishes or ())
    with opened(settings(context)) as engine:
        found = set_preferences(engine, change_of(engine, email, by), asked) if asked else preferences(engine, email)
    table(found.rows, title="preferences", as_json=as_json)


@app.command("erase")
def erase_command(
    context: typer.Context,
    email: Email,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
    by: By = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be dropped; write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Erase a person for good: bets and money stay exact under the user's id, all that names them is dropped."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.erasing import erase

    with opened(settings(context)) as engine:
        change = change_of(engine, email, by)
        if not (yes or dry_run):
            _confirm(email)
        done = erase(engine, change, dry_run=dry_run)
    table([vars(done)], title="dry run" if dry_run else "erased", as_json=as_json)


def change_of(engine: "Engine", email: str, by: str | None) -> "Change":
    """Return the change to this account by the user `by`, or else by the machine's login, at this moment."""
    from aipro_ml.jobs.accounts import Change
    from aipro_ml.jobs.actors import acting

    return Change(email, acting(engine, by, getpass.getuser()), datetime.now(UTC))


def row_of(stored: "StoredAccount") -> dict[str, object]:
    """Return a user as a row of a table: no hash, no secret."""
    return {
        "user": stored.email,
        "name": stored.name,
        "role": stored.role,
        "active": stored.is_active,
        "two_factor": stored.two_factor,
        "created_at": stored.created_at,
        "last_login_at": stored.last_login_at,
        "id": stored.id,
    }


def _pair(wish: str) -> tuple[str, str]:
    name, sign, value = wish.partition("=")
    if not sign:
        raise UsageError(f"--set {wish}: write it as NAME=VALUE")
    return name.strip(), value.strip()


def _confirm(email: str) -> None:
    if not user_secrets.is_asked():
        raise UsageError("erasing cannot be undone, and nobody is at the terminal to be asked: add --yes")
    if typer.prompt(f"This cannot be undone. Type {email} to erase the person", err=True).strip() != email:
        raise UsageError("not erased")
