"""Random imports of a small league: games that move, quotes early, late, in play and corrected, bare lines."""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from aipro_ml.enums import REFERENCE_SIDE, BetType
from aipro_ml.sources.base import (
    CLOSING_COLUMNS,
    GAME_COLUMNS,
    QUOTE_COLUMNS,
    SEASON_COLUMNS,
    TEAM_COLUMNS,
    Book,
    SourceBatch,
    conform,
)

START = pd.Timestamp("2024-09-05T00:00Z")
TEAMS = ("BUF", "MIA", "NE", "NYJ")
PAIRS = (("BUF", "MIA"), ("NE", "NYJ"), ("MIA", "NE"))
SIDES = {"spread": ("home", "away"), "total": ("over", "under"), "moneyline": ("home", "away")}


@dataclass
class Step:
    """One import: its batch, and the moment it happens."""

    batch: SourceBatch
    now: datetime


def steps(seed: int, imports: int) -> list[Step]:
    """Return a random sequence of imports over three games on three days."""
    random = np.random.default_rng(seed)
    kickoffs = [START + pd.Timedelta(hours=30 + 24 * day) for day in range(len(PAIRS))]
    made = []
    for hour in np.sort(random.choice(np.arange(1, 120), size=imports, replace=False)):
        now = START + pd.Timedelta(hours=int(hour))
        kickoffs = [_maybe_moved(kickoff, now, random) for kickoff in kickoffs]
        made.append(Step(_batch(kickoffs, now, random), now.to_pydatetime().astimezone(UTC)))
    return made


def _maybe_moved(kickoff: pd.Timestamp, now: pd.Timestamp, random: np.random.Generator) -> pd.Timestamp:
    """Return the kick-off, moved by minutes to hours in one of four imports, even when it has passed."""
    if random.random() < 0.75:
        return kickoff
    return kickoff + pd.Timedelta(minutes=int(random.choice([-180, -10, 5, 40, 600])))


def _batch(kickoffs: list[pd.Timestamp], now: pd.Timestamp, random: np.random.Generator) -> SourceBatch:
    games = _games(kickoffs, random)
    return SourceBatch(
        sport="SIM-NFL",
        source="random",
        teams=conform(pd.DataFrame({name: list(TEAMS) for name in TEAM_COLUMNS}), TEAM_COLUMNS),
        seasons=conform(
            pd.DataFrame({"season": [2024], "name": ["2024"], "start_date": [START], "end_date": [START]}),
            SEASON_COLUMNS,
        ),
        games=games,
        books=(Book("sharp", is_sharp=True), Book("soft"), Book("other"), Book("archive")),
        quotes=_quotes(games["game"].tolist(), now, random),
        closing=_stated(games["game"].tolist(), random),
        rows_read=len(games),
        known_from=now.to_pydatetime(),
    )


def _games(kickoffs: list[pd.Timestamp], random: np.random.Generator) -> pd.DataFrame:
    homes, aways = zip(*PAIRS, strict=True)
    status = random.choice(["scheduled", "scheduled", "scheduled", "postponed"], size=len(PAIRS))
    frame = pd.DataFrame({"home": homes, "away": aways, "kickoff": kickoffs, "status": status})
    constants = {
        "season": 2024, "season_type": "regular", "week": 1, "game_number": 1, "kickoff_estimated": False,
        "venue": pd.NA, "neutral_site": False, "home_score": pd.NA, "away_score": pd.NA, "overtime": False,
    }  # fmt: skip
    frame = frame.assign(**constants, line_number=range(1, len(frame) + 1))
    frame["game"] = "2024:" + frame["home"] + "@" + frame["away"]
    return conform(frame.assign(external_id=frame["game"]), GAME_COLUMNS)


def _quotes(games: list[str], now: pd.Timestamp, random: np.random.Generator) -> pd.DataFrame:
    """Return quotes recorded up to `now`, some of them long ago; a repeated moment may bring another price."""
    rows = []
    for _ in range(int(random.integers(0, 25))):
        market = str(random.choice(list(SIDES)))
        game, book = str(random.choice(games)), str(random.choice(["sharp", "soft", "other"]))
        seen = now - pd.Timedelta(hours=int(random.integers(0, 8)))
        line = {"spread": -3.0, "total": 44.5, "moneyline": np.nan}[market] + random.choice([0, 0.5])
        for side in SIDES[market][: int(random.integers(1, 3))]:
            signed = -line if (market, side) == ("spread", "away") else line
            rows.append((game, book, market, side, signed, int(random.choice([-115, -110, -105, 105])), seen))
    frame = pd.DataFrame(rows, columns=list(QUOTE_COLUMNS))
    frame["recorded_at"] = pd.to_datetime(frame["recorded_at"], utc=True)
    frame = frame.drop_duplicates(["game", "book", "market", "selection", "recorded_at"])
    return conform(frame, QUOTE_COLUMNS)


def _stated(games: list[str], random: np.random.Generator) -> pd.DataFrame:
    chosen = [game for game in games if random.random() < 0.3]
    rows = [
        (game, "archive", bet_type.value, REFERENCE_SIDE[bet_type].value, 1.5, pd.NA, START)
        for game in chosen
        for bet_type in (BetType.SPREAD, BetType.TOTAL)
    ]
    return conform(pd.DataFrame(rows, columns=list(CLOSING_COLUMNS)), CLOSING_COLUMNS)
