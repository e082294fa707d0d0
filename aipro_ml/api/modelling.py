"""Models from Python: training, search, comparison, calibration, promotion, contributions."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from aipro_ml.api.asked import bet_type_of, config_of
from aipro_ml.api.results import Training, table, training_of
from aipro_ml.api.session import Session, warn
from aipro_ml.config import ModelConfig, TrainingConfig, search_config
from aipro_ml.enums import BetType, CalibrationMethod
from aipro_ml.errors import UsageError
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.features.sport import sport as find_sport
from aipro_ml.inference.explain import explained_rows
from aipro_ml.jobs.calibrate import CalibrationReport, calibrate
from aipro_ml.jobs.catalogue import artifact_of, list_models
from aipro_ml.jobs.compare import ComparisonRequest, compare_models
from aipro_ml.jobs.executor import ExecutorChoice
from aipro_ml.jobs.promote import Decision as PromotionDecision
from aipro_ml.jobs.promote import Promotion, promote, rollback
from aipro_ml.jobs.search import SearchReport, SearchRequest, find_parameters
from aipro_ml.jobs.sync import aliases_problem
from aipro_ml.jobs.train import TrainingRequest, Way, train_all
from aipro_ml.training.artifacts import ModelArtifact


class Modelling(Session):
    """What the platform does with models."""

    def train(
        self,
        sport: str,
        bet_type: BetType | str,
        config: TrainingConfig | Sequence[ModelConfig] | Path | str | None = None,
        *,
        test_seasons: tuple[int | None, int | None] = (None, None),
        decision_minutes: int | None = None,
        executor: ExecutorChoice | None = None,
    ) -> Training:
        """Train every candidate walk-forward and store it; return the leaderboard with its baselines.

        `config`: a configuration, its file, or only candidates; None: the shipped one. `test_seasons`: first and last
        (both included). A candidate that fails is warned of and in `failures`; where all fail the error is raised.
        """
        market = bet_type_of(bet_type)
        request = TrainingRequest(
            find_sport(sport).code,
            market,
            config_of(config, market),
            self._clock(),
            *test_seasons,
            decision_minutes,
            clock=self._clock,
        )
        way = Way(ExecutorChoice() if executor is None else executor)
        (report,) = train_all(self.engine, self.settings, [request], way)
        if report.problem is not None:
            raise report.problem
        if report.failures and not report.models:
            raise report.failures[0].error
        for failure in report.failures:
            warn(f"{failure.name} failed: {failure.error}")
        if report.tracking_problem is not None:
            warn(f"MLflow was not written: {report.tracking_problem}")
        return training_of(report)

    def search(
        self,
        sport: str,
        bet_type: BetType | str,
        space: str,
        *,
        test_from: int,
        trials: int = 20,
        resume: str | None = None,
    ) -> SearchReport:
        """Search the parameters of a space (`logistic`, or a YAML file) on the seasons before `test_from`.

        The report has `model`, the best point as a candidate for `train`, and `found` (`best` trials, `study`).
        `resume`: the name of a study that was interrupted; it goes on until it has `trials`.
        """
        name, config = search_config(space)
        asked = SearchRequest(find_sport(sport).code, bet_type_of(bet_type), name, config, test_from, trials)
        return find_parameters(self.engine, self.settings, replace(asked, study=resume, resume=resume is not None))

    def models(self, sport: str | None = None, bet_type: BetType | str | None = None) -> pd.DataFrame:
        """Return the stored models, newest first; index id (its first eight digits), with their figures."""
        market = None if bet_type is None else bet_type_of(bet_type)
        return table(list_models(self.settings, sport, market), "id")

    def model(self, model: str) -> ModelArtifact:
        """Return a stored model, every file checked: `.model` (`predict_proba(X)`), `.oof`, `.metrics`, `.config`.

        `.oof` has a row a test game (index game_id): season, week, p, y, market_prob. ArtifactError where damaged.
        """
        return artifact_of(self.engine, self.settings, model)

    def compare(
        self, sport: str, bet_type: BetType | str, models: Sequence[str] = (), *, against: str | None = None
    ) -> pd.DataFrame:
        """Compare stored models and baselines on the same games, each paired with `against` (default: the market).

        Index name, best log loss first; delta_log_loss with its 95 % interval, verdict. `models`: default the newest of
        each name. What a reader must know is warned of. Nothing is written.
        """
        request = ComparisonRequest(find_sport(sport).code, bet_type_of(bet_type), tuple(models), against)
        report = compare_models(self.engine, self.settings, request)
        for note in report.notes:
            warn(note)
        return table(report.fields, "name")

    def calibrate(self, model: str, method: str = "auto", *, dry_run: bool = False) -> CalibrationReport:
        """Choose and fit a model's calibrator and market blend on its out-of-fold predictions.

        The report has `choice`, `blend`, `before` and `after` (reliability: bins, ece, slope), `rows` (what the
        command prints), and `diagram`, the path of the reliability diagram (not drawn on a dry run).
        """
        try:
            chosen = CalibrationMethod(method)
        except ValueError:
            known = ", ".join(CalibrationMethod)
            raise UsageError(f"no method of calibration is called {method!r}; there are: {known}") from None
        return calibrate(self.engine, self.settings, model, chosen, self._clock(), dry_run=dry_run)

    def promote(self, model: str, reason: str, *, actor: str, force: bool = False, dry_run: bool = False) -> Promotion:
        """Make a model the production model of its sport and bet type, if the gate says PROMOTE.

        PromotionRefusedError (its `gate` has every number) where it says HOLD or REJECT and `force` is not set;
        GuardError for a model that was never calibrated.
        """
        decision = PromotionDecision(reason, actor, self._clock(), dry_run, force, self._clock)
        return self._followed(promote(self.engine, self.settings, model, decision), decision)

    def rollback(
        self, sport: str, bet_type: BetType | str, reason: str, *, actor: str, dry_run: bool = False
    ) -> Promotion:
        """Bring back the production model before the present one; GuardError where there is none."""
        market, decision = (
            bet_type_of(bet_type),
            PromotionDecision(reason, actor, self._clock(), dry_run, clock=self._clock),
        )
        return self._followed(rollback(self.engine, self.settings, sport, market, decision), decision)

    def _followed(self, done: Promotion, decision: PromotionDecision) -> Promotion:
        """Return the promotion, MLflow's aliases set after it; a warning where they could not be."""
        model = done.model
        problem = None if decision.dry_run else aliases_problem(self.engine, self.settings, model.sport, model.bet_type)
        if problem is not None:
            warn(f"MLflow's aliases do not follow yet: {problem}; `aipro model sync` repairs them")
        return done

    def contributions(self, model: str, features: FeatureMatrix | pd.DataFrame) -> pd.DataFrame:
        """Return what each feature adds to a model's raw log-odds of outcome 0 (home, over), for any rows.

        Shape (n, d + 1): the model's features and `(base)`; a row's sum is the logit of `predict_proba(X)[:, 0]`,
        before calibration and blend. UsageError where the rows lack a feature of the model.
        """
        artifact = self.model(model)
        X = features.X if isinstance(features, FeatureMatrix) else features
        missing = [name for name in artifact.model.feature_names if name not in X.columns]
        if missing:
            raise UsageError(f"model {model} needs the feature {missing[0]} (of {len(missing)} that are missing)")
        return explained_rows(artifact.model, X, artifact.background)
