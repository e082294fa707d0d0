"""Home grounds for sources that say who played but not where: a game not on neutral ground is at the home team's."""

from dataclasses import replace

import pandas as pd

from aipro_ml import resources
from aipro_ml.sources.base import VENUE_COLUMNS, SourceBatch, conform
from aipro_ml.sources.franchises import Venues, venues


def at_home(batch: SourceBatch) -> SourceBatch:
    """Return the batch with the configured home ground wherever a game names no venue, and those grounds.

    A game on neutral ground, or of a team without a ground in `configs/venues` that season, stays without.
    """
    known = known_venues(batch.sport)
    games = batch.games
    nowhere = games["venue"].isna() & ~games["neutral_site"].fillna(False)
    if known is None or not nowhere.any():
        return batch
    pairs = pd.Series(list(zip(games["home"], games["season"], strict=True)), index=games.index, dtype=object)
    found = {pair: known.home(pair[0], int(pair[1])) for pair in pairs[nowhere].unique() if pd.notna(pair[0])}
    filled = games["venue"].where(~nowhere, pairs.map(found).astype("string"))
    grounds = known.frame()
    fresh = grounds["venue"].isin(filled.dropna()) & ~grounds["venue"].isin(batch.venues["venue"])
    places = conform(pd.concat([batch.venues, grounds.loc[fresh]]), VENUE_COLUMNS)
    return replace(batch, games=games.assign(venue=filled), venues=places)


def known_venues(sport: str) -> Venues | None:
    """Return the configured venues of `sport`, None where it has no such file."""
    if not (resources.configs_dir() / "venues" / f"{sport.lower()}.yaml").is_file():
        return None
    return venues(sport)
