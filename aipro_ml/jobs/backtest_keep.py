"""A backtest's results on disk: figures as JSON, bets as CSV, the page; whole or not at all, and the trial noted."""

import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from aipro_ml.config import Settings
from aipro_ml.evaluation.backtest_plots import pictures
from aipro_ml.evaluation.backtest_report import facts_of, write_page
from aipro_ml.evaluation.backtest_result import evaluate
from aipro_ml.jobs.backtest import Backtest
from aipro_ml.jobs.backtest_trials import counted, journal_held, note_trial
from aipro_ml.training.artifacts import put_in_place

RESULT, BETS, PAGE = "backtest.json", "bets.csv", "report.html"


def keep(settings: Settings, found: Backtest) -> tuple[Path, Backtest]:
    """Write the backtest into its folder under `reports/backtest`, replacing an earlier run; return both.

    Equal requests, data and journals of trials give equal files. The trial is noted once its files are there. Two at
    once are kept one after the other, and the second counts the first among the trials.
    """
    with journal_held(settings.reports_dir):
        kept = _counted_again(settings, found)
        folder = _written(settings, kept)
        note_trial(settings.reports_dir, kept.trial)
    return folder, kept


def _counted_again(settings: Settings, found: Backtest) -> Backtest:
    """Return the backtest beside the trials of now: others may have ended while it ran."""
    setting = found.result.setting
    trials = counted(settings.reports_dir, found.trial, setting.how.trials)
    if (trials.number, trials.sharpes) == (setting.trials, tuple(setting.sharpes)):
        return found
    again = replace(setting, trials=trials.number, sharpes=trials.sharpes)
    return replace(found, result=evaluate(found.result.book, again))


def _written(settings: Settings, found: Backtest) -> Path:
    folder = settings.reports_dir / "backtest" / found.name
    folder.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        building.chmod(0o755)  # mkdtemp's 0700 would lock other users of the platform out
        _fill(building, found)
        put_in_place(building, folder)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return folder


def _fill(folder: Path, found: Backtest) -> None:
    told = {"request": dict(found.document), "result": found.result.document}
    text = json.dumps(told, indent=1, sort_keys=True, allow_nan=False)
    (folder / RESULT).write_text(f"{text}\n", encoding="utf-8")
    found.result.bets.to_csv(folder / BETS, index=False, date_format="%Y-%m-%dT%H:%M:%SZ", float_format="%.10g")
    drawn = pictures(folder / "pictures", found.result)
    write_page(folder / PAGE, found.result, facts_of(found.document, found.result), drawn)
