"""`aipro model`: list, show, promote, roll back, and who decided what."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from aipro_ml.cli.compare import compare
from aipro_ml.cli.context import settings
from aipro_ml.cli.output import progress, say, table, warn
from aipro_ml.enums import BetType
from aipro_ml.errors import AiproError

if TYPE_CHECKING:
    from aipro_ml.config import Settings
    from aipro_ml.jobs.promote import Promotion

app = typer.Typer(help="Models: list, show, compare, promote, roll back, history, MLflow.", no_args_is_help=True)
app.command("compare")(compare)

Actor = Annotated[str, typer.Option(help="Who decides: a user's address or a name; written down.", envvar="USER")]
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
    actor: Actor = "unknown",
    force: Annotated[bool, typer.Option("--force", help="Promote against the gate's HOLD or REJECT.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Ask the gate; write nothing.")] = False,
) -> None:
    """Make a model the production model of its sport and bet type, if the gate says PROMOTE."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.promote import Decision, PromotionRefusedError
    from aipro_ml.jobs.promote import promote as promote_model
    from aipro_ml.jobs.promotions import check_rows

    chosen = settings(context)
    with opened(chosen) as engine:
        try:
            done = promote_model(engine, chosen, model, Decision(reason, actor, _now(), dry_run, force, _now))
        except PromotionRefusedError as refused:
            table(check_rows(refused.gate), title=f"gate: {refused.gate.verdict}")
            raise
    if done.gate is not None:
        table(check_rows(done.gate), title=f"gate: {done.gate.verdict}")
        say(done.gate.sentence)
    _tell(done, chosen, dry_run=dry_run)


@app.command("rollback")
def rollback(
    context: typer.Context,
    sport: Annotated[str, typer.Option(help="Sport code.")],
    bet_type: Annotated[BetType, typer.Option(help="Bet type.")],
    reason: Annotated[str, typer.Option(help="Why; written down.")],
    actor: Actor = "unknown",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say which model would come back; write nothing.")] = False,
) -> None:
    """Bring back the production model before the present one; the history keeps both."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.promote import Decision
    from aipro_ml.jobs.promote import rollback as roll_back

    chosen = settings(context)
    with opened(chosen) as engine:
        done = roll_back(engine, chosen, sport, bet_type, Decision(reason, actor, _now(), dry_run, clock=_now))
    _tell(done, chosen, dry_run=dry_run)


@app.command("history")
def history_command(
    context: typer.Context,
    sport: Annotated[str | None, typer.Option(help="Only this sport.")] = None,
    bet_type: Annotated[BetType | None, typer.Option(help="Only this bet type.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The latest so many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List promotions, refusals and rollbacks, newest first; as JSON with every number of the gate."""
    from aipro_ml.jobs.promotions import history

    table(history(settings(context), sport, bet_type, limit, full=as_json), title="promotions", as_json=as_json)


@app.command("sync")
def sync_command(
    context: typer.Context,
    sport: Annotated[str | None, typer.Option(help="Only this sport.")] = None,
) -> None:
    """Bring MLflow to what the database says: log missing runs, set the aliases; the same again changes nothing."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.sync import sync

    chosen = settings(context)
    with opened(chosen) as engine, progress("sync") as tick:
        report = sync(engine, chosen, sport, tick)
    say(f"{report.trainings} trainings, {report.runs_added} runs added, {len(report.aliases)} aliases changed")
    for alias, model in report.aliases.items():
        say(f"{alias}: {'nothing' if model is None else model}")
    for problem in report.problems:
        warn(problem)
    if report.problems:
        raise AiproError(f"{len(report.problems)} of them could not be repaired")


def _now() -> datetime:
    return datetime.now(UTC)


def _tell(done: "Promotion", chosen: "Settings", *, dry_run: bool) -> None:
    """Say which model is in production now; then let MLflow's aliases follow."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.sync import aliases_problem

    model = done.model
    would = "would be (dry run): " if dry_run else ""
    instead = "" if done.previous is None else f", instead of {str(done.previous)[:8]}"
    still = "" if done.changed else " already"
    say(f"{would}production model of {model.sport} {model.bet_type}{still}: {model.id} ({model.name}){instead}")
    if dry_run:
        return
    with opened(chosen) as engine:
        problem = aliases_problem(engine, chosen, model.sport, model.bet_type)
    if problem is not None:
        warn(f"MLflow's aliases do not follow yet: {problem}; `aipro model sync` repairs them")
