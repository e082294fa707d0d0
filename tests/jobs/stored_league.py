"""Random leagues in PostgreSQL: stored as an import would, cut as a database of an earlier time, planted with more."""

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import sqlalchemy as sa

import aipro_ml.db.models  # noqa: F401 - fills the metadata
from aipro_ml.db.base import Base
from aipro_ml.db.copy import copy_rows, insert_new
from aipro_ml.features.records import Records
from aipro_ml.identity import derive_id, derive_ids
from tests.features.random_boxes import PLAYER_FIGURES, TEAM_FIGURES

CREATED = pd.Timestamp("2004-07-01", tz="UTC")
HOUR = pd.Timedelta(hours=1)
TODAY = "today's"
"""What the tables of teams and venues say: the present, which no feature may read."""


def table(name: str) -> sa.Table:
    return Base.metadata.tables[name]


def ids(code: str, kind: str, names: Iterable[Any]) -> list[Any]:
    every = list(names)
    found = derive_ids(kind, [code] * len(every), every)
    return [each if name != "" else None for each, name in zip(found, every, strict=True)]


def store_league(connection: sa.Connection, code: str, records: Records) -> None:
    """Store every row of `records` as facts of the sport `code`."""
    _store_reference(connection, code, records)
    games = records.games.sort_values(["known_at", "game_id"], kind="stable")
    first = games.drop_duplicates("game_id")
    copy_rows(connection, table("games"), _games(code, first))
    known = games["venue_id"].where(games["venue_id"].isin(records.venues["venue_id"]), "")
    copy_rows(connection, table("game_revisions"), _revisions(code, games.assign(venue_id=known)))
    odds = records.odds
    quotes = pd.DataFrame(
        {
            "id": ids(code, "odds", range(len(odds))),
            "game_id": ids(code, "game", odds["game_id"]),
            "sportsbook_id": [derive_id("sportsbook", book) for book in odds["book"]],
            "market_type": odds["market"],
            "selection": odds["selection"],
            "line": odds["line"],
            "price": odds["price"].astype("int64"),
            "recorded_at": odds["recorded_at"],
        }
    )
    copy_rows(connection, table("odds"), quotes)
    closing = records.closing
    closes = closing[["closing_line", "closing_price", "closed_at", "selection"]].assign(
        id=ids(code, "closing_line", range(len(closing))),
        game_id=ids(code, "game", closing["game_id"]),
        sportsbook_id=[derive_id("sportsbook", book) for book in closing["book"]],
        market_type=closing["market"],
    )
    copy_rows(connection, table("closing_lines"), closes)
    stats = records.team_stats
    rows = stats[["stat_type", "value"]].assign(
        id=ids(code, "team_stat", range(len(stats))),
        team_id=ids(code, "team", stats["team_id"]),
        season_id=ids(code, "season", stats["season"]),
        games_played=stats["games_played"].astype("int64"),
        created_at=CREATED,
    )
    copy_rows(connection, table("team_stats"), rows)
    _store_boxes(connection, code, records)


def dated_facts(code: str, records: Records) -> dict[str, pd.DataFrame]:
    """Return the league's dated facts under the database's ids, as the reviewed files would hold them."""
    alignments, grounds = records.alignments, records.grounds
    teams, places = ids(code, "team", alignments["team_id"]), ids(code, "venue", grounds["venue_id"])
    return {
        "alignments": alignments.assign(team_id=list(map(str, teams))),
        "grounds": grounds.assign(venue_id=list(map(str, places))),
    }


def _store_boxes(connection: sa.Connection, code: str, records: Records) -> None:
    """Store team and player boxes, later versions as corrections of the first, and the players' season totals."""
    who = records.player_boxes[["player_id", "team_id"]].drop_duplicates("player_id")
    others = sorted(set(records.player_stats["player_id"]) - set(who["player_id"]))
    names = [*who["player_id"], *others]
    teams = [*ids(code, "team", who["team_id"]), *[None] * len(others)]
    players = pd.DataFrame({"id": ids(code, "player", names), "name": names, "team_id": teams})
    copy_rows(connection, table("players"), players.assign(created_at=CREATED))
    team = _boxes(code, records.team_boxes, ["team_id", "game_id"])
    copy_rows(connection, table("fact_team_games"), team.assign(opponent_id=team["team_id"], is_home=True))
    copy_rows(connection, table("fact_player_games"), _boxes(code, records.player_boxes, ["player_id", "game_id"]))
    totals = records.player_stats
    rows = totals[["stat_type", "value"]].assign(
        id=ids(code, "player_stat", range(len(totals))),
        player_id=ids(code, "player", totals["player_id"]),
        season_id=ids(code, "season", totals["season"]),
        games_played=totals["games_played"].astype("int64"),
        created_at=CREATED,
    )
    copy_rows(connection, table("player_stats"), rows)


def _boxes(code: str, versions: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Return one row a box: its first version, later ones among `stats` as corrections."""
    names = [name for name in ("player_id", "team_id", "game_id") if name in versions]
    ordered = versions.sort_values("known_at", kind="stable")
    boxes: dict[tuple[str, ...], dict[str, Any]] = {}
    beside = {*names, "known_at"}
    for row in ordered.to_dict("records"):
        figures = {name: value for name, value in row.items() if name not in beside and pd.notna(value)}
        box = boxes.setdefault(tuple(row[key] for key in keys), {**row, "stats": figures})
        if box["stats"] is not figures:
            told = {"known_at": row["known_at"].isoformat(), "figures": figures}
            box["stats"].setdefault("corrections", []).append(told)
    table_ = pd.DataFrame(boxes.values())[[*names, "known_at", "stats"]]
    own = {name: ids(code, name.removesuffix("_id"), table_[name]) for name in names}
    return table_.assign(**own, id=ids(code, f"box of {keys[0]}", range(len(table_))), created_at=CREATED)


def _store_reference(connection: sa.Connection, code: str, records: Records) -> None:
    sport = pd.DataFrame({"id": [derive_id("sport", code)], "code": [code], "name": [code], "created_at": [CREATED]})
    copy_rows(connection, table("sports"), sport)
    years = sorted(records.games["season"].unique())
    seasons = pd.DataFrame({"id": ids(code, "season", years), "year": years}).assign(
        sport_id=derive_id("sport", code),
        start_date=[pd.Timestamp(f"{year}-09-01").date() for year in years],
        end_date=[pd.Timestamp(f"{year + 1}-02-14").date() for year in years],
        created_at=CREATED,
    )
    copy_rows(connection, table("seasons"), seasons)
    teams = records.teams[["abbreviation"]].assign(
        id=ids(code, "team", records.teams["team_id"]),
        conference=TODAY,
        division=TODAY,
        sport_id=derive_id("sport", code),
        name=records.teams["abbreviation"],
        created_at=CREATED,
    )
    copy_rows(connection, table("teams"), teams)
    venues = records.venues.rename(columns={"venue_id": "name"})
    rows = venues.assign(id=ids(code, "venue", venues["name"]), is_dome=True, surface_type=TODAY, created_at=CREATED)
    copy_rows(connection, table("venues"), rows)
    books = records.odds.drop_duplicates("book")[["book", "is_sharp"]].rename(columns={"book": "name"})
    named = books.assign(id=[derive_id("sportsbook", book) for book in books["name"]], created_at=CREATED)
    insert_new(connection, table("sportsbooks"), named)


def _games(code: str, games: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": ids(code, "game", games["game_id"]),
            "sport_id": derive_id("sport", code),
            "season_id": ids(code, "season", games["season"]),
            "external_id": code + ":" + games["game_id"],
            "home_team_id": ids(code, "team", games["home_team_id"]),
            "away_team_id": ids(code, "team", games["away_team_id"]),
            "game_date": games["kickoff"],
            "status": games["status"],
            "created_at": CREATED,
        }
    )


def _revisions(code: str, games: pd.DataFrame, first: int = 1) -> pd.DataFrame:
    number = games.groupby("game_id").cumcount() + first
    kept = ["season_type", "neutral_site", "kickoff_estimated", "status", "overtime", "known_at"]
    return games[kept].assign(
        id=ids(code, "game_revision", games["game_id"] + number.astype(str)),
        game_id=ids(code, "game", games["game_id"]),
        revision=number,
        source="test",
        source_game_id=games["game_id"],
        week=games["week"].astype("int64"),
        game_number=games["game_number"],
        venue_id=ids(code, "venue", games["venue_id"]),
        game_date=games["kickoff"],
        home_score=games["home_score"],
        away_score=games["away_score"],
        created_at=CREATED,
    )


_CUTS = (
    "DELETE FROM game_revisions WHERE known_at > :moment",
    "DELETE FROM odds WHERE recorded_at > :moment",
    "DELETE FROM closing_lines WHERE closed_at > :moment",
    "DELETE FROM consensus_lines WHERE calculated_at > :moment",
    "DELETE FROM odds_movements WHERE detected_at > :moment",
    "DELETE FROM fact_team_games WHERE known_at > :moment",
    "DELETE FROM fact_player_games WHERE known_at > :moment",
    *(
        f"UPDATE {boxes} SET stats = jsonb_set(stats, '{{corrections}}', (SELECT coalesce(jsonb_agg(c), '[]') "
        "FROM jsonb_array_elements(stats -> 'corrections') c "
        "WHERE CAST(c ->> 'known_at' AS timestamptz) AT TIME ZONE 'UTC' <= :moment)) "
        "WHERE jsonb_exists(stats, 'corrections')"
        for boxes in ("fact_team_games", "fact_player_games")
    ),
    "DELETE FROM player_stats t USING seasons s WHERE s.id = t.season_id AND s.end_date + 1 > :moment",
    "DELETE FROM team_ratings WHERE as_of > :moment",
    "DELETE FROM team_stats t USING seasons s WHERE s.id = t.season_id AND s.end_date + 1 > :moment",
    "DELETE FROM odds o WHERE NOT EXISTS (SELECT FROM game_revisions r WHERE r.game_id = o.game_id)",
    "DELETE FROM closing_lines c WHERE NOT EXISTS (SELECT FROM game_revisions r WHERE r.game_id = c.game_id)",
    "DELETE FROM games g WHERE NOT EXISTS (SELECT FROM game_revisions r WHERE r.game_id = g.id)",
    "UPDATE teams SET elo_rating = NULL",
)


def cut_database(owner: sa.Engine, moment: pd.Timestamp) -> None:
    """Make the database what it was at `moment`: every row known later is deleted, append-only tables too."""
    with owner.begin() as connection:
        connection.execute(sa.text("ALTER TABLE game_revisions DISABLE TRIGGER USER"))
        for statement in _CUTS:
            bound = sa.text(statement)
            if ":moment" in statement:
                bound = bound.bindparams(moment=moment.to_pydatetime().replace(tzinfo=None))
            connection.execute(bound)


class Planter:
    """Plants rows of the future, each with values no honest row has."""

    def __init__(self, connection: sa.Connection, code: str, records: Records, moment: pd.Timestamp) -> None:
        self.connection, self.code, self.records, self.moment = connection, code, records, moment
        self.rng = np.random.default_rng(99)
        self.planted: dict[str, int] = {}

    def plant(self, count: int) -> dict[str, int]:
        """Plant `count` rows in every table a feature could read; return the rows of each."""
        self._revisions(count)
        self._odds(count)
        self._seasons(count)
        self._players_and_boxes(count)
        self._ratings(count)
        self._derived(count)
        return self.planted

    def _put(self, name: str, frame: pd.DataFrame) -> None:
        rows = frame.assign(id=ids(self.code, f"planted {name}", range(len(frame))))
        self.planted[name] = copy_rows(self.connection, table(name), rows)

    def _games(self, count: int) -> pd.DataFrame:
        rows = self.records.games.drop_duplicates("game_id", keep="last")
        return rows.iloc[self.rng.integers(0, len(rows), count)].reset_index(drop=True)

    def _later(self, count: int) -> pd.Series:
        return pd.Series(self.moment + pd.to_timedelta(self.rng.integers(1, 10**9, count), unit="us"))

    def _revisions(self, count: int) -> None:
        later = self._later(count)
        games = self._games(count).assign(status="final", home_score=99, away_score=0, known_at=later, venue_id="")
        games["kickoff"] = later - 4 * HOUR
        self._put("game_revisions", _revisions(self.code, games, first=1000))

    def _side(self, count: int, book: str) -> pd.DataFrame:
        name = derive_id("sportsbook", book)
        row = pd.DataFrame({"id": [name], "name": [book], "is_sharp": [True], "created_at": [CREATED]})
        insert_new(self.connection, table("sportsbooks"), row)
        side = {"sportsbook_id": name, "market_type": "spread", "selection": "home"}
        return pd.DataFrame({"game_id": ids(self.code, "game", self._games(count)["game_id"])}).assign(**side)

    def _odds(self, count: int) -> None:
        side, later = self._side(count, "Alpha"), self._later(count)
        self._put("odds", side.assign(line=77.5, price=-1000, recorded_at=later))
        parts = [self._side(len(self._all_games()), f"late {n}") for n in range(-(-count // len(self._all_games())))]
        every = [part.assign(game_id=ids(self.code, "game", self._all_games())) for part in parts]
        late = pd.concat(every, ignore_index=True).head(count)
        self._put("closing_lines", late.assign(closing_line=77.5, closing_price=-1000, closed_at=later))
        self._put(
            "fact_odds",
            late.assign(closing_line=77.5, closing_price=-1000, closed_at=later, opening_line=70.5, quotes_count=1),
        )

    def _all_games(self) -> pd.Series:
        return self.records.games["game_id"].drop_duplicates()

    def _seasons(self, count: int) -> None:
        year = int(self.records.games.loc[self.records.games["known_at"] > self.moment, "season"].max())
        teams = ids(self.code, "team", self.records.teams["team_id"])
        kinds = [f"planted {n // len(teams)}" for n in range(count)]
        rows = pd.DataFrame({"stat_type": kinds, "team_id": [teams[n % len(teams)] for n in range(count)]})
        season = derive_id("season", self.code, year)
        self._put("team_stats", rows.assign(season_id=season, value=1e6, games_played=99, created_at=CREATED))

    def _players_and_boxes(self, count: int) -> None:
        games, later = self._games(count), self._later(count)
        home = ids(self.code, "team", games["home_team_id"])
        self._put(
            "players",
            pd.DataFrame({"name": [f"P{n}" for n in range(count)], "team_id": home}).assign(created_at=CREATED),
        )
        players = ids(self.code, "planted players", range(count))
        year = int(self.records.games["season"].max())
        rows = pd.DataFrame({"player_id": players}).assign(season_id=derive_id("season", self.code, year), value=1e6)
        self._put("player_stats", rows.assign(stat_type="planted", created_at=CREATED))
        stats = dict.fromkeys(PLAYER_FIGURES, 999.0)
        box = {"stats": [stats] * count, "known_at": later, "created_at": CREATED}
        game = ids(self.code, "game", games["game_id"])
        self._put("fact_player_games", pd.DataFrame({"player_id": players, "game_id": game, "team_id": home, **box}))
        line = {"prop_type": "points", "line": 99.5, "as_of": later, "created_at": CREATED}
        self._put("fact_player_props", pd.DataFrame({"player_id": players, "game_id": game, **line}))
        self._team_boxes(count)
        self._corrections()

    def _pairs(self, count: int) -> pd.DataFrame:
        """Pairs of game and team that no honest row holds: of teams that did not play in it."""
        games = self.records.games.drop_duplicates("game_id")
        sides = set(zip(games["game_id"], games["home_team_id"], strict=True))
        sides |= set(zip(games["game_id"], games["away_team_id"], strict=True))
        teams = self.records.teams["team_id"]
        pairs = [(game, team) for team in teams for game in games["game_id"] if (game, team) not in sides][:count]
        game, team = zip(*pairs, strict=True)
        return pd.DataFrame({"game_id": ids(self.code, "game", game), "team_id": ids(self.code, "team", team)})

    def _team_boxes(self, count: int) -> None:
        pairs = self._pairs(count)
        stats = [dict.fromkeys(TEAM_FIGURES, 999.0)] * len(pairs)
        self._put(
            "fact_team_games",
            pairs.assign(
                opponent_id=pairs["team_id"],
                is_home=True,
                points_for=999,
                points_against=0,
                stats=stats,
                known_at=self._later(len(pairs)),
                created_at=CREATED,
            ),
        )

    def _corrections(self) -> None:
        """Correct every box told by then, a minute after the moment."""
        told = (self.moment + pd.Timedelta(minutes=1)).isoformat()
        for name, figures in (("fact_team_games", TEAM_FIGURES), ("fact_player_games", PLAYER_FIGURES)):
            corrected = {"corrections": [{"known_at": told, "figures": dict.fromkeys(figures, 999.0)}]}
            statement = (
                f"UPDATE {name} f SET stats = CASE WHEN jsonb_exists(stats, 'corrections') THEN jsonb_set(stats, "
                "'{corrections}', (stats -> 'corrections') || (CAST(:new AS jsonb) -> 'corrections')) "
                "ELSE stats || CAST(:new AS jsonb) END FROM games g WHERE g.id = f.game_id AND g.sport_id = :sport "
                "AND f.known_at <= :moment"
            )
            done = self.connection.execute(
                sa.text(statement).bindparams(
                    new=json.dumps(corrected),
                    sport=derive_id("sport", self.code),
                    moment=self.moment.to_pydatetime().replace(tzinfo=None),
                )
            )
            self.planted[f"{name} corrected"] = done.rowcount

    def _ratings(self, count: int) -> None:
        pairs = self._pairs(count)
        self._put(
            "team_ratings",
            pairs.assign(rating_type="elo", rating=9999.0, as_of=self._later(len(pairs)), created_at=CREATED),
        )
        for statement in (
            "UPDATE teams SET elo_rating = 9999 WHERE sport_id = :sport",
            "UPDATE sports SET feature_count = 9999 WHERE id = :sport",
        ):
            self.connection.execute(sa.text(statement).bindparams(sport=derive_id("sport", self.code)))

    def _derived(self, count: int) -> None:
        games, later = ids(self.code, "game", self._games(count)["game_id"]), self._later(count)
        base = pd.DataFrame({"game_id": games, "market_type": "spread"})
        self._put(
            "consensus_lines",
            base.assign(consensus_line=77.5, consensus_price=-1000, books_count=9, calculated_at=later),
        )
        self._put(
            "odds_movements",
            base.assign(
                sportsbook_id=derive_id("sportsbook", "Alpha"),
                old_line=1.5,
                new_line=77.5,
                movement_size=76.0,
                detected_at=later,
            ),
        )
