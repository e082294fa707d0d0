"""Files that are refused as a whole: told at the end, nothing of them stored, the others are."""

import pytest

from tests.fixtures_commands import use
from tests.fixtures_platform import Platform
from tests.jobs.nflverse_file import as_csv, season_rows
from tests.sources import archive_files as archives
from tests.sources import odds_api_files


@pytest.fixture
def platform(database_settings):
    opened = Platform(database_settings)
    yield opened
    opened.close()


@pytest.fixture
def run(platform, monkeypatch, aipro):
    use(monkeypatch, platform)
    return aipro


@pytest.fixture
def folder(tmp_path):
    """Return a writer of a folder of files."""

    def write(**files):
        place = tmp_path / "files"
        place.mkdir(exist_ok=True)
        for name, content in files.items():
            (place / f"{name}.csv").write_bytes(content)
        return place

    return write


@pytest.mark.parametrize("verb", ["import", "validate"])
def test_one_bad_file_of_a_folder_does_not_keep_the_others_out(run, platform, folder, verb):
    place = folder(a=b"no,games\n1,2\n", b=as_csv(season_rows()), c=b"\x1f\x8b torn")
    done = run(f"data {verb} nflverse", place)
    assert done.code == 1
    *_, head, first, second = done.err.strip().splitlines()
    assert head.startswith("error: 2 files refused as a whole, the others ")
    assert first.startswith("  a.csv")
    assert second.startswith("  c.csv")
    assert platform.one("SELECT count(*) FROM games") == (len(season_rows()) if verb == "import" else 0)
    assert platform.one("SELECT count(*) FROM data_quality_checks") == (1 if verb == "import" else 0)


def test_a_strict_import_refuses_the_file_with_the_bad_row_and_takes_the_next(run, platform, folder):
    rows = season_rows()
    place = folder(a=as_csv([rows[0] | {"home_moneyline": "50"}]), b=as_csv(rows[1:]))
    done = run("data import nflverse --strict", place)
    assert done.code == 1
    assert "1 bad rows and --strict" in done.err
    assert platform.one("SELECT count(*) FROM games") == len(rows) - 1


def test_the_one_file_that_is_bad_is_told_in_one_line(run, folder):
    done = run("data import nflverse", folder(a=b"no,games\n1,2\n") / "a.csv")
    assert done.code == 1
    (line,) = done.err.strip().splitlines()
    assert line.startswith("error: a.csv")


def test_a_torn_snapshot_among_others_lands_nothing_and_ends_with_1(run, platform, folder):
    good = odds_api_files.as_csv([odds_api_files.day_row()])
    place = folder(**{"odds_2023-10-10": good, "odds_2023-10-11": b"nothing of the kind"})
    done = run("data import odds-api-days --sport NHL", place)
    assert done.code == 1
    assert "1 file refused as a whole, the others landed:\n  odds_2023-10-11.csv" in done.err
    assert platform.one("SELECT count(*) FROM games") == 1


@pytest.mark.parametrize("source", ["nflverse", "nfl-team-weeks", "odds-api-days --sport NHL"])
@pytest.mark.parametrize("verb", ["import", "validate"])
def test_a_missing_file_and_an_empty_folder_are_wrong_requests(run, tmp_path, source, verb):
    (tmp_path / "empty").mkdir()
    for place, said in (("nowhere.csv", "no such file or folder"), ("empty", "the folder holds no file")):
        done = run(f"data {verb} {source}", tmp_path / place)
        assert (done.code, done.out) == (2, "")
        assert done.err == f"error: {tmp_path / place}: {said}\n"


def test_a_suspect_file_is_one_statement_in_both_commands(run, platform, tmp_path):
    swapped = {"home_close_spread": 48.0, "away_close_spread": -48.0, "close_over_under": 5.0}
    place = tmp_path / "archive.json"
    place.write_bytes(archives.as_json([archives.sbr_nfl_rows()[0] | swapped, *archives.sbr_nfl_rows()[1:]]))
    said = "archive.json: suspect file: 1 of 2 games have spread and total swapped: "
    checked, done = run("data validate sbr-nfl", place), run("data import sbr-nfl", place)
    assert (checked.code, done.code) == (0, 1)
    assert checked.err.splitlines()[-1] == f"{said}an import stores nothing of it"
    assert done.err.splitlines()[-1] == f"error: {said}nothing stored; --force takes what is left"
    assert platform.one("SELECT count(*) FROM games") == 0
    assert run("data import sbr-nfl --force", place).code == 0
