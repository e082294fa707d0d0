"""Import of games: found among the stored ones or new, with the history of what was known of each and when."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

import pandas as pd
from sqlalchemy import Connection

from aipro_ml.db.repositories import games as games_repository
from aipro_ml.enums import Selection
from aipro_ml.features.sport import Sport
from aipro_ml.identity import derive_id
from aipro_ml.jobs import ingest_match, ingest_merge, ingest_revisions
from aipro_ml.sources.base import UTC_TIME, Finding, SourceBatch
from aipro_ml.sources.odds_api_feed import OddsApiBatch

TYPES: Mapping[str, str] = {
    "game_date": UTC_TIME,
    "kickoff_estimated": "boolean",
    "status": "string",
    "home_score": "Int64",
    "away_score": "Int64",
    "overtime": "boolean",
    "week": "Int64",
    "venue_id": "string",
    "season_type": "string",
    "neutral_site": "boolean",
    "game_number": "Int64",
}
_LONGEST_ID = 50
_UNIQUE_IDS = frozenset({"nflverse", "synthetic"})
"""Sources whose ids name the season and both teams of one sport, and are stored as they are."""


@dataclass(frozen=True)
class Reading:
    """How a batch was read: when, from what file, and whether these very bytes were read before (`again`)."""

    now: datetime
    file: str
    again: bool


@dataclass(frozen=True)
class Placed:
    """Where the games of a batch landed: their stored ids, sides and kick-offs, and what was written.

    `games` (index: the batch's game): game_id, swapped, kickoff (as stored now); games that may not land are not
    in it. `refilled`: stored games whose estimated kick-off became a real one (game_id, before, after).
    """

    games: pd.DataFrame
    refilled: pd.DataFrame
    count: games_repository.GameCount = field(default_factory=games_repository.GameCount)
    matched: int = 0
    findings: tuple[Finding, ...] = ()


def store_games(connection: Connection, batch: SourceBatch, league: Sport, reading: Reading) -> Placed:
    """Insert the games that are new, fill or correct those that are stored, and return where each one is.

    What was read before corrects nothing that was learnt since.
    """
    if batch.games.empty:
        return Placed(_placed(batch.games.assign(game_id="", swapped=False, game_date=batch.games["kickoff"])), _NONE)
    known = typed(games_repository.revisions_of(connection, league.code, sorted(set(batch.games["season"]))))
    incoming = typed(_incoming(batch, league.code))
    incoming, problems = _matched(incoming, known, batch, league, reading.file)
    is_new = incoming["game_id"].isna()
    new = _with_new_ids(incoming.loc[is_new], set(known["game_id"]), league.code)
    old = incoming.loc[~is_new]
    minutes, zone = league.config.duration_minutes, league.config.timezone
    history = ingest_revisions.Knowledge(batch.source, minutes, zone, reading.now, batch.known_from)
    moves = _moves(batch, pd.concat([new, old]))
    first = ingest_revisions.first_revisions(new, moves, history)
    changed, later, conflicts = _changes(old, known, moves, history, reading)
    rows = game_rows(pd.concat([new, changed]), league.code, batch.source, reading.now)
    count = games_repository.save_games(connection, rows, [first, later])
    placed = pd.concat([new, old.assign(game_date=_now_known(old, changed, known))])
    return Placed(
        games=_placed(placed),
        refilled=_refilled(changed, known),
        count=count,
        matched=len(old),
        findings=(*problems, *conflicts),
    )


_NONE = pd.DataFrame({"game_id": [], "before": [], "after": []})


def typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with the columns of TYPES in their types."""
    return frame.astype({name: kind for name, kind in TYPES.items() if name in frame})


def _incoming(batch: SourceBatch, code: str) -> pd.DataFrame:
    games = batch.games
    venues = {venue: str(derive_id("venue", venue)) for venue in games["venue"].dropna().unique()}
    return games.assign(
        own_id=[str(derive_id("game", code, game)) for game in games["game"]],
        game_date=games["kickoff"],
        venue_id=games["venue"].map(venues),
    )


def current_of(known: pd.DataFrame) -> pd.DataFrame:
    """Return each game's last revision in the order of knowledge, with the providers of its facts (index game_id)."""
    last = known.drop_duplicates("game_id", keep="last").set_index("game_id", drop=False)
    return last.join(ingest_merge.providers(known).add_suffix("_by")) if len(last) else last


def _matched(
    incoming: pd.DataFrame, known: pd.DataFrame, batch: SourceBatch, league: Sport, file: str
) -> tuple[pd.DataFrame, tuple[Finding, ...]]:
    """Return the games that may land with the stored id they have (NA: new), sides as stored; and the others."""
    stored = known.drop_duplicates("game_id", keep="last").rename(columns={"game_date": "kickoff"})
    mine = known.loc[known["source"] == batch.source].drop_duplicates("source_game_id", keep="last")
    crosswalk = mine.set_index("source_game_id")["game_id"]
    zone = ZoneInfo(league.config.timezone)
    lasts = pd.Timedelta(minutes=league.config.duration_minutes)
    found = ingest_match.match_games(incoming, stored, crosswalk, zone, lasts)
    problems = tuple(_problems(incoming, found, file))
    games = incoming.assign(game_id=found.game_id, swapped=found.swapped).loc[found.problem == ""]
    return _turned(games), problems


def _problems(incoming: pd.DataFrame, found: ingest_match.Matches, file: str) -> list[Finding]:
    said = {
        ingest_match.AMBIGUOUS: "fits two stored games equally well, so it is neither; they are: {}",
        ingest_match.SIDES: "a stored game has these teams the other way round, and none says neutral ground: {}",
    }
    bad = found.problem != ""
    rows = zip(incoming.loc[bad].itertuples(), found.problem[bad], found.candidates[bad], strict=True)
    return [
        Finding(
            file,
            int(game.line_number),
            "game",
            f"{game.away}@{game.home} {game.kickoff:%Y-%m-%d %H:%MZ}",
            str(problem),
            said[problem].format(candidates if isinstance(candidates, str) else "see the games of that day"),
        )
        for game, problem, candidates in rows
    ]


def _turned(games: pd.DataFrame) -> pd.DataFrame:
    """Return the games with home and away as the stored game has them."""
    turned = games["swapped"]
    swaps = (("home", "away"), ("home_score", "away_score"))
    pairs = {one: games[one].mask(turned, games[other]) for pair in swaps for one, other in (pair, pair[::-1])}
    return games.assign(**pairs)


def turned_selection(selection: pd.Series, turned: pd.Series) -> pd.Series:
    """Return the selections with home and away exchanged where `turned`; lines belong to their selection and stay."""
    other = {Selection.HOME.value: Selection.AWAY.value, Selection.AWAY.value: Selection.HOME.value}
    return selection.mask(turned & selection.isin(list(other)), selection.map(other))


def _with_new_ids(new: pd.DataFrame, taken: set[str], code: str) -> pd.DataFrame:
    """Return new games under the id of their identity, or of their source's id where another game has it."""
    ids, used = [], set(taken)
    for own, external in zip(new["own_id"], new["external_id"], strict=True):
        ids.append(own if own not in used else str(derive_id("game", code, own, external)))
        used.add(ids[-1])
    return new.assign(game_id=pd.Series(ids, index=new.index, dtype="string"))


def _moves(batch: SourceBatch, games: pd.DataFrame) -> pd.DataFrame:
    """Return when which kick-off of a game was known (game_id, kickoff, known_at); empty for sources without times."""
    if not isinstance(batch, OddsApiBatch):
        return pd.DataFrame({"game_id": [], "kickoff": [], "known_at": []})
    ids = dict(zip(games["game"], games["game_id"], strict=True))
    moves = batch.moves.assign(game_id=batch.moves["game"].map(ids))
    return moves.loc[moves["game_id"].notna(), ["game_id", "kickoff", "known_at"]]


def _changes(
    old: pd.DataFrame,
    known: pd.DataFrame,
    moves: pd.DataFrame,
    history: ingest_revisions.Knowledge,
    reading: Reading,
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[Finding, ...]]:
    """Return the stored games that change, their new revisions, and what contradicts them."""
    if old.empty:
        return old, pd.DataFrame(), ()
    stored = current_of(known).loc[old["game_id"]].set_axis(old.index)
    news = moves.iloc[:0] if reading.again else moves
    moved = ingest_revisions.applicable(news, known, stored, history.source)
    said = ingest_revisions.with_last_kickoff(old, moved, known, history.source)
    merged = ingest_merge.merge(said, stored, history.source, file=reading.file, again=reading.again)
    facts = said.assign(**{name: merged.facts[name] for name in merged.facts})
    timed = facts["game_id"].isin(moved["game_id"])
    facts.loc[timed, ["game_date", "kickoff_estimated"]] = said.loc[timed, ["game_date", "kickoff_estimated"]]
    rows = ingest_revisions.later_revisions(facts, merged.changed, stored, moved, known, history)
    touched = facts["game_id"].isin(rows["game_id"]) if len(rows) else pd.Series(False, index=facts.index)
    return facts.loc[touched], rows, merged.findings


def _now_known(old: pd.DataFrame, changed: pd.DataFrame, known: pd.DataFrame) -> pd.Series:
    before = known.drop_duplicates("game_id", keep="last").set_index("game_id")["game_date"]
    after = changed.set_index("game_id")["game_date"] if len(changed) else before.iloc[:0]
    return old["game_id"].map(after).fillna(old["game_id"].map(before)).astype(UTC_TIME)


def _placed(games: pd.DataFrame) -> pd.DataFrame:
    frame = games[["game", "game_id", "swapped", "game_date"]].rename(columns={"game_date": "kickoff"})
    return frame.assign(said=games["kickoff"]).set_index("game")


def _refilled(changed: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Return the games whose estimated kick-off became a real one."""
    if changed.empty:
        return _NONE
    before = known.drop_duplicates("game_id", keep="last").set_index("game_id").loc[changed["game_id"]]
    was, now = before["game_date"].array, changed["game_date"].array
    rows = pd.DataFrame({"game_id": changed["game_id"].array, "before": was, "after": now})
    real = before["kickoff_estimated"].to_numpy(bool) & ~changed["kickoff_estimated"].to_numpy(bool)
    return rows.loc[real & (rows["before"] != rows["after"]).to_numpy()]


def game_rows(games: pd.DataFrame, code: str, source: str, now: datetime) -> pd.DataFrame:
    """Return rows of `games` for games with game_id, season, home, away, external_id (the source's) and STATE."""
    return pd.DataFrame(
        {
            "id": games["game_id"],
            "sport_id": derive_id("sport", code),
            "season_id": [derive_id("season", code, int(season)) for season in games["season"]],
            "external_id": [external_id(source, code, own) for own in games["external_id"]],
            "home_team_id": [derive_id("team", code, team) for team in games["home"]],
            "away_team_id": [derive_id("team", code, team) for team in games["away"]],
            **{name: games[name] for name in games_repository.STATE},
            "created_at": pd.Timestamp(now),
            "updated_at": pd.Timestamp(now),
        }
    )


def external_id(source: str, code: str, own: str) -> str:
    """Return a game's id of its source as it is unique over all sources and sports (at most 50 characters)."""
    if source in _UNIQUE_IDS:
        return own
    named = f"{code}:{source}:{own}"
    return named if len(named) <= _LONGEST_ID else f"{code}:{derive_id('external_id', source, own).hex}"
