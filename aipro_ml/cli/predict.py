"""`aipro predict`: publish predictions, list and explain them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import progress, say, table, warn
from aipro_ml.cli.values import parse_day, parse_moment
from aipro_ml.enums import Tier
from aipro_ml.errors import AiproError

if TYPE_CHECKING:
    from aipro_ml.jobs.replay import RunReplay


class FileForm(StrEnum):
    """What an exported file is."""

    CSV = "csv"
    PARQUET = "parquet"
    JSON = "json"


app = typer.Typer(help="Predict games and publish into the ledger.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a row.")]


@app.command("run")
def run(
    context: typer.Context,
    sport: Annotated[str, typer.Option(help="Sport code, e.g. NFL or SIM-NFL.")],
    date: Annotated[str | None, typer.Option(help="Games of this local day (YYYY-MM-DD).")] = None,
    season: Annotated[int | None, typer.Option(help="Games of this season.")] = None,
    week: Annotated[int | None, typer.Option(help="Only this week of the season.")] = None,
    as_of: Annotated[
        str | None, typer.Option(help="Decide all at this UTC time; default: each kick-off less the model's minutes.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="This model instead of the production ones.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Compute; write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Predict the chosen games with what was known at the decision time; the same again adds nothing."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.ledger import keep_head, tag_head
    from aipro_ml.jobs.predict import PredictionRequest, predict

    request = PredictionRequest(
        sport, datetime.now(UTC), parse_day(date), season, week, parse_moment(as_of), model, dry_run
    )
    chosen = settings(context)
    with opened(chosen) as engine, progress(f"predict {sport}") as tick:
        reports = predict(engine, chosen, request, tick)
        kept = None if dry_run else keep_head(engine, chosen, reports, datetime.now(UTC))
        problem = None if kept is None else tag_head(engine, chosen, kept)
    rows = [report.row for report in reports]
    if as_json or len(rows) <= 20:
        table(rows, title="dry run" if dry_run else "prediction runs", as_json=as_json)
    if as_json:
        return
    published, written = sum(r.published for r in reports), sum(r.written for r in reports)
    abstained = sum(sum(r.abstained.values()) for r in reports)
    new = "would be new" if dry_run else "new"
    asked = sum(report.games * report.bet_types for report in reports)
    say(
        f"{len(reports)} runs: {published} predictions ({written} {new}), {abstained} abstentions: "
        f"{published} + {abstained} = {asked} games × bet types"
    )
    if kept is not None:
        say(f"head {kept.head.seq}:{kept.head.chain_hash} kept in {kept.file}")
        if problem is not None:
            warn(f"the head was not tagged in MLflow: {problem}")


@app.command("list")
def list_command(
    context: typer.Context,
    sport: Annotated[str, typer.Option(help="Sport code.")],
    since: Annotated[str | None, typer.Option(help="First local day (YYYY-MM-DD).")] = None,
    until: Annotated[str | None, typer.Option(help="Last local day.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The latest so many.")] = 60,
    model: Annotated[str | None, typer.Option(help="Only this model's: how its id begins.")] = None,
    shadow: Annotated[bool, typer.Option("--shadow", help="Those of models not in production too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List published predictions with their grades: those of the models that were in production."""
    from aipro_ml.jobs.listings import Listed, list_predictions

    asked = Listed(parse_day(since), parse_day(until), limit, model, shadow)
    rows = list_predictions(settings(context), sport, asked)
    if not as_json:
        hidden = {"as_of", "mode", "ev"} | (set() if shadow or model else {"model", "role"})
        rows = [{name: value for name, value in row.items() if name not in hidden} for row in rows]
    table(rows, title=f"{sport} predictions", as_json=as_json)


@app.command("runs")
def runs(
    context: typer.Context,
    sport: Annotated[str, typer.Option(help="Sport code.")],
    limit: Annotated[int, typer.Option(min=1)] = 20,
    as_json: AsJson = False,
) -> None:
    """List prediction runs."""
    from aipro_ml.jobs.listings import list_runs

    table(list_runs(settings(context), sport, limit), title=f"{sport} prediction runs", as_json=as_json)


@app.command("explain")
def explain(
    context: typer.Context,
    prediction: Annotated[str, typer.Argument(help="A prediction id, or how it begins.")],
    plot: Annotated[Path | None, typer.Option(help="Draw it as a waterfall into this PNG file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show why a prediction says what it says, in log-odds of the predicted side."""
    from aipro_ml.jobs.listings import explanation

    rows = explanation(settings(context), prediction)
    table(rows, title=f"prediction {prediction}", as_json=as_json)
    if not as_json:
        total = sum(float(str(row["shap_value"])) for row in rows)
        say(f"sum of contributions: {total:.6f} (the logit of the published probability)")
    if plot is not None:
        from aipro_ml.jobs.listings import plot_explanation

        path = plot_explanation(settings(context), prediction, rows, plot)
        if not as_json:
            say(f"waterfall: {path}")


@app.command("replay")
def replay_command(
    context: typer.Context,
    run: Annotated[str | None, typer.Option(help="A run's id, or how it begins.")] = None,
    date: Annotated[str | None, typer.Option(help="Runs decided on this local day (YYYY-MM-DD).")] = None,
    season: Annotated[int | None, typer.Option(help="Runs over games of this season.")] = None,
    sport: Annotated[str | None, typer.Option(help="Sport code; a day and a season need one.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compute stored runs again from what was known then and hold every row against the ledger; write nothing."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.replay import ReplayRequest, replay

    chosen = settings(context)
    with opened(chosen) as engine, progress("replay") as tick:
        replays = replay(engine, chosen, ReplayRequest(run, parse_day(date), season, sport), tick)
    _tell_replay(replays, as_json=as_json)


def _tell_replay(replays: "Sequence[RunReplay]", *, as_json: bool) -> None:
    """Print the replays and every difference; AiproError where there is one."""
    rows = [one.row for one in replays]
    off = [{"run": str(one.run_id)[:8], **each.row} for one in replays for each in one.differences]
    if as_json:
        told = [{**one.row, "differences": [each.row for each in one.differences]} for one in replays]
        table(told, title="replays", as_json=True)
    elif len(rows) <= 20:
        table(rows, title="replays")
    if off and not as_json:
        table(off[:20], title="differences")
    count, equal = sum(one.rows for one in replays), sum(one.equal for one in replays)
    if not as_json:
        share = f"{equal / count:.2%} of {count} predictions equal" if count else "no predictions"
        kinds = {name: sum(row["verdict"] == name for row in off) for name in ("differs", "missing", "extra")}
        counts = ", ".join(f"{number} {name}" for name, number in kinds.items())
        runs = "1 computation" if len(replays) == 1 else f"{len(replays)} computations"
        say(f"{runs}: {share}; {sum(one.abstained for one in replays)} abstentions; {counts}")
    if off:
        changed = any(one.other_features for one in replays)
        why = "; the features' code or figures have changed since" if changed else ""
        raise AiproError(f"{len(off)} rows did not come again as they were{why}")


@app.command("export")
def export(
    context: typer.Context,
    out: Annotated[Path, typer.Option(help="File to write.")],
    form: Annotated[FileForm, typer.Option("--format", help="What the file is.")] = FileForm.CSV,
    sport: Annotated[str | None, typer.Option(help="Only this sport.")] = None,
    date: Annotated[str | None, typer.Option(help="Only games of this local day (YYYY-MM-DD).")] = None,
    tier: Annotated[list[Tier] | None, typer.Option(help="Only these tiers; may be repeated.")] = None,
) -> None:
    """Write predictions with their grades to a file, by kick-off."""
    from aipro_ml.jobs.prediction_files import Selection, export_predictions

    chosen = Selection(sport, parse_day(date), tuple(tier or ()))
    count = export_predictions(settings(context), chosen, out, form.value)
    say(f"{count} predictions to {out}")
