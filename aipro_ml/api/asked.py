"""What a caller asks in plain words, as the jobs understand it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from aipro_ml.config import ModelConfig, TrainingConfig, training_config
from aipro_ml.enums import BetType
from aipro_ml.errors import UsageError
from aipro_ml.inference.ledger import Head


def bet_type_of(value: BetType | str) -> BetType:
    """Return the bet type called so; UsageError names those there are."""
    try:
        return BetType(value)
    except ValueError:
        raise UsageError(f"no bet type is called {value!r}; there are: {', '.join(BetType)}") from None


def config_of(given: TrainingConfig | Sequence[ModelConfig] | Path | str | None, market: BetType) -> TrainingConfig:
    """Return the training configuration `given`: itself, in a file, as candidates of `market`, or the shipped one."""
    if isinstance(given, TrainingConfig):
        return given
    if given is None or isinstance(given, str | Path):
        return training_config(None if given is None else Path(given))
    return TrainingConfig(models={market: tuple(given)})


def utc_of(moment: datetime | None) -> datetime | None:
    """Return the moment in UTC; UsageError where it has no time zone."""
    if moment is not None and moment.tzinfo is None:
        raise UsageError(f"as_of {moment} has no time zone: give one in UTC, such as datetime(…, tzinfo=UTC)")
    return None if moment is None else moment.astimezone(UTC)


def head_of_text(head: str) -> Head:
    """Return the ledger's head as `aipro ledger head` prints it, SEQ:HASH; UsageError where it is none."""
    seq, _, digest = head.partition(":")
    if not seq.isdigit() or len(digest) != 64:
        raise UsageError(f"{head!r} is no head: give it as `aipro ledger head` printed it, SEQ:HASH")
    return Head(int(seq), digest)
