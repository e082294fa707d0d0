"""The night's player props: published for its games and graded, where the sport has a props model."""

from aipro_ml.errors import LeakError
from aipro_ml.jobs.actors import Actor
from aipro_ml.jobs.night import Night, Outcome
from aipro_ml.jobs.nightly_window import upcoming
from aipro_ml.jobs.props_grade import grade_props
from aipro_ml.jobs.props_predict import PropsRequest, PropsSlate, predict_props
from aipro_ml.props.artifact import is_trained

NIGHTLY = Actor(login="nightly")


def has_props(night: Night, code: str) -> bool:
    """Return whether somebody trained the sport's props: elsewhere the night has no step for players."""
    return is_trained(night.settings.artifacts_dir, code)


def publish_props(night: Night, code: str) -> Outcome:
    """Publish the props of the games that kick off within the night's window, by the latest model that may speak.

    Of a night before every model's knowledge nothing can be said; the rest of it goes on.
    """
    with night.engine.connect() as connection:
        ahead = upcoming(connection, code, night.as_of, night.window)
    if ahead.empty:
        return Outcome("no game kicks off", {"games": 0, "published": 0, "abstained": {}})
    request = PropsRequest(code, night.clock(), NIGHTLY, as_of=night.as_of, within=night.window)
    try:
        told = predict_props(night.engine, night.settings, request)
    except LeakError:
        return Outcome(f"{len(ahead)} games, and every props model knew something later", final=False)
    return Outcome(_says(told), _facts(told), told.written)


def grade_players(night: Night, code: str) -> Outcome:
    """Grade every prediction of the sport's props by the box scores stored now."""
    done = grade_props(night.engine, code, NIGHTLY, night.clock())
    counts = done.facts
    settled = {name: counts[name] for name in ("win", "loss", "push", "void", "pending")}
    says = ", ".join(f"{count} {name}" for name, count in settled.items())
    return Outcome(says, {"predictions": counts["predictions"], **settled}, done.changed)


def _facts(told: PropsSlate) -> dict[str, object]:
    abstained = {reason: count for reason, count in told.abstained.items() if count}
    return {"model": told.model.version, "games": told.games, "published": len(told.rows), "abstained": abstained}


def _says(told: PropsSlate) -> str:
    missed = ", ".join(f"{count} {reason}" for reason, count in sorted(told.abstained.items()) if count) or "none"
    return f"{told.games} games: {len(told.rows)} published; abstained: {missed}"
