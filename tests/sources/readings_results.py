"""How the contract suite reads the results of the NBA and the scores of The Odds API."""

import json

from aipro_ml.sources import games_nba, odds_api_scores, results_nba
from tests.sources.contract import Reading
from tests.sources.layouts_odds_api import nba_csv, nba_result, score_of

READINGS = [
    Reading(
        "results of the NBA",
        lambda content: results_nba.read(content, name="schedule.csv"),
        nba_csv([*nba_result(0), *nba_result(1)]),
    ),
    Reading(
        "games of the NBA by number",
        lambda content: games_nba.read(content, name="games.csv"),
        b"game_id,date,season,home_team,away_team,home_score,away_score,season_type\n"
        b"0022300061,2023-10-24,2023,DEN,LAL,119,107,regular\n",
    ),
    Reading(
        "odds api, scores",
        lambda content: odds_api_scores.read(content, name="scores.json", sport="NCAAF"),
        json.dumps([*score_of(0), *score_of(1)]).encode(),
    ),
]
