"""`aipro calibrate`: turn out-of-fold predictions into a calibrator and a market blend."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import say, table
from aipro_ml.enums import CalibrationMethod, ReliabilityBy

app = typer.Typer(help="Calibrate models on pooled out-of-fold predictions.", no_args_is_help=True)


@app.command("run")
def run(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="A model id, or how it begins.")],
    method: Annotated[CalibrationMethod, typer.Option(help="auto chooses by the rule.")] = CalibrationMethod.AUTO,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Choose and report; write nothing.")] = False,
    reason: Annotated[str | None, typer.Option(help="Of a production model: why; asks the gate, written down.")] = None,
    actor: Annotated[str, typer.Option(help="Who decides; written down with the reason.", envvar="USER")] = "unknown",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a row.")] = False,
) -> None:
    """Choose and fit the calibrator and the market blend of a model; report reliability before and after."""
    from aipro_ml.jobs.calibrate import calibrate
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.promote import Decision
    from aipro_ml.jobs.recalibrate import recalibrate

    chosen, now = settings(context), datetime.now(UTC)
    with opened(chosen) as engine:
        if reason is None or dry_run:
            report = calibrate(engine, chosen, model, method, now, dry_run=dry_run)
        else:
            report = recalibrate(engine, chosen, model, method, Decision(reason, actor, now))
    table(report.rows, title=f"{report.model.sport} {report.model.bet_type} {report.model.name}", as_json=as_json)
    if as_json:
        return
    blend = report.blend
    error = "" if blend.model_se is None else f" ± {blend.model_se:.3f}"
    if report.choice.log_losses:
        compared = ", ".join(f"{name} {loss:.4f}" for name, loss in report.choice.log_losses.items())
        say(f"walk-forward log loss on {report.choice.compared} games: {compared}")
    say(f"chosen: {report.choice.method} ({report.choice.reason})")
    say(f"market blend: {blend.model_coef:.3f}{error} · model + {blend.market_coef:.3f} · market, {blend.n} games")
    if report.free.model_coef < 0:
        say(f"the model's weight is held at 0: freely it came out {report.free.model_coef:.3f}")
    say("dry run: nothing was written" if dry_run else f"reliability: {report.diagram}")


@app.command("show")
def show(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="A calibrated model's id, or how it begins.")],
    by: Annotated[ReliabilityBy, typer.Option(help="One row a stage, or of the calibrated model a season or bin.")] = (
        ReliabilityBy.STAGE
    ),
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a row.")] = False,
) -> None:
    """Show how far a calibrated model's probabilities can be believed; write nothing."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.reliability import stored_reliability

    chosen = settings(context)
    with opened(chosen) as engine:
        found = stored_reliability(engine, chosen, model)
    title = f"{found.model.sport} {found.model.bet_type} {found.model.name}, {found.method}, by {by}"
    table(found.rows(by), title=title, as_json=as_json)


@app.command("list")
def list_command(
    context: typer.Context,
    sport: Annotated[str | None, typer.Option(help="Only this sport.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a row.")] = False,
) -> None:
    """List the stored calibrators, the newest first: whose they are, and whether the model speaks through them now."""
    from aipro_ml.jobs.catalogue import list_calibrators

    table(list_calibrators(settings(context), sport), title="calibrators", as_json=as_json)
