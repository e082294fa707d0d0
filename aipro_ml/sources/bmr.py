"""BookmakersReview's weekly NFL files (a tar of YEAR/week_N.csv, or one of them): two rows a game, up to 14 books.

An odd `rotation` is the visitor. `date` has no year: January belongs to the year after `season`; `time` is Eastern.
`week` counts on through the play-offs, as nflverse's does, so games have the same identity. `N_*` is the last line of
book N (the books' names are not known), `opening_*` the first line of book 8. Spreads are the team's own handicap;
the visitor's row prices the over, the home row the under. Shares of bets are not read.
"""

import re
from datetime import datetime, timedelta

import pandas as pd

from aipro_ml.errors import DataFileError
from aipro_ml.sources import archive, untimed
from aipro_ml.sources.base import GAME_COLUMNS, Book, Finding, SourceBatch, conform
from aipro_ml.sources.bmr_games import FIELDS, games_of, later_told
from aipro_ml.sources.bmr_odds import BOOK_FIELD, offers_of
from aipro_ml.sources.checks import FindingLog, whole
from aipro_ml.sources.dated import in_order
from aipro_ml.sources.franchises import franchises
from aipro_ml.sources.games import season_frame
from aipro_ml.sources.pairs import Place, placed, visitors
from aipro_ml.sources.read import read_csv, unpack

SPORT = "NFL"
SOURCE = "bmr_nfl"
WEEKLY = r"(?:^|/)\d{4}/week_\d+\.csv$"


def read(
    data: bytes, *, name: str, opening_lead: timedelta = untimed.OPEN_LEAD, known_from: datetime | None = None
) -> SourceBatch:
    """Return everything the archive (tar, plain or gzip) or weekly file (CSV) `data` says.

    Opening prices count as seen `opening_lead` before kick-off, closing ones a minute. Bad rows and cells become
    findings; raises DataFileError where a file cannot be read at all.
    """
    rows, findings, read_rows = _rows(_files(data, name))
    home, away, alone = _pairs(rows)
    log = FindingLog(name, pd.Series(range(len(home)), dtype="int64"))
    games = games_of(home, away, log)
    offers = offers_of(home.loc[games.index], away.loc[games.index], games, opening_lead, log)
    later_told(home, games, log)
    found = placed(log.findings, _places(home), _places(away))
    quoted, closed = untimed.quotes(offers), untimed.closing(offers)
    return SourceBatch(
        sport=SPORT,
        source=SOURCE,
        teams=franchises(SPORT).frame(),
        seasons=season_frame(games),
        games=conform(games, GAME_COLUMNS),
        books=tuple(Book(book) for book in sorted(set(quoted["book"]) | set(closed["book"]))),
        quotes=quoted,
        closing=closed,
        findings=in_order((*findings, *alone, *found)),
        rows_read=read_rows,
        known_from=known_from,
    )


def _files(data: bytes, name: str) -> dict[str, bytes]:
    content = unpack(data, name=name)
    if content[257:262] != b"ustar":
        return {name: content}
    weekly = {path: content for path, content in archive.members(content, name=name).items() if re.search(WEEKLY, path)}
    if not weekly:
        raise DataFileError("the archive holds no YEAR/week_N.csv", file=name)
    return weekly


def _rows(files: dict[str, bytes]) -> tuple[pd.DataFrame, tuple[Finding, ...], int]:
    """Return the rows of all files on one index, their findings and how many rows were read."""
    tables = {
        path: read_csv(content, name=path, columns=FIELDS, also=lambda column: bool(re.fullmatch(BOOK_FIELD, column)))
        for path, content in files.items()
    }
    rows = pd.concat([table.frame.assign(file=path) for path, table in tables.items()], ignore_index=True)
    findings = tuple(finding for table in tables.values() for finding in table.findings)
    return rows, findings, sum(table.rows_read for table in tables.values())


def _pairs(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, tuple[Finding, ...]]:
    """Return home and visitors' rows on one index, and what stands alone.

    A pair is the two rows of a file with one game_id, an odd rotation number and an even one.
    """
    odd = whole(rows["rotation"], 1, 99_999) % 2
    keys = [rows["file"], rows["game_id"].fillna("")]
    complete = odd.groupby(keys).transform("size").eq(2) & odd.groupby(keys).transform("sum").eq(1)
    complete &= odd.groupby(keys).transform("count").eq(2) & rows["game_id"].notna()
    log = FindingLog("", pd.Series(rows.index, index=rows.index))
    said = "not one odd rotation number (visitor) and one even (home) for this game_id: who is at home is not known"
    log.flag(~complete, rows["rotation"], "sides", said)
    alone = placed(log.findings, _places(rows), _places(rows))
    good = rows.loc[complete].sort_values(["file", "game_id"], kind="stable")
    away, home = (good.loc[(odd.loc[good.index] == side).astype(bool)].reset_index(drop=True) for side in (1, 0))
    order = home.assign(place=home.index).sort_values(["file", "line_number"])["place"].to_numpy()
    home, away = (side.loc[order].reset_index(drop=True) for side in (home, away))
    return home, visitors(away).rename(columns={"line_number@visitor": "line_number", "file@visitor": "file"}), alone


def _places(rows: pd.DataFrame) -> list[Place]:
    return [(str(file), int(line)) for file, line in zip(rows["file"], rows["line_number"], strict=True)]
