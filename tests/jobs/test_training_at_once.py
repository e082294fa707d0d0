"""Two trainings of the same configuration at once: one model, one artifact, a run each."""

from datetime import timedelta

from aipro_ml.enums import BetType
from aipro_ml.jobs import training_store
from aipro_ml.jobs.train import TrainingRequest, train
from tests.at_once import halt, overtaken
from tests.fixtures_platform import LOGISTIC, NOW, SPORT, training

PLAIN = LOGISTIC.model_copy(update={"name": "plain", "params": {"C": 0.002}})


def trained_at(platform, hours):
    config, now = training(PLAIN), NOW + timedelta(hours=hours)
    request = TrainingRequest(SPORT, BetType.MONEYLINE, config, now, 2024, 2024)
    return train(platform.engine, platform.settings, request).models[0]


def test_of_two_trainings_at_once_one_stores_the_artifact_and_each_its_run(own_artifacts, untracked, monkeypatch):
    places, honest = [], training_store.put_in_place

    def counted(built, folder):
        places.append(folder)
        honest(built, folder)

    monkeypatch.setattr(training_store, "put_in_place", counted)
    ended = overtaken(
        own_artifacts.engine,
        halt(monkeypatch, training_store, "put_in_place"),
        lambda: trained_at(own_artifacts, 1),
        lambda: trained_at(own_artifacts, 2),
    )
    found = [each.result() for each in ended]
    assert sorted(each.is_new for each in found) == [False, True]
    assert places == [found[0].folder]  # a second one, not the same to the byte, would not be what the row names
    runs = own_artifacts.rows("SELECT status FROM training_runs WHERE model_id = :id", id=found[0].model_id)
    assert [row["status"] for row in runs] == ["completed", "completed"]
    own_artifacts.close()
