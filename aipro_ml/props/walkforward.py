"""Every week judged by what the weeks before it told: probabilities, calibration and market blend in time order.

A week begins on Wednesday noon UTC, when no league plays. What a week is predicted by was known at its first decision:
models learn from box scores, calibrators and the blend from lines that had been settled by then.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml.calibration.blend import MarketBlend, fit_blend
from aipro_ml.calibration.choice import MINIMUM_ROWS
from aipro_ml.calibration.platt import PlattCalibrator
from aipro_ml.config.props import PropConfig, PropsConfig
from aipro_ml.props.form import FEATURES
from aipro_ml.props.model import PropModel, fit_prop

FloatArray = npt.NDArray[np.float64]

_WEEK = pd.Timedelta(days=7)
_FIRST_WEEK = pd.Timestamp("1999-12-29 12:00", tz="UTC")
"""A Wednesday."""


@dataclass(frozen=True)
class Calibration:
    """A Platt scaling for each prop that has 200 settled lines of its own, one of all for the others, and the blend."""

    own: dict[str, PlattCalibrator]
    pooled: PlattCalibrator | None
    blend: MarketBlend

    def calibrate(self, prop: pd.Series, p: FloatArray) -> FloatArray:
        """Return calibrated P(over | no push), (n,); NaN where neither the prop nor all together has 200 rows."""
        fallback = np.full(len(p), np.nan) if self.pooled is None else self.pooled.calibrate(p)
        found = fallback.copy()
        for name, calibrator in self.own.items():
            mine = (prop == name).to_numpy()
            found[mine] = calibrator.calibrate(p[mine])
        return np.where(np.isnan(p), np.nan, found)

    def rows(self, prop: str) -> int:
        """Return how many settled lines the prop's calibrator saw."""
        mine = self.own.get(prop, self.pooled)
        return 0 if mine is None else mine.n


def week_of(moments: pd.Series) -> pd.Series:
    """Return the number of the week of each moment."""
    return (moments - _FIRST_WEEK) // _WEEK


def fit_calibration(settled: pd.DataFrame) -> Calibration:
    """Return the calibration of settled lines: prop, p (the model's), y (1 over, 0 under), fair, calibrated.

    `calibrated` is what an earlier calibration said of the row (NaN: none did): the blend learns from it alone.
    """
    own = {
        str(name): PlattCalibrator().fit(rows["p"].to_numpy("float64"), rows["y"].to_numpy("float64"))
        for name, rows in settled.groupby("prop", sort=True)
        if len(rows) >= MINIMUM_ROWS
    }
    p, y = settled["p"].to_numpy("float64"), settled["y"].to_numpy("float64")
    pooled = PlattCalibrator().fit(p, y) if len(settled) >= MINIMUM_ROWS else None
    blend = fit_blend(settled["calibrated"], settled["fair"], y)
    return Calibration(own, pooled, blend)


def walk_forward(
    rows: pd.DataFrame, lines: pd.DataFrame, config: PropsConfig, on_week: Callable[[int, int], None]
) -> pd.DataFrame:
    """Return `lines` with mean, p, push, calibrated and published, each row by what its week's first decision knew.

    `rows` (what models learn from): prop, FEATURES, position, value, decided_at, label_known_at, usable ones only.
    `lines`: prop, FEATURES, position, line, fair, decided_at, y (NaN: pushed or not settled), label_known_at. Rows
    without a model or calibration of their week are missing there.
    """
    lines = lines.assign(week=week_of(lines["decided_at"]), mean=np.nan, p=np.nan, push=np.nan)
    lines = lines.assign(calibrated=np.nan, published=np.nan)
    starts = lines.groupby("week")["decided_at"].min()
    for number, (week, start) in enumerate(starts.items(), start=1):
        now = lines["week"] == week
        models = fit_models(rows.loc[rows["label_known_at"] <= start], config)
        told = predicted(lines.loc[now], models)
        lines.loc[now, ["mean", "p", "push"]] = told[["mean", "p", "push"]]
        settled = lines.loc[~now & (lines["label_known_at"] <= start) & lines["y"].notna() & lines["p"].notna()]
        calibration = fit_calibration(settled)
        calibrated = calibration.calibrate(lines.loc[now, "prop"], told["p"].to_numpy("float64"))
        lines.loc[now, "calibrated"] = calibrated
        lines.loc[now, "published"] = calibration.blend.blend(calibrated, lines.loc[now, "fair"])
        on_week(number, len(starts))
    return lines


def fit_models(rows: pd.DataFrame, config: PropsConfig) -> dict[str, PropModel]:
    """Return the model of each prop with rows enough: first by time, so that the same rows give the same model."""
    ordered = rows.sort_values(["decided_at", "game_id", "player_id"], kind="stable")
    models = {}
    for prop in config.props:
        mine = learned_from(prop, ordered)
        if len(mine) >= config.first_rows:
            models[prop.name] = fit_prop(prop, mine, config)
    return models


def learned_from(prop: PropConfig, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows a prop's model learns from: of players who usually have the least of it or more."""
    mine = rows.loc[rows["prop"] == prop.name]
    return mine.loc[np.exp(mine["own"]) >= prop.least] if prop.least > 0 else mine


def predicted(lines: pd.DataFrame, models: dict[str, PropModel]) -> pd.DataFrame:
    """Return mean, p (over given no push) and push of each line, missing where its prop has no model."""
    found = pd.DataFrame(np.nan, index=lines.index, columns=["mean", "over", "push", "under", "p"])
    for name, model in models.items():
        mine = lines.loc[(lines["prop"] == name) & lines[list(FEATURES)].notna().all(axis=1)]
        if mine.empty:
            continue
        mean = model.means(mine, mine["position"])
        chances = model.spread.chances(mean, mine["line"])
        told = {"mean": mean, "over": chances.over, "push": chances.push, "under": chances.under}
        told["p"] = chances.over_given_no_push
        for column, values in told.items():
            found.loc[mine.index, column] = values
    return found
