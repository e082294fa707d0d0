"""`aipro features`: materialise features, look at them, and watch them for drift and skew."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import progress, say, table
from aipro_ml.cli.values import Where, executor_choice, parse_moment
from aipro_ml.enums import BetType

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from aipro_ml.jobs.matrices import BuildReport

app = typer.Typer(help="Point-in-time features.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a row.")]
SportCode = Annotated[str, typer.Option("--sport", help="Sport code.")]
OneBetType = Annotated[BetType | None, typer.Option("--bet-type", help="Only this one; default all.")]
Minutes = Annotated[int | None, typer.Option("--decision-minutes", min=1, help="Decide this long before kick-off.")]
WhereOption = Annotated[Where, typer.Option("--executor", help="ray: a season a task of a Ray cluster.")]
RayAddress = Annotated[str | None, typer.Option("--ray-address", help="The cluster's address, host:6379 or auto.")]
Game = Annotated[str, typer.Argument(help="A game id, how it begins, or '2022-09-11 BAL@NYJ' (local day).")]


def _bet_types(bet_type: BetType | None) -> tuple[BetType, ...]:
    return tuple(BetType) if bet_type is None else (bet_type,)


def _reports(reports: "Sequence[BuildReport]", title: str, *, as_json: bool) -> None:
    rows = []
    for report in reports:
        row = dict(vars(report))
        first = row.pop("first_difference")
        rows.append({**row, "first_difference": first} if as_json else row)
    table(rows, title=title, as_json=as_json)
    if as_json:
        return
    for report in reports:
        if report.changed:
            first = report.first_difference
            place = f"{report.changed} changed, first game {first['game']} as of {first['as_of']}"
            say(f"{report.bet_type}: {place}: {first['feature']} {first.get('stored')} stored, {first.get('now')} now")


def _records(frame: "pd.DataFrame") -> list[dict[str, object]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


@app.command("plan")
def plan(
    context: typer.Context,
    sport: SportCode,
    bet_type: OneBetType = None,
    decision_minutes: Minutes = None,
    as_json: AsJson = False,
) -> None:
    """Say what a build would write: rows missing, rows whose facts changed since, rows yet to be decided."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.matrices import BuildOptions, plan_features

    with opened(settings(context)) as engine, progress(f"features {sport}") as tick:
        options = BuildOptions(datetime.now(UTC), decision_minutes)
        reports = plan_features(engine, sport, _bet_types(bet_type), options, tick)
    _reports(reports, f"{sport} features: plan", as_json=as_json)


@app.command("build")
def build(
    context: typer.Context,
    sport: SportCode,
    bet_type: OneBetType = None,
    decision_minutes: Minutes = None,
    verify: Annotated[bool, typer.Option(help="Compute stored rows again and refuse where one changed.")] = True,
    executor: WhereOption = Where.LOCAL,
    ray_address: RayAddress = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Compute; write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Materialise every decided game's features as known at its decision time; stored vectors stay."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.matrices import BuildOptions, build_features

    with opened(settings(context)) as engine, progress(f"features {sport}") as tick:
        options = BuildOptions(
            datetime.now(UTC),
            decision_minutes,
            dry_run,
            verify,
            clock=lambda: datetime.now(UTC),
            where=executor_choice(executor, ray_address),
        )
        reports = build_features(engine, sport, _bet_types(bet_type), options, tick)
    _reports(reports, f"{sport} features", as_json=as_json)


@app.command("backfill")
def backfill(
    context: typer.Context,
    sport: SportCode,
    reason: Annotated[str, typer.Option(help="Why the past is written anew; kept in the audit log.")],
    bet_type: OneBetType = None,
    decision_minutes: Minutes = None,
    executor: WhereOption = Where.LOCAL,
    ray_address: RayAddress = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Compute; write nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Replace the vectors whose facts were imported later, and build what is missing; audited."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.matrices import BuildOptions, build_features

    with opened(settings(context)) as engine, progress(f"features {sport}") as tick:
        options = BuildOptions(
            datetime.now(UTC),
            decision_minutes,
            dry_run,
            reason=reason,
            clock=lambda: datetime.now(UTC),
            where=executor_choice(executor, ray_address),
        )
        reports = build_features(engine, sport, _bet_types(bet_type), options, tick)
    _reports(reports, f"{sport} features: backfill", as_json=as_json)


@app.command("show")
def show(
    context: typer.Context,
    game: Game,
    sport: SportCode,
    as_of: Annotated[str | None, typer.Option(help="As of this UTC time; default the game's decision time.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show one game's features: each value, when its newest fact was known, and how old that was."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.inspection import show_game

    with opened(settings(context)) as engine:
        shown = show_game(engine, sport, game, parse_moment(as_of), datetime.now(UTC))
    frame = shown.features
    frame.insert(4, "age_hours", (shown.as_of - frame["source_time"]).dt.total_seconds() / 3600)
    title = f"{shown.name} {shown.game_id[:8]}, kick-off {shown.kickoff:%Y-%m-%d %H:%M}Z, as of"
    table(_records(frame), title=f"{title} {shown.as_of:%Y-%m-%d %H:%M}Z", as_json=as_json)


@app.command("diff")
def diff(
    context: typer.Context,
    sport: SportCode,
    game: Annotated[str | None, typer.Argument(help="A game (see show); without one, two stored versions.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="UTC time (game), or how a version begins.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Likewise; default decision time, or active.")] = None,
    bet_type: Annotated[BetType, typer.Option(help="Whose set's versions.")] = BetType.MONEYLINE,
    as_json: AsJson = False,
) -> None:
    """Show which features differ: of a game between two moments, or between two versions of a set."""
    from aipro_ml.errors import UsageError
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.inspection import diff_game, diff_sets

    with opened(settings(context)) as engine:
        if game is None:
            found = diff_sets(engine, sport, bet_type, (since, until))
        else:
            moment = parse_moment(since)
            if moment is None:
                raise UsageError("say the earlier moment: --from 2022-09-10T12:00:00Z")
            found = diff_game(engine, sport, game, (moment, parse_moment(until)), datetime.now(UTC))
    table(_records(found), title=f"{sport} features that differ", as_json=as_json)


@app.command("drift")
def drift(
    context: typer.Context,
    sport: SportCode,
    bet_type: Annotated[BetType, typer.Option(help="Whose set.")] = BetType.MONEYLINE,
    season: Annotated[int | None, typer.Option(help="This season against those before; default the last.")] = None,
    alpha: Annotated[float, typer.Option(min=0.0, max=1.0, help="Share of false alarms among alarms.")] = 0.001,
    every: Annotated[bool, typer.Option("--all", help="Stable features too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show which features' distributions moved more than chance explains at these row counts."""
    from aipro_ml.features.drift import DriftRule
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.watch import feature_drift

    with opened(settings(context)) as engine:
        found = feature_drift(engine, sport, bet_type, season, DriftRule(alpha))
    shown = found if every else found.loc[found["verdict"] != "stable"]
    table(_records(shown), title=f"{sport} {bet_type} drift", as_json=as_json)
    if not as_json:
        say(", ".join(f"{count} {name}" for name, count in found["verdict"].value_counts().items()))


@app.command("statistics")
def statistics(
    context: typer.Context,
    sport: SportCode,
    bet_type: Annotated[BetType, typer.Option(help="Whose set.")] = BetType.MONEYLINE,
    season: Annotated[int | None, typer.Option(help="This season; default the last.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show a season's features as they were counted when stored, and how far their means moved from before."""
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.watch import feature_shift

    with opened(settings(context)) as engine:
        shown, found = feature_shift(engine, sport, bet_type, season)
    table(_records(found), title=f"{sport} {bet_type} features of {shown}", as_json=as_json)


@app.command("skew")
def skew(context: typer.Context, sport: SportCode, bet_type: OneBetType = None, as_json: AsJson = False) -> None:
    """Compute every served feature row again and compare it with what was served; exit code 3 on a difference."""
    from aipro_ml.errors import GuardError
    from aipro_ml.jobs.database import opened
    from aipro_ml.jobs.watch import feature_skew

    with opened(settings(context)) as engine, progress(f"skew {sport}") as tick:
        reports = feature_skew(engine, sport, _bet_types(bet_type), tick)
    table([dict(vars(report)) for report in reports], title=f"{sport} skew", as_json=as_json)
    skewed = next((report for report in reports if report.is_skewed), None)
    if skewed is not None:
        raise GuardError(f"what was served is not what is computed now: {skewed.bet_type}, {skewed.difference}")


@app.command("list")
def list_command(context: typer.Context, as_json: AsJson = False) -> None:
    """List feature sets with how many vectors are stored."""
    from aipro_ml.jobs.listings import list_feature_sets

    table(list_feature_sets(settings(context)), title="feature sets", as_json=as_json)


@app.command("datasets")
def datasets(context: typer.Context, as_json: AsJson = False) -> None:
    """List the datasets models were trained on, and whether each file still is what it was."""
    from aipro_ml.jobs.datasets import list_datasets

    table(list_datasets(settings(context)), title="training datasets", as_json=as_json)


@app.command("views")
def views(
    context: typer.Context,
    sport: Annotated[str, typer.Option(help="Sport code.")] = "NFL",
    stored: Annotated[bool, typer.Option("--stored", help="Every version that was ever stored.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the feature views of a sport and their columns."""
    if stored:
        from aipro_ml.jobs.listings import list_stored_views

        table(list_stored_views(settings(context), sport), title=f"{sport} stored views", as_json=as_json)
        return
    from aipro_ml.features.sport import sport as find_sport

    rows = [
        {"view": view.name, "group": view.group, "columns": ", ".join(view.columns)} for view in find_sport(sport).views
    ]
    table(rows, title=f"{sport} feature views", as_json=as_json)


@app.command("ratings")
def ratings(
    context: typer.Context,
    sport: SportCode,
    as_of: Annotated[str | None, typer.Option(help="As known at this UTC time; default now.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the teams by their stored Elo rating, as it was known at a moment."""
    from aipro_ml.jobs.listings import list_ratings

    rows = list_ratings(settings(context), sport, parse_moment(as_of) or datetime.now(UTC))
    table(rows, title=f"{sport} ratings", as_json=as_json)


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
