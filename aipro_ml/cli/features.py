"""`aipro features`: materialise features and list what is stored."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import progress, say, table
from aipro_ml.enums import BetType

app = typer.Typer(help="Point-in-time features.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a row.")]


@app.command("build")
def build(
    context: typer.Context,
    sport: Annotated[str, typer.Option(help="Sport code.")],
    bet_type: Annotated[BetType | None, typer.Option(help="Only this one; default all.")] = None,
    decision_minutes: Annotated[int | None, typer.Option(min=1, help="Decide this long before kick-off.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Compute; write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Materialise the features of every game as known at its decision time; stored vectors stay."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.matrices import BuildOptions, build_features

    wanted = tuple(BetType) if bet_type is None else (bet_type,)
    with opened(settings(context)) as engine, progress(f"features {sport}") as tick:
        options = BuildOptions(datetime.now(UTC), decision_minutes, dry_run)
        reports = build_features(engine, sport, wanted, options, tick)
    table([{**vars(report)} for report in reports], title=f"{sport} features", as_json=as_json)


@app.command("list")
def list_command(context: typer.Context, as_json: AsJson = False) -> None:
    """List feature sets with how many vectors are stored."""
    from aipro_ml.jobs.listings import list_feature_sets

    table(list_feature_sets(settings(context)), title="feature sets", as_json=as_json)


@app.command("views")
def views(sport: Annotated[str, typer.Option(help="Sport code.")] = "NFL", as_json: AsJson = False) -> None:
    """List the feature views of a sport and their columns."""
    from aipro_ml.features.sport import sport as find_sport

    rows = [
        {"view": view.name, "group": view.group, "columns": ", ".join(view.columns)} for view in find_sport(sport).views
    ]
    table(rows, title=f"{sport} feature views", as_json=as_json)


@app.command("tune-elo")
def tune_elo(
    context: typer.Context,
    sport: Annotated[str, typer.Option(help="Sport code.")],
    until: Annotated[int | None, typer.Option(help="Last season to tune on; default the earlier half.")] = None,
    as_json: AsJson = False,
) -> None:
    """Find the Elo figures of least log loss on earlier seasons; print them to paste, write nothing."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.tune_elo import tune_elo as tune

    with opened(settings(context)) as engine, progress(f"Elo {sport}") as tick:
        found = tune(engine, sport, until, tick)
    table([vars(trial) for trial in found.trials], title=f"{sport.upper()} Elo, log loss a game", as_json=as_json)
    if as_json:
        table([found.summary], title="best", as_json=True)
        return
    first, last = found.seasons
    verdict = "clearly better" if found.is_clear else "not clearly better: keep what is configured"
    say(
        f"seasons {first} to {last}, {found.games} games: configured {found.configured_loss:.4f}, "
        f"best {found.best_loss:.4f}, gain {found.gain:.4f} ± {found.gain_se:.4f} ({verdict})"
    )
    say(found.yaml)
