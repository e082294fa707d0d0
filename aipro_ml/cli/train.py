"""`aipro train`: walk-forward training with its leaderboards."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import say, table, warn
from aipro_ml.cli.search import search
from aipro_ml.cli.training_progress import job_progress
from aipro_ml.cli.values import Where, executor_choice
from aipro_ml.enums import BetType, Framework
from aipro_ml.errors import AiproError, UsageError

if TYPE_CHECKING:
    from aipro_ml.config import Settings, TrainingConfig
    from aipro_ml.jobs.train import TrainingReport, TrainingRequest, Way

app = typer.Typer(help="Train models walk-forward.", no_args_is_help=True)
app.command("search")(search)


WhereOption = Annotated[Where, typer.Option("--executor", help="local: processes of this machine; ray: a Ray cluster.")]
RayAddress = Annotated[
    str | None, typer.Option("--ray-address", help="The cluster's address, host:6379 or auto; default one of our own.")
]
Workers = Annotated[int | None, typer.Option(min=1, help="Jobs at a time; default one a processor.")]
H2oUrl = Annotated[
    str | None, typer.Option("--h2o-url", envvar="AIPRO_H2O_URL", help="A running H2O cluster (AIPRO_H2O_URL).")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a row.")]


@app.command("run")
def run(
    context: typer.Context,
    sport: Annotated[list[str], typer.Option(help="Sport code, e.g. NFL or SIM-NFL; may be repeated.")],
    bet_type: Annotated[list[BetType] | None, typer.Option(help="The market to model; may be repeated.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every bet type of the configuration.")] = False,
    framework: Annotated[list[Framework] | None, typer.Option(help="Only this framework's candidates.")] = None,
    test_from: Annotated[int | None, typer.Option(help="First test season.")] = None,
    test_to: Annotated[int | None, typer.Option(help="Last test season; later games are not used.")] = None,
    config: Annotated[Path | None, typer.Option(help="Training configuration (YAML).")] = None,
    decision_minutes: Annotated[
        int | None, typer.Option(min=1, help="Decide this many minutes before kick-off; default of the sport.")
    ] = None,
    executor: WhereOption = Where.LOCAL,
    ray_address: RayAddress = None,
    workers: Workers = None,
    h2o_url: H2oUrl = None,
    resume: Annotated[bool, typer.Option("--resume", help="Fit only what no earlier run stored whole.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show seasons and rows; train and write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Train every candidate of the configuration; print a leaderboard a sport and bet type, with its baselines."""
    from aipro_ml.config import training_config
    from aipro_ml.jobs.train import TrainingRequest
    from aipro_ml.jobs.training_request import only_frameworks

    chosen = only_frameworks(training_config(config), framework or ())
    requests = [
        TrainingRequest(
            code,
            market,
            chosen,
            datetime.now(UTC),
            test_from,
            test_to,
            decision_minutes,
            clock=lambda: datetime.now(UTC),
            h2o_url=h2o_url,
        )
        for code in dict.fromkeys(sport)
        for market in _bet_types(chosen, bet_type or (), every=every)
    ]
    if dry_run:
        _show_plan(settings(context), requests, as_json=as_json)
        return
    _train(settings(context), requests, _way(executor, ray_address, workers, resume=resume), as_json=as_json)


@app.command("resume")
def resume(
    context: typer.Context,
    training: Annotated[str, typer.Argument(help="How a training's or a run's id begins, or latest.")] = "latest",
    executor: WhereOption = Where.LOCAL,
    ray_address: RayAddress = None,
    workers: Workers = None,
    h2o_url: H2oUrl = None,
    as_json: AsJson = False,
) -> None:
    """Go on with trainings that were killed or failed: fit what is missing, compare everything."""
    from dataclasses import replace

    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.train import resumed

    chosen = settings(context)
    with opened(chosen) as engine:
        reference = None if training == "latest" else training
        found = resumed(engine, reference, datetime.now(UTC), lambda: datetime.now(UTC))
    requests = [replace(request, h2o_url=h2o_url) for request in found]
    if not as_json:
        say(f"resuming {', '.join(request.name for request in requests)}")
    _train(chosen, requests, _way(executor, ray_address, workers, resume=True), as_json=as_json)


@app.command("list")
def list_command(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1)] = 20,
    as_json: AsJson = False,
) -> None:
    """List the latest training runs."""
    from aipro_ml.jobs.catalogue import list_training_runs

    table(list_training_runs(settings(context), limit), title="training runs", as_json=as_json)


def _bet_types(config: "TrainingConfig", named: Sequence[BetType], *, every: bool) -> list[BetType]:
    if every == bool(named):
        raise UsageError("say either --bet-type, once or several times, or --all")
    if named:
        return list(dict.fromkeys(named))
    return [bet_type for bet_type, models in config.models.items() if models]


def _way(where: Where, ray_address: str | None, workers: int | None, *, resume: bool) -> "Way":
    from aipro_ml.jobs.train import Way

    return Way(executor_choice(where, ray_address, workers), resume)


def _show_plan(chosen: "Settings", requests: "Sequence[TrainingRequest]", *, as_json: bool) -> None:
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.train import plan

    with opened(chosen) as engine:
        for request in requests:
            table(plan(engine, request), title=f"would train {request.name} (dry run)", as_json=as_json)


def _train(chosen: "Settings", requests: "Sequence[TrainingRequest]", way: "Way", *, as_json: bool) -> None:
    from dataclasses import replace

    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.train import train_all

    with opened(chosen) as engine, job_progress() as on_progress:
        reports = train_all(engine, chosen, requests, replace(way, on_progress=on_progress))
    for report in reports:
        _show(report, as_json=as_json)
    if len(reports) == 1 and reports[0].problem is not None:
        raise reports[0].problem
    if len(reports) == 1 and not reports[0].models and reports[0].failures:
        raise reports[0].failures[0].error
    problems = [problem for report in reports for problem in _problems(report)]
    if problems:
        raise AiproError("; ".join(problems))


def _show(report: "TrainingReport", *, as_json: bool) -> None:
    about = f"{report.sport} {report.bet_type}"
    if report.leaderboard:
        rows = [row.fields for row in report.leaderboard]
        named = [{"sport": report.sport, "bet_type": report.bet_type, **row} for row in rows]
        table(named if as_json else rows, title=f"{about}: walk-forward", as_json=as_json)
    if report.coefficients and not as_json:
        table(report.coefficients, title=f"{about}: coefficients in log-odds, learned on every test season")
    if report.tracking_problem is not None:
        warn(f"MLflow was not written: {report.tracking_problem}")
    for model in () if as_json else report.models:
        state = "stored before" if model.is_reused else "new" if model.is_new else "known already"
        say(f"{model.name}: model {model.model_id} ({state})")


def _problems(report: "TrainingReport") -> list[str]:
    about = f"{report.sport} {report.bet_type}"
    found = [f"{about} {row.name} failed: {row.error}" for row in report.failures]
    return found if report.problem is None else [*found, f"{about}: {report.problem}"]
