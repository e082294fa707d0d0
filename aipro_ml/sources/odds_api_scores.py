"""Results as The Odds API v4's `scores` answer them: one event a game, its sides' scores as texts."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from aipro_ml.enums import GameStatus, Severity
from aipro_ml.sources import odds_api_events
from aipro_ml.sources.base import GAME_COLUMNS, Finding, SourceBatch, conform
from aipro_ml.sources.checks import shortened
from aipro_ml.sources.dated import in_order
from aipro_ml.sources.franchises import franchises
from aipro_ml.sources.games import season_frame
from aipro_ml.sources.odds_api import answer_of, text_of_value
from aipro_ml.sources.odds_api_feed import OFFER_COLUMNS, SIGHTING_COLUMNS, SOURCE, SPORT_KEYS, FeedLog, feed_of

Json = dict[str, Any]
MOST = 250
"""No side of any sport scores more."""


def read(data: bytes, *, name: str, sport: str, known_from: datetime | None = None) -> SourceBatch:
    """Return the games of one answer (a list of events, plain or gzip), final where `completed` with both scores.

    A game that is not completed is a scheduled one without a score. The feed says neither venue nor overtime.
    Findings name the event by its number in the list (`line`) and the cell by its JSON path (`column`). Raises
    DataFileError where it is no such answer.
    """
    events, findings = _events(answer_of(data, name)[0], name, sport)
    rows = pd.DataFrame(events, columns=[*SIGHTING_COLUMNS, "completed", "home_score", "away_score"])
    rows["taken_at"] = pd.to_datetime(rows["taken_at"], utc=True)
    rows = rows.astype({"completed": "boolean", "home_score": "string", "away_score": "string"})
    feed = feed_of(rows, pd.DataFrame(columns=list(OFFER_COLUMNS)), len(events) + len(findings))
    log = FeedLog(feed.sightings)
    known = odds_api_events.read(feed.sightings, feed.offers, sport, log).games
    again = rows["id"].notna() & rows["id"].duplicated()
    log.reject(again, feed.sightings["id"], "duplicate_game", "an earlier event has this id; the first counts")
    games = _with_scores(known, rows, log)
    return SourceBatch(
        sport=sport,
        source=SOURCE,
        teams=franchises(sport).frame(),
        seasons=season_frame(games),
        games=conform(games, GAME_COLUMNS),
        findings=in_order((*findings, *log.findings)),
        rows_read=feed.rows_read,
        known_from=known_from,
    )


def _events(listed: list[Any], name: str, sport: str) -> tuple[list[Json], list[Finding]]:
    """Return the events as flat rows of text, and a finding for each thing that is none of this sport."""
    rows, findings = [], []
    for number, event in enumerate(listed):
        place = f"[{number}]."
        if not isinstance(event, dict):
            said = "not of the API's form: an object belongs here"
            findings.append(Finding(name, number + 1, f"[{number}]", shortened(str(event)), "shape", said))
        elif SPORT_KEYS.get(str(event.get("sport_key")), sport) != sport:
            text, said = shortened(str(event["sport_key"])), f"not {sport}: read it as its own sport"
            findings.append(Finding(name, number + 1, f"{place}sport_key", text, "other_sport", said))
        elif not isinstance(event.get("completed"), bool):
            said = "neither true nor false: whether the game is over is not known"
            text = shortened(str(event.get("completed")))
            findings.append(Finding(name, number + 1, f"{place}completed", text, "completed", said))
        else:
            rows.append({"file": name, "line_number": number + 1, "place": place, "id_column": "id", **_flat(event)})
    return rows, findings


def _flat(event: Json) -> Json:
    texts = {key: text_of_value(event.get(key)) for key in ("id", "commence_time", "home_team", "away_team")}
    listed = event.get("scores")
    said = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    by_name = {text_of_value(one.get("name")): text_of_value(one.get("score")) for one in said}
    moment = odds_api_events.moments(pd.Series([text_of_value(event.get("last_update"))], dtype="string")).iloc[0]
    scores = {f"{side}_score": by_name.get(texts[f"{side}_team"]) for side in ("home", "away")}
    return {**texts, **scores, "taken_at": moment, "completed": event.get("completed") is True}


def _with_scores(games: pd.DataFrame, rows: pd.DataFrame, log: FeedLog) -> pd.DataFrame:
    """Return the games with their final scores; one that is completed without two of them is refused."""
    scores = {}
    for side in ("home_score", "away_score"):
        text = rows[side].where(rows["completed"].fillna(False))
        whole = text.str.fullmatch(r"[0-9]{1,3}").fillna(False)
        number = pd.to_numeric(text.where(whole), errors="coerce").astype("Int64")
        good = whole & number.le(MOST).fillna(False)
        wrong = rows["completed"].fillna(False) & ~good
        log.reject(wrong, text.rename(side), "score", f"a completed game needs a whole score of 0 to {MOST}")
        scores[side] = number.where(good)
    kept = games.loc[~log.rejected.loc[games.index]]
    final = rows["completed"].loc[kept.index].fillna(False).astype(bool)
    values: Mapping[str, pd.Series] = {side: score.loc[kept.index] for side, score in scores.items()}
    level = final & (values["home_score"] == values["away_score"]).fillna(False)
    said = "level at the end: a push, unless the sport has draws"
    log.flag(level, values["home_score"].astype("string").rename("home_score"), "tie", said, Severity.WARNING)
    status = final.map({True: GameStatus.FINAL.value, False: GameStatus.SCHEDULED.value})
    return kept.assign(status=status, **values)
