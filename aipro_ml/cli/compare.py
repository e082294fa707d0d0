"""`aipro model compare`: stored models and baselines on the same games."""

from typing import Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import say, table
from aipro_ml.enums import BetType


def compare(
    context: typer.Context,
    sport: Annotated[str, typer.Option(help="Sport code, e.g. NFL or SIM-NFL.")],
    bet_type: Annotated[BetType, typer.Option(help="The market.")],
    model: Annotated[
        list[str] | None, typer.Option(help="How a model's id begins; repeatable. Default: the newest of each name.")
    ] = None,
    against: Annotated[
        str | None, typer.Option(help="The row the others are paired with: its name or a model's id. Default: market.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a row.")] = False,
) -> None:
    """Compare stored models with each other and the baselines, paired by game; write nothing."""
    from aipro_ml.jobs.compare import ComparisonRequest, compare_models
    from aipro_ml.jobs.database import opened

    chosen = settings(context)
    with opened(chosen) as engine:
        report = compare_models(engine, chosen, ComparisonRequest(sport, bet_type, tuple(model or ()), against))
    table(report.fields, title=f"{sport} {bet_type}: against {report.against}", as_json=as_json)
    if as_json:
        return
    if report.coefficients:
        table(report.coefficients, title="coefficients in log-odds, learned on every season")
    for note in report.notes:
        say(note)
