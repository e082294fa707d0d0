"""`aipro predict`: publish predictions, list and explain them."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import progress, say, table
from aipro_ml.cli.values import parse_day, parse_moment

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
    from aipro_ml.jobs.predict import PredictionRequest, predict

    request = PredictionRequest(
        sport, datetime.now(UTC), parse_day(date), season, week, parse_moment(as_of), model, dry_run
    )
    chosen = settings(context)
    with opened(chosen) as engine, progress(f"predict {sport}") as tick:
        reports = predict(engine, chosen, request, tick)
    rows = [report.row for report in reports]
    if as_json or len(rows) <= 20:
        table(rows, title="dry run" if dry_run else "prediction runs", as_json=as_json)
    if as_json:
        return
    published, written = sum(r.published for r in reports), sum(r.written for r in reports)
    abstained = sum(sum(r.abstained.values()) for r in reports)
    new = "would be new" if dry_run else "new"
    say(f"{len(reports)} runs: {published} predictions ({written} {new}), {abstained} abstentions")


@app.command("list")
def list_command(
    context: typer.Context,
    sport: Annotated[str, typer.Option(help="Sport code.")],
    since: Annotated[str | None, typer.Option(help="First local day (YYYY-MM-DD).")] = None,
    until: Annotated[str | None, typer.Option(help="Last local day.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The latest so many.")] = 60,
    as_json: AsJson = False,
) -> None:
    """List published predictions with their grades."""
    from aipro_ml.jobs.listings import list_predictions

    rows = list_predictions(settings(context), sport, parse_day(since), parse_day(until), limit)
    if not as_json:
        rows = [{name: value for name, value in row.items() if name not in {"as_of", "mode", "ev"}} for row in rows]
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
    as_json: AsJson = False,
) -> None:
    """Show why a prediction says what it says, in log-odds of the predicted side."""
    from aipro_ml.jobs.listings import explanation

    rows = explanation(settings(context), prediction)
    table(rows, title=f"prediction {prediction}", as_json=as_json)
    if not as_json:
        total = sum(float(str(row["shap_value"])) for row in rows)
        say(f"sum of contributions: {total:.6f} (the logit of the published probability)")
