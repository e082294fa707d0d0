"""The questions of the gate, one function each: evidence and limits in, one check out."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from aipro_ml import metrics
from aipro_ml.config import GateConfig
from aipro_ml.evaluation.evidence import Check, Evidence, Finding
from aipro_ml.evaluation.leaks import feature_aucs, outcome_named
from aipro_ml.metrics import multiclass
from aipro_ml.training.leaderboard import season_weeks
from aipro_ml.training.oof import (
    is_three_way,
    losses,
    market_rows,
    mean,
    outcomes_seen,
    probabilities,
    said_in,
    weights,
)

SEED = 20260101
"""Seeds the bootstrap: the same evidence always gets the same verdict."""

LEAK_STAGES = {"p": "the model", "calibrated": "the calibrated model", "published": "what is published"}
"""The columns of the evidence's rows that are held against the market."""


def _labels(evidence: Evidence, limits: GateConfig) -> Check:
    """Ask whether the labels it was scored on agree with the scores in the database."""
    name, settled = "labels", evidence.settled
    both = pd.DataFrame() if settled is None else evidence.rows[["y"]].assign(now=settled).dropna()
    if both.empty:
        return Check(name, Finding.UNKNOWN, "no stored result to hold the labels against")
    share = float((both["y"] == both["now"]).mean())
    says = f"{share:.1%} of {len(both)} labels are what the stored scores give"
    finding = Finding.PASS if share >= limits.label_agreement else Finding.REJECT
    return Check(name, finding, says, share, limit=limits.label_agreement, n=len(both))


def _columns(evidence: Evidence, _: GateConfig) -> Check:
    """Ask whether every feature is one of the sport's, and none is named after what it should predict."""
    named = outcome_named(evidence.feature_names)
    wrong = [*named, *(name for name in evidence.unknown if name not in named)]
    if wrong:
        why = "named after an outcome" if named else "not features of the sport"
        return Check("columns", Finding.REJECT, f"{', '.join(wrong[:5])}: {why}", len(wrong), limit=0)
    n = len(evidence.feature_names)
    return Check("columns", Finding.PASS, f"all {n} features are the sport's, none is an outcome", 0, limit=0, n=n)


def _features(evidence: Evidence, limits: GateConfig) -> Check:
    """Ask whether a single market-free feature orders the games better than the market does."""
    name, known = "single features", market_rows(evidence.rows)
    if evidence.features is None or known.empty:
        return Check(name, Finding.UNKNOWN, "no features or no market to compare their AUC with")
    y = (known["y"] == 1.0).to_numpy("float64")
    market = metrics.auc(known["p"].to_numpy("float64"), y, weights(known))
    aucs = feature_aucs(evidence.features.reindex(known.index), y, weights(known))
    if not aucs:
        return Check(name, Finding.UNKNOWN, "no feature has values enough to be ordered by")
    best = max(aucs, key=lambda feature: (abs(aucs[feature] - 0.5), feature))
    auc = 0.5 + abs(aucs[best] - 0.5)
    limit = max(market, 0.5 + limits.feature_auc_sd * metrics.auc_null_sd(len(known)))
    says = f"{best} alone has AUC {auc:.3f}, the market {market:.3f}"
    return Check(name, Finding.WARN if auc > limit else Finding.PASS, says, auc, limit=limit, n=len(known))


def _leak(evidence: Evidence, limits: GateConfig) -> Check:
    """Ask whether anything is ahead of the market by more than knowledge of the past explains.

    The model alone, calibrated and as published: strong regularisation hides a leak until calibration undoes it.
    """
    name, known = "leak alarm", market_rows(evidence.rows)
    if known.empty:
        return Check(name, Finding.HOLD, "no out-of-fold game has a market probability: a leak could not be told")
    stages = {stage: _strength(evidence.rows, stage) for stage in LEAK_STAGES if stage in evidence.rows.columns}
    stage = max(stages, key=lambda each: stages[each].value or 0.0)
    most = stages[stage]
    ahead = most.value or 0.0
    says = f"{LEAK_STAGES[stage]} is {'ahead of' if ahead > 0 else 'behind'} the market by {abs(ahead):.1f} SE"
    finding = Finding.PASS
    if evidence.flagged or ahead > limits.leak_alarm_se:
        finding, says = Finding.REJECT, f"{says}: a leak until proven otherwise"
    elif ahead > limits.leak_warning_se:
        finding = Finding.WARN
    return replace(most, name=name, finding=finding, says=says, limit=limits.leak_alarm_se)


def _strength(rows: pd.DataFrame, column: str) -> Check:
    """Return by how many standard errors (value) this column's log loss is less than the market's."""
    known = rows.loc[rows[column].notna() & rows["market_prob"].notna()]
    if known.empty:
        return Check(column, Finding.UNKNOWN, "no row", n=0)
    mean, low, high = _paired(said_in(known, column), market_rows(known))
    error = (high - low) / (2 * metrics.NORMAL_95)
    return Check(column, Finding.PASS, "", -mean / error if error > 0 else 0.0, n=len(known))


def _skill(evidence: Evidence, limits: GateConfig) -> Check:
    """Ask whether the model orders games better than one that knows nothing (of permuted labels)."""
    p, y = evidence.rows["p"].to_numpy("float64"), (evidence.rows["y"] == 1.0).to_numpy("float64")
    auc, sd, n = metrics.auc(p, y, weights(evidence.rows)), metrics.auc_null_sd(len(y)), len(y)
    if np.isnan(auc):
        return Check("skill", Finding.HOLD, "one outcome only: nothing to order", n=n)
    says = f"the model's AUC is {auc:.3f}, chance gives .5 ± {sd:.3f}"
    if limits.skill_sd is None:
        return Check("skill", Finding.PASS, f"{says} (not asked of {evidence.bet_type}s)", auc, n=n)
    limit = 0.5 + limits.skill_sd * sd
    passed = auc >= limit
    says = says if passed else f"{says}: it knows nothing"
    return Check("skill", Finding.PASS if passed else Finding.REJECT, says, auc, limit=limit, n=n)


def _games(evidence: Evidence, limits: GateConfig) -> Check:
    n = int(evidence.rows["market_prob"].notna().sum())
    finding = Finding.PASS if n >= limits.min_games else Finding.HOLD
    says = f"{n} out-of-fold games have a market probability, {limits.min_games} are asked for"
    return Check("games", finding, says, n, limit=limits.min_games, n=n)


def _published_games(evidence: Evidence, limits: GateConfig) -> Check:
    n = len(_published_rows(evidence))
    finding = Finding.PASS if n >= limits.min_published else Finding.HOLD
    says = f"{n} games have a published walk-forward probability, {limits.min_published} are asked for"
    return Check("published games", finding, says, n, limit=limits.min_published, n=n)


def _published(evidence: Evidence, limits: GateConfig) -> Check:
    """Ask whether what is published is behind the market at decision time by no more than epsilon.

    Where the model has no weight in it, that is noted: it does no harm, and every edge is the market coefficient's.
    """
    rows = _published_rows(evidence)
    check = _behind("published", rows, market_rows(rows), limits.epsilon_published)
    if evidence.weight != 0.0 or check.finding is not Finding.PASS:
        return check
    says = f"{check.says}; the blend gives the model no weight: what is published is the market's alone"
    return replace(check, finding=Finding.WARN, says=says)


def _model(evidence: Evidence, limits: GateConfig) -> Check:
    """Ask whether the model alone is behind the market at decision time by no more than its epsilon."""
    known = market_rows(evidence.rows)
    return _behind("model", evidence.rows.loc[known.index], known, limits.epsilon_model)


def _behind(name: str, rows: pd.DataFrame, market: pd.DataFrame, epsilon: float) -> Check:
    """Pass where the interval's upper bound is within epsilon, reject where its lower one is above, else hold."""
    if rows.empty:
        return Check(name, Finding.HOLD, f"{name}: no game to compare with the market", limit=epsilon, n=0)
    mean, low, high = _paired(rows, market)
    finding = Finding.PASS if high <= epsilon else Finding.REJECT if low > epsilon else Finding.HOLD
    says = (
        f"{name}: log loss {mean:+.4f} against the market's on {len(rows)} games (95 %: {low:+.4f} to {high:+.4f}; "
        f"at most {epsilon:+.4f})"
    )
    return Check(name, finding, says, mean, low, high, epsilon, len(rows))


def _slope(evidence: Evidence, limits: GateConfig) -> Check:
    """Ask whether the interval of the calibration slope contains one: published log-odds neither bold nor timid."""
    name, rows = "calibration slope", _published_rows(evidence)
    if rows.empty:
        return Check(name, Finding.HOLD, "no published probability to calibrate", limit=1.0, n=0)
    slope, error = _slope_of(rows)
    if not np.isfinite(slope) or not np.isfinite(error):
        return Check(name, Finding.UNKNOWN, "published probabilities hardly vary: no slope", limit=1.0, n=len(rows))
    half = limits.slope_z * error
    low, high = slope - half, slope + half
    finding = Finding.PASS if low <= 1.0 <= high else Finding.HOLD
    says = f"calibration slope {slope:.2f} ({low:.2f} to {high:.2f}), 1 is calibrated"
    return Check(name, finding, says, slope, low, high, 1.0, len(rows))


def _slope_of(rows: pd.DataFrame) -> tuple[float, float]:
    """Return the slope of the log-odds and its standard error; of three outcomes that of all their logarithms."""
    if is_three_way(rows):
        return multiclass.calibration_slope(probabilities(rows), outcomes_seen(rows))
    p, y = rows["p"].to_numpy("float64"), rows["y"].to_numpy("float64")
    fit = metrics.calibration_slope_intercept(p, y, weights(rows))
    return fit.slope, fit.slope_se


def _champion(evidence: Evidence, _: GateConfig) -> Check:
    """Ask whether what the challenger would publish is no worse than what the champion would."""
    name, rows = "champion", _published_rows(evidence)
    if evidence.champion is None:
        return Check(name, Finding.PASS, "there is no champion to be worse than")
    known = evidence.champion.reindex(rows.index)
    theirs = rows.assign(**{str(name): known[name] for name in known}).dropna(subset=["p"])
    if theirs.empty:
        return Check(name, Finding.UNKNOWN, "the champion published none of these games", limit=0.0, n=0)
    mean, low, high = _paired(rows.loc[theirs.index], theirs)
    says = f"log loss {mean:+.4f} against the champion's on {len(theirs)} games (95 %: {low:+.4f} to {high:+.4f})"
    return Check(name, Finding.HOLD if low > 0 else Finding.PASS, says, mean, low, high, 0.0, len(theirs))


def _shadow(evidence: Evidence, limits: GateConfig) -> Check:
    """Ask whether the challenger predicted beside a live champion long enough."""
    name, shadow = "shadow", evidence.shadow
    if shadow is None:
        return Check(name, Finding.PASS, "no champion publishes live: no shadow period", limit=limits.shadow_days)
    enough = shadow.days >= limits.shadow_days and shadow.predictions >= limits.shadow_predictions
    says = (
        f"{shadow.predictions} live predictions in {shadow.days:.1f} days of shadow; {limits.shadow_predictions} in "
        f"{limits.shadow_days:g} are asked for"
    )
    finding = Finding.PASS if enough else Finding.HOLD
    return Check(name, finding, says, shadow.days, limit=limits.shadow_days, n=shadow.predictions)


def _published_rows(evidence: Evidence) -> pd.DataFrame:
    """Return the games with a published and a market probability, the published one as p."""
    rows = evidence.rows
    return said_in(rows.loc[rows["published"].notna() & rows["market_prob"].notna()], "published")


def _paired(rows: pd.DataFrame, against: pd.DataFrame) -> tuple[float, float, float]:
    """Return the mean paired difference of log losses and its 95 % interval over resampled weeks."""
    difference, weight = losses(rows) - losses(against), weights(rows)
    low, high = metrics.block_bootstrap_interval(difference, season_weeks(rows), seed=SEED, weights=weight)
    return mean(difference, weight), low, high


CHECKS: Sequence[Callable[[Evidence, GateConfig], Check]] = (
    _labels,
    _columns,
    _leak,
    _features,
    _skill,
    _games,
    _published_games,
    _published,
    _model,
    _slope,
    _champion,
    _shadow,
)
