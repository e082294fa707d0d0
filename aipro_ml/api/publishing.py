"""Predictions from Python: published, listed, explained, graded, proved."""

from dataclasses import asdict
from datetime import date, datetime

import pandas as pd

from aipro_ml.api.asked import head_of_text, utc_of
from aipro_ml.api.results import Predicted, predicted_of, table
from aipro_ml.api.session import Session
from aipro_ml.jobs.grade import GradeReport, grade_sport
from aipro_ml.jobs.listings import Listed, explanation, list_predictions, verify_ledger
from aipro_ml.jobs.performance import update_performance
from aipro_ml.jobs.predict import PredictionRequest, predict


class Publishing(Session):
    """What the platform says of games, and what became of it."""

    def predict(
        self,
        sport: str,
        *,
        day: date | None = None,
        season: int | None = None,
        week: int | None = None,
        as_of: datetime | None = None,
        model: str | None = None,
    ) -> Predicted:
        """Predict games of a local `day`, or of a season (and week), with what was known; write nothing.

        `as_of` (UTC): decide all at this moment; without it each kick-off less the model's minutes. `model`: this one
        instead of the production models. LeakError where a model learned from later games, StaleDataError for an as_of
        that has not come.
        """
        request = PredictionRequest(sport, self._clock(), day, season, week, utc_of(as_of), model, dry_run=True)
        return predicted_of(predict(self.engine, self.settings, request), published=False)

    def publish(
        self,
        sport: str,
        *,
        day: date | None = None,
        season: int | None = None,
        week: int | None = None,
        as_of: datetime | None = None,
        model: str | None = None,
    ) -> Predicted:
        """Predict as `predict` does and append what is new to the ledger, where it stays for good."""
        request = PredictionRequest(sport, self._clock(), day, season, week, utc_of(as_of), model)
        return predicted_of(predict(self.engine, self.settings, request), published=True)

    def predictions(
        self,
        sport: str,
        *,
        since: date | None = None,
        until: date | None = None,
        limit: int = 1000,
        model: str | None = None,
        shadow: bool = False,
    ) -> pd.DataFrame:
        """Return the latest published predictions of games on these local days, with their grades; index id.

        Those of the models that were in production (`role`); with `shadow` of all, with `model` of this one.
        """
        return table(list_predictions(self.settings, sport, Listed(since, until, limit, model, shadow)), "id")

    def explain(self, prediction: str) -> pd.DataFrame:
        """Return why a published prediction says what it says, a row a feature or term, the largest first.

        Columns feature_name, feature_value, shap_value, impact_direction, rank. `shap_value` is in log-odds of the
        predicted side; the sum is the logit of the published probability.
        """
        return table(explanation(self.settings, prediction))

    def grade(self, sport: str, *, dry_run: bool = False) -> GradeReport:
        """Grade every prediction on the line and price it took; without news nothing is written.

        The report has `accounting` (graded + pending + void + ungradeable = total), `inserted`, `regraded`, and `rows`,
        a frame with a row a graded prediction.
        """
        return grade_sport(self.engine, sport, self._clock(), dry_run=dry_run)

    def performance(self, sport: str, *, backfilled: bool = False, dry_run: bool = False) -> pd.DataFrame:
        """Write `model_performance` by day, and return what the bets came to, a row a bet type and tier.

        Back-filled predictions count only with `backfilled`; shadows and production models are never added up.
        """
        report = update_performance(self.engine, sport, self._clock(), backfilled=backfilled, dry_run=dry_run)
        return report.summary

    def verify_ledger(self, head: str | None = None) -> pd.DataFrame:
        """Recompute every hash and follow every link; return the faults (kind, seq, message), none where all holds.

        `head`: one that `aipro ledger head` printed earlier, SEQ:HASH; only with it a tail cut off is seen.
        """
        _, _, faults = verify_ledger(self.settings, None if head is None else head_of_text(head))
        return pd.DataFrame([asdict(fault) for fault in faults], columns=["kind", "seq", "message"])
