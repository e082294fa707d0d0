"""The Odds API by key: what a plan costs, whether the quota covers it, and the import of what it gives."""

from dataclasses import dataclass, replace
from datetime import datetime

from aipro_ml.config import Settings
from aipro_ml.errors import GuardError, UsageError
from aipro_ml.jobs.database import opened
from aipro_ml.jobs.fetch import Answer, Patience, download
from aipro_ml.jobs.ingest import ImportOptions, ImportReport, import_batch
from aipro_ml.sources import odds_api
from aipro_ml.sources.odds_api_feed import SPORT_KEYS
from aipro_ml.sources.odds_api_quota import Quota, plan_cost, quota
from aipro_ml.sources.odds_api_quotes import MARKETS
from aipro_ml.times import iso_utc, parse_utc


@dataclass(frozen=True)
class FeedRequest:
    """What to ask for: a sport's markets in regions, now or `at` moments of the past (UTC, ISO 8601)."""

    sport: str
    markets: tuple[str, ...]
    regions: tuple[str, ...]
    at: tuple[str, ...] = ()

    @property
    def requests(self) -> int:
        """Return how many requests it takes."""
        return max(1, len(self.at))

    @property
    def cost(self) -> int:
        """Return what it takes of the quota."""
        return plan_cost(self.markets, self.regions, self.requests, historical=bool(self.at))


@dataclass(frozen=True)
class Plan:
    """What a request costs, and what the API says is left before it (None: it does not say)."""

    requests: int
    cost: int
    remaining: int | None


def plan_of(settings: Settings, request: FeedRequest, patience: Patience | None = None) -> Plan:
    """Return the cost of the request and the quota left; asking for that costs nothing.

    UsageError for an unknown sport or market, or where no key is set.
    """
    sport_key(request.sport)
    unknown = [market for market in request.markets if market not in MARKETS]
    if unknown:
        raise UsageError(f"unknown market {unknown[0]!r}; known: {', '.join(MARKETS)}")
    _moments(request)
    left = quota(_ask(settings, "/v4/sports", {}, patience).headers)
    return Plan(request.requests, request.cost, left.remaining)


def fetch_odds(
    settings: Settings, request: FeedRequest, plan: Plan, options: ImportOptions, patience: Patience | None = None
) -> tuple[list[ImportReport], int | None]:
    """Fetch and import what the plan was made for; return the reports and the requests left.

    GuardError where the quota left does not cover it. Each snapshot is an import of its own.
    """
    if Quota(plan.remaining, None, None).covers(plan.cost) is False:
        raise GuardError(
            f"the plan costs {plan.cost} and {plan.remaining} are left of the quota: ask for fewer markets, regions "
            "or moments, or wait for the next period"
        )
    reports, left = [], plan.remaining
    with opened(settings) as engine:
        for moment in _moments(request) or (None,):
            answer = _ask(settings, *_path(request, moment), patience)
            told = quota(answer.headers).remaining
            left = left if told is None else told
            seen = options.now if moment is None else None  # a snapshot of the past says itself when it was
            name = f"{request.sport.lower()} {iso_utc(moment or options.now)}"
            batch = odds_api.read(
                answer.content, name=name, sport=request.sport.upper(), taken_at=seen, known_from=seen
            )
            named = replace(options, name=name)
            reports.append(import_batch(engine, settings, batch, content=answer.content, options=named))
    return reports, left


def sport_key(code: str) -> str:
    """Return The Odds API's key of a sport; UsageError naming the sports it has."""
    keys = {sport: key for key, sport in SPORT_KEYS.items()}
    if code.upper() not in keys:
        raise UsageError(f"The Odds API has no {code} here; known: {', '.join(sorted(keys))}")
    return keys[code.upper()]


def _moments(request: FeedRequest) -> tuple[datetime, ...]:
    try:
        return tuple(parse_utc(text) for text in request.at)
    except ValueError as error:
        raise UsageError(f"--at: no UTC time like 2025-10-17T12:00:00Z ({error})") from error


def _path(request: FeedRequest, moment: datetime | None) -> tuple[str, dict[str, str]]:
    asked = {
        "regions": ",".join(dict.fromkeys(request.regions)),
        "markets": ",".join(dict.fromkeys(request.markets)),
        "oddsFormat": "american",
        "dateFormat": "iso",
    }
    key = sport_key(request.sport)
    if moment is None:
        return f"/v4/sports/{key}/odds", asked
    return f"/v4/historical/sports/{key}/odds", asked | {"date": f"{moment:%Y-%m-%dT%H:%M:%SZ}"}


def _ask(settings: Settings, path: str, params: dict[str, str], patience: Patience | None) -> Answer:
    if settings.odds_api_key is None:
        raise UsageError("no key of The Odds API: set AIPRO_ODDS_API_KEY")
    asked = {"apiKey": settings.odds_api_key.get_secret_value(), **params}
    return download(settings.odds_api_url.rstrip("/") + path, asked, patience)
