"""The point-in-time check: features as computed from everything against features from what was known."""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from aipro_ml.enums import BetType
from aipro_ml.features.build import MatrixRequest, build_matrix
from aipro_ml.features.history import History
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.features.records import Records
from aipro_ml.features.sport import Sport
from aipro_ml.features.view import FeatureView


def league_of(*views: FeatureView, settings: str = "NFL") -> Sport:
    """A sport of these views with the figures of another."""
    return Sport("TEST", "Test league", views, tuple(BetType), settings)


def unlabelled(records: Records, league: Sport, as_of: pd.Series | None, games: Iterable[str] | None) -> FeatureMatrix:
    request = MatrixRequest(None if games is None else list(games), as_of, with_labels=False)
    return build_matrix(records, league, BetType.SPREAD, request)


def leaking_columns(
    views: tuple[FeatureView, ...], records: Records, every: int = 7, settings: str = "NFL"
) -> set[str]:
    """Columns (and `line`, `market_prob`) that depend on rows known only after the decision time."""
    league = league_of(*views, settings=settings)
    return leaks(league, records, unlabelled(records, league, decision_times(records), None), every)


def leaks(league: Sport, records: Records, full: FeatureMatrix, every: int) -> set[str]:
    """Columns of `full`, computed from all `records`, that come out otherwise from what was known.

    Each sampled game is computed again from the database cut at its as_of and from one whose later rows are
    scrambled; a value that is not equal to the bit leaks.
    """
    found: set[str] = set()
    for game in full.X.index[::every]:
        as_of = full.as_of[[game]]
        for other in (records.cut(as_of.iloc[0]), scrambled(records, as_of.iloc[0])):
            again = unlabelled(other, league, as_of, [game])
            found |= _different(full, again, game)
    return found


def decision_times(records: Records) -> pd.Series:
    """A minute before kick-off, and for every other game thirty-one hours before it."""
    kickoff = History(records).latest_schedule()["kickoff"]
    early = np.arange(len(kickoff)) % 2 == 1
    return kickoff - pd.to_timedelta(np.where(early, 31 * 60, 1), unit="min")


def _different(full: FeatureMatrix, again: FeatureMatrix, game: str) -> set[str]:
    known = [*full.X.columns, "line", "market_prob"]
    values = [
        pd.concat([one.X.loc[game], one.meta.loc[game, ["line", "market_prob"]]]).to_numpy("float64")
        for one in (full, again)
    ]
    same = (values[0] == values[1]) | (np.isnan(values[0]) & np.isnan(values[1]))
    return {name for name, equal in zip(known, same, strict=True) if not equal}


def scrambled(records: Records, moment: pd.Timestamp) -> Records:
    """The records with every value known after `moment` replaced: scores, prices, lines, closes, statistics."""
    games, odds = records.games.copy(), records.odds.copy()
    closing, stats = records.closing.copy(), records.team_stats.copy()
    later = games["known_at"] > moment
    games.loc[later, ["home_score", "away_score"]] = games.loc[later, ["away_score", "home_score"]].to_numpy() * 2 + 3
    games.loc[later, "overtime"] = ~games.loc[later, "overtime"]
    later = odds["recorded_at"] > moment
    odds.loc[later, "line"] += 9.5
    odds.loc[later, "price"] = -190.0
    later = closing["closed_at"] > moment
    closing.loc[later, "closing_line"] -= 11.5
    closing.loc[later, "closing_price"] = 170.0
    later = stats["known_at"] > moment
    stats.loc[later, "value"] *= -3
    boxes = {name: _scrambled_figures(getattr(records, name), moment) for name in ("team_boxes", "player_boxes")}
    player_stats = _scrambled_figures(records.player_stats, moment)
    changed = {"games": games, "odds": odds, "closing": closing, "team_stats": stats, "player_stats": player_stats}
    return replace(records, **changed, **boxes, **_scrambled_facts(records, moment))


def _scrambled_facts(records: Records, moment: pd.Timestamp) -> dict[str, pd.DataFrame]:
    """Every roof and surface of after `moment` another one, and every team's place in later seasons."""
    grounds, alignments = records.grounds, records.alignments
    after, later = grounds["known_at"] > moment, alignments["first"] > moment.year
    return {
        "grounds": grounds.assign(
            is_dome=grounds["is_dome"] ^ after, surface_type=grounds["surface_type"].mask(after, "")
        ),
        "alignments": alignments.assign(division=alignments["division"].mask(later, "?")),
    }


def _scrambled_figures(boxes: pd.DataFrame, moment: pd.Timestamp) -> pd.DataFrame:
    figures = [name for name, kind in boxes.dtypes.items() if kind == "float64"]
    later = boxes["known_at"] > moment
    return boxes.assign(**{name: boxes[name].mask(later, 999 - 7 * boxes[name]) for name in figures})


def shuffled(records: Records, seed: int) -> Records:
    """The same records in another order of rows."""
    rng = np.random.default_rng(seed)
    frames = {
        name: frame.iloc[rng.permutation(len(frame))].reset_index(drop=True) for name, frame in vars(records).items()
    }
    return Records(**frames)
