"""Feature rows for any pairs of game and decision time: one row out for each row in, however often asked."""

import numpy as np
import pandas as pd

from aipro_ml.features.build import compute_views, epochs, features_and_market
from aipro_ml.features.history import History
from aipro_ml.features.provenance import by_time, probing
from aipro_ml.features.sport import Sport
from aipro_ml.features.view import FeatureView

EXPLAINED_COLUMNS = ("feature", "value", "source", "source_time", "view", "group")


def feature_rows(
    asked: pd.DataFrame, history: History, sport: Sport, columns: tuple[str, ...] | None = None
) -> pd.DataFrame:
    """Return the features (float64) of every row of `asked` (columns game_id and as_of), on its index.

    A game may be asked for at several moments, and a pair more than once: every row comes back. LeakError for a
    game nobody knew of at its as_of; a game that has begun by then keeps its row with every feature missing.
    """
    names = columns or sport.columns()
    pairs = asked[["game_id", "as_of"]].drop_duplicates(ignore_index=True)
    rounds = pairs.groupby("game_id").cumcount().to_numpy()  # a schedule holds each game once
    parts = []
    for number in range(int(rounds.max(initial=-1)) + 1):
        round_ = pairs.loc[rounds == number]
        entities = history.schedule(list(round_["game_id"]), round_.set_index("game_id")["as_of"])
        found, _ = features_and_market(entities, history, sport, names)
        parts.append(found.set_axis(round_.index, axis=0))
    if not parts:
        return pd.DataFrame(index=asked.index, columns=list(names), dtype="float64")
    rows = pd.concat(parts)
    keys = pd.MultiIndex.from_frame(pairs)
    place = keys.get_indexer(pd.MultiIndex.from_frame(asked[["game_id", "as_of"]]))
    return rows.loc[pairs.index[place]].set_axis(asked.index, axis=0)


def explained_row(game_id: str, as_of: pd.Timestamp, history: History, sport: Sport) -> pd.DataFrame:
    """Return EXPLAINED_COLUMNS, one row a feature of the game at `as_of`, in the order of the sport's columns.

    `source_time` is when the newest fact behind the value was known: of all look backs of the view, taken together
    by the time of what they found, the newest whose absence changes the value. A value that hangs on none (a week, a
    venue) comes from the schedule, and its time is that of the revision known at `as_of`.
    """
    entities = history.schedule([game_id], pd.Series({game_id: as_of}))
    scheduled = ("schedule", history.known_since(game_id, as_of))
    ((part, seen),) = epochs(entities, history)
    rows = [row for view in sport.views for row in _explained_view(view, part, (seen, sport), scheduled)]
    return pd.DataFrame(rows, columns=list(EXPLAINED_COLUMNS))


def _explained_view(
    view: FeatureView, part: pd.DataFrame, known: tuple[History, Sport], scheduled: tuple[str, pd.Timestamp]
) -> list[tuple[str, float, str, pd.Timestamp, str, str]]:
    with probing() as probe:
        values = compute_views((view,), part, *known)
    found: dict[str, tuple[str, pd.Timestamp]] = {}
    for source, numbers in by_time(probe.sources):
        if len(found) == len(view.columns):
            break  # only the newest counts
        with probing(without=numbers):
            blind = compute_views((view,), part, *known)
        for name in view.columns:
            if name not in found and not np.array_equal(blind[name], values[name], equal_nan=True):
                found[name] = source
    told = {name: found.get(name, scheduled) for name in view.columns}
    return [(name, float(values[name].iloc[0]), *told[name], view.name, view.group) for name in view.columns]
