"""`aipro bet`: bets on predictions."""

import getpass
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

import typer

from aipro_ml.cli.bank import AsJson, By, DryRun, User, request_of
from aipro_ml.cli.context import settings
from aipro_ml.cli.output import say, table

app = typer.Typer(help="Bets on predictions: place, settle, list.", no_args_is_help=True)

OneUser = Annotated[str | None, typer.Option(help="Only this user's bets, by e-mail address; default all.")]


@app.command("place")
def place(
    context: typer.Context,
    prediction: Annotated[str, typer.Argument(help="A prediction id, or how it begins.")],
    user: User,
    stake: Annotated[str | None, typer.Option(help="Such as 25 or 25.50; default: Kelly, within the limits.")] = None,
    odds: Annotated[int | None, typer.Option(help="The American price taken; default: the prediction's.")] = None,
    book: Annotated[str | None, typer.Option(help="The sportsbook that gave these odds.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Although a bet on this prediction is open.")] = False,
    currency: Annotated[str | None, typer.Option(help="Refuse unless the bankroll is in this currency.")] = None,
    by: By = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Place a bet and take its stake; refused (exit code 3) after kick-off, over a limit, for a tier not bet on."""
    from aipro_ml.betting.bank import amount_of
    from aipro_ml.jobs.bets import Wish
    from aipro_ml.jobs.bets import place as write
    from aipro_ml.jobs.database import opened

    wish = Wish(prediction, None if stake is None else amount_of(stake, "stake"), odds, book, again)
    chosen = settings(context)
    with opened(chosen) as engine:
        request = request_of(engine, (user, by, currency, dry_run))
        slip = write(engine, replace(request, overrides=chosen.overrides), wish)
    offer = slip.offer
    facts: dict[str, object] = {
        "bet": str(slip.bet_id) if as_json else str(slip.bet_id)[:8],
        "game": offer.game,
        "kickoff": offer.kickoff,
        "bet_type": offer.bet_type,
        "side": offer.side,
        "line": offer.line,
        "odds": slip.odds,
        "book": slip.book,
        "tier": slip.tier,
        "ev": round(slip.ev, 6),
        "stake": slip.stake,
        "balance": slip.balance,
        "currency": slip.currency,
    }
    table([facts], title="dry run" if dry_run else "bet placed", as_json=as_json)


@app.command("settle")
def settle(
    context: typer.Context, user: OneUser = None, by: By = None, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Bring bets to the grades of their predictions; a changed grade moves a correction. Again writes nothing."""
    from aipro_ml.jobs.actors import acting
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.settling import settle as bring

    with opened(settings(context)) as engine:
        report = bring(engine, acting(engine, by, getpass.getuser()), datetime.now(UTC), user, dry_run=dry_run)
    rows: list[dict[str, object]] = [
        {
            "bet": str(each.bet_id) if as_json else str(each.bet_id)[:8],
            "user": each.user,
            "stake": each.stake,
            "odds": each.odds,
            "before": each.before,
            "result": each.result,
            "profit": each.profit,
            "moved": each.moved,
            "owed": each.owed,
        }
        for each in report.settlements
    ]
    table(rows, title="dry run" if dry_run else "settled", as_json=as_json)
    if not as_json:
        say(f"{len(rows)} bets settled or corrected, {report.pending} pending")


@app.command("list")
def list_command(
    context: typer.Context,
    user: OneUser = None,
    open_only: Annotated[bool, typer.Option("--open", help="Only bets that are not settled.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="The latest so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List bets, the latest last."""
    from aipro_ml.jobs.bets import list_bets
    from aipro_ml.jobs.database import opened

    with opened(settings(context)) as engine:
        rows = list_bets(engine, user, limit, open_only=open_only)
    table(rows if as_json else [{**row, "id": str(row["id"])[:8]} for row in rows], title="bets", as_json=as_json)
