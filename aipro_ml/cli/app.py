"""The root of the `aipro` command: global options, the nouns, and the one place where errors become messages."""

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn
from uuid import uuid4

import typer

from aipro_ml import __version__, logs
from aipro_ml.cli import (
    alert,
    api,
    audit,
    backtest,
    bank,
    bet,
    calibrate,
    config,
    data,
    db,
    demo,
    doctor,
    features,
    grade,
    health,
    key,
    ledger,
    model,
    nightly,
    odds,
    perf,
    predict,
    props,
    schedule,
    train,
    ui,
    user,
    warehouse,
)
from aipro_ml.cli.output import say, warn
from aipro_ml.errors import AiproError, without_values

if TYPE_CHECKING:
    from aipro_ml.config import Settings

app = typer.Typer(
    name="aipro",
    help="AI PRO SPORTS: train, calibrate, predict and grade, with no leak from the future.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: Rich's would import Markdown and a highlighter, a third of the time it takes
)
for _noun in (
    db,
    data,
    odds,
    features,
    train,
    calibrate,
    model,
    predict,
    props,
    grade,
    perf,
    ledger,
    user,
    key,
    bank,
    bet,
    backtest,
    schedule,
    alert,
    audit,
    warehouse,
    api,
    config,
):
    app.add_typer(_noun.app, name=_noun.__name__.rsplit(".", 1)[-1])
app.command("demo")(demo.demo)
app.command("ui")(ui.ui)
app.command("nightly")(nightly.nightly)
app.command("doctor")(doctor.doctor)
app.command("health")(health.health)


def _version(wanted: bool) -> None:
    if wanted:
        say(f"aipro {__version__}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    home: Annotated[Path | None, typer.Option(help="Folder of all state (AIPRO_HOME).")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
    log_json: Annotated[bool | None, typer.Option("--log-json", help="Log lines as JSON objects.")] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="A system setting for this call alone; may be repeated."),
    ] = None,
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Read the settings once and hand them to the command."""
    from aipro_ml.config import load_settings  # pydantic: not needed for --help

    settings = load_settings(home=home, log_level=log_level, log_json=log_json)
    settings = _with_overrides(settings, assignments or [])
    logs.configure(level=settings.log_level, as_json=settings.log_json, folder=settings.logs_dir)
    logs.bind_run(uuid4().hex[:12])
    context.obj = settings


def _with_overrides(settings: "Settings", assignments: list[str]) -> "Settings":
    """Return the settings with those of the platform that this call's environment and flags give."""
    if not assignments and not any(name.startswith(_OVERRIDES) for name in os.environ):
        return settings  # finding out what there is takes time --help should not
    from aipro_ml.jobs.system_settings import given_settings

    return settings.model_copy(update={"overrides": given_settings(settings, os.environ, assignments)})


_OVERRIDES = tuple(f"AIPRO_{family}_" for family in ("BET", "GATE", "HEALTH", "KELLY", "TIER"))
_INTERRUPTED = 130


def main() -> None:
    """Run the command line; every error ends in one message and its exit code."""
    try:
        _run()
    except AiproError as error:
        warn(f"error: {error}")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        _end_interrupted()
    except BrokenPipeError:
        sys.exit(1)
    except OSError as error:
        logging.getLogger(__name__).debug("file system", exc_info=error)
        place = error.filename or "the file system"
        warn(f"error: {place}: {error.strerror or error}; nothing is half written")
        sys.exit(1)
    except Exception as error:  # the last resort: one line, the traceback in the debug log
        logging.getLogger(__name__).debug("unexpected error", exc_info=error)
        if _was_interrupted(error):
            _end_interrupted()
        reason = _database_reason(error)
        if reason is not None:
            warn(f"error: the database: {reason}; nothing is half written, run the same command again")
            sys.exit(1)
        warn(_unforeseen(error))
        sys.exit(2)


def _unforeseen(error: Exception) -> str:
    """Return one line on an error nobody foresaw, or on bytes of the command line that are no UTF-8."""
    if isinstance(error, UnicodeEncodeError):
        return f"error: {str(error.object)[:120]!r} is no UTF-8 text: write it in UTF-8"
    told = " ".join(without_values(str(error)).split())[:300]
    return f"unexpected error: {type(error).__name__}: {told} (the log file under AIPRO_HOME has the traceback)"


def _run() -> None:
    """Run the command; Ctrl-C, which typer meets without a word, comes out as what it is."""
    try:
        app()
    except SystemExit as ended:
        if ended.code == _INTERRUPTED:
            raise KeyboardInterrupt from None
        raise


def _end_interrupted() -> NoReturn:
    warn("interrupted; nothing is half written, run the same command again")
    sys.exit(_INTERRUPTED)


def _was_interrupted(error: BaseException) -> bool:
    """Return whether this error only followed from Ctrl-C: a COPY that is interrupted cannot even roll back."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, KeyboardInterrupt):
        cause = cause.__context__
    return cause is not None


def _database_reason(error: BaseException) -> str | None:
    """Return why the server was lost or gave up (stopped, full, a lock too long), None for any other error."""
    psycopg = sys.modules.get("psycopg")  # not imported for an error that cannot be its own
    if psycopg is None:
        return None
    for cause in (error, error.__cause__):
        if isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError):
            return next((line.strip() for line in str(cause).splitlines() if line.strip()), "the connection was lost")
    return None
