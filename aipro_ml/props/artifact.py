"""A sport's models of props on disk: one JSON document under the hash of its content, with everything to predict."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from aipro_ml.calibration.blend import MarketBlend
from aipro_ml.calibration.document import Documented, read_document
from aipro_ml.calibration.platt import PlattCalibrator
from aipro_ml.errors import ArtifactError, UsageError
from aipro_ml.props.model import PropModel
from aipro_ml.props.walkforward import Calibration

MODEL_FILE = "model.json"
FORMAT = 1


@dataclass(frozen=True)
class PropsModel(Documented):
    """The models, calibrators and blend of a sport's props; `trained_through` (ISO UTC): nothing later was known.

    `config_hash` is that of the configuration, `data_hash` that of the rows it learned from.
    """

    sport: str
    trained_through: str
    config_hash: str
    data_hash: str
    models: Mapping[str, PropModel]
    calibration: Calibration

    @property
    def document(self) -> dict[str, Any]:
        """Return the model as a JSON-able mapping."""
        pooled = self.calibration.pooled
        return {
            "props": self.sport,
            "format": FORMAT,
            "trained_through": self.trained_through,
            "config_hash": self.config_hash,
            "data_hash": self.data_hash,
            "models": {name: model.document for name, model in self.models.items()},
            "calibrators": {name: each.document for name, each in self.calibration.own.items()},
            "pooled": None if pooled is None else pooled.document,
            "blend": asdict(self.calibration.blend),
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Return the model kept as `document`; KeyError, TypeError or ValueError where it is none."""
        if document["format"] != FORMAT:
            raise ValueError(f"format {document['format']}, this version reads {FORMAT}")
        pooled = document["pooled"]
        calibration = Calibration(
            own={name: _platt(each) for name, each in document["calibrators"].items()},
            pooled=None if pooled is None else _platt(pooled),
            blend=MarketBlend(**document["blend"]),
        )
        told = {name: str(document[name]) for name in ("trained_through", "config_hash", "data_hash")}
        models = {name: PropModel.of(each) for name, each in document["models"].items()}
        return cls(sport=str(document["props"]), models=models, calibration=calibration, **told)


def _platt(document: Mapping[str, Any]) -> PlattCalibrator:
    return PlattCalibrator(float(document["slope"]), float(document["intercept"]), int(document["n"]))


def folder_of(artifacts: Path, sport: str) -> Path:
    """Return where a sport's props models stand."""
    return artifacts / "props" / sport.upper()


def save_model(artifacts: Path, model: PropsModel) -> Path:
    """Write the model under its hash and return its folder; the same model again is the same folder."""
    folder = folder_of(artifacts, model.sport) / model.version[:16]
    model.save(folder / MODEL_FILE)
    return folder


def is_trained(artifacts: Path, sport: str) -> bool:
    """Return whether the sport has a props model at all; whether one is damaged is not looked at."""
    return any(folder_of(artifacts, sport).glob(f"*/{MODEL_FILE}"))


def stored_models(artifacts: Path, sport: str) -> list[PropsModel]:
    """Return the sport's models, the latest trained last; ArtifactError names one that is damaged."""
    folders = sorted(folder_of(artifacts, sport).glob(f"*/{MODEL_FILE}"))
    return sorted((load_model(path) for path in folders), key=lambda model: (model.trained_through, model.version))


def load_model(path: Path) -> PropsModel:
    """Return the model in the file `path`, checked by the hash that names its folder."""
    try:
        model = PropsModel.of(read_document(path))
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(f"{path}: damaged ({error}); train the props again") from error
    if model.version[:16] != path.parent.name:
        raise ArtifactError(f"{path}: damaged (its content is not what its folder's name says); train the props again")
    return model


def find_model(artifacts: Path, sport: str, reference: str) -> PropsModel:
    """Return the one model whose hash begins with `reference`; UsageError where none or several do."""
    found = [model for model in stored_models(artifacts, sport) if model.version.startswith(reference)]
    if len(found) != 1 or not reference:
        many = "no" if not found else "more than one"
        raise UsageError(f"{many} props model of {sport} begins with {reference!r}: see `aipro props models`")
    return found[0]
