"""How the contract suite reads The Odds API in all its layouts, and the results files beside it."""

from aipro_ml.sources import odds_api, odds_api_flat, results_ncaaf, results_nhl
from tests.sources import odds_api_files as files
from tests.sources.contract import Reading

_LATER = files.event(commence_time="2025-10-17T23:04:00Z", of_book={"ml_home": -600})
_FOLDER = {
    "ncaaf_20251017T124448Z.json": files.answer(files.event(), files.other_event()),
    "ncaaf_20251017T230900Z.json": files.answer(_LATER, files.other_event()),
}
_CHANGES = files.changes(files.event(), files.other_event()) + files.changes(_LATER, snapshot="2025-10-17T23:09:00Z")
_DAYS = {
    "odds_2023-10-10.csv": files.as_csv([files.day_row(), files.other_day_row()]),
    "odds_2023-10-11.csv": files.as_csv([files.other_day_row(date="2023-10-11", ml_home="-180")]),
}

READINGS = [
    Reading(
        "odds api, live",
        lambda content: odds_api.read(content, name="live.json", sport="NCAAF"),
        files.answer(files.event(), files.other_event()),
    ),
    Reading(
        "odds api, historical",
        lambda content: odds_api.read(content, name="historical.json", sport="NCAAF"),
        files.wrapper("2025-10-17T12:45:00Z", files.event(), files.other_event()),
    ),
    Reading("odds api, folder", lambda content: odds_api.read_folder(content, sport="NCAAF"), _FOLDER),
    Reading(
        "odds api, changes",
        lambda content: odds_api_flat.read_changes(content, name="changes.csv", sport="NCAAF"),
        files.as_csv(_CHANGES),
    ),
    Reading("odds api, days", lambda content: odds_api_flat.read_days(content, sport="NHL"), _DAYS),
    Reading(
        "results of college football",
        lambda content: results_ncaaf.read(content, name="results.csv"),
        files.as_csv([files.college_row(), files.other_college_row()]),
    ),
    Reading(
        "results of the NHL",
        lambda content: results_nhl.read(content, name="schedule.csv"),
        files.hockey(files.hockey_row()),
    ),
]
