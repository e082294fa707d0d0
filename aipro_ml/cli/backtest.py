"""`aipro backtest`: bet on the past as it was, with results, page and a journal of what was looked at."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import progress, say, table
from aipro_ml.enums import BetType
from aipro_ml.errors import UsageError

if TYPE_CHECKING:
    from aipro_ml.jobs.backtest import Backtest

app = typer.Typer(help="Backtest: what betting on a model would have come to.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a row.")]


@app.command("run")
def run(
    context: typer.Context,
    sport: Annotated[str, typer.Option(help="Sport code, e.g. NFL.")],
    bet_type: Annotated[list[BetType], typer.Option(help="What to bet on; may be repeated.")],
    first: Annotated[int, typer.Option("--from", help="First season.")],
    last: Annotated[int, typer.Option("--to", help="Last season.")],
    candidate: Annotated[str | None, typer.Option(help="A candidate of the training configuration.")] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="A stored model, by how its id begins; one a bet type.")
    ] = None,
    training: Annotated[Path | None, typer.Option(help="Training configuration (YAML) with the candidate.")] = None,
    config: Annotated[Path | None, typer.Option(help="Backtest configuration (YAML).")] = None,
    decide: Annotated[str | None, typer.Option(help="Minutes before kick-off, or openers.")] = None,
    latency: Annotated[float | None, typer.Option(min=0, help="Seconds from the decision to the bet.")] = None,
    lag_hours: Annotated[float | None, typer.Option(min=0, help="Hours of news kept from the model.")] = None,
    probability: Annotated[str | None, typer.Option(help="model, calibrated or published.")] = None,
    book: Annotated[list[str] | None, typer.Option(help="Bet only here; may be repeated.")] = None,
    bankroll: Annotated[float | None, typer.Option(help="Bankroll at the start.")] = None,
    largest_bet: Annotated[float | None, typer.Option(help="Largest stake a book takes.")] = None,
    trials: Annotated[int | None, typer.Option(min=0, help="Configurations looked at elsewhere.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seeds intervals, tests and the random rival.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Compute and print; keep nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bet on past seasons as the night would have, keep figures, bets and a page, and note the trial."""
    from aipro_ml.config import training_config
    from aipro_ml.evaluation.backtest_config import backtest_config
    from aipro_ml.jobs.backtest import run_backtest
    from aipro_ml.jobs.backtest_keep import PAGE, keep
    from aipro_ml.jobs.backtest_request import BacktestRequest
    from aipro_ml.jobs.database import opened

    how = backtest_config(
        config,
        decide=_moment(decide),
        latency_seconds=latency,
        lag_hours=lag_hours,
        probability=probability,
        books=tuple(book) if book else None,
        bankroll=bankroll,
        largest_bet=largest_bet,
        trials=trials,
        seed=seed,
    )
    chosen = settings(context)
    request = BacktestRequest(
        sport.upper(),
        tuple(dict.fromkeys(bet_type)),
        first,
        last,
        datetime.now(UTC),
        how,
        training_config(training),
        candidate,
        tuple(model or ()),
    )
    with opened(chosen) as engine, progress("backtest") as tick:
        found = run_backtest(engine, chosen, request, lambda _, done, total: tick(done, total))
    folder = None
    try:
        if not dry_run:
            folder, found = keep(chosen, found)
    finally:
        _show(found, as_json=as_json)  # also where it could not be kept: it took long enough
    if folder is not None and not as_json:
        say(f"bets, figures and page: {folder / PAGE}")


@app.command("list")
def list_command(context: typer.Context, as_json: AsJson = False) -> None:
    """List the trials: every configuration a backtest looked at, and what it came to."""
    from aipro_ml.jobs.backtest_trials import trial_rows

    table(trial_rows(settings(context).reports_dir), title="trials", as_json=as_json)


def _moment(text: str | None) -> int | str | None:
    if text is None or text == "openers":
        return text
    if not (text.isdecimal() and len(text) < 10):
        raise UsageError(f"--decide {text}: a number of minutes before kick-off, or openers")
    return int(text)


def _show(found: "Backtest", *, as_json: bool) -> None:
    from aipro_ml.evaluation.backtest_report import sentences

    result, asked = found.result, found.document
    about = f"{asked['sport']} {', '.join(asked['bet_types'])} {asked['first']}-{asked['last']}, {asked['who']}"
    if as_json:
        table([{"request": asked, **result.document}], title=about, as_json=True)
        return
    table([each.row for each in result.figures], title=f"{about}: one unit a bet")
    table(result.money.to_dict("records"), title="money by lowered prices")
    for sentence in sentences(result):
        say(f"- {sentence}")
