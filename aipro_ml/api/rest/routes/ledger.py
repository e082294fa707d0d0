"""/v1/ledger: the head anybody can keep, and the proof of one prediction."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from aipro_ml.accounts.caller import Caller
from aipro_ml.api.rest.answers import answer, finished
from aipro_ml.api.rest.documented import needs, reading
from aipro_ml.api.rest.house import Housed, permitted
from aipro_ml.api.rest.problems import NotFoundError
from aipro_ml.api.rest.routes.predictions import sight_of
from aipro_ml.api.rest.shapes import LedgerHead, Proof
from aipro_ml.api.rest.shared import SharedRoute
from aipro_ml.api.rest.wire import Id, only
from aipro_ml.jobs import published

router = APIRouter(prefix="/v1/ledger", tags=["ledger"], route_class=SharedRoute)
Reader = Annotated[Caller, Depends(permitted("ledger:read"))]


class ProofAsked(BaseModel):
    """Under which root."""

    model_config = ConfigDict(extra="forbid")

    rows: Annotated[int, only(r"\d{1,18}", "a whole number"), Field(ge=1, le=2**53)] | None = Field(
        default=None, description="Rows of the ledger when the root was taken; without it, of now."
    )


@router.get("/head", response_model=LedgerHead, responses=reading(), openapi_extra=needs("ledger:read"))
def head(request: Request, house: Housed, caller: Reader) -> Response:  # noqa: ARG001 - who may ask is checked
    """Return rows, head and Merkle root of the ledger; the tag is the head's own."""
    now = house.read(published.ledger_head)
    tag = f"{now.seq}-{now.chain_hash[:24]}"
    root = house.roots.of(now, lambda: house.read(published.ledger_root, now))
    told = LedgerHead(rows=now.seq, head=f"{now.seq}:{now.chain_hash}", merkle_root=root)
    return finished(request, told.model_dump_json().encode(), tag)


@router.get("/proofs/{prediction_id}", response_model=Proof, responses=reading(404), openapi_extra=needs("ledger:read"))
def proof(
    request: Request, house: Housed, caller: Reader, prediction_id: Id, asked: Annotated[ProofAsked, Query()]
) -> Response:
    """Return the proof that a prediction stands in the ledger, under today's root or an earlier one (`rows`)."""
    seen = house.read(published.is_seen, sight_of(caller), prediction_id)
    found = house.read_at_once(published.ledger_proof, prediction_id, asked.rows) if seen else None
    if found is None:
        raise NotFoundError("no prediction of this id is published for you")
    return answer(request, Proof(**found))
