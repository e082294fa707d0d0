"""History: the only door to facts, `(as_of, as_known_at)`; what it hands out carries when it was known."""

from collections.abc import Callable, Hashable, Sequence
from functools import cached_property

import numpy as np
import pandas as pd

from aipro_ml.enums import REFERENCE_SIDE, BetType, GameStatus
from aipro_ml.errors import LeakError, UsageError
from aipro_ml.features import revisions
from aipro_ml.features.asof import asof_join, asof_positions
from aipro_ml.features.boxes import PLAYER_BOX, TEAM_BOX, corrected_at, current_boxes
from aipro_ml.features.provenance import is_probed, noted_rows, noted_values
from aipro_ml.features.quotes import QuoteLog
from aipro_ml.features.records import UTC_TIME, Records
from aipro_ml.features.revisions import SCHEDULE_COLUMNS

CLOSE_WITHIN = pd.Timedelta(hours=24)
"""How long before the last book's close another's may lie and still be part of the market's close."""


class History:
    """All facts of a sport, seen at one state of knowledge: the answer to (as_of, as_known_at).

    Two times, and they are different questions. `as_of` is when a game is decided; every row brings its own, and
    every method answers each row as of it. `as_known_at` caps all knowledge: the History a database of that
    moment would have given. A correction known at 20:00 therefore serves no decision of 12:00, whatever
    `as_known_at` is; and where `as_known_at` is 12:00, nobody has heard of it.

    The time rule. A fact with `known_at` t may reach a feature row only if t ≤ the row's `as_of`. First
    results obey it through `features.asof`. A *correction* (a revision after a game's first final one that
    changes it) would rewrite the past under rows decided before it; so rows are computed in epochs between
    `correction_times()`, each on the History `before(end of the epoch)`, where every game has exactly one
    version: the one current for all rows of the epoch. A corrected result keeps the place in time of the
    first. Without corrections there is one epoch.
    """

    def __init__(self, records: Records, as_known_at: pd.Timestamp | None = None) -> None:
        self._records = records if as_known_at is None else records.cut(as_known_at)
        self._revisions = revisions.in_known_order(self._records.games)
        self._end: pd.Timestamp | None = None
        self._derived: dict[Hashable, pd.DataFrame] = {}

    def once(self, key: Hashable, derive: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        """Return what `derive` makes of this History, computed when `key` is first asked for; a copy each time.

        `key` names the derivation and all that goes into it beside the History. While somebody asks for the facts
        behind a value it is derived each time: what is remembered looks back at nothing.
        """
        if is_probed():
            return derive()
        if key not in self._derived:
            self._derived[key] = derive()
        return self._derived[key].copy()

    def before(self, moment: pd.Timestamp) -> "History":
        """Return the same History without the game revisions and box scores known at `moment` or later."""
        earlier = History.__new__(History)
        earlier._records = self._records
        earlier._revisions = self._revisions.loc[self._revisions["known_at"] < moment].reset_index(drop=True)
        earlier._end = moment
        earlier._derived = {}
        earlier.__dict__["_quotes"] = self._quotes  # indexing millions of odds once is enough
        return earlier

    def correction_times(self) -> list[pd.Timestamp]:
        """Return, in order, the moments at which an already final game or a known box score was changed."""
        moments = set(revisions.corrections(self._revisions).unique())
        moments.update(corrected_at(self._records.team_boxes, TEAM_BOX))
        moments.update(corrected_at(self._records.player_boxes, PLAYER_BOX))
        return sorted(moment for moment in moments if self._end is None or moment < self._end)

    def game_ids(self) -> list[str]:
        """Return every game that is not called off, by its latest known kick-off, then by its id."""
        return list(self.latest_schedule().sort_values("kickoff", kind="stable").index)

    def first_known(self) -> pd.Series:
        """Return from when on each game was known of (index game_id)."""
        return self._revisions.drop_duplicates("game_id").set_index("game_id")["known_at"]

    def known_since(self, game_id: str, as_of: pd.Timestamp) -> pd.Timestamp:
        """Return when the revision of a game that stood at `as_of` became known, NaT where there was none."""
        games = self._revisions
        known = games.loc[(games["game_id"] == game_id) & (games["known_at"] <= as_of), "known_at"]
        return known.max()

    def latest_schedule(self) -> pd.DataFrame:
        """Return the newest revision of every game not postponed or cancelled (index game_id)."""
        return self._latest_schedule.copy()

    @cached_property
    def _latest_schedule(self) -> pd.DataFrame:
        latest = self._revisions.drop_duplicates("game_id", keep="last").set_index("game_id").sort_index()
        off = latest["status"].isin([GameStatus.POSTPONED.value, GameStatus.CANCELLED.value])
        return latest.loc[~off, [*SCHEDULE_COLUMNS, "known_at"]]

    def schedule(self, game_ids: Sequence[str], as_of: pd.Series) -> pd.DataFrame:
        """Return the entities: one row a game, in the order given, as its schedule was known at `as_of`.

        Index game_id; columns as_of and SCHEDULE_COLUMNS. `as_of`: UTC times indexed by game_id. UsageError
        for a game named twice or without as_of, LeakError for one nobody knew of at its as_of.
        """
        ids = pd.Index(list(game_ids), name="game_id", dtype=object)
        times = as_of.reindex(ids)
        if ids.has_duplicates or times.isna().any():
            odd = [*ids[ids.duplicated()], *ids[times.isna().to_numpy()]][0]
            raise UsageError(f"game {odd}: name each game once and give it one decision time")
        left = pd.DataFrame({"game_id": ids, "as_of": times.astype(UTC_TIME).array})
        positions = asof_positions(left, self._revisions, ["game_id"])
        if (positions < 0).any():
            row = left.loc[positions < 0].iloc[0]
            raise LeakError(f"game {row['game_id']} was not known at {row['as_of']}: decide later, or leave it out")
        known = self._revisions.iloc[positions][list(SCHEDULE_COLUMNS)].set_axis(ids, axis=0)
        known.insert(0, "as_of", left["as_of"].array)
        return known

    @cached_property
    def _results(self) -> pd.DataFrame:
        return revisions.results_of(self._revisions)

    def results(self) -> pd.DataFrame:
        """Return RESULT_COLUMNS of every game with a final score, ordered by (known_at, game_id).

        `known_at` is when the first final score was known; the score is the version of this epoch.
        """
        return self._results.copy()

    def scored_at(self) -> pd.Series:
        """Return from when on the score of `results` was known (index game_id): of a corrected one, the correction."""
        return self._scored_at.copy()

    @cached_property
    def _scored_at(self) -> pd.Series:
        return revisions.scored_at(self._revisions)

    def team_games(self) -> pd.DataFrame:
        """Return the results twice, once a team, ordered by (known_at, game_id), home first.

        Columns: those of a result plus team_id, opponent_id, is_home, points_for, points_against, margin.
        """
        results = self._results
        shared = results.drop(columns=["home_score", "away_score", "home_team_id", "away_team_id"])
        teams = results[["home_team_id", "away_team_id"]].to_numpy(dtype=object)
        points = results[["home_score", "away_score"]].to_numpy("float64")
        own = {
            "team_id": teams.ravel(),
            "opponent_id": teams[:, ::-1].ravel(),
            "is_home": np.tile([True, False], len(results)),
            "points_for": points.ravel(),
            "points_against": points[:, ::-1].ravel(),
        }
        twice = np.repeat(np.arange(len(results)), 2)
        told = {name: column.array.take(twice) for name, column in shared.items()}
        margin = own["points_for"] - own["points_against"]
        return pd.DataFrame({**told, **own, "margin": margin}, index=pd.RangeIndex(2 * len(results)), copy=False)

    @cached_property
    def _quotes(self) -> QuoteLog:
        return QuoteLog(self._records.odds)

    def quotes(self, entities: pd.DataFrame, max_age_hours: float) -> pd.DataFrame:
        """Return (ODDS_COLUMNS) each game's latest quote a book, market and selection in (as_of − age, as_of]."""
        latest = self._quotes.latest(entities, pd.Timedelta(hours=max_age_hours))
        return noted_rows(latest, "odds", "recorded_at")

    def opening(self, entities: pd.DataFrame) -> pd.DataFrame:
        """Return (ODDS_COLUMNS) each game's first quote a book, market and selection, if known at as_of."""
        return noted_rows(self._quotes.opening(entities), "odds", "recorded_at")

    def movements(self, entities: pd.DataFrame) -> pd.DataFrame:
        """Return per game `moves` (changes of a line or price known at as_of) and `moved_at` (the last)."""
        moved = self._quotes.movements(entities)
        return noted_values(moved, "odds", moved["moved_at"])

    def closing_before(self, entities: pd.DataFrame, bet_type: BetType) -> pd.DataFrame:
        """Return the closing rows of the reference side of these games whose `closed_at` ≤ the game's as_of."""
        closing = self._reference_closes(bet_type)
        as_of = _of_games(entities["as_of"], closing["game_id"])
        readable = np.asarray(closing["closed_at"].array <= as_of)
        return noted_rows(closing.loc[readable].reset_index(drop=True), "closing", "closed_at")

    def _reference_closes(self, bet_type: BetType) -> pd.DataFrame:
        closing = self._records.closing
        side = REFERENCE_SIDE[bet_type].value
        return closing.loc[(closing["market"] == bet_type.value) & (closing["selection"] == side)]

    def closing_lines(self, bet_type: BetType) -> pd.DataFrame:
        """Return events game_id, line, known_at: each game's reference side's closing line, median over books.

        Books that fell silent more than CLOSE_WITHIN before the last one closed do not count; what is said
        to have closed after the kick-off did not, so that nothing later changes what was known. `known_at`
        is when the last of the books closed.
        """
        return self.once(("closing lines", bet_type), lambda: self._closing_lines(bet_type))

    def _closing_lines(self, bet_type: BetType) -> pd.DataFrame:
        wanted = self._reference_closes(bet_type)
        kickoff = self._revisions.drop_duplicates("game_id", keep="last").set_index("game_id")["kickoff"]
        before = np.asarray(wanted["closed_at"].array <= _of_games(kickoff, wanted["game_id"]), dtype=bool)
        wanted = wanted.loc[before].astype({"game_id": object})
        last = wanted.groupby("game_id", sort=False)["closed_at"].transform("max")
        grouped = wanted.loc[wanted["closed_at"] > last - CLOSE_WITHIN].groupby("game_id", sort=True)
        return grouped.agg(line=("closing_line", "median"), known_at=("closed_at", "max")).reset_index()

    def closed_games(self, before_season: int | None = None) -> pd.DataFrame:
        """Return per finished game `game_id season margin total spread_line total_line known_at`.

        The lines are the reference sides' closes, NaN where unknown; `known_at` is when both the score and
        the lines were. With `before_season` only earlier seasons.
        """
        games = self._results
        if before_season is not None:
            games = games.loc[games["season"] < before_season]
        closed = pd.DataFrame(
            {
                "game_id": games["game_id"],
                "season": games["season"],
                "margin": games["home_score"] - games["away_score"],
                "total": games["home_score"] + games["away_score"],
                "known_at": games["known_at"],
            }
        ).reset_index(drop=True)
        for bet_type in (BetType.SPREAD, BetType.TOTAL):
            lines = self.closing_lines(bet_type).set_index("game_id").reindex(closed["game_id"])
            closed[f"{bet_type.value}_line"] = lines["line"].to_numpy()
            later = closed["known_at"].where(lines["known_at"].isna().array, lines["known_at"].array)
            closed["known_at"] = closed["known_at"].where(closed["known_at"] >= later, later)
        return closed

    def season_starts(self) -> pd.DataFrame:
        """Return events season, first_kickoff, known_at: the season's earliest kick-off as known from then on."""
        games = self._revisions[["season", "kickoff", "known_at"]].copy()
        earliest = games["kickoff"].astype("int64").groupby(games["season"]).cummin()
        games["first_kickoff"] = pd.to_datetime(earliest, unit="us", utc=True)
        return games[["season", "first_kickoff", "known_at"]]

    def team_season_stats(self) -> pd.DataFrame:
        """Return TEAM_STAT_COLUMNS rows; `known_at` is the end of the season each sums up."""
        return self._records.team_stats.copy()

    def player_season_stats(self) -> pd.DataFrame:
        """Return PLAYER_STAT_COLUMNS rows; `known_at` is the end of the season each sums up."""
        return self._records.player_stats.copy()

    def team_boxes(self, figures: Sequence[str]) -> pd.DataFrame:
        """Return team_id, game_id, known_at and `figures` of each team's box, ordered by (known_at, game_id, team_id).

        `known_at` is when the box was first known; the figures are those of this epoch, NaN where not told.
        """
        return current_boxes(self._known(self._records.team_boxes), TEAM_BOX, figures)

    def player_boxes(self, figures: Sequence[str]) -> pd.DataFrame:
        """Return player_id, team_id, game_id, known_at and `figures` of each player's box, ordered likewise."""
        return current_boxes(self._known(self._records.player_boxes), PLAYER_BOX, figures)

    def _known(self, rows: pd.DataFrame) -> pd.DataFrame:
        return rows if self._end is None else rows.loc[rows["known_at"] < self._end]

    def teams(self) -> pd.DataFrame:
        """Return the teams (index team_id): abbreviation."""
        return self._records.teams.set_index("team_id")

    def alignment(self, entities: pd.DataFrame, side: str) -> pd.DataFrame:
        """Return conference and division of the `side` (home, away) in each game's own season, on their index.

        Missing where no dated fact covers the season: what is true of a team today says nothing of its past.
        """
        known = self._records.alignments
        wanted = pd.DataFrame({"team_id": entities[f"{side}_team_id"].array, "season": entities["season"].array})
        spans = wanted.reset_index(names="row").merge(known, on="team_id")
        held = spans.loc[spans["season"].between(spans["first"], spans["last"])].drop_duplicates("row")
        found = held.set_index("row")[["conference", "division"]].reindex(wanted.index)
        return found.set_axis(entities.index, axis=0)

    def grounds(self, entities: pd.DataFrame) -> pd.DataFrame:
        """Return is_dome and surface_type of each game's venue as they were at its as_of, missing where undated."""
        return asof_join(entities, self._records.grounds, ["venue_id"], ["is_dome", "surface_type"])

    def venues(self) -> pd.DataFrame:
        """Return where the venues lie (index venue_id): timezone, latitude, longitude."""
        return self._records.venues.set_index("venue_id")


def _of_games(times: pd.Series, games: pd.Series) -> pd.api.extensions.ExtensionArray:
    """Return the times (index game_id) of a column of games, NaT for others; of a categorical each looked up once."""
    if isinstance(games.dtype, pd.CategoricalDtype):
        return times.reindex(games.cat.categories).array.take(games.cat.codes, allow_fill=True)
    return times.reindex(games).array
