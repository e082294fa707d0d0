"""`aipro train search`: parameters found on seasons before the first test season."""

import time
from pathlib import Path
from typing import Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import progress, say, table
from aipro_ml.enums import BetType


def search(
    context: typer.Context,
    sport: Annotated[str, typer.Option(help="Sport code, e.g. NFL or SIM-NFL.")],
    bet_type: Annotated[BetType, typer.Option(help="The market to model.")],
    config: Annotated[str, typer.Option(help="Where to look: a shipped search configuration or a YAML file.")],
    test_from: Annotated[int, typer.Option(help="First test season; only seasons before it are searched on.")],
    trials: Annotated[int, typer.Option(min=1, help="Trials at which the search ends, earlier calls included.")] = 50,
    timeout: Annotated[int | None, typer.Option(min=1, help="Begin no trial after so many seconds.")] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the study; default derived from what it depends on.")
    ] = None,
    resume: Annotated[str | None, typer.Option(help="Go on with the study of this name.")] = None,
    output: Annotated[Path | None, typer.Option(help="Write the best as a training configuration (YAML).")] = None,
    decision_minutes: Annotated[
        int | None, typer.Option(min=1, help="Decide this many minutes before kick-off; default of the sport.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a row.")] = False,
) -> None:
    """Find parameters by walk-forward log loss, with Optuna; test seasons are never looked at."""
    from aipro_ml.config import search_config
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.search import SearchRequest, find_parameters, refuse_foreign
    from aipro_ml.training.search import BEST_TRIALS

    if output is not None:
        refuse_foreign(output)
    chosen = settings(context)
    space_name, space = search_config(config)
    request = SearchRequest(
        sport, bet_type, space_name, space, test_from, trials, resume or name, resume is not None, decision_minutes
    )
    ends = None if timeout is None else time.monotonic() + timeout

    def goes_on() -> bool:
        return ends is None or time.monotonic() < ends

    with opened(chosen) as engine, progress(f"search {sport} {bet_type} {space_name}") as tick:
        report = find_parameters(engine, chosen, request, goes_on, tick)
    found = report.found
    title = f"{sport} {bet_type} {space_name}: best trials of {found.study}"
    table([trial.fields for trial in found.best[:BEST_TRIALS]], title=title, as_json=as_json)
    if output is not None:
        report.written(output)
    if as_json:
        return
    if found.importance:
        shares = [{"parameter": key, "share": share} for key, share in found.importance.items()]
        table(shares, title="what separates the best from the rest")
    record = found.record
    first, last = record.seasons[0], record.seasons[-1]
    say(f"{record.trials} trials ({record.pruned} pruned, {record.failed} failed) on seasons {first} to {last}")
    say(f"study: {found.study}" if output is None else f"best written to {output}")
