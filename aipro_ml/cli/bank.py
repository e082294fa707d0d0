"""`aipro bank`: bankrolls, and the money that goes in and out."""

import getpass
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import say, table
from aipro_ml.errors import AiproError

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from aipro_ml.jobs.bank import Request, Summary

app = typer.Typer(help="Bankrolls: open, pay in, take out, show, verify.", no_args_is_help=True)

User = Annotated[str, typer.Option(help="Whose bankroll: the user's e-mail address.")]
By = Annotated[str | None, typer.Option(help="Who acts: a user's address; default the machine's login.")]
Amount = Annotated[str, typer.Argument(help="Such as 250 or 250.50.")]
Currency = Annotated[str | None, typer.Option(help="Refuse unless the bankroll is in this currency.")]
Note = Annotated[str | None, typer.Option(help="Kept with the movement.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would come of it; write nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a row.")]


@app.command("open")
def open_command(
    context: typer.Context,
    user: User,
    amount: Annotated[str | None, typer.Option(help="The first deposit, such as 1000; default none.")] = None,
    currency: Annotated[str, typer.Option(help="Three letters.")] = "USD",
    by: By = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Open a user's bankroll; a user has one."""
    from aipro_ml.betting.bank import amount_of
    from aipro_ml.jobs.bank import open_bank

    first = None if amount is None else amount_of(amount)
    _act(context, (user, by, currency, dry_run), lambda engine, request: open_bank(engine, request, first), as_json)


@app.command("deposit")
def deposit(
    context: typer.Context,
    amount: Amount,
    user: User,
    note: Note = None,
    currency: Currency = None,
    by: By = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Pay into a bankroll."""
    from aipro_ml.betting.bank import amount_of
    from aipro_ml.jobs.bank import deposit as pay_in

    paid = amount_of(amount)
    _act(context, (user, by, currency, dry_run), lambda engine, request: pay_in(engine, request, paid, note), as_json)


@app.command("withdraw")
def withdraw(
    context: typer.Context,
    amount: Amount,
    user: User,
    note: Note = None,
    currency: Currency = None,
    by: By = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Take out of a bankroll; refused (exit code 3) where it holds less."""
    from aipro_ml.betting.bank import amount_of
    from aipro_ml.jobs.bank import withdraw as take_out

    taken = amount_of(amount)
    _act(
        context, (user, by, currency, dry_run), lambda engine, request: take_out(engine, request, taken, note), as_json
    )


@app.command("show")
def show(
    context: typer.Context,
    user: User,
    limit: Annotated[int, typer.Option(min=1, help="The latest so many movements.")] = 20,
    as_json: AsJson = False,
) -> None:
    """Show a bankroll, what its bets came to, and its latest movements."""
    from aipro_ml.jobs.bank import show as read
    from aipro_ml.jobs.database import opened

    with opened(settings(context)) as engine:
        summary, rows = read(engine, user, limit)
    if as_json:
        table([{**_row(summary), "movements": rows}], title="bankroll", as_json=True)
        return
    table([_row(summary)], title="bankroll")
    shown = [{**row, "bet_id": "" if row["bet_id"] is None else str(row["bet_id"])[:8]} for row in rows]
    table(shown, title="movements")


@app.command("verify")
def verify(context: typer.Context, as_json: AsJson = False) -> None:
    """Prove that every bankroll is the sum of its movements and paid what its bets are due; exit code 1 if not."""
    from aipro_ml.jobs.bank import verify as check
    from aipro_ml.jobs.database import opened

    with opened(settings(context)) as engine:
        count, faults = check(engine)
    if faults:
        table(faults, title="faults", as_json=as_json)
        raise AiproError(f"{len(faults)} faults in {count} bankrolls")
    if as_json:
        table([{"bankrolls": count, "faults": 0}], title="bankrolls", as_json=True)
    else:
        say(f"{count} bankrolls: every balance, peak and low follows from its movements, every bet was paid its due")


def request_of(engine: "Engine", options: tuple[str, str | None, str | None, bool]) -> "Request":
    """Return the request of (user, by, currency, dry run) at this moment."""
    from aipro_ml.jobs.actors import acting
    from aipro_ml.jobs.bank import Request

    user, by, currency, dry_run = options
    return Request(user, acting(engine, by, getpass.getuser()), datetime.now(UTC), currency, dry_run)


def _act(
    context: typer.Context,
    options: tuple[str, str | None, str | None, bool],
    act: "Callable[[Engine, Request], Summary]",
    as_json: bool,
) -> None:
    from aipro_ml.jobs.database import opened

    with opened(settings(context)) as engine:
        summary = act(engine, request_of(engine, options))
    table([_row(summary)], title="dry run" if options[-1] else "bankroll", as_json=as_json)


def _row(summary: "Summary") -> dict[str, object]:
    stored, bets = summary.bank, summary.bets
    facts: dict[str, object] = {
        "user": stored.email,
        "currency": stored.currency,
        "balance": stored.current,
        "peak": stored.peak,
        "low": stored.low,
        "deposited": summary.deposited,
        "withdrawn": summary.withdrawn,
        "bets": bets.count,
        "open": bets.open,
        "at_stake": bets.at_stake,
        "settled_stakes": bets.settled_stakes,
        "profit": bets.profit,
    }
    return facts if not summary.owed else {**facts, "owed": summary.owed}
