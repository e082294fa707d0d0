"""Feature rows computed chunk by chunk: in this process, or a season a task on a Ray cluster."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from aipro_ml.features.history import History
from aipro_ml.features.records import Records
from aipro_ml.features.rows import feature_rows
from aipro_ml.features.sport import Sport, sport
from aipro_ml.jobs.executor import ExecutorChoice

CHUNK_ROWS = 5000
"""Rows computed at a time in this process: enough that reading the whole past once a chunk costs little."""


def chunks_of(rows: pd.DataFrame, where: ExecutorChoice) -> list[pd.DataFrame]:
    """Return the rows (game_id, season, as_of) in the chunks that are computed each at once, one at least."""
    if where.kind == "ray":
        return [part for _, part in rows.groupby("season", sort=True)] or [rows]
    places = np.array_split(np.arange(len(rows)), max(1, -(-len(rows) // CHUNK_ROWS)))
    return [rows.iloc[place] for place in places]


def computed(
    chunks: Sequence[pd.DataFrame], facts: tuple[Records, History], league: Sport, where: ExecutorChoice
) -> Iterator[pd.DataFrame]:
    """Yield the features of each chunk on its index, in order; the same to the bit wherever they are computed.

    `facts`: the sport's records and the history made of them, which a worker makes anew.
    """
    records, history = facts
    if where.kind == "local":
        return (feature_rows(chunk, history, league) for chunk in chunks)
    from aipro_ml.jobs.executor_ray import mapped

    return mapped((where.ray_address, where.workers), _features, (records, league.code), chunks)


def _features(shared: tuple[Records, str], chunk: pd.DataFrame) -> pd.DataFrame:
    records, code = shared
    return feature_rows(chunk, History(records), sport(code))
