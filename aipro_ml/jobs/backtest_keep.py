"""A backtest's results on disk: figures as JSON, bets as CSV, the page; whole or not at all, and the trial noted."""

import json
import shutil
import tempfile
from pathlib import Path

from aipro_ml.config import Settings
from aipro_ml.evaluation.backtest_plots import pictures
from aipro_ml.evaluation.backtest_report import facts_of, write_page
from aipro_ml.jobs.backtest import Backtest
from aipro_ml.jobs.backtest_trials import note_trial
from aipro_ml.training.artifacts import put_in_place

RESULT, BETS, PAGE = "backtest.json", "bets.csv", "report.html"


def keep(settings: Settings, found: Backtest) -> Path:
    """Write the backtest into its folder under `reports/backtest`, replacing an earlier run; return the folder.

    Equal requests, data and journals of trials give equal files. The trial is noted once its files are there.
    """
    folder = settings.reports_dir / "backtest" / found.name
    folder.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        building.chmod(0o755)  # mkdtemp's 0700 would lock other users of the platform out
        _fill(building, found)
        put_in_place(building, folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    note_trial(settings.reports_dir, found.trial)
    return folder


def _fill(folder: Path, found: Backtest) -> None:
    told = {"request": dict(found.document), "result": found.result.document}
    text = json.dumps(told, indent=1, sort_keys=True, allow_nan=False)
    (folder / RESULT).write_text(f"{text}\n", encoding="utf-8")
    found.result.bets.to_csv(folder / BETS, index=False, date_format="%Y-%m-%dT%H:%M:%SZ", float_format="%.10g")
    drawn = pictures(folder / "pictures", found.result)
    write_page(folder / PAGE, found.result, facts_of(found.document, found.result), drawn)
