"""Answers of the warehouse: printed, or as a file for other programs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd
from sqlalchemy import Engine

from aipro_ml.db.repositories import questions, warehouse
from aipro_ml.db.repositories.questions import QUESTIONS, Asked
from aipro_ml.errors import UsageError
from aipro_ml.features.sport import sport
from aipro_ml.files import is_disk_s_fault, whole

__all__ = ["Answer", "Asked", "ask", "list_questions", "write_answer"]

FileForm = Literal["csv", "parquet"]


@dataclass(frozen=True)
class Answer:
    """The table that answers a question, and the sports whose rows of the warehouse are behind their grades."""

    table: pd.DataFrame
    behind: tuple[str, ...]


def list_questions() -> list[dict[str, object]]:
    """Return the questions there are, as rows of a table."""
    return [{"question": name, "tells": question.says} for name, question in QUESTIONS.items()]


def ask(engine: Engine, name: str, asked: Asked) -> Answer:
    """Return the answer to a question; UsageError for one there is none of, or an unknown sport."""
    if name not in QUESTIONS:
        raise UsageError(f"no question {name!r}; there are: {', '.join(QUESTIONS)}")
    code = None if asked.sport is None else sport(asked.sport).code
    with engine.connect() as connection:
        table = questions.answer(connection, name, Asked(code, asked.since, asked.until))
        behind = warehouse.sports_with_news(connection, everything=False)
    return Answer(table, tuple(behind))


def write_answer(answer: Answer, path: Path, form: FileForm) -> None:
    """Write the table to a file, whole or not at all; UsageError where it cannot be written."""
    try:
        with whole(path) as draft:
            if form == "csv":
                answer.table.to_csv(draft, index=False)
            else:
                answer.table.to_parquet(draft, index=False)
    except OSError as error:
        if is_disk_s_fault(error):
            raise
        raise UsageError(f"{path}: cannot be written ({error.strerror or error})") from error
