"""Log loss as expected of the published probabilities themselves, before results are in and beside them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from aipro_ml import metrics

FloatArray = npt.NDArray[np.float64]
ROLLING_COLUMNS = ("date", "n", "realised", "expected", "low", "high")


@dataclass(frozen=True)
class ExpectedLogLoss:
    """Mean log loss of n predictions if every probability is exactly right, and the 95 % band it would lie in, nats."""

    n: int
    mean: float
    low: float
    high: float

    def holds(self, realised: float) -> bool:
        """Return whether a realised mean log loss lies inside the band."""
        return self.low <= realised <= self.high


def surprise(p: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return mean and variance, each (n,), of the log loss of probabilities p (n,) that are exactly right.

    The mean is the entropy −p ln p − (1 − p) ln(1 − p), the variance p (1 − p) (ln p/(1 − p))².
    """
    p = np.clip(np.asarray(p, dtype=np.float64), 1e-12, 1 - 1e-12)
    logit = np.log(p) - np.log1p(-p)
    return -(p * np.log(p) + (1 - p) * np.log1p(-p)), p * (1 - p) * logit**2


def expected_log_loss(p: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> ExpectedLogLoss:
    """Return what the mean log loss of probabilities p (n,) will be if they are right; NaN for none.

    `weights` (n,): ½ where half of a quarter line's stake came back.

    The band is the normal approximation of the mean of n independent games: on a handful of them it is narrow and wrong
    in shape, on a month it holds.
    """
    entropy, variance = surprise(p)
    n = len(entropy)
    if not n:
        return ExpectedLogLoss(0, *(float("nan"),) * 3)
    weight = np.ones(n) if weights is None else np.asarray(weights, dtype=np.float64)
    noise = float(np.sqrt(np.sum(variance * weight**2))) / float(weight.sum())
    mean, reach = metrics.mean_of(entropy, weight), metrics.NORMAL_95 * noise
    return ExpectedLogLoss(n, mean, max(mean - reach, 0.0), mean + reach)


def rolling_log_loss(scored: pd.DataFrame, days: int) -> pd.DataFrame:
    """Return ROLLING_COLUMNS a day with results: the log loss of the `days` up to it beside what was expected of it.

    `scored`: date, p, y and weight of `scored_rows`; `n` counts rows, the means half-decided ones half.
    """
    entropy, variance = surprise(scored["p"])
    weight = scored["weight"].to_numpy("float64")
    sums = {
        "n": 1.0,
        "decided": weight,
        "realised": metrics.log_losses(scored["p"], scored["y"]) * weight,
        "expected": entropy * weight,
        "variance": variance * weight**2,
    }
    each = pd.DataFrame(sums, index=pd.DatetimeIndex(pd.to_datetime(scored["date"])))
    total = each.groupby(level=0).sum().sort_index().rolling(f"{days}D").sum()
    reach = metrics.NORMAL_95 * np.sqrt(total["variance"]) / total["decided"]
    expected = total["expected"] / total["decided"]
    return pd.DataFrame(
        {
            "date": total.index,
            "n": total["n"].round().astype("int64"),
            "realised": total["realised"] / total["decided"],
            "expected": expected,
            "low": (expected - reach).clip(lower=0.0),
            "high": expected + reach,
        }
    ).reset_index(drop=True)
