"""A long league with a full market: games, results, closes and up to ten million quotes, made by the column."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import sqlalchemy as sa

from aipro_ml.db.bulk import without_indexes
from aipro_ml.db.copy import copy_rows
from aipro_ml.db.encode import identifiers
from aipro_ml.db.models.feature_store import GameRevision
from aipro_ml.db.models.odds import ClosingLine, Odds, Sportsbook
from aipro_ml.db.models.sports import Game, Season, Sport, Team, Venue
from aipro_ml.identity import derive_id

QUOTES_A_GAME = 252
"""6 books × 3 markets × 2 sides × 4 to 10 snapshots, seven on average."""
BOOKS, TEAMS, GAMES_A_SEASON, GAMES_A_DAY, FIRST_SEASON = 6, 30, 1230, 8, 1990
MARKETS = pd.CategoricalDtype(["moneyline", "spread", "total"])
SELECTIONS = pd.CategoricalDtype(["home", "away", "over", "under"])
KNOWN = pd.Timestamp("1980-01-01", tz="UTC")

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class LongLeague:
    """How many games and quotes were stored of the sport `code`."""

    code: str
    games: int
    quotes: int


def fill(connection: sa.Connection, code: str, games: int, seed: int = 7) -> LongLeague:
    """Store so many games of the sport `code`, season by season in time order; the connection is the owner's."""
    rng = np.random.default_rng(seed)
    _store_names(connection, code, -(-games // GAMES_A_SEASON))
    quotes = 0
    tables = (Odds.__table__, ClosingLine.__table__, GameRevision.__table__)
    with without_indexes(connection, tables[0]), without_indexes(connection, tables[1]):
        for season in _seasons(rng, code, games):
            copy_rows(connection, Game.__table__, season.games)
            copy_rows(connection, GameRevision.__table__, season.revisions)
            copy_rows(connection, Odds.__table__, season.odds)
            copy_rows(connection, ClosingLine.__table__, season.closing)
            quotes += len(season.odds)
    return LongLeague(code, games, quotes)


@dataclass(frozen=True)
class _SeasonRows:
    games: pd.DataFrame
    revisions: pd.DataFrame
    odds: pd.DataFrame
    closing: pd.DataFrame


def _store_names(connection: sa.Connection, code: str, seasons: int) -> None:
    sport, at = derive_id("sport", code), {"created_at": [KNOWN]}
    numbers = range(TEAMS)
    years = range(FIRST_SEASON, FIRST_SEASON + seasons)
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
        Sportsbook.__table__: {
            "id": [derive_id("sportsbook", f"Bench {n}") for n in range(BOOKS)],
            "name": [f"Bench {n}" for n in range(BOOKS)],
            "is_sharp": [n == 0 for n in range(BOOKS)],
        },
    }
    for table, columns in frames.items():
        rows = len(columns["id"])
        copy_rows(
            connection, table, pd.DataFrame({n: v * rows if len(v) == 1 else v for n, v in (columns | at).items()})
        )


def _seasons(rng: np.random.Generator, code: str, games: int) -> Iterator[_SeasonRows]:
    for number, start in enumerate(range(0, games, GAMES_A_SEASON)):
        count = min(GAMES_A_SEASON, games - start)
        table, revisions, kickoff = _games(rng, code, FIRST_SEASON + number, count)
        odds, closing = _quotes(rng, table["id"].array, kickoff)
        yield _SeasonRows(table, revisions, odds, closing)


def _ids(rng: np.random.Generator, count: int) -> pd.Series:
    return identifiers(rng.bytes(16 * count))


def _times(microseconds: Ints) -> pd.Series:
    return pd.Series(pd.to_datetime(microseconds, unit="us", utc=True)).dt.as_unit("us")


def _named(code: str, kind: str, numbers: Ints) -> pd.Series:
    return pd.Series(pd.Categorical.from_codes(numbers, categories=[derive_id(kind, code, n) for n in range(TEAMS)]))


def _games(rng: np.random.Generator, code: str, year: int, count: int) -> tuple[pd.DataFrame, pd.DataFrame, Ints]:
    pairs = np.concatenate(
        [rng.permutation(TEAMS).reshape(-1, 2)[:GAMES_A_DAY] for _ in range(-(-count // GAMES_A_DAY))]
    )
    home, away = pairs[:count].T
    first = pd.Timestamp(f"{year}-10-20", tz="UTC").value // 1000
    kickoff = first + (np.arange(count) // GAMES_A_DAY * 24 + rng.integers(0, 4, count)) * 3_600_000_000
    scores = rng.normal(112, 12, (2, count)).round().astype("int64")
    scores[0] += scores[0] == scores[1]
    fixed = {"game_date": _times(kickoff), "created_at": KNOWN}
    games = pd.DataFrame(
        {
            "id": _ids(rng, count),
            "sport_id": derive_id("sport", code),
            "season_id": derive_id("season", code, year),
            "home_team_id": _named(code, "team", home),
            "away_team_id": _named(code, "team", away),
            "venue_id": _named(code, "venue", home),
            "status": "final",
            "home_score": scores[0],
            "away_score": scores[1],
            **fixed,
        }
    )
    return games, _revisions(rng, games, first, kickoff), kickoff


def _revisions(rng: np.random.Generator, games: pd.DataFrame, first: int, kickoff: Ints) -> pd.DataFrame:
    """Return the plan, known a month before the season, and the result, known three hours after kick-off."""
    shared = games[["venue_id", "game_date", "created_at"]].assign(
        game_id=games["id"], source="bench", source_game_id=np.arange(len(games)).astype(str),
        season_type="regular", game_number=1, neutral_site=False, kickoff_estimated=False, overtime=False,
    )  # fmt: skip
    month = pd.Timestamp(first, unit="us", tz="UTC") - pd.Timedelta(days=30)
    plan = shared.assign(id=_ids(rng, len(games)), revision=1, status="scheduled", known_at=month)
    final = games[["status", "home_score", "away_score"]]
    result = shared.assign(id=_ids(rng, len(games)), revision=2, known_at=_times(kickoff + 3 * 3_600_000_000), **final)
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
