"""The platform opened from Python: sports, features, training, calibration, promotion, prediction, explanation."""

import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Self

import pandas as pd
from sqlalchemy import Engine

from aipro_ml.api.asked import bet_type_of, config_of, utc_of
from aipro_ml.api.results import Predicted, Training, predicted_of, table, training_of
from aipro_ml.config import ModelConfig, Settings, TrainingConfig, load_settings
from aipro_ml.enums import BetType, CalibrationMethod
from aipro_ml.errors import UsageError
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.features.sport import sport as find_sport
from aipro_ml.features.sports import sports
from aipro_ml.inference.explain import explained_rows
from aipro_ml.jobs.calibrate import CalibrationReport, calibrate
from aipro_ml.jobs.catalogue import artifact_of, list_models
from aipro_ml.jobs.compare import ComparisonRequest, compare_models
from aipro_ml.jobs.database import opened, stop
from aipro_ml.jobs.executor import ExecutorChoice
from aipro_ml.jobs.importing import League, Request, import_source, import_synthetic
from aipro_ml.jobs.ingest import ImportOptions, ImportReport
from aipro_ml.jobs.listings import explanation, list_games, list_predictions
from aipro_ml.jobs.matrices import BuildOptions, Decision, FeatureGroup, build_features, columns_of, load_matrix
from aipro_ml.jobs.predict import PredictionRequest, predict
from aipro_ml.jobs.promote import Decision as PromotionDecision
from aipro_ml.jobs.promote import Promotion, promote
from aipro_ml.jobs.sync import aliases_problem
from aipro_ml.jobs.train import TrainingRequest, Way, train_all
from aipro_ml.training.artifacts import ModelArtifact

Clock = Callable[[], datetime]


def _now() -> datetime:
    return datetime.now(UTC)


def _nothing() -> None:
    """Leave what somebody else opened open."""


def open_platform(
    home: Path | str | None = None,
    *,
    database_url: str | None = None,
    artifacts: Path | str | None = None,
    clock: Clock = _now,
) -> "Platform":
    """Open the platform, to be closed again; what is not given comes from `AIPRO_HOME`, `DATABASE_URL` and the like.

    The embedded database is made and started where there is none; it runs on afterwards, for the next one
    (`Platform.stop_database`, `aipro db stop`). `clock` tells the time, in UTC. DatabaseError where the database
    cannot be reached or its schema is another version's; UsageError for a setting that does not fit.
    """
    settings = load_settings(home=home, database_url=database_url, artifacts=artifacts)
    stack = ExitStack()
    return Platform(settings, stack.enter_context(opened(settings)), clock, stack.close)


class Platform:
    """An open installation, made by `open_platform`: for a `with` block, or to be closed with `close`.

    Every method is a job of the command line and raises what it raises: UsageError for a wrong request, GuardError
    where a guard refuses, AiproError for every other handled error. A model or a prediction is named by its id or how
    that begins. Times are UTC.
    """

    def __init__(
        self, settings: Settings, engine: Engine, clock: Clock = _now, on_close: Callable[[], None] = _nothing
    ) -> None:
        self.settings, self.engine, self._clock, self._on_close = settings, engine, clock, on_close

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back; the embedded server runs on."""
        self._on_close()

    def sports(self) -> pd.DataFrame:
        """Return the sports: index code; name, bet_types, features (how many), timezone."""
        rows = [
            {
                "code": league.code,
                "name": league.name,
                "bet_types": ", ".join(league.bet_types),
                "features": len(league.columns()),
                "timezone": league.config.timezone,
            }
            for league in sports().values()
        ]
        return table(rows, "code")

    def simulate(self, sport: str = "NFL", *, seasons: int = 10, books: int = 4, seed: int = 3) -> ImportReport:
        """Import a league simulated after `sport` (its code then is `SIM-NFL`); GuardError over another recipe's."""
        return import_synthetic(self.settings, League(sport, seasons, books, seed), ImportOptions(self._clock()))

    def import_data(
        self,
        source: str,
        *places: Path | str,
        sport: str | None = None,
        season: int | None = None,
        mapping: Path | str | None = None,
    ) -> list[ImportReport]:
        """Import files, folders or addresses of a source (docs/importing.md), each in a transaction of its own."""
        named = None if mapping is None else str(mapping)
        request = Request(source, tuple(map(str, places)), sport, season, named)
        return import_source(self.settings, request, ImportOptions(self._clock()))

    def games(self, sport: str, season: int | None = None, week: int | None = None) -> pd.DataFrame:
        """Return the games of a season (default: the latest), index game_id; teams, kick-off, scores, status."""
        return table(list_games(self.settings, sport, season, week), "game_id")

    def build_features(self, sport: str, bet_types: Sequence[BetType | str] = ()) -> pd.DataFrame:
        """Store the features of every decided game as known at its decision time; one row a bet type.

        Index bet_type (default: all of the sport); features, rows, missing, written, and the table's data_hash. What is
        stored already stays; GuardError where it would be another now. Training needs no build.
        """
        wanted = tuple(map(bet_type_of, bet_types)) or find_sport(sport).bet_types
        reports = build_features(self.engine, sport, wanted, BuildOptions(self._clock(), clock=self._clock))
        shown = ("features", "rows", "missing", "changed", "pending", "written", "data_hash")
        rows = [{"bet_type": r.bet_type.value, **{name: getattr(r, name) for name in shown}} for r in reports]
        return table(rows, "bet_type")

    def features(
        self,
        sport: str,
        bet_type: BetType | str,
        group: FeatureGroup = "market_free",
        *,
        decision_minutes: int | None = None,
    ) -> FeatureMatrix:
        """Return features and labels of every game, each as known `decision_minutes` before its kick-off.

        `X` (n games × d features, index game_id), `y` (1.0 home or over won, 0.0 lost, 0.5 a draw of three outcomes,
        NaN push or not played yet), `meta` (season, week, kickoff, line, market_prob …), `as_of`. `group`:
        `market_free`, `market` or `all`.
        """
        league = find_sport(sport)
        if group not in {"market_free", "market", "all"}:
            raise UsageError(f"no group of features is called {group!r}; there are: market_free, market, all")
        minutes = decision_minutes or league.config.decision_minutes
        with self.engine.connect() as connection:
            matrix = load_matrix(connection, league, bet_type_of(bet_type), Decision(minutes))
        return matrix.select(columns_of(league, group))

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
            _warn(f"{failure.name} failed: {failure.error}")
        if report.tracking_problem is not None:
            _warn(f"MLflow was not written: {report.tracking_problem}")
        return training_of(report)

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
            _warn(note)
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
        decision = PromotionDecision(reason, actor, self._clock(), dry_run, force)
        done = promote(self.engine, self.settings, model, decision)
        problem = (
            None if dry_run else aliases_problem(self.engine, self.settings, done.model.sport, done.model.bet_type)
        )
        if problem is not None:
            _warn(f"MLflow's aliases do not follow yet: {problem}; `aipro model sync` repairs them")
        return done

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
        self, sport: str, *, since: date | None = None, until: date | None = None, limit: int = 1000
    ) -> pd.DataFrame:
        """Return the latest published predictions of games on these local days, with their grades; index id."""
        return table(list_predictions(self.settings, sport, since, until, limit), "id")

    def explain(self, prediction: str) -> pd.DataFrame:
        """Return why a published prediction says what it says, a row a feature or term, the largest first.

        Columns feature_name, feature_value, shap_value, impact_direction, rank. `shap_value` is in log-odds of the
        predicted side; the sum is the logit of the published probability.
        """
        return table(explanation(self.settings, prediction))

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

    def stop_database(self) -> bool:
        """Stop the embedded server and return whether it ran; a server of DATABASE_URL is left alone."""
        self.close()
        return stop(self.settings)


def _warn(text: str) -> None:
    warnings.warn(text, stacklevel=3)
