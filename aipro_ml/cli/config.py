"""`aipro config`: what is set, where each value comes from, and changing what the database keeps."""

import getpass
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import say, table, warn

if TYPE_CHECKING:
    from aipro_ml.config import Settings
    from aipro_ml.jobs.system_settings import SettingInForce

app = typer.Typer(help="Settings: of this installation, and of the platform.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a row.")]
Key = Annotated[str, typer.Argument(help="Such as bet.game_cap; see show --all.")]
Reason = Annotated[str, typer.Option(help="Why; kept in the audit log.")]
By = Annotated[str | None, typer.Option(help="Who acts: a user's address; default the machine's login.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check and show; write nothing.")]


@app.command("show")
def show(
    context: typer.Context,
    origin: Annotated[bool, typer.Option("--origin", help="Where each value comes from, and the shipped one.")] = False,
    sport: Annotated[str | None, typer.Option(help="This sport's settings too.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Those of every sport.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show every setting in force; secrets are masked. A sport's own are shown where changed, or asked for."""
    chosen = settings(context)
    if sport is not None:
        from aipro_ml.features.sport import sport as find_sport

        sport = find_sport(sport).code
    rows = [*_installation(context, chosen), *_platform(chosen, sport, every=every)]
    if not origin and not as_json:
        rows = [{name: value for name, value in row.items() if name not in {"origin", "shipped"}} for row in rows]
    if not as_json:
        rows = [{name: value for name, value in row.items() if name not in {"type", "says"}} for row in rows]
    table(rows, title="settings", as_json=as_json)


@app.command("set")
def set_command(
    context: typer.Context,
    key: Key,
    value: Annotated[str, typer.Argument(help="The new value; null for none.")],
    reason: Reason,
    by: By = None,
    dry_run: DryRun = False,
) -> None:
    """Change a system setting in the database, for every command from now on."""
    _change(context, key, value, (reason, by, dry_run))


@app.command("unset")
def unset(context: typer.Context, key: Key, reason: Reason, by: By = None, dry_run: DryRun = False) -> None:
    """Take a system setting out of the database: the file's value, or the default, counts again."""
    _change(context, key, None, (reason, by, dry_run))


@app.command("history")
def history_command(
    context: typer.Context,
    key: Annotated[str | None, typer.Argument(help="Only this setting.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The latest so many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List who changed which system setting when and why, the newest first."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.system_settings import history

    with opened(settings(context)) as engine:
        rows = history(engine, key, limit)
    table(rows, title="changes of settings", as_json=as_json)


def _change(context: typer.Context, key: str, value: str | None, options: tuple[str, str | None, bool]) -> None:
    from aipro_ml.jobs.actors import acting
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.system_settings import Change, change

    chosen, (reason, by, dry_run) = settings(context), options
    with opened(chosen) as engine:
        actor = acting(engine, by, getpass.getuser())
        done = change(engine, chosen, Change(key, value, actor, reason, datetime.now(UTC), dry_run))
    if not done.is_change:
        say(f"{key} is so already: nothing to change")
        return
    before = "as shipped" if done.before is None else done.before
    after = f"the shipped {done.standing}" if done.after is None else f"{done.after} (shipped: {done.standing})"
    say(f"{'would change ' if dry_run else ''}{key}: {before} → {after}")
    if key in chosen.overrides:
        warn(f"{chosen.overrides[key].layer} sets {key} to {chosen.overrides[key].value} and wins here")


def _installation(context: typer.Context, chosen: "Settings") -> Iterator[dict[str, object]]:
    from aipro_ml.settings import Settings, origins, variable_of

    flags = {name for name, value in context.find_root().params.items() if value is not None}
    layers = origins(chosen, flags, os.environ)
    for name, value in chosen.model_dump().items():
        field = Settings.model_fields[name]
        shipped = "" if field.default_factory is not None else _masked(str(field.default))
        yield _row(name, _masked(str(value)), layers[name].value, shipped, variable_of(name), field.description or "")
    for name in ("artifacts_dir", "logs_dir", "raw_dir", "reports_dir"):
        yield _row(name, str(getattr(chosen, name)), "derived", "", "(derived)", "")


def _platform(chosen: "Settings", sport: str | None, *, every: bool) -> Iterator[dict[str, object]]:
    for one in _system_settings(chosen):
        is_changed = one.layer.value in {"database", "environment", "flag"}
        named = one.key.split(".")
        if every or is_changed or len(named) < 3 or sport in named:
            yield _row(one.key, one.value, one.layer.value, one.standing, one.variable, one.says, one.kind)


def _system_settings(chosen: "Settings") -> "list[SettingInForce]":
    from aipro_ml.errors import AiproError
    from aipro_ml.jobs.database import has_database, opened
    from aipro_ml.jobs.system_settings import in_force

    if not has_database(chosen):  # nothing was ever set in it, and showing settings makes none
        return in_force(None, chosen)
    try:
        with opened(chosen) as engine:
            return in_force(engine, chosen)
    except AiproError as error:
        warn(f"without what the database sets: {error}")
        return in_force(None, chosen)


def _row(
    name: str, value: str, origin: str, shipped: str, variable: str, says: str, kind: str = ""
) -> dict[str, object]:
    row = {"setting": name, "value": value, "origin": origin, "shipped": shipped, "environment": variable}
    return {**row, "type": kind, "says": says}


def _masked(value: str) -> str:
    """Return an address without the password it may hold; a SecretStr is masked already."""
    return re.sub(r"(://[^:/@]*):.*@", r"\1:***@", value)
