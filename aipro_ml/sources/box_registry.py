"""Every source of box scores by name; all are read against the stored games."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from aipro_ml.errors import DataFileError
from aipro_ml.sources import box_scores, box_scores_nba_stored, hvpkod, nflverse_seasons
from aipro_ml.sources.archive import members
from aipro_ml.sources.base import Finding
from aipro_ml.sources.box_scores import BoxBatch
from aipro_ml.sources.dated import in_order

Files = Mapping[str, bytes]
Reader = Callable[[Files, pd.DataFrame], BoxBatch]


@dataclass(frozen=True)
class BoxSource:
    """A source of box scores: what it is, its sport, and its reader of named files against a schedule."""

    name: str
    reads: str
    sport: str
    read: Reader


def _each(reader: Callable[[str, bytes, pd.DataFrame], BoxBatch]) -> Reader:
    def read(files: Files, schedule: pd.DataFrame) -> BoxBatch:
        return merged([reader(name, data, schedule) for name, data in files.items()])

    return read


def _player_weeks(files: Files, schedule: pd.DataFrame) -> BoxBatch:
    name = next(iter(files))
    if len(files) == 1 and ".tar" in name:
        files = members(files[name], name=name)
    return hvpkod.read(files, name=name, schedule=schedule)


def merged(batches: Sequence[BoxBatch]) -> BoxBatch:
    """Return the batches of one source as one; of a box told twice the first counts."""
    if not batches:
        raise DataFileError("no file given", file="nothing")
    found: list[Finding] = [finding for batch in batches for finding in batch.findings]
    frames = {}
    for name, key in (
        ("games", ["game"]),
        ("team_games", ["team", "game"]),
        ("player_games", ["player", "game"]),
        ("player_seasons", ["player", "season"]),
    ):
        every = pd.concat([getattr(batch, name) for batch in batches], ignore_index=True)
        again = every.duplicated(key)
        if name != "games":
            found.extend(
                Finding(str(file), int(line), key[0], str(value), "duplicate_row", "an earlier file has this row")
                for file, line, value in every.loc[again, ["file", "line_number", key[0]]].itertuples(index=False)
            )
        frames[name] = every.loc[~again].reset_index(drop=True)
    return replace(
        batches[0],
        **frames,
        findings=in_order(found),
        rows_read=sum(batch.rows_read for batch in batches),
        without_figures=sum(batch.without_figures for batch in batches),
        notes=tuple(dict.fromkeys(note for batch in batches for note in batch.notes)),
    )


BOX_SOURCES = {
    source.name: source
    for source in (
        BoxSource(
            "nfl-team-weeks",
            "nflverse's weekly figures of NFL teams (CSV)",
            "NFL",
            _each(lambda name, data, games: box_scores.read_nfl_team_weeks(data, name=name, schedule=games)),
        ),
        BoxSource("nfl-player-weeks", "Fantasy.NFL.com player weeks and seasons (folder, tar)", "NFL", _player_weeks),
        BoxSource(
            "nfl-player-seasons",
            "nflverse's season totals of NFL players (CSV)",
            "NFL",
            _each(lambda name, data, _: nflverse_seasons.read(data, name=name)),
        ),
        BoxSource(
            "nba-team-boxes",
            "the NBA's team boxes (CSV)",
            "NBA",
            _each(
                lambda name, data, games: box_scores_nba_stored.read_stored_team_box(data, name=name, schedule=games)
            ),
        ),
        BoxSource(
            "nba-player-boxes",
            "the NBA's player boxes (CSV)",
            "NBA",
            _each(
                lambda name, data, games: box_scores_nba_stored.read_stored_player_box(data, name=name, schedule=games)
            ),
        ),
    )
}
