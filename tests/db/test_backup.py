import io
import json
import stat
import tarfile
from pathlib import Path
from uuid import uuid4

import pandas as pd
import pytest
import sqlalchemy as sa

from aipro_ml.config import Settings
from aipro_ml.db import backup as archive
from aipro_ml.db.copy import copy_rows, read_frame
from aipro_ml.db.engine import open_database
from aipro_ml.db.models import metadata
from aipro_ml.errors import DataFileError, GuardError
from aipro_ml.jobs import database

NOW = pd.Timestamp("2022-09-08", tz="UTC")


@pytest.fixture
def filled(owner_engine: sa.Engine) -> sa.Engine:
    """A sport whose default model points back at it, and a revision of a game in an append-only table."""
    sport, model, game = uuid4(), uuid4(), uuid4()
    tables = metadata.tables
    frames = {
        "sports": {"id": sport, "code": "NFL", "name": "Tab\there \\N", "created_at": NOW},
        "games": {"id": game, "sport_id": sport, "game_date": NOW, "status": "final", "created_at": NOW},
        "ml_models": {
            "id": model,
            "sport_id": sport,
            "bet_type": "moneyline",
            "framework": "sklearn",
            "version": "1",
            "created_at": NOW,
        },
        "game_revisions": {
            "id": uuid4(),
            "game_id": game,
            "revision": 1,
            "source": "test",
            "source_game_id": "2022_01_BUF_LA",
            "season_type": "regular",
            "game_number": 1,
            "neutral_site": False,
            "kickoff_estimated": False,
            "game_date": NOW,
            "status": "final",
            "overtime": False,
            "known_at": NOW,
            "created_at": NOW,
        },
    }
    with owner_engine.begin() as connection:
        for name, row in frames.items():
            known = {key: value for key, value in row.items() if key in tables[name].columns}
            copy_rows(connection, tables[name], pd.DataFrame([known]))
        connection.execute(sa.update(tables["sports"]).values(default_model_id=model))
    return owner_engine


def content(engine: sa.Engine) -> dict[str, list[str]]:
    with engine.connect() as connection:
        read = {name: read_frame(connection, sa.select(table)) for name, table in metadata.tables.items()}
    return {name: sorted(map(str, frame.to_dict("records"))) for name, frame in read.items() if len(frame)}


def test_a_backup_restores_into_an_empty_database(filled: sa.Engine, server, template: str, tmp_path: Path) -> None:
    written = archive.backup(filled, tmp_path / "one.backup")
    assert (len(written.tables), written.rows) == (55, 4)
    with server.database(template) as name:
        other = open_database(server.settings(tmp_path, name), "owner")
        assert archive.restore(other, tmp_path / "one.backup") == written
        assert content(other) == content(filled)
        assert len(content(other)) == 4
        other.dispose()


def test_a_database_with_rows_is_not_restored_into(filled: sa.Engine, tmp_path: Path) -> None:
    archive.backup(filled, tmp_path / "one.backup")
    before = content(filled)
    with pytest.raises(GuardError, match="not empty"):
        archive.restore(filled, tmp_path / "one.backup")
    assert content(filled) == before


def test_replace_brings_back_what_was_there_and_drops_what_came_since(
    filled: sa.Engine, database_settings: Settings, tmp_path: Path
) -> None:
    before = content(filled)
    archive.backup(filled, tmp_path / "one.backup")
    since = {"id": [uuid4()], "code": ["NBA"], "name": ["since"], "created_at": [NOW]}
    with filled.begin() as connection:
        copy_rows(connection, metadata.tables["sports"], pd.DataFrame(since))
    database.restore(database_settings, tmp_path / "one.backup", replace=True)
    assert content(filled) == before
    assert database.check(database_settings) == []


def test_a_changed_byte_is_found_before_anything_is_touched(filled: sa.Engine, tmp_path: Path) -> None:
    path = tmp_path / "one.backup"
    archive.backup(filled, path)
    members: dict[str, bytes] = {}
    with tarfile.open(path) as stored:
        for member in stored:
            members[member.name] = stored.extractfile(member).read()
    members["tables/sports"] = members["tables/sports"].replace(b"NFL", b"NBA")
    with tarfile.open(path, "w:gz") as forged:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            forged.addfile(info, io.BytesIO(data))
    before = content(filled)
    with pytest.raises(DataFileError, match="sports does not match its checksum"):
        archive.restore(filled, path, replace=True)
    assert content(filled) == before


@pytest.mark.parametrize("damage", ["truncated", "text", "empty", "absent", "other tar"])
def test_a_file_that_is_no_backup_is_one_clear_error(filled: sa.Engine, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "one.backup"
    archive.backup(filled, path)
    if damage == "truncated":
        path.write_bytes(path.read_bytes()[:-200])
    elif damage in ("text", "empty"):
        path.write_text("no backup" if damage == "text" else "")
    elif damage == "absent":
        path.unlink()
    else:
        with tarfile.open(path, "w:gz") as other:
            other.add(__file__, "manifest.json")
    with pytest.raises(DataFileError, match=r"one\.backup: "):
        archive.verify(path)


def test_a_backup_of_an_unknown_revision_is_refused(filled: sa.Engine, tmp_path: Path) -> None:
    path = tmp_path / "one.backup"
    written = archive.backup(filled, path)
    manifest = {"format": archive.FORMAT, "revision": "9999", "tables": []}
    with tarfile.open(path, "w:gz") as forged:
        data = json.dumps(manifest).encode()
        info = tarfile.TarInfo("manifest.json")
        info.size = len(data)
        forged.addfile(info, io.BytesIO(data))
    with pytest.raises(GuardError, match="revision 9999"):
        archive.restore(filled, path)
    assert written.revision != "9999"


def test_a_backup_is_readable_by_its_owner_alone(filled: sa.Engine, tmp_path: Path) -> None:
    archive.backup(filled, tmp_path / "one.backup")
    assert stat.S_IMODE((tmp_path / "one.backup").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["one.backup"]


def test_a_folder_that_does_not_exist_is_one_clear_error(filled: sa.Engine, tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match="cannot be written"):
        archive.backup(filled, tmp_path / "absent" / "one.backup")
