"""Books of a backtest without a database: spreads at −110 on either side, a model that knows what it is told."""

import numpy as np
import pandas as pd
from scipy.special import expit, logit

PRICE, DECIMAL = -110.0, 1 + 100 / 110
HOUR, DAY = pd.Timedelta(hours=1), pd.Timedelta(days=1)
START = pd.Timestamp("2021-09-05T17:00", tz="UTC")


def book(seed, n=480, *, skill=0.0, bias=0.0, kelly=0.01):
    """Return a book as `settled_book` gives it.

    The close moves away from an even opener by a normal of .2 in log-odds; the model's signal is that move to the
    share `skill`, noise else, and `bias` towards the home side. Results follow the close.
    """
    rng = np.random.default_rng(seed)
    move, noise = 0.2 * rng.standard_normal((2, n))
    p = expit(skill * move + np.sqrt(1 - skill**2) * noise + bias)
    close = expit(move)
    reference = p >= 0.5
    chosen = np.where(reference, p, 1 - p)
    ev = chosen * DECIMAL - 1
    kickoff = pd.Series(START + pd.to_timedelta(168 * (np.arange(n) // 16) + np.arange(n) % 4, unit="h"))
    won = rng.random(n) < close
    frame = {
        "game_id": [f"g{number:04}" for number in range(n)],
        "bet_type": "spread",
        "season": 2021 + np.arange(n) // 240,
        "week": np.arange(n) // 16,
        "kickoff": kickoff,
        "as_of": kickoff - DAY * 6,
        "result_known_at": kickoff + HOUR * 4,
        "reference": reference,
        "probability": p,
        "model_probability": p,
        "calibrated_probability": p,
        "fair": 0.5,
        "push": 0.0,
        "edge": chosen - 0.5,
        "ev": ev,
        "kelly": np.where(ev > 0, kelly, 0.0),
        "signal_tier": "C",
        "line": -2.5,
        "standing": "graded",
    }
    for side, share, worth in (("reference", won, close), ("other", ~won, 1 - close)):
        frame |= {
            f"offered_{side}": PRICE,
            f"struck_line_{side}": -2.5 if side == "reference" else 2.5,
            f"struck_price_{side}": PRICE,
            f"struck_fair_{side}": 0.5,
            f"result_{side}": np.where(share, "win", "loss"),
            f"profit_{side}": np.where(share, DECIMAL - 1, -1.0),
            f"clv_{side}": worth * DECIMAL - 1,
            f"clv_points_{side}": 0.0,
            f"p_close_{side}": worth,
        }
    return pd.DataFrame(frame)


def leaking(table, seed=0):
    """Return the book of a model that has heard of some of the results."""
    rng = np.random.default_rng(seed)
    heard = np.where(table["result_reference"] == "win", 1.0, -1.0) * (rng.random(len(table)) < 0.5)
    p = expit(logit(table["p_close_reference"]) + heard)
    return table.assign(probability=p, model_probability=p, calibrated_probability=p)
