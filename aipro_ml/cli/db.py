"""`aipro db`: create, migrate, check, reach, back up and restore the database."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal, cast

import typer

from aipro_ml.cli import context, output
from aipro_ml.errors import UsageError

app = typer.Typer(help="The database: create, migrate, check, reach, back up, restore.", no_args_is_help=True)

_Json = Annotated[bool, typer.Option("--json", help="One JSON object a row.")]
_RoleOption = Annotated[str, typer.Option("--role", help="Login: app or owner.")]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, do nothing.")]


@app.command()
def init(ctx: typer.Context, as_json: _Json = False) -> None:
    """Create the database where it is missing, build its tables, and say where it is."""
    from aipro_ml.jobs import database

    _show(asdict(database.initialise(context.settings(ctx))), as_json)


@app.command()
def upgrade(ctx: typer.Context, revision: Annotated[str, typer.Argument(help="Revision, or head.")] = "head") -> None:
    """Bring the schema up to a revision."""
    from aipro_ml.jobs import database

    database.upgrade(context.settings(ctx), revision)
    output.say(f"the schema is at {revision}")


@app.command()
def downgrade(
    ctx: typer.Context, revision: Annotated[str, typer.Argument(help="Revision, or base: drop all tables.")]
) -> None:
    """Take the schema down to a revision; what the dropped tables hold is lost."""
    from aipro_ml.jobs import database

    database.downgrade(context.settings(ctx), revision)
    output.say(f"the schema is at {revision}")


@app.command()
def check(ctx: typer.Context, as_json: _Json = False) -> None:
    """Hold the live database against the models; exit code 1 where they differ."""
    from aipro_ml.jobs import database

    differences = database.check(context.settings(ctx))
    output.table([{"difference": each} for each in differences], title="Differences", as_json=as_json)
    if differences:
        raise typer.Exit(1)


@app.command()
def status(ctx: typer.Context, as_json: _Json = False) -> None:
    """Show where the database is, whether it runs, and its revision; starts nothing."""
    from aipro_ml.jobs import database

    _show(asdict(database.status(context.settings(ctx))), as_json)


@app.command()
def stop(ctx: typer.Context) -> None:
    """Stop the embedded server; it starts by itself when it is needed."""
    from aipro_ml.jobs import database

    stopped = database.stop(context.settings(ctx))
    output.say("stopped" if stopped else "no embedded server was running")


@app.command()
def url(
    ctx: typer.Context,
    role: _RoleOption = "app",
    mlflow: Annotated[bool, typer.Option("--mlflow", help="MLflow's database instead.")] = False,
) -> None:
    """Print the address with its password, for psql and other standard clients."""
    from aipro_ml.jobs import database

    typer.echo(database.url(context.settings(ctx), _role(role), mlflow=mlflow))


@app.command()
def psql(
    ctx: typer.Context,
    arguments: Annotated[list[str] | None, typer.Argument(help="Passed to psql, after --.")] = None,
    role: _RoleOption = "app",
) -> None:
    """Open psql on the database."""
    import os

    from aipro_ml.jobs import database

    program, named = database.psql(context.settings(ctx), _role(role))
    os.execve(program, [str(program), *(arguments or [])], {**os.environ, **named})  # noqa: S606 - no shell


@app.command()
def backup(ctx: typer.Context, file: Annotated[Path, typer.Argument(help="File to write.")]) -> None:
    """Write every table, as of one moment, to one file."""
    from aipro_ml.jobs import database

    written = database.backup(context.settings(ctx), file)
    output.say(f"{file}: {len(written.tables)} tables, {written.rows} rows, revision {written.revision}")


@app.command()
def restore(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="File that `aipro db backup` wrote.")],
    replace: Annotated[bool, typer.Option("--replace", help="Drop what the database holds first.")] = False,
    dry_run: _DryRun = False,
) -> None:
    """Load a backup into an empty database, in one transaction, after verifying its checksums."""
    from aipro_ml.jobs import database

    if dry_run:
        found = database.verify_backup(file)
        output.say(f"{file}: intact, {len(found.tables)} tables, {found.rows} rows; nothing was restored")
        return
    loaded = database.restore(context.settings(ctx), file, replace=replace)
    output.say(f"{file}: restored {len(loaded.tables)} tables, {loaded.rows} rows")


def _show(found: dict[str, object], as_json: bool) -> None:
    """Print one row as an object, or standing up for a person."""
    rows = [found] if as_json else [{"field": name, "value": value} for name, value in found.items()]
    output.table(rows, title="Database", as_json=as_json)


def _role(name: str) -> Literal["app", "owner"]:
    if name not in ("app", "owner"):
        raise UsageError(f"--role {name}: choose app or owner")
    return cast(Literal["app", "owner"], name)
