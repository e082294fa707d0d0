"""The Odds API v4's answers as canonical frames: live odds, historical snapshots, and folders of either."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import pandas as pd

from aipro_ml.errors import DataFileError
from aipro_ml.sources.base import Finding
from aipro_ml.sources.checks import shortened
from aipro_ml.sources.odds_api_events import moments
from aipro_ml.sources.odds_api_feed import OFFER_COLUMNS, SIGHTING_COLUMNS, SPORT_KEYS, OddsApiBatch, batch_of, feed_of
from aipro_ml.sources.read import text_of, unpack

OddsFormat = Literal["american", "decimal"]
STAMP = re.compile(r"(?<![0-9])(20\d\d)-?(\d\d)-?(\d\d)T(\d\d)[-:]?(\d\d)[-:]?(\d\d)Z")
"""How a snapshot's file is named after its time: `ncaaf_20251017T124448Z.json.gz`."""

Json = dict[str, Any]


def read(
    data: bytes,
    *,
    name: str,
    sport: str,
    odds_format: OddsFormat = "american",
    taken_at: datetime | None = None,
    known_from: datetime | None = None,
) -> OddsApiBatch:
    """Return everything one answer of the API says: a list of events, or the historical wrapper around it.

    When prices were seen: the wrapper's `timestamp`, else `taken_at` (the moment of the fetch), else the time
    in the file's `name`, else each market's own `last_update`. Findings name the event by its number in the
    list (`line`) and the cell by its JSON path (`column`). Raises DataFileError where it is no such answer.
    """
    pages = _Pages(sport)
    pages.add(data, name, taken_at)
    return pages.batch(odds_format, known_from)


def read_folder(
    files: Mapping[str, bytes], *, sport: str, odds_format: OddsFormat = "american", known_from: datetime | None = None
) -> OddsApiBatch:
    """Return what all snapshots of one sport say together, as `read` does each; `files` are bytes by name.

    A file that cannot be read is a finding and the others land; DataFileError where none can.
    """
    pages, broken = _Pages(sport), []
    for name in sorted(files):
        try:
            pages.add(files[name], name, None)
        except DataFileError as error:
            broken.append(error)
            pages.findings.append(Finding(name, error.line or 1, "", "", "unreadable_file", str(error)))
    if broken and len(broken) == len(files):
        raise broken[0]
    return pages.batch(odds_format, known_from)


@dataclass
class _Pages:
    """Snapshots read so far, as rows of text."""

    sport: str
    sightings: list[Json] = field(default_factory=list)
    offers: list[Json] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def batch(self, odds_format: OddsFormat, known_from: datetime | None) -> OddsApiBatch:
        sightings = pd.DataFrame(self.sightings, columns=list(SIGHTING_COLUMNS))
        sightings["taken_at"] = pd.to_datetime(sightings["taken_at"], utc=True)
        offers = pd.DataFrame(self.offers, columns=list(OFFER_COLUMNS))
        read_rows = len(self.offers) + sum(f.rule == "shape" for f in self.findings)
        feed = feed_of(sightings, offers, read_rows, self.findings)
        return batch_of(feed, sport=self.sport, odds_format=odds_format, known_from=known_from)

    def add(self, data: bytes, name: str, taken_at: datetime | None) -> None:
        events, timestamp = answer_of(data, name)
        moment = _taken_at(timestamp, taken_at, name)
        for number, event in enumerate(events):
            place = f"[{number}]."
            if not isinstance(event, dict):
                self._misshapen(name, number, place, event)
            elif event.get("sport_key") not in (None, *(key for key, code in SPORT_KEYS.items() if code == self.sport)):
                said = f"not {self.sport}: read it as its own sport"
                text = shortened(str(event["sport_key"]))
                self.findings.append(Finding(name, number + 1, f"{place}sport_key", text, "other_sport", said))
            else:
                self._event(name, number, event, moment)

    def _event(self, name: str, number: int, event: Json, moment: pd.Timestamp) -> None:
        where = {"file": name, "line_number": number + 1}
        sighting = {key: text_of_value(event.get(key)) for key in ("id", "commence_time", "home_team", "away_team")}
        label = len(self.sightings)
        self.sightings.append({**where, "place": f"[{number}].", "id_column": "id", "taken_at": moment, **sighting})
        for place, book in self._listed(name, number, event, f"[{number}].", "bookmakers"):
            for within, market in self._listed(name, number, book, place, "markets"):
                for at, outcome in self._listed(name, number, market, within, "outcomes"):
                    updated = market.get("last_update", book.get("last_update"))
                    offer = {
                        **where,
                        "place": at,
                        "sighting": label,
                        "book": text_of_value(book.get("key")),
                        "title": text_of_value(book.get("title")),
                        "market": text_of_value(market.get("key")),
                        "outcome": text_of_value(outcome.get("name")),
                        "price": text_of_value(outcome.get("price")),
                        "point": text_of_value(outcome.get("point")),
                        "last_update": text_of_value(updated),
                        "book_column": "bookmaker",
                        "outcome_column": "name",
                        "price_column": "price",
                        "point_column": "point",
                    }
                    self.offers.append(offer)

    def _listed(self, name: str, number: int, parent: Json, place: str, key: str) -> Iterator[tuple[str, Json]]:
        """Yield the objects listed under `key` with their places; anything else there is a finding."""
        items = parent.get(key, [])
        if not isinstance(items, list):
            self._misshapen(name, number, place + key, items)
            return
        for index, item in enumerate(items):
            if isinstance(item, dict):
                yield f"{place}{key}[{index}].", item
            else:
                self._misshapen(name, number, f"{place}{key}[{index}]", item)

    def _misshapen(self, name: str, number: int, column: str, value: object) -> None:
        said = "not of the API's form: an object, or a list of objects, belongs here"
        text = shortened(text_of_value(value) or "")
        self.findings.append(Finding(name, number + 1, column.rstrip("."), text, "shape", said))


def answer_of(data: bytes, name: str) -> tuple[list[Any], object]:
    """Return the events of an answer and its timestamp; raise DataFileError where it is none."""
    text = text_of(unpack(data, name=name), name=name)
    if not text.strip():
        raise DataFileError("the file is empty", file=name)
    try:
        answer = json.loads(text)
    except json.JSONDecodeError as error:
        said = f"not valid JSON ({error.msg}, character {error.colno}); fetch it again"
        raise DataFileError(said, file=name, line=error.lineno) from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits; a thousand brackets
        raise DataFileError(f"not an answer of The Odds API ({type(error).__name__})", file=name) from error
    timestamp = None
    if isinstance(answer, dict) and "data" in answer:
        answer, timestamp = answer["data"], answer.get("timestamp")
    if isinstance(answer, dict) and "bookmakers" in answer:
        answer = [answer]  # the odds of a single event
    if isinstance(answer, dict) and "message" in answer:
        raise DataFileError(f"the API refused: {shortened(str(answer['message']))}", file=name)
    if not isinstance(answer, list):
        raise DataFileError("not an answer of The Odds API: a list of events belongs here", file=name)
    return answer, timestamp


def _taken_at(timestamp: object, taken_at: datetime | None, name: str) -> pd.Timestamp:
    """Return when a snapshot was taken, NaT where nothing tells."""
    if timestamp is not None:
        moment = moments(pd.Series([text_of_value(timestamp)], dtype="string")).iloc[0]
        if pd.isna(moment):
            said = f"no UTC time like 2025-10-17T12:45:00Z: {shortened(str(timestamp))!r}"
            raise DataFileError(said, file=name, column="timestamp")
        return moment
    if taken_at is not None:
        return pd.Timestamp(taken_at).tz_convert("UTC")
    found = STAMP.search(name)
    if found is None:
        return pd.NaT
    return pd.to_datetime("".join(found.groups()), format="%Y%m%d%H%M%S", utc=True, errors="coerce")


def text_of_value(value: object) -> str | None:
    """Return a JSON value as stripped text that any encoding takes, None where it is null or empty."""
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value)
    if isinstance(value, dict | list):
        text = f"no value but {text}"  # so that no name inside is taken for one
    return text.encode(errors="replace").decode().replace("\x00", "\ufffd").strip() or None
