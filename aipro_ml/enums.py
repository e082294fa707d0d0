"""The closed vocabularies of the platform; stored as plain VARCHAR and guarded by CHECK constraints."""

from enum import StrEnum


class BetType(StrEnum):
    """A market that is modelled and bet; also the `market_type` of odds."""

    SPREAD = "spread"
    MONEYLINE = "moneyline"
    TOTAL = "total"


class Selection(StrEnum):
    """A side of a market."""

    HOME = "home"
    AWAY = "away"
    OVER = "over"
    UNDER = "under"
    DRAW = "draw"


class BetResult(StrEnum):
    """How a bet ended."""

    WIN = "win"
    LOSS = "loss"
    PUSH = "push"
    HALF_WIN = "half_win"
    HALF_LOSS = "half_loss"
    VOID = "void"
    PENDING = "pending"


class GameStatus(StrEnum):
    """Where a game stands."""

    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    FINAL = "final"
    POSTPONED = "postponed"
    CANCELLED = "cancelled"


class SeasonType(StrEnum):
    """The part of a season a game belongs to."""

    REGULAR = "regular"
    POSTSEASON = "postseason"
    PRESEASON = "preseason"


class Framework(StrEnum):
    """A training framework."""

    H2O = "h2o"
    AUTOGLUON = "autogluon"
    SKLEARN = "sklearn"
    ENSEMBLE = "ensemble"


class CalibratorType(StrEnum):
    """A stored calibrator's type; temperature and beta are forms of Platt scaling, told apart in its document."""

    ISOTONIC = "isotonic"
    PLATT = "platt"


class CalibrationMethod(StrEnum):
    """What a user may ask of calibration; `none` leaves no row."""

    AUTO = "auto"
    NONE = "none"
    PLATT = "platt"
    TEMPERATURE = "temperature"
    BETA = "beta"
    ISOTONIC = "isotonic"


class ReliabilityBy(StrEnum):
    """What the rows of a reliability table are."""

    STAGE = "stage"
    SEASON = "season"
    BIN = "bin"


class Tier(StrEnum):
    """Signal tier of a prediction."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


class RunStatus(StrEnum):
    """State of a training run, a materialisation or a step of a prediction run."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


class RunMode(StrEnum):
    """Whether a prediction run was published before kick-off or reconstructed later."""

    LIVE = "live"
    BACKFILLED = "backfilled"


class UserRole(StrEnum):
    """Role of a user account."""

    USER = "user"
    PRO_USER = "pro_user"
    ADMIN = "admin"
    SUPER_ADMIN = "super_admin"


class TransactionType(StrEnum):
    """Kind of a bankroll transaction."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    BET = "bet"
    WIN = "win"
    REFUND = "refund"
    CORRECTION = "correction"


class Severity(StrEnum):
    """Severity of an alert or a data-quality finding."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Layer(StrEnum):
    """Where a setting's value comes from; a later layer wins over an earlier one."""

    DEFAULT = "default"
    FILE = "file"
    DATABASE = "database"
    ENVIRONMENT = "environment"
    FLAG = "flag"


class DevigMethod(StrEnum):
    """How a bookmaker's margin is taken out of its prices (methods: multiplicative … odds ratio)."""

    MULTIPLICATIVE = "multiplicative"
    ADDITIVE = "additive"
    POWER = "power"
    SHIN = "shin"
    ODDS_RATIO = "odds_ratio"


REFERENCE_SIDE: dict[BetType, Selection] = {
    BetType.MONEYLINE: Selection.HOME,
    BetType.SPREAD: Selection.HOME,
    BetType.TOTAL: Selection.OVER,
}

OPPOSITE: dict[Selection, Selection] = {
    Selection.HOME: Selection.AWAY,
    Selection.AWAY: Selection.HOME,
    Selection.OVER: Selection.UNDER,
    Selection.UNDER: Selection.OVER,
}
