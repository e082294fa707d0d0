"""Training of player props: judged week by week in time order, then fitted on everything known by a moment."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
from sqlalchemy import Engine

from aipro_ml.calibration.document import write_document
from aipro_ml.calibration.plots import reliability_panels
from aipro_ml.config import Settings
from aipro_ml.errors import AiproError, StaleDataError
from aipro_ml.identity import content_hash
from aipro_ml.jobs.actors import Actor, write_down
from aipro_ml.jobs.database import unit
from aipro_ml.jobs.props_facts import PropsFacts, Slate, load_facts, slate
from aipro_ml.props.artifact import PropsModel, folder_of, save_model, stored_models
from aipro_ml.props.frames import DID_NOT_PLAY, NO_BOX, learning_rows, outcomes, with_outcomes
from aipro_ml.props.report import PropsReport, report
from aipro_ml.props.walkforward import fit_calibration, fit_models, walk_forward
from aipro_ml.times import iso_utc


@dataclass(frozen=True)
class PropsTraining:
    """Train the props of `sport` on what was known by `until`."""

    sport: str
    until: datetime
    now: datetime
    actor: Actor
    dry_run: bool = False


@dataclass(frozen=True)
class PropsTrainingReport:
    """The model, how its like did week by week, and what became of the lines; `folder` None: nothing was written."""

    model: PropsModel
    scores: PropsReport
    lines: pd.DataFrame
    slate: Slate
    rows: int
    folder: Path | None

    @property
    def counts(self) -> dict[str, int]:
        """Return what became of the markets of props that are modelled."""
        state = self.lines["state"]
        return {
            "player games": self.rows,
            "markets": len(self.slate.market.lines) or len(self.lines),
            "suspect": self.slate.suspect,
            "player unmatched": self.slate.asked.unmatched,
            "no recent form": self.slate.asked.without_form,
            "untold": self.slate.asked.untold,
            "lines": len(self.lines),
            "did not play": int((state == DID_NOT_PLAY).sum()),
            "no box": int((state == NO_BOX).sum()),
            "pushed": int((self.lines["actual"] == self.lines["line"]).sum()),
            "scored": self.scores.n,
        }

    @property
    def model_rows(self) -> list[dict[str, Any]]:
        """Return one row a prop: what its model is."""
        return [
            {
                "prop": name,
                "rows": model.n,
                "family": model.spread.family,
                "a": model.spread.a,
                "b": model.spread.b,
                "lines": self.model.calibration.rows(name),
                **dict(zip(model.names, model.coef, strict=True)),
            }
            for name, model in self.model.models.items()
        ]


def train_props(
    engine: Engine,
    settings: Settings,
    request: PropsTraining,
    on_week: Callable[[int, int], None] = lambda _done, _total: None,
) -> PropsTrainingReport:
    """Train the sport's props; the same data and configuration find the same model again.

    StaleDataError for a moment that has not come, AiproError where no prop has rows enough.
    """
    if request.until > request.now:
        raise StaleDataError(f"{iso_utc(request.until)} has not come: what will be known then is not known yet")
    with engine.connect() as connection:
        facts = known_by(load_facts(connection, request.sport), request.until)
    decided = facts.decided()
    decided = decided.loc[decided <= pd.Timestamp(request.until)]
    rows = learning_rows(facts.past, decided, facts.config)
    models = fit_models(rows, facts.config)
    if not models:
        least = facts.config.first_rows
        raise AiproError(f"{facts.code}: no prop has {least} player games known by {iso_utc(request.until)}")
    told = slate(facts, decided)
    lines = told.asked.lines
    lines = with_outcomes(lines, outcomes(lines, facts.past, facts.config))
    lines = lines.assign(season=facts.schedule["season"].reindex(lines["game_id"]).array)
    lines = walk_forward(rows, lines, facts.config, on_week)
    settled = lines.loc[lines["y"].notna() & lines["p"].notna()]
    model = PropsModel(
        sport=facts.code,
        trained_through=iso_utc(_last_known(facts)),
        config_hash=content_hash(facts.config.model_dump(mode="json")),
        data_hash=_digest(rows, settled),
        models=models,
        calibration=fit_calibration(settled),
    )
    done = PropsTrainingReport(model, report(lines), lines, told, len(facts.past.versions), None)
    return done if request.dry_run else _save(engine, settings, request, done)


def known_by(facts: PropsFacts, moment: datetime) -> PropsFacts:
    """Return the facts without any box score or price that was known later."""
    at = pd.Timestamp(moment)
    versions, prices = facts.past.versions, facts.prices
    past = replace(facts.past, versions=versions.loc[versions["known_at"] <= at].reset_index(drop=True))
    return replace(facts, past=past, prices=prices.loc[prices["as_of"] <= at].reset_index(drop=True))


def _last_known(facts: PropsFacts) -> datetime:
    """Return when the latest box score or price of the facts was known: a later training on the same is the same."""
    known = pd.concat([facts.past.versions["known_at"], facts.prices["as_of"]])
    last: datetime = known.max().to_pydatetime()
    return last


def list_models(settings: Settings, code: str) -> list[dict[str, Any]]:
    """Return the sport's stored props models, one row each, the latest trained last."""
    return [
        {
            "model": model.version[:16],
            "trained_through": model.trained_through,
            "props": ", ".join(model.models),
            "blend_model": model.calibration.blend.model_coef,
            "blend_market": model.calibration.blend.market_coef,
            "lines": model.calibration.blend.n,
            "folder": str(folder_of(settings.artifacts_dir, code) / model.version[:16]),
        }
        for model in stored_models(settings.artifacts_dir, code)
    ]


def _save(engine: Engine, settings: Settings, request: PropsTraining, done: PropsTrainingReport) -> PropsTrainingReport:
    """Write the model, its report and its diagram, then who trained it into the audit log."""
    folder = save_model(settings.artifacts_dir, done.model)
    write_document(folder / "report.json", _without_nan(done.scores.document))
    if done.scores.n:
        title = f"{done.model.sport} props · {done.scores.n} lines, each by the weeks before it"
        reliability_panels(folder / "reliability.png", done.scores.reliability, title=title)
    details = {
        "sport": done.model.sport,
        "trained_through": done.model.trained_through,
        "path": folder.relative_to(settings.artifacts_dir).as_posix(),
        "model": done.model.version,
        "scored": done.scores.n,
    }
    with unit(engine) as connection:
        write_down(connection, request.actor, "props.train", ("artifacts", done.model.version), details, request.now)
    return replace(done, folder=folder)


def _digest(*frames: pd.DataFrame) -> str:
    digest = hashlib.sha256()
    for frame in frames:
        digest.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    return digest.hexdigest()


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nan(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_without_nan(each) for each in value]
    return None if isinstance(value, float) and value != value else value  # noqa: PLR0124
