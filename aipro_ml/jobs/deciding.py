"""Deciding: what the models say of the games of one or many slots, from the facts they are given; nothing is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from aipro_ml.betting.distribution import MarginDistribution
from aipro_ml.config import Settings
from aipro_ml.db.repositories.models import StoredModel
from aipro_ml.enums import BetType, Selection
from aipro_ml.errors import ArtifactError
from aipro_ml.features.history import History
from aipro_ml.features.market import fresh_consensus
from aipro_ml.features.matrix import FeatureMatrix
from aipro_ml.features.records import Records
from aipro_ml.features.sport import Sport
from aipro_ml.inference.freshness import stale_games
from aipro_ml.inference.policy import Policy
from aipro_ml.inference.predictor import ModelScores, Slate, outcome_probabilities, predict_slate
from aipro_ml.inference.quotes import market_boards
from aipro_ml.jobs.calibrate import stored_calibration, stored_interval
from aipro_ml.jobs.distributions import distributions_before
from aipro_ml.jobs.matrices import prediction_matrices
from aipro_ml.jobs.publish import Panel, Slot, Voice
from aipro_ml.training.artifacts import artifact_hash, read_model
from aipro_ml.training.base import TrainedModel
from aipro_ml.training.lines import at_lines

_NOTHING_SAID = pd.Series(dtype="float64")


@dataclass(frozen=True)
class Speaker:
    """A model read from its artifact, with what turns its probability into a published one; it has said nothing yet.

    `background`: see `training.artifacts.ModelArtifact`.
    """

    stored: StoredModel
    model: TrainedModel
    background: pd.DataFrame | None
    scores: ModelScores

    @property
    def bet_type(self) -> BetType:
        """Return the market it speaks of."""
        return self.stored.bet_type


@dataclass(frozen=True)
class Sitting:
    """All slots of a request before anything is published: who speaks, the boards, and whose features are stale."""

    panel: Panel
    boards: Mapping[BetType, pd.DataFrame]
    spreads: Mapping[int, Mapping[BetType, MarginDistribution]]
    stale: pd.Series

    def slate(self, slot: Slot) -> Slate:
        """Return what is published of the slot's games and what is abstained from."""
        return predict_slate(
            [voice.scores for voice in self.panel.voices],
            slot.games.assign(stale=self.stale.reindex(slot.games.index)),
            self.boards,
            self.spreads[int(slot.games["season"].min())],
            self.panel.policy,
        )


def sit(league: Sport, policy: Policy, speakers: Sequence[Speaker], records: Records, slots: Sequence[Slot]) -> Sitting:
    """Return what the speakers say of every slot's games, each at its slot's moment, from `records` alone."""
    history = History(records)
    frame = pd.concat([slot.games for slot in slots])
    bet_types = [speaker.bet_type for speaker in speakers]
    matrices = prediction_matrices(history, league, bet_types, frame["as_of"])
    entities = history.schedule(frame.index, frame["as_of"])
    boards = market_boards(
        history.quotes(entities, league.config.quote_max_age_hours),
        bet_types,
        league.config.devig,
        three_way=league.config.three_way,
        lines=fresh_consensus(entities, history, league.config),
    )
    duration = pd.Timedelta(minutes=league.config.duration_minutes)
    voices = [_voice(speaker, matrices[speaker.bet_type], boards[speaker.bet_type]) for speaker in speakers]
    return Sitting(
        Panel(league, voices, policy),
        boards,
        {int(season): distributions_before(history, league, int(season)) for season in frame["season"].unique()},
        stale_games(entities, records.games, duration, policy.freshness),
    )


def speaker_of(settings: Settings, stored: StoredModel) -> Speaker:
    """Return the model with its calibration of today; ArtifactError where a file is not the one the database names."""
    calibrator, blend = stored_calibration(settings, stored)
    facts = stored.metrics["calibration"]
    scores = ModelScores(
        bet_type=stored.bet_type,
        model_id=str(stored.id),
        probability=_NOTHING_SAID,
        calibrator=calibrator,
        calibration_rows=int(facts["n"]),
        calibration_version=facts["hash"],
        blend=blend,
        interval=stored_interval(settings, stored),
        suspected_leak=stored.metrics.get("leak") == "suspected_leak",
    )
    return Speaker(stored, *checked_model(settings, stored, stored.metrics["artifact_hash"]), scores)


def checked_model(settings: Settings, stored: StoredModel, expected: str) -> tuple[TrainedModel, pd.DataFrame | None]:
    """Return the model and its background; ArtifactError where a file is gone or damaged or the hash not `expected`."""
    folder = settings.artifacts_dir / stored.file_path
    if artifact_hash(folder) != expected:  # before anything in it is loaded: it may hold code
        raise ArtifactError(f"{folder}: not the artifact the database names; train the model again")
    return read_model(folder)


def _voice(speaker: Speaker, matrix: FeatureMatrix, board: pd.DataFrame) -> Voice:
    """Return the model and what it says; where its probability follows a line, at the one that is quoted."""
    model = speaker.model
    matrix = matrix.select(model.feature_names)
    asked = at_lines(model, matrix.X, board["line"])
    said = outcome_probabilities(model, asked)
    scores = replace(speaker.scores, probability=said.iloc[:, 0], draw=said.get(str(Selection.DRAW)))
    return Voice(speaker.stored, model, scores, matrix, asked, speaker.background)
