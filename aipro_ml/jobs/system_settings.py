"""System settings: default < file < database < environment < flag; changed with a reason, each change written down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine

from aipro_ml.config import HealthLimits, KnownSetting, NightlyConfig, Settings, health_limits, nightly_config
from aipro_ml.config.known import FAMILIES, find, known_settings, variable_of
from aipro_ml.db.locks import wait_for
from aipro_ml.db.repositories import system_settings as repository
from aipro_ml.db.repositories.system_settings import StoredSetting
from aipro_ml.enums import Layer
from aipro_ml.errors import UsageError
from aipro_ml.features.sports import sports
from aipro_ml.jobs.actors import Actor, write_down
from aipro_ml.jobs.authority import require
from aipro_ml.jobs.database import unit
from aipro_ml.settings import Override

LONGEST_REASON = 500


@dataclass(frozen=True)
class SettingInForce:
    """A setting as it counts: its value, the layer that gave it, and the value it has where nobody changes it."""

    key: str
    value: str
    layer: Layer
    standing: str
    kind: str
    variable: str
    says: str
    stored: StoredSetting | None = None


@dataclass(frozen=True)
class Change:
    """What is asked: another `value` of a key (None: none of its own), by whom, when and why."""

    key: str
    value: str | None
    actor: Actor
    reason: str
    now: datetime
    dry_run: bool = False


@dataclass(frozen=True)
class Changed:
    """A setting before and after a change; `before` None: the database had none of its own."""

    key: str
    before: str | None
    after: str | None
    standing: str

    @property
    def is_change(self) -> bool:
        """Return whether anything was written."""
        return self.before != self.after


def known(settings: Settings) -> dict[str, KnownSetting]:
    """Return every setting there is, of every sport, by its key."""
    return known_settings(nightly_config(settings), sorted(sports()))


def given_settings(settings: Settings, environment: Mapping[str, str], flags: Sequence[str]) -> dict[str, Override]:
    """Return the settings of this call alone: `AIPRO_<KEY>` of the environment, under `KEY=VALUE` of flags.

    UsageError for a name or key that is no setting, and for a value that does not fit.
    """
    there = known(settings)
    variables = {each.variable: each for each in there.values()}
    found: dict[str, Override] = {}
    for name in sorted(filter(is_variable, environment)):
        if name not in variables:
            raise UsageError(f"environment variable {name}: no such setting: see `aipro config show --all`")
        if environment[name]:
            one = variables[name]
            found[one.key] = Override(one.canonical(environment[name]), Layer.ENVIRONMENT)
    for flag in flags:
        key, is_given, value = flag.partition("=")
        if not is_given:
            raise UsageError(f"--set {flag}: write it as KEY=VALUE")
        one = find(there, key.strip())
        found[one.key] = Override(one.canonical(value), Layer.FLAG)
    return found


def is_variable(name: str) -> bool:
    """Return whether an environment variable is named as a system setting's is."""
    return name.startswith(tuple(f"{variable_of(family)}_" for family in FAMILIES))


def settings_over(connection: Connection, overrides: Mapping[str, Override], *prefixes: str) -> dict[str, str]:
    """Return the settings under these prefixes that differ from the files: the database's, under this call's own."""
    stored = repository.settings_under(connection, prefixes)
    return stored | {key: over.value for key, over in overrides.items() if key.startswith(prefixes)}


def policy_settings(connection: Connection, overrides: Mapping[str, Override], code: str) -> dict[str, str]:
    """Return what of a sport's betting policy differs from the files: tiers and stakes."""
    return settings_over(connection, overrides, f"tier.{code}.", "kelly.")


def limits_of_health(
    connection: Connection, settings: Settings, plan: NightlyConfig, code: str | None = None
) -> HealthLimits:
    """Return what health is held against, of a sport where one is named."""
    return health_limits(plan, settings_over(connection, settings.overrides, "health."), code)


def in_force(engine: Engine | None, settings: Settings) -> list[SettingInForce]:
    """Return every setting as it counts now, by key; without an engine the database's layer is left out.

    What the database keeps and nothing reads stands at the end, without a type.
    """
    stored: Mapping[str, StoredSetting] = {}
    if engine is not None:
        with engine.connect() as connection:
            stored = repository.stored_settings(connection)
    there = known(settings)
    found = [_in_force(one, stored.get(key), settings.overrides.get(key)) for key, one in there.items()]
    unread = [SettingInForce(k, s.value, Layer.DATABASE, "", "", "", "nothing reads it", s) for k, s in stored.items()]
    return found + [each for each in unread if each.key not in there]


def _in_force(one: KnownSetting, stored: StoredSetting | None, given: Override | None) -> SettingInForce:
    value, layer = one.standing, one.layer
    if stored is not None:
        value, layer = stored.value, Layer.DATABASE
    if given is not None:
        value, layer = given.value, given.layer
    return SettingInForce(one.key, value, layer, one.standing, one.kind, one.variable, one.says, stored)


def change(engine: Engine, settings: Settings, asked: Change) -> Changed:
    """Change a setting in the database, or take it out; the act and its reason go to the audit log.

    The value it has already writes nothing. UsageError for a key that is no setting (taking one out is allowed), a
    value that does not fit, or no reason; ForbiddenError where the acting user is no admin.
    """
    reason = asked.reason.strip()
    if not 0 < len(reason) <= LONGEST_REASON:
        raise UsageError(f"say why, in 1 to {LONGEST_REASON} characters: --reason")
    there = known(settings)
    with unit(engine, dry_run=asked.dry_run) as connection:
        require(connection, asked.actor, "admin:settings")
        wait_for(connection, f"setting {asked.key}")
        stored = repository.stored_settings(connection).get(asked.key)
        before = None if stored is None else stored.value
        if asked.value is None and before is not None:
            return _changed(connection, asked, before, None, there.get(asked.key))
        one = find(there, asked.key)
        after = None if asked.value is None else one.canonical(asked.value)
        return _changed(connection, asked, before, after, one)


def _changed(
    connection: Connection, asked: Change, before: str | None, after: str | None, one: KnownSetting | None
) -> Changed:
    done = Changed(asked.key, before, after, "" if one is None else one.standing)
    if not done.is_change:
        return done
    if after is None or one is None:
        repository.drop_setting(connection, asked.key)
    else:
        row = StoredSetting(asked.key, after, one.kind, asked.now, None)
        repository.save_setting(connection, row, one.says, asked.actor.user_id)
    facts = {"before": before, "after": after, "reason": asked.reason.strip()}
    action = "setting.unset" if after is None else "setting.set"
    write_down(connection, asked.actor, action, ("system_settings", asked.key), facts, asked.now)
    return done


def history(engine: Engine, key: str | None, limit: int) -> list[dict[str, object]]:
    """Return the latest changes of settings (of one key), the newest first."""
    with engine.connect() as connection:
        frame = repository.history(connection, key, limit)
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def faults_of(connection: Connection, settings: Settings) -> list[str]:
    """Return what is wrong with the stored settings: keys nothing reads, values that do not fit."""
    there, faults = known(settings), []
    for key, stored in repository.stored_settings(connection).items():
        if key not in there:
            faults.append(f"setting {key}: nothing reads it")
            continue
        try:
            there[key].canonical(stored.value)
        except UsageError as error:
            faults.append(str(error))
    return faults
