"""Frozen configuration values, read from `configs/`."""

from aipro_ml.config.base import Config, overridden, under, validated
from aipro_ml.config.gates import GateConfig, GatesConfig, gates_config
from aipro_ml.config.health import HealthLimits, health_limits
from aipro_ml.config.known import KnownSetting, known_settings
from aipro_ml.config.nightly import FeedConfig, NightlyConfig, NightlySource, RetentionConfig, nightly_config
from aipro_ml.config.policy import (
    BetLimits,
    FreshnessConfig,
    KellyConfig,
    PolicyConfig,
    TierThreshold,
    bet_limits,
    policy_config,
)
from aipro_ml.config.props import PropConfig, PropsConfig, props_config
from aipro_ml.config.sport import EloConfig, MarginConfig, SportConfig, sport_config
from aipro_ml.config.training import (
    ChoiceSpace,
    FeatureGroup,
    ModelConfig,
    SearchConfig,
    SearchRecord,
    SpanSpace,
    TrainingConfig,
    search_config,
    training_config,
)
from aipro_ml.settings import Settings, default_home, load_settings

__all__ = [
    "BetLimits",
    "ChoiceSpace",
    "Config",
    "EloConfig",
    "FeatureGroup",
    "FeedConfig",
    "FreshnessConfig",
    "GateConfig",
    "GatesConfig",
    "HealthLimits",
    "KellyConfig",
    "KnownSetting",
    "MarginConfig",
    "ModelConfig",
    "NightlyConfig",
    "NightlySource",
    "PolicyConfig",
    "PropConfig",
    "PropsConfig",
    "RetentionConfig",
    "SearchConfig",
    "SearchRecord",
    "Settings",
    "SpanSpace",
    "SportConfig",
    "TierThreshold",
    "TrainingConfig",
    "bet_limits",
    "default_home",
    "gates_config",
    "health_limits",
    "known_settings",
    "load_settings",
    "nightly_config",
    "overridden",
    "policy_config",
    "props_config",
    "search_config",
    "sport_config",
    "training_config",
    "under",
    "validated",
]
