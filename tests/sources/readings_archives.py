"""The untimed archives under the contract."""

from aipro_ml.sources import action_network, bmr, box_scores_nba, kaggle_nba, klland, kyleskom, oddsportal, sbr, sbr_nfl
from tests.sources import archive_files as files
from tests.sources.contract import Reading


def _read(module, name, **options):
    return lambda content: module.read(content, name=name, **options)


KAGGLE = Reading("Kaggle NBA", _read(kaggle_nba, "nba.csv"), files.as_csv(files.kaggle_rows()))
ODDSPORTAL = Reading("OddsPortal", _read(oddsportal, "oddsportal.csv"), files.as_csv(files.oddsportal_rows()))
KYLESKOM = Reading("kyleskom", _read(kyleskom, "odds_2022-23.csv"), files.as_csv(files.kyleskom_rows()))
KLLAND = Reading("klland", _read(klland, "klland.csv"), files.as_csv(files.klland_rows()))
SBR = Reading("SBR NBA csv", _read(sbr, "nba_odds_2007-08.csv"), files.as_csv(files.sbr_rows()))
SBR_NFL = Reading("SBR NFL json", _read(sbr_nfl, "nfl.json"), files.as_json(files.sbr_nfl_rows()))
BMR = Reading("BMR week", _read(bmr, "week_3.csv"), files.as_csv(files.bmr_rows()))
BMR_TAR = Reading(
    "BMR tar",
    _read(bmr, "bmr.tar.gz"),
    files.as_tar({"2018/week_3.csv": files.as_csv(files.bmr_rows()), "README": b"no csv"}),
    is_text=False,
)
ACTION = Reading(
    "Action Network",
    _read(action_network, "lines.parquet", schedule=files.schedule()),
    files.as_parquet(files.action_rows()),
    is_text=False,
)
NBA_GAMES = Reading(
    "NBA games",
    lambda content: box_scores_nba.read_games(content, name="games.csv"),
    b"game_id,date,season,home_team,away_team,home_score,away_score\n0022300061,2023-10-24,2023,DEN,LAL,119,107\n",
)
READINGS = [KAGGLE, ODDSPORTAL, KYLESKOM, KLLAND, SBR, SBR_NFL, BMR, BMR_TAR, ACTION, NBA_GAMES]
if files.HAS_EXCEL:
    WORKBOOK = Reading("SBR NBA xlsx", _read(sbr, "nba_2007-08.xlsx"), files.as_excel(files.sbr_rows()), is_text=False)
    READINGS.append(WORKBOOK)
