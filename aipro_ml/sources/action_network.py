"""Action Network's NFL lines of full games (Parquet): no times at all, so the games come from a schedule.

Only rows of period `event` are full-game lines; other periods and team totals (`core_bet_type_6_team_score`) are left
out. `last_updated` is when the file was scraped, years later: a price counts as of the close. Books 15 and 30 are
commonly called consensus and open, but are equal in nearly every row: there is no opening line here.
"""

from datetime import datetime

import pandas as pd

from aipro_ml.enums import BetType, GameStatus, Selection, Severity
from aipro_ml.sources.base import CLOSING_COLUMNS, GAME_COLUMNS, QUOTE_COLUMNS, Book, SourceBatch, conform
from aipro_ml.sources.checks import FindingLog, lines, malformed, overround, prices, whole
from aipro_ml.sources.franchises import franchises
from aipro_ml.sources.games import season_frame
from aipro_ml.sources.parquet import read_parquet
from aipro_ml.sources.untimed import CLOSE_LEAD, LARGEST_MARGIN, NFL_LIMITS

SPORT = "NFL"
SOURCE = "action_network_nfl"
FIELDS = ("line_type", "event_id", "book_id", "period", "side", "value", "odds", "team", "season", "week")
FULL_GAME = "event"
SIDES = {
    BetType.SPREAD: (Selection.HOME, Selection.AWAY),
    BetType.MONEYLINE: (Selection.HOME, Selection.AWAY),
    BetType.TOTAL: (Selection.OVER, Selection.UNDER),
}


def read(data: bytes, *, name: str, schedule: pd.DataFrame, known_from: datetime | None = None) -> SourceBatch:
    """Return the full-game lines of the Parquet file `data` for the games of `schedule` (GAME_COLUMNS).

    A game is found by season, week and teams, as nflverse counts them; its `external_id` becomes Action Network's
    event. Raises DataFileError where the file cannot be read at all.
    """
    table = read_parquet(data, name=name, columns=FIELDS)
    markets = [market.value for market in SIDES]
    rows = table.frame.loc[(table.frame["period"] == FULL_GAME) & table.frame["line_type"].isin(markets)]
    log = FindingLog(name, rows["line_number"])
    _check_sides(rows, log)
    games = _games(rows.loc[~log.rejected], schedule, log)  # rejects the rows of unknown teams too
    offers = _offers(rows.loc[~log.rejected], games, log)
    played = offers.loc[offers["status"] == GameStatus.FINAL]
    names = {"line": "closing_line", "price": "closing_price", "recorded_at": "closed_at"}
    return SourceBatch(
        sport=SPORT,
        source=SOURCE,
        teams=franchises(SPORT).frame(),
        seasons=season_frame(games),
        games=conform(games, GAME_COLUMNS),
        books=tuple(Book(book) for book in sorted(set(offers["book"]))),
        quotes=conform(offers.loc[offers["price"].notna()], QUOTE_COLUMNS),
        closing=conform(played.rename(columns=names), CLOSING_COLUMNS),
        findings=log.findings,
        rows_read=table.rows_read,
        known_from=known_from,
    )


def events(data: bytes, *, name: str, schedule: pd.DataFrame) -> pd.DataFrame:
    """Return external_id (Action Network's event), game and kickoff of the events in `data` that are in `schedule`.

    `schedule` and the way games are found are those of `read`, which also says what is wrong with the file.
    """
    table = read_parquet(data, name=name, columns=FIELDS)
    rows = table.frame.loc[(table.frame["period"] == FULL_GAME) & table.frame["line_type"].isin(list(SIDES))]
    log = FindingLog(name, rows["line_number"])
    _check_sides(rows, log)
    games = _games(rows.loc[~log.rejected], schedule, log)
    return games[["external_id", "game", "kickoff"]].reset_index(drop=True)


def book_name(book_id: pd.Series) -> pd.Series:
    """Return the names of Action Network's books, which it gives numbers only."""
    return "Action Network " + book_id


def _check_sides(rows: pd.DataFrame, log: FindingLog) -> None:
    allowed = rows["line_type"].map({market.value: tuple(sides) for market, sides in SIDES.items()})
    pairs = zip(rows["side"].fillna(""), allowed, strict=True)
    wrong = pd.Series([side not in sides for side, sides in pairs], index=rows.index, dtype="boolean")
    log.reject(wrong, rows["side"], "side", "no side of this market")
    for column in ("event_id", "book_id"):
        log.reject(whole(rows[column], 1, 999_999_999).isna(), rows[column], column, "no number of Action Network's")
    for column, (low, high) in {"season": (1920, 2100), "week": (1, 60)}.items():
        said = f"no whole number from {low} to {high}"
        log.reject(whole(rows[column], low, high).isna(), rows[column], column, said)
    key = ["event_id", "book_id", "line_type", "side"]
    again = rows.loc[~log.rejected].duplicated(key).reindex(rows.index, fill_value=False)
    log.reject(again, rows["side"], "duplicate_quote", "an earlier row has this side of this market; the first counts")


def _games(rows: pd.DataFrame, schedule: pd.DataFrame, log: FindingLog) -> pd.DataFrame:
    """Return the schedule's games that the events are, under the event's number; others reject their rows."""
    season, week = whole(rows["season"], 1920, 2100), whole(rows["week"], 1, 60)
    known = franchises(SPORT).find_all(rows["team"], season)
    strange = known.isna() & rows["side"].isin(["home", "away"])

    def unknown(name: str) -> str:
        near = ", ".join(franchises(SPORT).nearest(name))
        return "no such team in that season" + (f"; nearest: {near}" if near else "; see configs/teams/nfl.yaml")

    log.reject(strange, rows["team"], "unknown_team", unknown)
    events = pd.DataFrame({"season": season, "week": week, "line_number": rows["line_number"]})
    events = events.groupby(rows["event_id"]).first()
    for side in ("home", "away"):
        mine = known.where(rows["side"] == side)
        told = mine.groupby(rows["event_id"])
        events[side] = told.first().where(told.nunique() == 1)
    nowhere = pd.Series(pd.NA, index=schedule.index, dtype="string")  # the batch has no venues
    facts = schedule.drop(columns=["external_id", "line_number"]).assign(venue=nowhere)
    found = events.reset_index().merge(facts, on=["season", "week", "home", "away"], how="inner")
    found = found.drop_duplicates("game").rename(columns={"event_id": "external_id"})
    lost = ~rows["event_id"].isin(found["external_id"])
    said = "the schedule has no game of these teams in this week, or an earlier event is it"
    log.flag(lost & ~rows["event_id"].duplicated(), rows["event_id"], "no_such_game", said)
    return found.set_index("external_id", drop=False)


def _offers(rows: pd.DataFrame, games: pd.DataFrame, log: FindingLog) -> pd.DataFrame:
    """Return one row a game, book, market and side that has a line or, in moneylines, a price."""
    rows = rows.loc[rows["event_id"].isin(games.index)]
    price, line = _prices(rows, log), _lines(rows, log)
    offers = pd.DataFrame(
        {
            "book": book_name(rows["book_id"]),
            "market": rows["line_type"],
            "selection": rows["side"],
            "line": line,
            "price": price,
            "event": rows["event_id"],
        }
    )
    offers["line"] = offers["line"].mask(_uneven(rows, offers, log))
    offers["price"] = offers["price"].mask(_impossible(rows, offers, log))
    offers = offers.join(games[["game", "kickoff", "status"]], on="event")
    moneyline = offers["market"] == BetType.MONEYLINE
    offers = offers.loc[offers["price"].notna().where(moneyline, offers["line"].notna())]
    return offers.assign(recorded_at=offers["kickoff"] - CLOSE_LEAD)


def _prices(rows: pd.DataFrame, log: FindingLog) -> pd.Series:
    found = prices(rows["odds"])
    said = "no whole American price of at least 100 in size: this quote does not land"
    log.flag(malformed(rows["odds"], found), rows["odds"], "price", said)
    return found


def _lines(rows: pd.DataFrame, log: FindingLog) -> pd.Series:
    """Return lines signed for their side, as the file has them; NA for moneylines."""
    text = rows["value"]
    spread, total = (rows["line_type"] == market.value for market in (BetType.SPREAD, BetType.TOTAL))
    widest, (low, high) = NFL_LIMITS.spread, NFL_LIMITS.total
    found = lines(text, -widest, widest).where(spread, lines(text, low, high).where(total))
    said = f"no spread to {widest:g} and no total from {low:g} to {high:g}, in quarters: this quote does not land"
    log.flag((spread | total) & found.isna(), text, "line", said)
    return found + 0.0


def _mate(offers: pd.DataFrame, column: str) -> pd.Series:
    """Return `column` of the other side of each offer's market."""
    sides = {side.value: other.value for pair in SIDES.values() for side, other in (pair, pair[::-1])}
    key = ["event", "book", "market", "selection"]
    values = offers.set_index(key)[column]
    wanted = pd.MultiIndex.from_frame(offers[key].assign(selection=offers["selection"].map(sides)))
    return pd.Series(values.reindex(wanted).array, index=offers.index)


def _uneven(rows: pd.DataFrame, offers: pd.DataFrame, log: FindingLog) -> pd.Series:
    """Return where the two sides of a market do not have one line."""
    mate = _mate(offers, "line")
    spread = offers["market"] == BetType.SPREAD
    uneven = (offers["line"] + mate).ne(0).where(spread, offers["line"].ne(mate)).fillna(False)
    said = "the two sides of this market differ in their line: neither lands"
    log.flag(uneven & rows["side"].isin(["home", "over"]), rows["value"], "line_sides", said)
    return uneven.astype(bool)


def _impossible(rows: pd.DataFrame, offers: pd.DataFrame, log: FindingLog) -> pd.Series:
    """Return where two prices cannot be the sides of one market; a negative margin is marked and lands."""
    margin = overround(offers["price"], _mate(offers, "price"))
    first = rows["side"].isin(["home", "over"])
    said = f"the two sides imply more than {1 + LARGEST_MARGIN:.0%}: one of them is wrong, neither lands"
    log.flag((margin > LARGEST_MARGIN) & first, rows["odds"], "impossible_prices", said)
    said = "the two sides imply less than 100 %: no bookmaker offers that; the prices land"
    log.flag((margin < 0) & first, rows["odds"], "negative_overround", said, Severity.WARNING)
    return margin > LARGEST_MARGIN
