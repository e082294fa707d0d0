"""Sports: those written, those by configuration alone, and what the pages say of them."""

from pathlib import Path

import pytest

from aipro_ml import resources
from aipro_ml.config import sport_config
from aipro_ml.errors import UsageError
from aipro_ml.features import sports as known
from aipro_ml.features.sport import sport
from aipro_ml.sources.franchises import franchises
from tests.docs_reference import SPORTS, sports_page


@pytest.mark.parametrize(("code", "like"), [("NCAAB", "NBA"), ("WNBA", "NBA")])
def test_a_sport_like_another_has_its_views_and_figures_of_its_own(code: str, like: str) -> None:
    league = sport(code)
    assert league.views == sport(like).views
    assert league.config.code == code
    assert league.config.elo != sport(like).config.elo
    assert len(franchises(code).teams) >= 13


def test_the_page_of_sports_is_what_the_program_has() -> None:
    text = SPORTS.read_text(encoding="utf-8")
    assert sports_page(text) == text


def _configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """A folder of configurations that holds the shipped NBA and one sport more."""
    folder = tmp_path / "configs" / "sports"
    folder.mkdir(parents=True)
    shipped = resources.configs_dir() / "sports"
    for path in shipped.glob("*.yaml"):
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "gleague.yaml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(resources, "configs_dir", lambda: tmp_path / "configs")
    known.sports.cache_clear()
    sport_config.cache_clear()


@pytest.fixture(autouse=True)
def _forget():
    yield
    known.sports.cache_clear()
    sport_config.cache_clear()


def _example() -> str:
    page = SPORTS.read_text(encoding="utf-8")
    return page.split("```yaml\n", 1)[1].split("```", 1)[0]


def test_the_pages_worked_example_is_a_sport(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _configured(tmp_path, monkeypatch, _example())
    league = sport("gleague")
    assert (league.code, league.name, league.config.elo.carry) == ("GLEAGUE", "NBA G League", 0.5)
    assert league.columns() == sport("NBA").columns()


def test_a_configured_sport_like_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _configured(tmp_path, monkeypatch, _example().replace("like: NBA\n", ""))
    with pytest.raises(UsageError, match=r"gleague.yaml: GLEAGUE has no views of its own"):
        sport("NBA")
