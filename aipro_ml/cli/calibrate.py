"""`aipro calibrate`: turn out-of-fold predictions into a calibrator and a market blend."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import say, table
from aipro_ml.enums import CalibrationMethod

app = typer.Typer(help="Calibrate models on pooled out-of-fold predictions.", no_args_is_help=True)


@app.command("run")
def run(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="A model id, or how it begins.")],
    method: Annotated[CalibrationMethod, typer.Option(help="auto chooses by the rule.")] = CalibrationMethod.AUTO,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Choose and report; write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a row.")] = False,
) -> None:
    """Choose and fit the calibrator and the market blend of a model; report reliability before and after."""
    from aipro_ml.jobs.calibrate import calibrate
    from aipro_ml.jobs.database import opened

    chosen = settings(context)
    with opened(chosen) as engine:
        report = calibrate(engine, chosen, model, method, datetime.now(UTC), dry_run=dry_run)
    table(report.rows, title=f"{report.model.sport} {report.model.bet_type} {report.model.name}", as_json=as_json)
    if as_json:
        return
    blend = report.blend
    error = "" if blend.model_se is None else f" ± {blend.model_se:.3f}"
    say(f"chosen: {report.choice.method} ({report.choice.reason})")
    say(f"market blend: {blend.model_coef:.3f}{error} · model + {blend.market_coef:.3f} · market, {blend.n} games")
    say("dry run: nothing was written" if dry_run else f"reliability: {report.diagram}")
