"""`aipro ledger`: prove that nothing published was changed."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import say, table
from aipro_ml.errors import AiproError, UsageError
from aipro_ml.files import is_disk_s_fault, write_whole

if TYPE_CHECKING:
    from aipro_ml.inference.ledger import Fault, Head

app = typer.Typer(help="The append-only ledger of predictions.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a row.")]
Out = Annotated[Path | None, typer.Option(help="File to write; default: standard output.")]


@app.command("verify")
def verify(
    context: typer.Context,
    head: Annotated[str | None, typer.Option(help="A head printed earlier, SEQ:HASH; finds a cut tail.")] = None,
    file: Annotated[Path | None, typer.Option(help="A ledger exported earlier; says what each row was.")] = None,
    as_json: AsJson = False,
) -> None:
    """Recompute every hash and follow every link; name what was edited, deleted, swapped, inserted or cut."""
    from aipro_ml.jobs.ledger import verify_file
    from aipro_ml.jobs.listings import verify_ledger

    if head is not None and file is not None:
        raise UsageError("give a head or an exported file: the file has a head of its own")
    if file is not None:
        count, export, faults = verify_file(settings(context), file)
        _refuse_faults(faults, count, as_json=as_json)
        against = f"the first {export.head.seq} are those of {file}"
        facts = {"rows": count, "faults": 0, "kept": f"{export.head.seq}:{export.head.chain_hash}"}
    else:
        count, now, faults = verify_ledger(settings(context), None if head is None else _parsed(head))
        _refuse_faults(faults, count, as_json=as_json)
        facts = {"rows": count, "faults": 0, "head": "" if now is None else f"{now.seq}:{now.chain_hash}"}
        against = f"head {facts['head']}"
        if head is not None:
            against = f"the first {_parsed(head).seq} are those of the head given; {against}"
    if as_json:
        table([facts], title="ledger", as_json=True)
    else:
        say(f"{count} rows, every hash and link holds; {against}")


def _parsed(head: str) -> "Head":
    from aipro_ml.inference.ledger import Head

    seq, _, digest = head.partition(":")
    if re.fullmatch(r"[0-9]{1,18}", seq) is None or re.fullmatch(r"[0-9a-f]{64}", digest) is None:
        raise UsageError(f"{head!r} is no head: give it as `aipro ledger head` printed it, SEQ:HASH")
    return Head(int(seq), digest)


def _refuse_faults(faults: "Sequence[Fault]", count: int, *, as_json: bool) -> None:
    if faults:
        rows = [{"seq": fault.seq, "kind": fault.kind.value, "message": fault.message} for fault in faults]
        table(rows, title="faults", as_json=as_json)
        raise AiproError(f"{len(faults)} faults in {count} ledger rows")


@app.command("head")
def head(context: typer.Context, as_json: AsJson = False) -> None:
    """Print the head, SEQ:HASH; keep it elsewhere and give it to `verify` later. As JSON with the Merkle root."""
    from aipro_ml.jobs.ledger import head_facts

    facts = head_facts(settings(context))
    if as_json:
        table([facts], title="head", as_json=True)
    else:
        say(facts["head"])


@app.command("export")
def export(context: typer.Context, out: Out = None) -> None:
    """Write every row's pre-images and hashes, the head and the Merkle root, for anybody to verify."""
    from aipro_ml.jobs.ledger import export_ledger

    lines = export_ledger(settings(context), datetime.now(UTC))
    _write("\n".join(lines), out)
    if out is not None:
        facts = json.loads(lines[0])
        say(f"{facts['rows']} rows to {out}; head {facts['head']}; Merkle root {facts['merkle_root']}")


@app.command("proof")
def proof(
    context: typer.Context,
    prediction: Annotated[str, typer.Argument(help="A prediction id, or how it begins.")],
    rows: Annotated[int | None, typer.Option(min=1, help="Under the root of the first so many rows.")] = None,
    out: Out = None,
) -> None:
    """Prove that one prediction stands in the ledger, to anybody who has nothing but a Merkle root."""
    from aipro_ml.jobs.ledger import prove

    document = prove(settings(context), prediction, rows)
    _write(json.dumps(document, indent=1, ensure_ascii=False), out)
    if out is not None:
        say(f"row {document['seq']} of {document['rows']}; Merkle root {document['merkle_root']}")


def _write(text: str, out: Path | None) -> None:
    if out is None:
        print(text)  # noqa: T201 - programs read exactly this
        return
    try:
        write_whole(out, text + "\n")
    except OSError as error:
        if is_disk_s_fault(error):
            raise
        raise UsageError(f"{out}: cannot be written ({error.strerror})") from error
