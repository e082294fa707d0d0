"""The facts features are computed from, as frames; loaded from the database or built from a source alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

UTC_TIME = "datetime64[us, UTC]"

REVISION_COLUMNS: Mapping[str, str] = {
    "game_id": "str",
    "season": "int64",
    "season_type": "str",
    "week": "float64",
    "game_number": "int64",
    "home_team_id": "str",
    "away_team_id": "str",
    "venue_id": "str",  # "" where unknown
    "neutral_site": "bool",
    "kickoff": UTC_TIME,
    "kickoff_estimated": "bool",
    "status": "str",
    "home_score": "float64",  # NaN until known
    "away_score": "float64",
    "overtime": "bool",
    "revision": "int64",
    "known_at": UTC_TIME,
}
"""One row per revision of a game: what was known of it from `known_at` on; of two at one moment the higher counts."""

ODDS_COLUMNS: Mapping[str, str] = {
    "game_id": "str",
    "book": "str",
    "is_sharp": "bool",
    "market": "str",
    "selection": "str",
    "line": "float64",  # signed for the selection; NaN for moneylines
    "price": "float64",  # American; whole numbers
    "recorded_at": UTC_TIME,
}
CLOSING_COLUMNS: Mapping[str, str] = {
    "game_id": "str",
    "book": "str",
    "market": "str",
    "selection": "str",
    "closing_line": "float64",
    "closing_price": "float64",  # NaN where there is a line without a price
    "closed_at": UTC_TIME,
}
TEAM_COLUMNS: Mapping[str, str] = {
    "team_id": "str",
    "abbreviation": "str",
}
ALIGNMENT_COLUMNS: Mapping[str, str] = {
    "team_id": "str",
    "conference": "str",
    "division": "str",
    "first": "int64",  # seasons, both included
    "last": "int64",
}
"""Where a team stood in which seasons: known before the first of their games is scheduled."""

VENUE_COLUMNS: Mapping[str, str] = {
    "venue_id": "str",
    "timezone": "str",
    "latitude": "float64",
    "longitude": "float64",
}
GROUND_COLUMNS: Mapping[str, str] = {
    "venue_id": "str",
    "is_dome": "bool",
    "surface_type": "str",
    "known_at": UTC_TIME,  # from when on the venue had this roof and surface
}
TEAM_STAT_COLUMNS: Mapping[str, str] = {
    "team_id": "str",
    "season": "int64",
    "stat_type": "str",
    "value": "float64",
    "games_played": "float64",
    "known_at": UTC_TIME,  # end of the season it sums up
}
TEAM_BOX_COLUMNS: Mapping[str, str] = {"team_id": "str", "game_id": "str", "known_at": UTC_TIME}
"""One row a version of a box; beside these the figures that views read, float64. NaN: not told."""

PLAYER_BOX_COLUMNS: Mapping[str, str] = {"player_id": "str", **TEAM_BOX_COLUMNS}
PLAYER_STAT_COLUMNS: Mapping[str, str] = {
    "player_id": "str",
    "season": "int64",
    "stat_type": "str",
    "value": "float64",
    "games_played": "float64",
    "known_at": UTC_TIME,  # end of the season it sums up
}


def box_frame(data: pd.DataFrame | None, columns: Mapping[str, str], figures: Sequence[str] = ()) -> pd.DataFrame:
    """Return `columns` and the `figures` of box scores as float64; no rows for None."""
    every = {**columns, **dict.fromkeys(figures, "float64")}
    return no_rows(every) if data is None or data.empty else frame_of(data, every)


def frame_of(data: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """Return exactly `columns` of `data` in their order and type, with a fresh index.

    Words may also come, and stay, as categoricals: a million quotes name few games and fewer books.
    """
    typed = {name: _typed(data[name], kind) for name, kind in columns.items()}
    frame = pd.DataFrame(typed, copy=False)  # of ten million quotes a copy more is a third of a gigabyte
    frame.index = pd.RangeIndex(len(frame))
    return frame


def _typed(column: pd.Series, kind: str) -> pd.Series:
    if kind != "str":
        return column.astype(kind)
    return column if isinstance(column.dtype, pd.CategoricalDtype) else column.astype(object)


def no_rows(columns: Mapping[str, str]) -> pd.DataFrame:
    """Return a frame of no rows with these columns and types."""
    return frame_of(pd.DataFrame({name: [] for name in columns}), columns)


@dataclass(frozen=True)
class Records:
    """All facts of one sport; every row that can change carries the time from which it was known."""

    games: pd.DataFrame  # REVISION_COLUMNS
    odds: pd.DataFrame  # ODDS_COLUMNS
    closing: pd.DataFrame  # CLOSING_COLUMNS
    teams: pd.DataFrame  # TEAM_COLUMNS
    venues: pd.DataFrame  # VENUE_COLUMNS
    team_stats: pd.DataFrame  # TEAM_STAT_COLUMNS
    team_boxes: pd.DataFrame = field(default_factory=lambda: no_rows(TEAM_BOX_COLUMNS))  # and figures
    player_boxes: pd.DataFrame = field(default_factory=lambda: no_rows(PLAYER_BOX_COLUMNS))  # and figures
    player_stats: pd.DataFrame = field(default_factory=lambda: no_rows(PLAYER_STAT_COLUMNS))
    alignments: pd.DataFrame = field(default_factory=lambda: no_rows(ALIGNMENT_COLUMNS))
    grounds: pd.DataFrame = field(default_factory=lambda: no_rows(GROUND_COLUMNS))

    def cut(self, moment: pd.Timestamp) -> "Records":
        """Return only the rows known at `moment`, as a database of that time would hold them."""
        return Records(
            games=_until(self.games, "known_at", moment),
            odds=_until(self.odds, "recorded_at", moment),
            closing=_until(self.closing, "closed_at", moment),
            teams=self.teams,
            venues=self.venues,
            team_stats=_until(self.team_stats, "known_at", moment),
            team_boxes=_until(self.team_boxes, "known_at", moment),
            player_boxes=_until(self.player_boxes, "known_at", moment),
            player_stats=_until(self.player_stats, "known_at", moment),
            alignments=self.alignments,
            grounds=_until(self.grounds, "known_at", moment),
        )


def _until(frame: pd.DataFrame, column: str, moment: pd.Timestamp) -> pd.DataFrame:
    return frame.loc[frame[column] <= moment].reset_index(drop=True)
