"""Every source by name: what it reads, and how; a source is one file and one line here."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aipro_ml.errors import DataFileError, UsageError
from aipro_ml.sources import (
    bmr,
    football_data,
    kaggle_nba,
    klland,
    kyleskom,
    nflverse,
    odds_api,
    odds_api_flat,
    oddsportal,
    results_ncaaf,
    results_nhl,
    sbr,
    sbr_nfl,
)
from aipro_ml.sources.archive import members
from aipro_ml.sources.base import SourceBatch

Files = Mapping[str, bytes]


@dataclass(frozen=True)
class Source:
    """A source: what it is, whether it needs to be told the sport, and its reader of named files."""

    name: str
    reads: str
    read: Callable[[Files, str], SourceBatch]
    needs_sport: bool = False
    imported: bool = False


def _one(reader: Callable[..., SourceBatch], **options: object) -> Callable[[Files, str], SourceBatch]:
    """Return a reader of exactly one file, told the sport only where `options` has a place for it."""

    def read(files: Files, sport: str) -> SourceBatch:
        if len(files) != 1:
            raise DataFileError(f"holds {len(files)} files; this source is one file", file=next(iter(files), "nothing"))
        ((name, data),) = files.items()
        told = {"sport": sport} if "sport" in options else {}
        return reader(data, name=name, **told)

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
        Source("nflverse", "NFL games with closing lines (games.csv)", _one(nflverse.read), imported=True),
        Source("football-data", "football-data.co.uk season files (E0, SP1, D1)", _one(football_data.read)),
        Source("odds-api", "The Odds API v4: live or historical JSON", _one(odds_api.read, sport=""), needs_sport=True),
        Source(
            "odds-api-folder",
            "a folder of The Odds API snapshots",
            lambda files, sport: odds_api.read_folder(_unpacked(files), sport=sport),
            needs_sport=True,
        ),
        Source(
            "odds-api-changes",
            "hourly snapshots flattened to changes (CSV)",
            _one(odds_api_flat.read_changes, sport=""),
            needs_sport=True,
        ),
        Source(
            "odds-api-days",
            "a folder or tar of daily snapshot CSVs",
            lambda files, sport: odds_api_flat.read_days(_unpacked(files), sport=sport),
            needs_sport=True,
        ),
        Source("sbr-nba", "SBR archives of NBA seasons (xlsx, csv)", _one(sbr.read)),
        Source("sbr-nfl", "SBR archive of NFL seasons (json)", _one(sbr_nfl.read)),
        Source("bmr", "BookmakersReview weekly NFL files (csv, tar)", _one(bmr.read)),
        Source("oddsportal-nba", "OddsPortal average closing moneylines", _one(oddsportal.read)),
        Source("kaggle-nba", "Kaggle NBA betting data", _one(kaggle_nba.read)),
        Source("kyleskom-nba", "kyleskom NBA odds tables", _one(kyleskom.read)),
        Source("klland-nba", "klland NBA odds (a known bad file)", _one(klland.read)),
        Source("results-ncaaf", "NCAAF results", _one(results_ncaaf.read)),
        Source("results-nhl", "NHL results", _one(results_nhl.read)),
    )
}


def source(name: str) -> Source:
    """Return the source `name`; UsageError naming the known ones otherwise."""
    if name not in SOURCES:
        raise UsageError(f"unknown source {name!r}; known: {', '.join(SOURCES)}")
    return SOURCES[name]
