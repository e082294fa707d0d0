"""System settings: known, typed, layered, changed with a reason, and heard by what they change."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import sqlalchemy as sa

from aipro_ml.config import Settings, bet_limits, nightly_config
from aipro_ml.config.known import FAMILIES
from aipro_ml.enums import Layer, UserRole
from aipro_ml.errors import ForbiddenError, UsageError
from aipro_ml.jobs import health
from aipro_ml.jobs.actors import Actor
from aipro_ml.jobs.system_settings import (
    Change,
    change,
    faults_of,
    given_settings,
    history,
    in_force,
    is_variable,
    known,
    limits_of_health,
    settings_over,
)
from aipro_ml.settings import Override, load_settings, origins
from tests.jobs.people import add_user

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
ME = Actor(login="tests")
KEY = "bet.game_cap"


def put(engine, settings, key, value, **more):
    asked = {"actor": ME, "reason": "a test", "now": NOW} | more
    return change(engine, settings, Change(key, value, **asked))


def force(engine, settings, key=KEY):
    return next(each for each in in_force(engine, settings) if each.key == key)


def audited(engine):
    with engine.connect() as connection:
        return connection.execute(sa.text("SELECT action, resource_id, details FROM audit_logs ORDER BY id")).all()


def test_every_setting_has_a_type_a_meaning_a_variable_of_its_own_and_a_standing_value_that_fits(tmp_path):
    there = known(Settings(home=tmp_path))
    assert {key.partition(".")[0] for key in there} == set(FAMILIES)
    assert len({one.variable for one in there.values()}) == len(there) > 500
    for key, one in there.items():
        assert one.says, key
        assert one.kind in {"string", "int", "float", "bool"}
        assert one.canonical(one.standing) == one.standing, key
        assert is_variable(one.variable)
    kinds = {each: there[each].kind for each in (KEY, "bet.tiers", "kelly.shrink", "gate.NFL.total.min_games")}
    assert list(kinds.values()) == ["float", "string", "bool", "int"]
    assert (
        there["gate.SIM-NFL.moneyline.epsilon_model"].standing == "0.1"
    )  # what differs by sport is its standing value


def test_a_later_layer_wins_over_an_earlier_one(engine, database_settings):
    assert (force(engine, database_settings).value, force(engine, database_settings).layer) == ("0.05", Layer.FILE)
    assert force(engine, database_settings, "health.connections_share").layer is Layer.DEFAULT
    put(engine, database_settings, KEY, "0.04")
    assert (force(engine, database_settings).value, force(engine, database_settings).layer) == ("0.04", Layer.DATABASE)
    for flags, value, layer in (((), "0.03", Layer.ENVIRONMENT), ((f"{KEY}=0.02",), "0.02", Layer.FLAG)):
        given = given_settings(database_settings, {"AIPRO_BET_GAME_CAP": "0.030", "PATH": "x"}, flags)
        here = database_settings.model_copy(update={"overrides": given})
        found = force(engine, here)
        assert (found.value, found.layer, found.standing) == (value, layer, "0.05")
        with engine.connect() as connection:
            over = settings_over(connection, here.overrides, "bet.")
        assert bet_limits().overridden(over).game_cap == Decimal(value)


def test_a_change_is_typed_and_written_down_with_who_and_why(engine, database_settings):
    with engine.begin() as connection:
        ann = add_user(connection, "ann@example.org", NOW, UserRole.ADMIN)
        ben = add_user(connection, "ben@example.org", NOW, UserRole.PRO_USER)
    with pytest.raises(ForbiddenError, match="admin:settings"):
        put(engine, database_settings, KEY, "0.040", actor=Actor(ben), reason="more for me")
    done = put(engine, database_settings, KEY, "0.040", actor=Actor(ann), reason=" less on one game ")
    assert (done.before, done.after, done.standing) == (None, "0.04", "0.05")
    with engine.connect() as connection:
        row = connection.execute(sa.text("SELECT * FROM system_settings")).mappings().one()
    assert (row["value"], row["value_type"], row["updated_by"]) == ("0.04", "float", ann)
    assert row["description"]
    put(engine, database_settings, KEY, None, now=NOW + timedelta(hours=1))
    assert [row["after"] for row in history(engine, KEY, 5)] == [None, "0.04"]
    assert [row["by"] for row in history(engine, KEY, 5)] == ["tests", "ann@example.org"]
    assert history(engine, KEY, 5)[1]["reason"] == "less on one game"
    assert {row.action for row in audited(engine)} == {"setting.set", "setting.unset"}
    assert force(engine, database_settings).layer is Layer.FILE


def test_what_changes_nothing_or_is_only_tried_writes_nothing(engine, database_settings):
    put(engine, database_settings, KEY, "0.04", dry_run=True)
    assert not put(engine, database_settings, "kelly.shrink", None).is_change
    assert audited(engine) == []
    put(engine, database_settings, KEY, "0.04")
    assert not put(engine, database_settings, KEY, "4e-2").is_change
    assert len(audited(engine)) == 1


def test_changes_at_once_follow_one_another_and_none_is_lost(engine, database_settings):
    values = [f"0.0{number}" for number in range(1, 6)]
    with ThreadPoolExecutor(5) as pool:
        done = list(pool.map(lambda value: put(engine, database_settings, KEY, value), values))
    assert sorted(each.after for each in done) == values
    befores = [each.before for each in done]
    last = force(engine, database_settings).value
    assert befores.count(None) == 1
    assert sorted([*filter(None, befores), last]) == values  # each was the one before of exactly one, but the last
    assert len(audited(engine)) == 5


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("bet.gamecap", "0.1", "near are bet.game_cap"),
        ("gate.NFL.moneyline.min_game", "1", "near are gate.NFL.moneyline.min_games"),
        ("gate.CURLING.moneyline.min_games", "1", "no setting"),
        (KEY, "1.5", f"system setting {KEY}"),
        (KEY, "nan", KEY),
        (KEY, "null", KEY),
        ("bet.tiers", "A,E", "bet.tiers"),
        ("kelly.shrink", "perhaps", "kelly.shrink"),
        ("gate.NFL.moneyline.min_games", "12.5", "gate.NFL.moneyline.min_games"),
        ("tier.NFL.spread.A.ev", "inf", "tier.NFL.spread.A.ev"),
    ],
)
def test_a_wrong_key_or_value_is_refused_before_anything_is_written(engine, database_settings, key, value, says):
    with pytest.raises(UsageError, match=says):
        put(engine, database_settings, key, value)
    with pytest.raises(UsageError, match=says):
        given_settings(database_settings, {}, [f"{key}={value}"])
    assert audited(engine) == []


def test_a_change_needs_a_reason_and_a_flag_a_value(engine, database_settings):
    for reason in ("", "  ", "x" * 501):
        with pytest.raises(UsageError, match="say why"):
            put(engine, database_settings, KEY, "0.04", reason=reason)
    with pytest.raises(UsageError, match="KEY=VALUE"):
        given_settings(database_settings, {}, ["bet.game_cap"])
    with pytest.raises(UsageError, match="AIPRO_KELLY_CUP"):
        given_settings(database_settings, {"AIPRO_KELLY_CUP": "1"}, ())


def test_what_nothing_reads_or_does_not_fit_is_found_and_can_be_taken_out(engine, database_settings):
    row = "INSERT INTO system_settings (id, key, value) VALUES (gen_random_uuid(), :key, :value)"
    with engine.begin() as connection:
        for key, value in (("bet.cap", "1"), ("bet.minimum", "little"), ("kelly.cap", "0.01")):
            connection.execute(sa.text(row), {"key": key, "value": value})
        first, second = faults_of(connection, database_settings)
    assert first == "setting bet.cap: nothing reads it"
    assert "bet.minimum" in second
    assert force(engine, database_settings, "bet.cap").says == "nothing reads it"
    put(engine, database_settings, "bet.cap", None)
    put(engine, database_settings, "bet.minimum", "2")
    with engine.connect() as connection:
        assert faults_of(connection, database_settings) == []


def test_health_is_held_against_the_settings_a_sport_s_own_before_all_sports(engine, database_settings):
    plan = nightly_config(database_settings)

    def component(name):
        return next(e for e in health.look(engine, database_settings, plan, ["NFL"], NOW) if e.component == name)

    assert component("disk").status == health.HEALTHY
    put(engine, database_settings, "health.disk_free_gib", "1e9")
    put(engine, database_settings, "health.connections_share", "0.000001")
    put(engine, database_settings, "health.source_age_hours", "5")
    put(engine, database_settings, "health.NFL.source_age_hours", "7")
    assert component("disk").status == component("database").status == health.DEGRADED
    assert "1e+09 wanted" in component("disk").says
    with engine.connect() as connection:
        ages = [limits_of_health(connection, database_settings, plan, code).source_age_hours for code in ("NFL", "NBA")]
    assert ages == [7, 5]


def test_a_file_of_the_home_sets_what_neither_environment_nor_flag_does(tmp_path, monkeypatch):
    for name in ("AIPRO_POOL_SIZE", "DATABASE_URL", "AIPRO_SMTP_PORT"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "settings.yaml").write_text("pool_size: 7\nsmtp_port: 26\nlog_level: error\nalert_email_to: null\n")
    monkeypatch.setenv("AIPRO_SMTP_PORT", "27")
    found = load_settings(home=tmp_path, log_level="info")
    assert (found.pool_size, found.smtp_port, found.log_level) == (7, 27, "info")
    layers = origins(found, {"home", "log_level"}, {"AIPRO_SMTP_PORT": "27", "AIPRO_POOL_SIZE": ""})
    named = ("pool_size", "smtp_port", "log_level", "smtp_host")
    assert [layers[name] for name in named] == [Layer.FILE, Layer.ENVIRONMENT, Layer.FLAG, Layer.DEFAULT]
    for text, says in (("poolsize: 7", "key poolsize"), ("home: /x", "key home"), ("pool_size: many", "pool_size")):
        (tmp_path / "settings.yaml").unlink()
        place = tmp_path / says.replace(" ", "")
        place.mkdir()
        (place / "settings.yaml").write_text(text)
        with pytest.raises(UsageError, match=says):
            load_settings(home=place)
        (tmp_path / "settings.yaml").write_text("")


def test_overrides_do_not_stand_in_what_is_dumped_of_the_settings(tmp_path):
    found = Settings(home=tmp_path, overrides={KEY: Override("0.1", Layer.FLAG)})
    assert "overrides" not in found.model_dump()
