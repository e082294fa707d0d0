"""Drift: whether a feature's distribution has moved, judged against what chance alone does at these row counts."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BINS = 10
LEAST_ROWS = 50
"""Below so many rows on either side nothing is said."""

DRIFT_COLUMNS = (
    "feature",
    "reference_rows",
    "rows",
    "psi",
    "psi_by_chance",
    "psi_limit",
    "ks",
    "q_value",
    "usual_psi",
    "verdict",
)


@dataclass(frozen=True)
class DriftRule:
    """When a shift counts.

    `alpha`: the share of false alarms among alarms (Benjamini–Hochberg over all features and both tests).
    `least_psi`: a shift smaller than this does no harm, however certain it is (the usual 0.1). A season is held
    against the `window` seasons before it, and what it shows against the largest such PSI of the last `usual_of`
    earlier seasons.
    """

    alpha: float = 0.001
    least_psi: float = 0.1
    window: int = 5
    usual_of: int = 10


def edges_of(reference: FloatArray) -> FloatArray:
    """Return the inner bin edges: the reference's deciles, equal ones once; a lone value gets a bin of its own."""
    known = reference[~np.isnan(reference)]
    if not len(known):
        return np.empty(0)
    inner = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]))
    return np.unique(np.append(inner, np.nextafter(inner, np.inf)) if len(inner) < BINS - 1 else inner)


def counts_of(values: FloatArray, edges: FloatArray) -> FloatArray:
    """Return how many values fall into each bin between `edges`; the last bin counts the missing ones."""
    missing = np.isnan(values)
    places = np.searchsorted(edges, values[~missing], side="right")
    inner = np.bincount(places, minlength=len(edges) + 1)
    return np.append(inner, missing.sum()).astype(np.float64)


def stability_index(reference: FloatArray, current: FloatArray) -> tuple[float, int]:
    """Return (PSI, bins in use) of two count vectors; half a row is added to each bin so that none is empty.

    PSI = Σ (q − p) · ln(q / p).
    """
    used = (reference + current) > 0
    p, q = ((counts[used] + 0.5) / (counts[used] + 0.5).sum() for counts in (reference, current))
    return float(np.sum((q - p) * np.log(q / p))), int(used.sum())


def by_chance(bins: int, n: int, m: int) -> float:
    """Return the PSI a perfectly stable feature shows on average: (B − 1)(1/n + 1/m)."""
    return max(bins - 1, 0) * (1 / n + 1 / m)


def chance_limit(bins: int, n: int, m: int, level: float) -> float:
    """Return the PSI a stable feature passes with probability 1 − `level`: (1/n + 1/m) · χ²(B − 1)."""
    from scipy.special import chdtri

    return float((1 / n + 1 / m) * chdtri(max(bins - 1, 1), 1 - level)) if bins > 1 else 0.0


def p_of_index(psi: float, bins: int, n: int, m: int) -> float:
    """Return how often a stable feature shows a PSI of at least `psi`."""
    from scipy.special import chdtrc

    return float(chdtrc(bins - 1, psi / (1 / n + 1 / m))) if bins > 1 else 1.0


def kolmogorov_smirnov(reference: FloatArray, current: FloatArray) -> tuple[float, float]:
    """Return (D, p) of the two-sample test over the known values; p is asymptotic, (0, 1) where a side has none."""
    from scipy.special import kolmogorov

    first, second = (np.sort(values[~np.isnan(values)]) for values in (reference, current))
    if not len(first) or not len(second):
        return 0.0, 1.0
    both = np.concatenate([first, second])
    gap = np.searchsorted(first, both, side="right") / len(first)
    gap -= np.searchsorted(second, both, side="right") / len(second)
    distance = float(np.abs(gap).max())
    size = len(first) * len(second) / (len(first) + len(second))
    return distance, float(kolmogorov(np.sqrt(size) * distance))


def benjamini_hochberg(p_values: FloatArray) -> FloatArray:
    """Return q-values: the smallest share of false alarms at which each would be one."""
    order = np.argsort(p_values)[::-1]
    scaled = p_values[order] * len(p_values) / np.arange(len(p_values), 0, -1)
    q_values = np.empty(len(p_values))
    q_values[order] = np.minimum.accumulate(np.minimum(scaled, 1.0))
    return q_values


def drift(vectors: pd.DataFrame, seasons: pd.Series, season: int, rule: DriftRule | None = None) -> pd.DataFrame:
    """Return DRIFT_COLUMNS of `season` against the seasons before it, one row a feature, the largest PSI first.

    `vectors`: float columns, one row a game; `seasons` on the same index. `usual_psi`: seasons differ among
    themselves, because teams keep their strength for a season, so the rows of one are not independent draws.
    `verdict`: `drift` where chance does not explain the PSI (`q_value` < alpha), it is at least `least_psi` and
    above the usual; `as usual` where it is not above that; `stable` otherwise.
    """
    judge = rule or DriftRule()
    years = seasons.to_numpy("int64")
    now, past = years == season, _window(years, season, judge.window)
    n, m = int(past.sum()), int(now.sum())
    rows, p_values = [], []
    for name in vectors.columns:
        values = vectors[name].to_numpy("float64")
        psi, bins = _index_between(values, past, now)
        distance, p_distance = kolmogorov_smirnov(values[past], values[now])
        limit = chance_limit(bins, n, m, 1 - judge.alpha)
        usual = usual_index(values, years, season, judge)
        rows.append([name, n, m, psi, by_chance(bins, n, m), limit, distance, 1.0, usual, ""])
        p_values += [p_of_index(psi, bins, n, m), p_distance]
    table = pd.DataFrame(rows, columns=list(DRIFT_COLUMNS))
    table["q_value"] = benjamini_hochberg(np.array(p_values)).reshape(-1, 2).min(axis=1)
    table["verdict"] = _verdicts(table, judge)
    return table.sort_values(["psi", "feature"], ascending=[False, True], ignore_index=True)


def usual_index(values: FloatArray, years: IntArray, season: int, rule: DriftRule) -> float:
    """Return the largest PSI of the last earlier seasons, each against those before it; NaN below three of them."""
    found = []
    for earlier in np.unique(years[years < season])[::-1][: rule.usual_of]:
        past, now = _window(years, int(earlier), rule.window), years == earlier
        if min(past.sum(), now.sum()) >= LEAST_ROWS:
            found.append(_index_between(values, past, now)[0])
    return max(found) if len(found) > 2 else float("nan")


def _window(years: IntArray, season: int, width: int) -> npt.NDArray[np.bool_]:
    return np.isin(years, np.unique(years[years < season])[-width:])


def _index_between(values: FloatArray, past: npt.NDArray[np.bool_], now: npt.NDArray[np.bool_]) -> tuple[float, int]:
    edges = edges_of(values[past])
    return stability_index(counts_of(values[past], edges), counts_of(values[now], edges))


def _verdicts(table: pd.DataFrame, rule: DriftRule) -> npt.NDArray[np.str_]:
    certain = (table["q_value"] < rule.alpha) & (table["psi"] >= rule.least_psi)
    usual = table["psi"] <= table["usual_psi"]
    few = (table["reference_rows"] < LEAST_ROWS) | (table["rows"] < LEAST_ROWS)
    return np.select([few, certain & usual, certain], ["too few rows", "as usual", "drift"], "stable")
