"""`aipro key`: API keys."""

import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import say, table
from aipro_ml.cli.values import parse_moment

app = typer.Typer(help="API keys: add, list, revoke.", no_args_is_help=True)

By = Annotated[str | None, typer.Option(help="Who acts: a user's address; default the machine's login.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a row.")]


@app.command("add")
def add(
    context: typer.Context,
    user: Annotated[str, typer.Option(help="Whose key: the user's e-mail address.")],
    name: Annotated[str, typer.Option(help="What it is for.")],
    may: Annotated[
        list[str] | None,
        typer.Option(help="A permission, such as predictions:read; may be repeated. Default: all the user may read."),
    ] = None,
    per_minute: Annotated[int | None, typer.Option(min=1, help="Requests a minute; default 100.")] = None,
    expires: Annotated[str | None, typer.Option(help="UTC time of its end; default never.")] = None,
    by: By = None,
    as_json: AsJson = False,
) -> None:
    """Issue a key and show it, this once: only its hash is kept."""
    from aipro_ml.jobs.actors import acting
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.keys import KeyWish, add_key, told

    wish, now = KeyWish(user, name, may or (), per_minute, parse_moment(expires)), datetime.now(UTC)
    with opened(settings(context)) as engine:
        issued = add_key(engine, wish, acting(engine, by, getpass.getuser()), now)
    if as_json:
        table([{"secret": issued.text, **told(issued.stored, now)}], title="key", as_json=True)
        return
    table([told(issued.stored, now)], title="key added")
    say(f"{issued.text}\nKeep it now: it is not shown again.")


@app.command("list")
def list_command(
    context: typer.Context,
    user: Annotated[str | None, typer.Option(help="Only this user's keys; default all.")] = None,
    as_json: AsJson = False,
) -> None:
    """List keys, what each may do today, and when it was used last."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.keys import list_keys

    with opened(settings(context)) as engine:
        rows = list_keys(engine, user, datetime.now(UTC))
    table(rows, title="keys", as_json=as_json)


@app.command("revoke")
def revoke(
    context: typer.Context,
    key: Annotated[str, typer.Argument(help="How the key's id begins, as `aipro key list` shows it.")],
    by: By = None,
) -> None:
    """Switch a key off for good."""
    from aipro_ml.jobs.actors import acting
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.keys import revoke_key

    with opened(settings(context)) as engine:
        found = revoke_key(engine, key, acting(engine, by, getpass.getuser()), datetime.now(UTC))
    say(f"the key {found.id.hex[:8]} of {found.email} is revoked")
