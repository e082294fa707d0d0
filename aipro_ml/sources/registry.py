"""Every source by name: what it reads, and how; a source is one file and one line here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from aipro_ml.errors import DataFileError, UsageError
from aipro_ml.sources import (
    action_network,
    bmr,
    football_data,
    games_nba,
    kaggle_nba,
    klland,
    kyleskom,
    mapped,
    nflverse,
    odds_api,
    odds_api_flat,
    odds_api_scores,
    oddsportal,
    results_nba,
    results_ncaaf,
    results_nhl,
    sbr,
    sbr_nfl,
)
from aipro_ml.sources.archive import members
from aipro_ml.sources.base import SourceBatch
from aipro_ml.sources.box_registry import BOX_SOURCES
from aipro_ml.sources.mapping import Mapping as Mapped

Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Told:
    """What a reader may have to be told beside the files.

    `schedule`: GAME_COLUMNS of the games already known; `taken_at`: the moment of a live fetch.
    """

    sport: str = ""
    season: int | None = None
    mapping: Mapped | None = None
    schedule: pd.DataFrame | None = None
    taken_at: datetime | None = None


@dataclass(frozen=True)
class Source:
    """A source: what it is, what it must be told, and its reader of named files.

    `folder`: its files make one whole; otherwise each file is read by itself. `needs`: fields of `Told` without
    which it cannot be read; `live`: fetched from an address it says what is known at that moment.
    """

    name: str
    reads: str
    reader: Callable[[Files, Told], SourceBatch]
    needs: tuple[str, ...] = ()
    folder: bool = False
    live: bool = False

    @property
    def needs_sport(self) -> bool:
        """Return whether the source does not say its sport."""
        return "sport" in self.needs

    def read(self, files: Files, told: Told | str = "") -> SourceBatch:
        """Return what the files say; `told` is all it must be told, or the sport alone."""
        return self.reader(files, Told(sport=told) if isinstance(told, str) else told)


def _one(reader: Callable[..., SourceBatch], *telling: str) -> Callable[[Files, Told], SourceBatch]:
    """Return a reader of exactly one file, told the fields of `Told` that `telling` names."""

    def read(files: Files, told: Told) -> SourceBatch:
        if len(files) != 1:
            raise DataFileError(f"holds {len(files)} files; this source is one file", file=next(iter(files), "nothing"))
        ((name, data),) = files.items()
        return reader(data, name=name, **{name: getattr(told, name) for name in telling})

    return read


def _unpacked(files: Files) -> Files:
    """Return the files, or the members of the one tar archive among them."""
    if len(files) == 1:
        ((name, data),) = files.items()
        if ".tar" in name:
            return members(data, name=name)
    return files


SOURCES = {
    source.name: source
    for source in (
        Source("nflverse", "NFL games with closing lines (games.csv)", _one(nflverse.read)),
        Source("football-data", "football-data.co.uk season files (E0, SP1, D1)", _one(football_data.read, "season")),
        Source(
            "odds-api",
            "The Odds API v4: live or historical JSON",
            _one(odds_api.read, "sport", "taken_at"),
            needs=("sport",),
            live=True,
        ),
        Source(
            "odds-api-folder",
            "a folder of The Odds API snapshots",
            lambda files, told: odds_api.read_folder(_unpacked(files), sport=told.sport),
            needs=("sport",),
            folder=True,
        ),
        Source(
            "odds-api-changes",
            "hourly snapshots flattened to changes (CSV)",
            _one(odds_api_flat.read_changes, "sport"),
            needs=("sport",),
        ),
        Source(
            "odds-api-days",
            "a folder or tar of daily snapshot CSVs",
            lambda files, told: odds_api_flat.read_days(_unpacked(files), sport=told.sport),
            needs=("sport",),
            folder=True,
        ),
        Source(
            "odds-api-scores",
            "The Odds API v4: results (scores)",
            _one(odds_api_scores.read, "sport"),
            needs=("sport",),
        ),
        Source("sbr-nba", "SBR archives of NBA seasons (xlsx, csv)", _one(sbr.read, "season")),
        Source("sbr-nfl", "SBR archive of NFL seasons (json)", _one(sbr_nfl.read)),
        Source("bmr", "BookmakersReview weekly NFL files (csv, tar)", _one(bmr.read)),
        Source("oddsportal-nba", "OddsPortal average closing moneylines", _one(oddsportal.read)),
        Source("kaggle-nba", "Kaggle NBA betting data", _one(kaggle_nba.read)),
        Source("kyleskom-nba", "kyleskom NBA odds tables", _one(kyleskom.read)),
        Source("klland-nba", "klland NBA odds (a known bad file)", _one(klland.read)),
        Source(
            "action-network",
            "Action Network NFL game lines (Parquet), for stored games",
            _one(action_network.read, "schedule"),
            needs=("schedule",),
        ),
        Source("results-nba", "basketball-reference NBA schedules with results", _one(results_nba.read)),
        Source("games-nba", "NBA results by stats.nba.com's game ids", _one(games_nba.read)),
        Source("results-ncaaf", "NCAAF results", _one(results_ncaaf.read)),
        Source("results-nhl", "NHL results", _one(results_nhl.read)),
        Source("mapped", "any CSV or Excel table, with --mapping", _one(mapped.read, "mapping"), needs=("mapping",)),
    )
}


def source(name: str) -> Source:
    """Return the source `name`; UsageError naming the known ones otherwise."""
    if name not in SOURCES:
        raise UsageError(f"unknown source {name!r}; known: {', '.join((*SOURCES, *BOX_SOURCES))}")
    return SOURCES[name]
