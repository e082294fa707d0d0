"""`aipro train`: walk-forward training with its leaderboard."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import progress, say, table, warn
from aipro_ml.cli.search import search
from aipro_ml.enums import BetType
from aipro_ml.errors import AiproError

app = typer.Typer(help="Train models walk-forward.", no_args_is_help=True)
app.command("search")(search)


@app.command("run")
def run(
    context: typer.Context,
    sport: Annotated[str, typer.Option(help="Sport code, e.g. NFL or SIM-NFL.")],
    bet_type: Annotated[BetType, typer.Option(help="The market to model.")],
    test_from: Annotated[int | None, typer.Option(help="First test season.")] = None,
    test_to: Annotated[int | None, typer.Option(help="Last test season; later games are not used.")] = None,
    config: Annotated[Path | None, typer.Option(help="Training configuration (YAML).")] = None,
    decision_minutes: Annotated[
        int | None, typer.Option(min=1, help="Decide this many minutes before kick-off; default of the sport.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show seasons and rows; train and write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a row.")] = False,
) -> None:
    """Train every candidate of the configuration; print the leaderboard with its baselines."""
    from aipro_ml.config import training_config
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.train import TrainingRequest, plan, train

    chosen = settings(context)
    request = TrainingRequest(
        sport,
        bet_type,
        training_config(config),
        datetime.now(UTC),
        test_from,
        test_to,
        decision_minutes,
        clock=lambda: datetime.now(UTC),
    )
    if dry_run:
        with opened(chosen) as engine:
            table(plan(engine, request), title=f"would train {sport} {bet_type} (dry run)", as_json=as_json)
        return
    with opened(chosen) as engine, progress(f"train {sport} {bet_type}") as tick:
        report = train(engine, chosen, request, tick)
    table([row.fields for row in report.leaderboard], title=f"{sport} {bet_type}: walk-forward", as_json=as_json)
    if report.tracking_problem is not None:
        warn(f"MLflow was not written: {report.tracking_problem}")
    if not as_json:
        for model in report.models:
            say(f"{model.name}: model {model.model_id} ({'new' if model.is_new else 'known already'})")
    if report.failures:
        raise AiproError("; ".join(f"{row.name} failed: {row.error}" for row in report.failures))


@app.command("list")
def list_command(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a row.")] = False,
) -> None:
    """List the latest training runs."""
    from aipro_ml.jobs.catalogue import list_training_runs

    table(list_training_runs(settings(context), limit), title="training runs", as_json=as_json)
