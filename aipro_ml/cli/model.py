"""`aipro model`: list, show and promote."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import say, table
from aipro_ml.enums import BetType

app = typer.Typer(help="Models: list, show, promote.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a row.")]


@app.command("list")
def list_command(
    context: typer.Context,
    sport: Annotated[str | None, typer.Option(help="Only this sport.")] = None,
    bet_type: Annotated[BetType | None, typer.Option(help="Only this bet type.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the models, newest first."""
    from aipro_ml.jobs.catalogue import list_models

    table(list_models(settings(context), sport, bet_type), title="models", as_json=as_json)


@app.command("show")
def show(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="A model id, or how it begins.")],
    as_json: AsJson = False,
) -> None:
    """Show one model: figures, calibration, blend, most important features."""
    from aipro_ml.jobs.catalogue import show_model

    facts, importance = show_model(settings(context), model)
    if as_json:
        table([{**facts, "importance": importance}], title="model", as_json=True)
        return
    table([{"what": name, "value": value} for name, value in facts.items()], title="model")
    table(importance, title="most important features")


@app.command("promote")
def promote(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="A model id, or how it begins.")],
    reason: Annotated[str, typer.Option(help="Why; written down.")],
    actor: Annotated[str, typer.Option(help="Who decides; written down.", envvar="USER")] = "unknown",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check the guards; write nothing.")] = False,
) -> None:
    """Make a model the production model of its sport and bet type."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.promote import Decision
    from aipro_ml.jobs.promote import promote as promote_model

    chosen = settings(context)
    with opened(chosen) as engine:
        done = promote_model(engine, chosen, model, Decision(reason, actor, datetime.now(UTC), dry_run))
    would = "would be (dry run): " if dry_run else ""
    say(f"{would}production model of {done.sport} {done.bet_type}: {done.id} ({done.name})")
