"""What moves the log-odds of one outcome of three: contributions to all three scores turned into one exact sum."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def outcome_log_odds(features: Floats, base: Floats, chosen: npt.NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return contributions (n, d) to the log-odds of each row's `chosen` outcome against the others, and bases (n,).

    `features` (n, 3, d) and `base` (n, 3) are contributions to three scores (ln p, but for a constant a row). The
    log-odds of one outcome are no sum over features, but they are an integral along the straight way from the bases to
    the scores (Aumann & Shapley 1974, integrated gradients): each feature gets its share of every step. Of three
    outcomes the integral has a closed form, and base + contributions is the logit exactly.
    """
    rows = np.arange(len(base))
    one, two = (chosen + 1) % 3, (chosen + 2) % 3
    scores = base + features.sum(axis=2)
    start, end = base[rows, one] - base[rows, two], scores[rows, one] - scores[rows, two]
    weight = _mean_share(start, end)[:, None]
    others = weight * features[rows, one] + (1 - weight) * features[rows, two]
    log_odds = base[rows, chosen] - np.logaddexp(base[rows, one], base[rows, two])
    return features[rows, chosen] - others, log_odds


def _mean_share(start: Floats, end: Floats) -> Floats:
    """Return the mean of expit over the way from `start` to `end`: the first other outcome's share of the two."""
    way = end - start
    short = np.abs(way) < 1e-6
    mean = (np.logaddexp(0.0, end) - np.logaddexp(0.0, start)) / np.where(short, 1.0, way)
    return np.asarray(np.where(short, 0.5 * (1 + np.tanh((start + end) / 4)), mean), dtype=np.float64)
