"""What readers ask of the market: closes, moves, consensus lines, one game's board, and which devig method is best."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import pandas as pd
from sqlalchemy import Connection, Engine

from aipro_ml.db.repositories import market as repository
from aipro_ml.enums import BetType
from aipro_ml.errors import UsageError
from aipro_ml.features.history import CLOSE_WITHIN
from aipro_ml.features.sport import sport
from aipro_ml.jobs.database import unit
from aipro_ml.jobs.market import SNAPSHOT, stored_consensus
from aipro_ml.market.board import book_rows, books_quoting, fresh, market_rows, standing_quotes
from aipro_ml.market.closing import begun_games, closing_quotes, opening_quotes
from aipro_ml.market.consensus_rows import consensus_rows, sharp_and_soft
from aipro_ml.market.devig_comparison import DevigComparison, compare_methods
from aipro_ml.market.movements import described

Moment = Literal["opening", "close"]


@dataclass(frozen=True)
class Board:
    """All the market says of one game: `moment` is "now" or "close", `at` the time it speaks of."""

    game: dict[str, object]
    moment: str
    at: pd.Timestamp
    markets: pd.DataFrame
    books: pd.DataFrame
    moves: pd.DataFrame
    consensus: pd.DataFrame


@dataclass(frozen=True)
class ComparisonRequest:
    """Which games to compare devig methods on: opening or close, seasons (inclusive), one book or the consensus."""

    moment: Moment = "close"
    season_from: int | None = None
    season_to: int | None = None
    book: str | None = None
    seed: int = 20260101


def closes(engine: Engine, code: str) -> pd.DataFrame:
    """Return per market of the sport how many games, books and sides have a close, and from when to when."""
    with engine.connect() as connection:
        return repository.closes_by_market(connection, sport(code).code)


def moves(engine: Engine, code: str, as_of: datetime) -> pd.DataFrame:
    """Return every move of the sport, described (direction, steam, reverse) and with its game.

    The age of a move is that at `as_of`, or at the kick-off where that came first.
    """
    league = sport(code)
    with engine.connect() as connection:
        frame = repository.moves_of(connection, league.code)
        sides = repository.sides_of(connection, league.code)
        games = repository.games_of_sport(connection, league.code)
    labels = (games["away"] + "@" + games["home"]).set_axis(games["game_id"])
    kickoffs = games.set_index("game_id")["kickoff"].clip(upper=pd.Timestamp(as_of).as_unit("us"))
    said = described(frame, books_quoting(sides), kickoffs)
    return said.assign(game=said["game_id"].map(labels))


def open_consensus(engine: Engine, code: str, as_of: datetime, *, dry_run: bool = False) -> pd.DataFrame:
    """Store the consensus at `as_of` of every market that is still open then; return it, sharp and soft beside.

    Open: the kick-off lies after `as_of`. Quotes older than the sport's age limit do not count.
    """
    league, moment = sport(code), pd.Timestamp(as_of).as_unit("us")
    with unit(engine, dry_run=dry_run) as connection:
        games = repository.games_of_sport(connection, league.code)
        ahead = games.loc[games["kickoff"] > moment].set_index("game_id")
        standing = _standing(connection, list(ahead.index), moment)
        standing = fresh(standing, moment, pd.Timedelta(hours=league.config.quote_max_age_hours))
        if standing.empty:
            return pd.DataFrame()
        rows = consensus_rows(standing, league.config, moment)
        repository.save_derived(connection, "consensus_lines", stored_consensus(rows, SNAPSHOT))
    table = sharp_and_soft(standing, league.config)
    of_game = ahead.reindex(table["game_id"]).reset_index()
    table.insert(0, "game", of_game["away"] + "@" + of_game["home"])
    return table.assign(kickoff=of_game["kickoff"]).sort_values(["kickoff", "game", "market"], ignore_index=True)


def board(engine: Engine, name: str, as_of: datetime) -> Board:
    """Return the board of the one game called `name` (the beginning of its id, or what a source calls it).

    A game that has begun by `as_of` is shown as it closed. UsageError where the name fits none or several.
    """
    moment = pd.Timestamp(as_of).as_unit("us")
    with engine.connect() as connection:
        game = _the_game(repository.games_named(connection, name), name)
        key, league = str(game["game_id"]), sport(str(game["sport"]))
        revisions = repository.revisions_of(connection, [key])
        begun = key in begun_games(revisions, moment)
        standing = _standing(connection, [key], moment)
        sides = repository.sides_of(connection, league.code, [key])
        frame = repository.moves_of(connection, league.code, [key])
        stored = repository.consensus_of(connection, key)
    at = standing["recorded_at"].max() if begun and len(standing) else moment
    age = CLOSE_WITHIN if begun else pd.Timedelta(hours=league.config.quote_max_age_hours)
    counted = fresh(standing, at, age)
    # seen from `as_of`, what came later has not happened yet
    sides, stored = sides.loc[sides["opening_at"] <= moment], stored.loc[stored["calculated_at"] <= moment]
    frame = frame.loc[frame["detected_at"] <= moment]
    return Board(
        game=game,
        moment="close" if begun else "now",
        at=at,
        markets=market_rows(counted, league.config) if len(counted) else pd.DataFrame(),
        books=book_rows(standing, sides, league.config, at, age) if len(standing) else pd.DataFrame(),
        moves=described(frame, books_quoting(sides), pd.Series({key: at})),
        consensus=stored,
    )


def _standing(connection: Connection, game_ids: Sequence[str], as_of: pd.Timestamp) -> pd.DataFrame:
    """Return the last quote before kick-off of every side known at `as_of`, with the books' names and is_sharp."""
    quotes = repository.quotes_of(connection, game_ids)
    standing = standing_quotes(quotes, repository.revisions_of(connection, game_ids), as_of)
    books = repository.books(connection).set_index("book").reindex(standing["book"])
    return standing.assign(book=books["name"].to_numpy(), is_sharp=books["is_sharp"].to_numpy())


def _the_game(found: pd.DataFrame, name: str) -> dict[str, object]:
    if len(found) == 1:
        return {str(column): value for column, value in found.iloc[0].to_dict().items()}
    if found.empty:
        raise UsageError(f"no game {name!r}: give the beginning of its id or its source's id, see `aipro data games`")
    several = ", ".join(
        f"{row.game_id[:8]} ({row.sport} {row.away}@{row.home} {row.kickoff:%Y-%m-%d})"
        for row in found.head(5).itertuples()
    )
    raise UsageError(f"{name!r} names {len(found)} games: {several}")


def devig_comparisons(
    engine: Engine, code: str, bet_types: Sequence[BetType], request: ComparisonRequest
) -> list[DevigComparison]:
    """Return the comparison of devig methods of each bet type that has games enough.

    UsageError for a book that quoted nothing of the sport.
    """
    league = sport(code)
    with engine.connect() as connection:
        sides = repository.sides_of(connection, league.code)
        games = repository.games_of_sport(connection, league.code).set_index("game_id")
    if request.book is not None:
        known = sorted(sides["book"].unique())
        if request.book not in known:
            raise UsageError(f"no book {request.book!r} quoted {league.code}; known: {', '.join(known)}")
        sides = sides.loc[sides["book"] == request.book]
    final = games["status"].eq("final") & games["home_score"].notna()
    seasons = games["season"].between(request.season_from or -9999, request.season_to or 9999)
    quotes = closing_quotes(sides) if request.moment == "close" else opening_quotes(sides)
    played = games.loc[final & seasons, ["kickoff", "home_score", "away_score"]]
    found = [compare_methods(quotes, played, each, league.config, seed=request.seed) for each in bet_types]
    return [comparison for comparison in found if comparison is not None]
