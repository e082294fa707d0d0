"""`aipro props`: over and under of what a player will do."""

import getpass
from datetime import UTC, datetime
from typing import Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import progress, say, table
from aipro_ml.cli.values import parse_day, parse_moment
from aipro_ml.enums import Tier

app = typer.Typer(help="Player props: train, predict, grade, list.", no_args_is_help=True)

Sport = Annotated[str, typer.Option(help="Sport code, e.g. NFL or NBA.")]
By = Annotated[str | None, typer.Option(help="Who acts: a user's address; default the machine's login.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would come of it; write nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a row.")]

_STAGES = ("model", "calibrated", "published", "market")


@app.command("train")
def train(
    context: typer.Context,
    sport: Sport,
    until: Annotated[str | None, typer.Option(help="Learn only what was known by this UTC time; default now.")] = None,
    by: By = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Judge the props' models week by week in time order, then fit them on everything known."""
    from aipro_ml.jobs.actors import acting
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.props_train import PropsTraining, train_props

    chosen, now = settings(context), datetime.now(UTC)
    with opened(chosen) as engine, progress(f"props {sport}") as tick:
        actor = acting(engine, by, getpass.getuser())
        done = train_props(engine, chosen, PropsTraining(sport, parse_moment(until) or now, now, actor, dry_run), tick)
    scores = done.scores.rows
    if as_json:
        table([{**row, "model": done.model.version} for row in scores], title="props", as_json=True)
        return
    table([done.counts], title=f"{done.model.sport} props by {done.model.trained_through}")
    losses = [f"{stage}_log_loss" for stage in _STAGES]
    table(
        [_only(row, ["prop", "n", "over", *losses]) for row in scores], title="log loss, each week by those before it"
    )
    briers = [f"{stage}_brier" for stage in _STAGES]
    behind = ["published_behind", "published_low", "published_high"]
    against = "the market" if scores and "market_log_loss" in scores[0] else "a coin: nobody prices these"
    table([_only(row, ["prop", *briers, *behind]) for row in scores], title=f"Brier score; log loss behind {against}")
    blend = done.model.calibration.blend
    if blend.n:
        say(f"blend: model {blend.model_coef:+.3f}, market {blend.market_coef:+.3f} on {blend.n} lines")
    if done.slate.lost.shape[0]:
        from aipro_ml.props.matching import names_of

        say(f"without box scores: {names_of(done.slate.lost)}")
    say("dry run: nothing is written" if done.folder is None else f"model {done.model.version[:16]} in {done.folder}")


@app.command("models")
def models(context: typer.Context, sport: Sport, as_json: AsJson = False) -> None:
    """List the stored models of a sport's props."""
    from aipro_ml.jobs.props_train import list_models

    table(list_models(settings(context), sport), title=f"{sport} props models", as_json=as_json)


@app.command("predict")
def predict(
    context: typer.Context,
    sport: Sport,
    date: Annotated[str | None, typer.Option(help="Games of this local day (YYYY-MM-DD).")] = None,
    season: Annotated[int | None, typer.Option(help="Games of this season.")] = None,
    week: Annotated[int | None, typer.Option(help="Only this week of the season.")] = None,
    as_of: Annotated[
        str | None, typer.Option(help="Decide all at this UTC time; alone: the games of the next 24 hours.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="This model (how its hash begins); default the latest.")] = None,
    by: By = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Publish props of the chosen games with what was known at the decision; the same again adds nothing."""
    from aipro_ml.jobs.actors import acting
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.props_predict import PropsRequest, predict_props

    chosen = settings(context)
    with opened(chosen) as engine:
        actor, now = acting(engine, by, getpass.getuser()), datetime.now(UTC)
        asked = (parse_day(date), season, week, parse_moment(as_of), model, dry_run)
        done = predict_props(engine, chosen, PropsRequest(sport, now, actor, *asked))
    table([done.facts], title="dry run" if dry_run else f"{sport} props", as_json=as_json)
    if done.lost and not as_json:
        say(f"without box scores: {done.lost}")


@app.command("grade")
def grade(
    context: typer.Context, sport: Sport, by: By = None, dry_run: DryRun = False, as_json: AsJson = False
) -> None:
    """Grade published props by the stored box scores; again writes nothing."""
    from aipro_ml.jobs.actors import acting
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.props_grade import grade_props, performance

    with opened(settings(context)) as engine:
        done = grade_props(engine, sport, acting(engine, by, getpass.getuser()), datetime.now(UTC), dry_run=dry_run)
    table([done.facts], title="dry run" if dry_run else f"{sport} props graded", as_json=as_json)
    if as_json or done.rows.empty:
        return
    for each in ("prop", "tier"):
        table(performance(done.rows, each), title=f"graded props by {each}")


@app.command("list")
def list_command(
    context: typer.Context,
    sport: Sport,
    season: Annotated[int | None, typer.Option(help="Only this season.")] = None,
    week: Annotated[int | None, typer.Option(help="Only this week.")] = None,
    prop: Annotated[str | None, typer.Option(help="Only this kind of prop, e.g. receiving_yards.")] = None,
    tier: Annotated[Tier | None, typer.Option(help="Only this tier.")] = None,
    player: Annotated[str | None, typer.Option(help="Only players with this in their name.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The latest so many.")] = 60,
    as_json: AsJson = False,
) -> None:
    """List published props with line, book, prices and grade."""
    from aipro_ml.db.repositories.prop_predictions import Asked
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.props_grade import list_props

    with opened(settings(context)) as engine:
        rows = list_props(engine, sport, Asked(season, week, prop, tier, player, limit))
    if not as_json:
        hidden = {"as_of", "hash"}
        rows = [{name: value for name, value in row.items() if name not in hidden} for row in rows]
    table(rows, title=f"{sport} props", as_json=as_json)


def _only(row: dict[str, object], names: list[str]) -> dict[str, object]:
    return {name: row[name] for name in names if name in row}
