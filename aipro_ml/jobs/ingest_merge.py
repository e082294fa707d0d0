"""What of an incoming game becomes fact: a fact belongs to the source that stated it; others fill what is missing."""

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from aipro_ml.enums import GameStatus, Severity
from aipro_ml.sources.base import Finding

FACTS: dict[str, tuple[str, ...]] = {
    "kickoff": ("game_date", "kickoff_estimated"),
    "result": ("status", "home_score", "away_score"),
    "overtime": ("overtime",),
    "week": ("week",),
    "venue": ("venue_id",),
    "season_type": ("season_type",),
    "neutral": ("neutral_site",),
}
"""What can change of a game, in groups of columns that one source states together."""

COLUMNS = tuple(column for columns in FACTS.values() for column in columns)
TOLD_APART, DAYS_APART = pd.Timedelta(hours=1), pd.Timedelta(hours=48)
"""Kick-offs of two sources that differ by no more are not worth a finding; the second where an hour is assumed."""

_RANKS = {status.value: rank for rank, status in enumerate((GameStatus.SCHEDULED, GameStatus.IN_PROGRESS))}
_RANKS |= {GameStatus.POSTPONED.value: 2, GameStatus.CANCELLED.value: 2, GameStatus.FINAL.value: 3}


@dataclass(frozen=True)
class Merged:
    """The games' facts after an import (COLUMNS, on the incoming index), which of them changed, and what stayed."""

    facts: pd.DataFrame
    changed: pd.DataFrame
    findings: tuple[Finding, ...]


def providers(revisions: pd.DataFrame) -> pd.DataFrame:
    """Return who stated each group of FACTS that now holds (index game_id, one column a group).

    `revisions`: game_id, source and COLUMNS in the order they were known; a group is its last changer's.
    """
    stated = {}
    before = revisions.groupby("game_id")[list(COLUMNS)].shift()
    first = ~revisions.duplicated("game_id")
    for group, columns in FACTS.items():
        changed = first | ~_alike(revisions, before, columns)
        stated[group] = revisions["source"].where(changed).groupby(revisions["game_id"]).last()
    return pd.DataFrame(stated)


def merge(games: pd.DataFrame, stored: pd.DataFrame, source: str, *, file: str, again: bool) -> Merged:
    """Return what the stored games become by what `games` say.

    `games`: COLUMNS, external_id and line_number; `stored`: COLUMNS, game_id and the columns of `providers` with
    the ending _by, on the same index. The source that stated a fact corrects it, unless these very bytes were
    read before (`again`); any other fills gaps: an estimated kick-off, a missing result, week or venue. What
    contradicts a stored result or kick-off is a finding, and the stored fact stays. A game that is still to come,
    such as in an older snapshot of a feed, says nothing of its result.
    """
    facts, changed, findings = stored[list(COLUMNS)].copy(), {}, []
    for group, columns in FACTS.items():
        differs = ~_alike(games, stored, columns) & ~(_unplayed(games, stored) if group in _OF_RESULT else False)
        mine = (stored[f"{group}_by"] == source).fillna(False).astype(bool) & (not again)
        take = differs & (mine | _GAPS[group](games, stored))
        for column in columns:
            facts[column] = facts[column].mask(take, games[column])
        changed[group] = take
        if group in _CONTRADICTIONS and not again:
            findings += _CONTRADICTIONS[group](games, stored, differs & ~take, file)
    return Merged(facts, pd.DataFrame(changed, index=games.index), tuple(findings))


_OF_RESULT = ("result", "overtime")


def _unplayed(games: pd.DataFrame, stored: pd.DataFrame) -> pd.Series:
    """Return where a finished game is told as one to come."""
    told = games["status"].eq(GameStatus.SCHEDULED.value).fillna(False).astype(bool)
    return told & stored["status"].eq(GameStatus.FINAL.value).fillna(False).astype(bool)


def _alike(left: pd.DataFrame, right: pd.DataFrame, columns: tuple[str, ...]) -> pd.Series:
    alike = pd.Series(True, index=left.index)
    for column in columns:
        one, other = left[column], right[column]
        alike &= (one == other).fillna(False).astype(bool) | (one.isna() & other.isna())
    return alike


def _true(values: pd.Series) -> pd.Series:
    return values.astype("boolean").fillna(False).astype(bool)


def _untimed(games: pd.DataFrame, stored: pd.DataFrame) -> pd.Series:
    return _true(stored["kickoff_estimated"]) & ~_true(games["kickoff_estimated"])


def _unfinished(games: pd.DataFrame, stored: pd.DataFrame) -> pd.Series:
    return games["status"].map(_RANKS).astype(int) > stored["status"].map(_RANKS).astype(int)


def _absent(column: str) -> Callable[[pd.DataFrame, pd.DataFrame], pd.Series]:
    return lambda games, stored: stored[column].isna() & games[column].notna()


def _played_on(games: pd.DataFrame, stored: pd.DataFrame) -> pd.Series:
    # a source that knows no result says no overtime of every game
    finished = (games["status"] == GameStatus.FINAL).fillna(False).astype(bool)
    return finished & stored["overtime"].isna() & games["overtime"].notna()


def _not_neutral(games: pd.DataFrame, stored: pd.DataFrame) -> pd.Series:
    # most sources do not know neutral ground and say home for it
    return ~_true(stored["neutral_site"]) & _true(games["neutral_site"])


_GAPS = {
    "kickoff": _untimed,
    "result": _unfinished,
    "overtime": lambda games, stored: _played_on(games, stored) | _unfinished(games, stored),
    "week": _absent("week"),
    "venue": _absent("venue_id"),
    "season_type": _absent("season_type"),
    "neutral": _not_neutral,
}


def _result_differs(games: pd.DataFrame, stored: pd.DataFrame, left: pd.Series, file: str) -> list[Finding]:
    both = left & (games["status"] == GameStatus.FINAL) & (stored["status"] == GameStatus.FINAL)
    rows = zip(games.loc[both].itertuples(), stored.loc[both].itertuples(), strict=True)
    return [
        Finding(
            file,
            int(game.line_number),
            "score",
            f"{game.home_score}:{game.away_score}",
            "result_differs",
            f"{was.result_by} said {was.home_score}:{was.away_score} of game {was.game_id}; the stored score stays",
        )
        for game, was in rows
    ]


def _kickoff_differs(games: pd.DataFrame, stored: pd.DataFrame, left: pd.Series, file: str) -> list[Finding]:
    timed = ~_true(games["kickoff_estimated"]) & ~_true(stored["kickoff_estimated"])
    gap = (games["game_date"] - stored["game_date"]).abs()
    apart = left & ((timed & (gap > TOLD_APART)) | (gap > DAYS_APART))
    rows = zip(games.loc[apart].itertuples(), stored.loc[apart].itertuples(), strict=True)
    return [
        Finding(
            file,
            int(game.line_number),
            "kickoff",
            f"{game.game_date:%Y-%m-%d %H:%MZ}",
            "kickoff_differs",
            f"{was.kickoff_by} said {was.game_date:%Y-%m-%d %H:%MZ} of game {was.game_id}; the stored time stays",
            Severity.WARNING,
        )
        for game, was in rows
    ]


_CONTRADICTIONS = {"result": _result_differs, "kickoff": _kickoff_differs}
