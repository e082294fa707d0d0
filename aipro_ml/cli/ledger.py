"""`aipro ledger`: prove that nothing published was changed."""

from typing import Annotated

import typer

from aipro_ml.cli.context import settings
from aipro_ml.cli.output import say, table
from aipro_ml.errors import AiproError, UsageError

app = typer.Typer(help="The append-only ledger of predictions.", no_args_is_help=True)


@app.command("verify")
def verify(
    context: typer.Context,
    head: Annotated[str | None, typer.Option(help="A head printed earlier, SEQ:HASH; finds a cut tail.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a row.")] = False,
) -> None:
    """Recompute every hash and follow every link; name what was edited, deleted, swapped, inserted or cut."""
    from aipro_ml.inference.ledger import Head
    from aipro_ml.jobs.listings import verify_ledger

    kept = None
    if head is not None:
        seq, _, digest = head.partition(":")
        if not seq.isdigit() or len(digest) != 64:
            raise UsageError(f"{head!r} is no head: give it as `aipro ledger head` printed it, SEQ:HASH")
        kept = Head(int(seq), digest)
    count, now, faults = verify_ledger(settings(context), kept)
    if faults:
        rows = [{"seq": fault.seq, "kind": fault.kind.value, "message": fault.message} for fault in faults]
        table(rows, title="faults", as_json=as_json)
        raise AiproError(f"{len(faults)} faults in {count} ledger rows")
    facts = {"rows": count, "faults": 0, "head": "" if now is None else f"{now.seq}:{now.chain_hash}"}
    if as_json:
        table([facts], title="ledger", as_json=True)
    else:
        say(f"{count} rows, every hash and link holds; head {facts['head']}")


@app.command("head")
def head(context: typer.Context) -> None:
    """Print the head, SEQ:HASH; keep it elsewhere and give it to `verify` later."""
    from aipro_ml.jobs.listings import verify_ledger

    _, now, _ = verify_ledger(settings(context), None)
    say("0:" + "0" * 64 if now is None else f"{now.seq}:{now.chain_hash}")
