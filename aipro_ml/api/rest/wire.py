"""What may stand in a question: each kind of value exactly as it is documented, and nothing that only looks like it."""

import re
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from aipro_ml.features.sports import sports

PAGE, LONGEST_PAGE = 50, 200
SPORTS = tuple(sorted(sports()))


def only(pattern: str, says: str) -> BeforeValidator:
    """Return a check that text is of one form; values that are no text are left to the type."""
    form = re.compile(pattern, re.ASCII)

    def check(value: Any) -> Any:
        if isinstance(value, str) and form.fullmatch(value) is None:
            raise ValueError(says)
        return value

    return BeforeValidator(check)


def _is_text(value: Any) -> Any:
    if not isinstance(value, str | UUID | date):
        raise ValueError("text is wanted")
    return value


def _sport(code: str) -> str:
    if code not in SPORTS:
        raise ValueError(f"no sport is called so; there are: {', '.join(SPORTS)}")
    return code


_UUID = r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"

Id = Annotated[
    UUID,
    only(_UUID, "an id has 32 hexadecimal digits in five groups"),
    BeforeValidator(_is_text),
    Field(examples=["8420d541-5ea0-5b5f-8c39-2f1f6d0c4a11"]),
]
Day = Annotated[
    date, only(r"\d{4}-\d{2}-\d{2}", "a day is written 2026-01-31"), BeforeValidator(_is_text),
    Field(examples=["2026-01-04"]),
]  # fmt: skip
SportCode = Annotated[
    str,
    AfterValidator(_sport),
    WithJsonSchema({"type": "string", "enum": list(SPORTS), "examples": ["NFL"]}),
]
Flag = Annotated[bool, only(r"true|false", "true or false")]
Limit = Annotated[int, only(r"\d{1,9}", "a whole number"), Field(ge=1, le=LONGEST_PAGE, description="Rows of a page.")]
Cursor = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,400}$"),
    Field(description="`next` of the page before; all other parameters must be those of that page."),
]


class Question(BaseModel):
    """Parameters of a list; one that is not known is refused, so that a misspelt filter does not give everything."""

    model_config = ConfigDict(extra="forbid")

    limit: Limit = PAGE
    cursor: Cursor | None = None

    @property
    def asked(self) -> dict[str, object]:
        """Return what is asked for, without the place in it: a cursor is good for this only."""
        return self.model_dump(exclude={"limit", "cursor"})
