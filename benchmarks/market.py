"""A long league with a full market: games, results, closes and up to ten million quotes, made by the column."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID

import numpy as np
import numpy.typing as npt
import pandas as pd
import sqlalchemy as sa

from aipro_ml.db.copy import copy_rows, insert_new
from aipro_ml.db.encode import identifiers
from aipro_ml.db.models.feature_store import GameRevision
from aipro_ml.db.models.odds import ClosingLine, Odds, Sportsbook
from aipro_ml.db.models.sports import Game, Season, Sport, Team, Venue
from aipro_ml.identity import derive_id
from benchmarks.bulk import without_indexes

QUOTES_A_GAME = 252
"""6 books × 3 markets × 2 sides × 4 to 10 snapshots, seven on average."""
BOOKS, TEAMS, GAMES_A_SEASON, GAMES_A_DAY, FIRST_SEASON = 6, 30, 1230, 8, 1990
MARKETS = pd.CategoricalDtype(["moneyline", "spread", "total"])
SELECTIONS = pd.CategoricalDtype(["home", "away", "over", "under"])
HOUR = 3_600_000_000
KNOWN = pd.Timestamp("1980-01-01", tz="UTC")

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LongLeague:
    """How many games and quotes were stored of the sport `code`."""

    code: str
    games: int
    quotes: int


@dataclass(frozen=True)
class Places:
    """The identifiers that a season's games refer to; `venues` are the teams' grounds, in their order."""

    sport: UUID
    season: UUID
    teams: list[UUID]
    venues: list[UUID]


def fill(connection: sa.Connection, leagues: Mapping[str, int], seed: int = 7) -> list[LongLeague]:
    """Store so many games of each sport, season by season in time order; the connection is the owner's."""
    rng = np.random.default_rng(seed)
    filled = []
    with without_indexes(connection, Odds.__table__), without_indexes(connection, ClosingLine.__table__):
        for code, games in leagues.items():
            _store_names(connection, code, -(-games // GAMES_A_SEASON))
            stored = [_store(connection, season) for season in _seasons(rng, code, games)]
            filled.append(LongLeague(code, games, sum(stored)))
    connection.exec_driver_sql("ANALYZE")
    return filled


def add_night(connection: sa.Connection, places: Places, day: pd.Timestamp, games: int) -> None:
    """Store one crowded day: so many open games of known teams, with quotes until their kick-offs."""
    rng = np.random.default_rng(3)
    table, kickoff = _games(rng, places, (day, games), games)
    open_game: dict[str, object] = {"status": "scheduled", "home_score": None, "away_score": None}
    table = table.assign(**open_game)
    plan = _revisions(rng, table, day, kickoff).iloc[: len(table)].assign(home_score=None, away_score=None)
    odds, closing = _quotes(rng, table["id"].array, kickoff)
    _store(connection, _SeasonRows(table, plan, odds, closing.iloc[:0]))


def revisions(seasons: int) -> pd.DataFrame:
    """Return the revisions of so many seasons as `features.records.REVISION_COLUMNS`, from no database."""
    rng = np.random.default_rng(5)
    parts = []
    for number in range(seasons):
        table, kickoff = _games(
            rng, _places("BENCH", FIRST_SEASON + number), (_opening_day(number), GAMES_A_DAY), GAMES_A_SEASON
        )
        sides = table[["id", "home_team_id", "away_team_id"]].assign(
            id=[f"{number:03}-{n:05}" for n in range(len(table))]
        )
        own = _revisions(rng, table, _opening_day(number), kickoff).drop(columns="id")
        teams = pd.concat([sides, sides], ignore_index=True).rename(columns={"id": "game"}).astype(str)
        parts.append(own.join(teams).assign(season=FIRST_SEASON + number))
    whole = pd.concat(parts, ignore_index=True).drop(columns="game_id")
    return whole.rename(columns={"game": "game_id", "game_date": "kickoff"}).assign(week=np.nan, venue_id="")


@dataclass(frozen=True)
class _SeasonRows:
    games: pd.DataFrame
    revisions: pd.DataFrame
    odds: pd.DataFrame
    closing: pd.DataFrame


def _store(connection: sa.Connection, season: _SeasonRows) -> int:
    copy_rows(connection, Game.__table__, season.games)
    copy_rows(connection, GameRevision.__table__, season.revisions)
    copy_rows(connection, Odds.__table__, season.odds)
    copy_rows(connection, ClosingLine.__table__, season.closing)
    return len(season.odds)


def _store_names(connection: sa.Connection, code: str, seasons: int) -> None:
    sport, at = derive_id("sport", code), {"created_at": [KNOWN]}
    numbers = range(TEAMS)
    years = range(FIRST_SEASON, FIRST_SEASON + seasons)
    _store_books(connection)
    frames: dict[sa.Table, dict[str, list[object]]] = {
        Sport.__table__: {"id": [sport], "code": [code], "name": [code]},
        Season.__table__: {"id": [derive_id("season", code, y) for y in years], "sport_id": [sport], "year": [*years]},
        Venue.__table__: {
            "id": [derive_id("venue", code, n) for n in numbers],
            "name": [f"{code} ground {n}" for n in numbers],
            "timezone": [("America/New_York", "America/Denver")[n % 2] for n in numbers],
            "latitude": [30.0 + n / 2 for n in numbers],
            "longitude": [-120.0 + n for n in numbers],
        },
        Team.__table__: {
            "id": [derive_id("team", code, n) for n in numbers],
            "sport_id": [sport],
            "name": [f"Team {n}" for n in numbers],
            "abbreviation": [f"T{n}" for n in numbers],
            "conference": ["EW"[n % 2] for n in numbers],
            "division": ["ABC"[n % 3] for n in numbers],
        },
    }
    for table, columns in frames.items():
        rows = len(columns["id"])
        copy_rows(
            connection, table, pd.DataFrame({n: v * rows if len(v) == 1 else v for n, v in (columns | at).items()})
        )


def _store_books(connection: sa.Connection) -> None:
    names = [f"Bench {n}" for n in range(BOOKS)]
    ids = [derive_id("sportsbook", name) for name in names]
    books = pd.DataFrame({"id": ids, "name": names, "is_sharp": [n == 0 for n in range(BOOKS)], "created_at": KNOWN})
    insert_new(connection, Sportsbook.__table__, books)


def _places(code: str, year: int) -> Places:
    teams, venues = ([derive_id(kind, code, n) for n in range(TEAMS)] for kind in ("team", "venue"))
    return Places(derive_id("sport", code), derive_id("season", code, year), teams, venues)


def _opening_day(season: int) -> pd.Timestamp:
    return pd.Timestamp(f"{FIRST_SEASON + season}-10-20", tz="UTC")


def _seasons(rng: np.random.Generator, code: str, games: int) -> Iterator[_SeasonRows]:
    for number, start in enumerate(range(0, games, GAMES_A_SEASON)):
        count = min(GAMES_A_SEASON, games - start)
        days = (_opening_day(number), GAMES_A_DAY)
        table, kickoff = _games(rng, _places(code, FIRST_SEASON + number), days, count)
        odds, closing = _quotes(rng, table["id"].array, kickoff)
        yield _SeasonRows(table, _revisions(rng, table, days[0], kickoff), odds, closing)


def _ids(rng: np.random.Generator, count: int) -> pd.Series:
    return identifiers(rng.bytes(16 * count))


def _times(microseconds: Ints) -> pd.Series:
    return pd.Series(pd.to_datetime(microseconds, unit="us", utc=True)).dt.as_unit("us")


def _games(
    rng: np.random.Generator, places: Places, days: tuple[pd.Timestamp, int], count: int
) -> tuple[pd.DataFrame, Ints]:
    """Return `count` finished games and their kick-offs, so many a day from the first on (`days`)."""
    first, a_day = days
    drawn = max(1, -(-count * 2 // len(places.teams)))
    shuffled = [rng.permutation(len(places.teams)) for _ in range(drawn + 1)]
    home, away = np.concatenate(shuffled)[: 2 * count].reshape(-1, 2).T
    hours = np.arange(count) // a_day * 24 + rng.integers(0, 4, count)
    kickoff = first.value // 1000 + hours * HOUR
    scores = rng.normal(112, 12, (2, count)).round().astype("int64")
    scores[0] += scores[0] == scores[1]
    games = pd.DataFrame(
        {
            "id": _ids(rng, count),
            "sport_id": places.sport,
            "season_id": places.season,
            "home_team_id": pd.Categorical.from_codes(home, categories=places.teams),
            "away_team_id": pd.Categorical.from_codes(away, categories=places.teams),
            "venue_id": pd.Categorical.from_codes(home % len(places.venues), categories=places.venues),
            "status": "final",
            "home_score": scores[0],
            "away_score": scores[1],
            "game_date": _times(kickoff),
            "created_at": KNOWN,
        }
    )
    return games, kickoff


def _revisions(rng: np.random.Generator, games: pd.DataFrame, first: pd.Timestamp, kickoff: Ints) -> pd.DataFrame:
    """Return the plan, known a month before the season, and the result, known three hours after kick-off."""
    shared = games[["venue_id", "game_date", "created_at"]].assign(
        game_id=games["id"], source="bench", source_game_id=np.arange(len(games)).astype(str),
        season_type="regular", game_number=1, neutral_site=False, kickoff_estimated=False, overtime=False,
    )  # fmt: skip
    month = first - pd.Timedelta(days=30)
    plan = shared.assign(id=_ids(rng, len(games)), revision=1, status="scheduled", known_at=month)
    final = games[["status", "home_score", "away_score"]]
    result = shared.assign(id=_ids(rng, len(games)), revision=2, known_at=_times(kickoff + 3 * HOUR), **final)
    return pd.concat([plan, result], ignore_index=True)


def _quotes(
    rng: np.random.Generator, ids: pd.api.extensions.ExtensionArray, kickoff: Ints
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the season's quotes in time order, and each series' last as its close."""
    offers = len(kickoff) * BOOKS * 3
    snapshots = rng.integers(4, 11, offers)
    offer = np.repeat(np.arange(offers), snapshots)
    last = np.cumsum(snapshots)[offer]
    ahead = (last - np.arange(len(offer)) - rng.random(len(offer))) / snapshots[offer]  # 0 … 1 of 140 hours
    at = kickoff[offer // (BOOKS * 3)] - (ahead * 140 * 3_600e6).astype("int64") - 60_000_000
    closes = np.arange(len(offer)) == last - 1
    chance = np.clip(rng.normal(0.5, 0.12, offers)[offer] + rng.normal(0, 0.01, len(offer)), 0.08, 0.92)
    chance = np.where(offer % 3 == 0, chance, 0.5 + (chance - 0.5) / 8)
    line = np.where(offer % 3 == 1, -6.5, 219.5) + rng.integers(-2, 3, len(offer)) / 2
    both = np.concatenate([_side(0, chance, line, offer), _side(1, chance, line, offer)])
    frame = pd.DataFrame(both).assign(at=np.tile(at, 2), closes=np.tile(closes, 2))
    frame = frame.sort_values("at", kind="stable", ignore_index=True)
    return _rows(rng, frame, ids), _closing(rng, frame.loc[frame["closes"]].reset_index(drop=True), ids)


def _side(
    side: int, chance: npt.NDArray[np.float64], line: npt.NDArray[np.float64], offer: Ints
) -> npt.NDArray[np.void]:
    market = offer % 3
    implied = np.where(side == 0, chance, 1 - chance) * 1.045
    price = np.where(implied >= 0.5, -100 * implied / (1 - implied), 100 * (1 - implied) / implied)
    rows = np.empty(
        len(offer), dtype=[("offer", "i8"), ("market", "i1"), ("selection", "i1"), ("price", "f8"), ("line", "f8")]
    )
    rows["offer"], rows["market"], rows["price"] = offer, market, np.round(np.where(np.abs(price) < 100, 100, price))
    rows["selection"] = side + 2 * (market == 2)
    rows["line"] = np.where(market == 0, np.nan, np.where((market == 1) & (side == 1), -line, line))
    return rows


def _keys(rng: np.random.Generator, frame: pd.DataFrame, ids: pd.api.extensions.ExtensionArray) -> dict[str, object]:
    books = [derive_id("sportsbook", f"Bench {n}") for n in range(BOOKS)]
    return {
        "id": _ids(rng, len(frame)),
        "game_id": ids.take((frame["offer"] // (BOOKS * 3)).to_numpy()),
        "sportsbook_id": pd.Categorical.from_codes(frame["offer"] // 3 % BOOKS, categories=books),
        "market_type": pd.Categorical.from_codes(frame["market"], dtype=MARKETS),
        "selection": pd.Categorical.from_codes(frame["selection"], dtype=SELECTIONS),
    }


def _rows(rng: np.random.Generator, frame: pd.DataFrame, ids: pd.api.extensions.ExtensionArray) -> pd.DataFrame:
    own = {
        "price": frame["price"].astype("int64"),
        "line": frame["line"],
        "recorded_at": _times(frame["at"].to_numpy()),
    }
    return pd.DataFrame({**_keys(rng, frame, ids), **own, "is_current": frame["closes"]})


def _closing(rng: np.random.Generator, frame: pd.DataFrame, ids: pd.api.extensions.ExtensionArray) -> pd.DataFrame:
    own = {
        "closing_price": frame["price"].astype("int64"),
        "closing_line": frame["line"],
        "closed_at": _times(frame["at"].to_numpy()),
    }
    return pd.DataFrame({**_keys(rng, frame, ids), **own})
