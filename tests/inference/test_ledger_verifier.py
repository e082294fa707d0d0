"""The program printed in the docs verifies an export and a proof with nothing but Python, and is not fooled."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from aipro_ml.inference.ledger_export import export_lines, proof_of
from tests.inference.test_ledger_export import ledger

PAGE = Path(__file__).resolve().parents[2] / "docs" / "ledger.md"
ROWS = ledger(11)


@pytest.fixture(scope="module")
def verifier(tmp_path_factory):
    path = tmp_path_factory.mktemp("verifier") / "verify.py"
    program = PAGE.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    path.write_text(program, encoding="utf-8")
    return path


def verified(verifier, content, kept):
    place = verifier.with_name("file")
    place.write_text(content, encoding="utf-8")
    command = [sys.executable, "-I", "-S", str(verifier), str(place), kept]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_it_says_what_it_proved_and_fails_on_anything_else(verifier):
    lines = list(export_lines(ROWS, "2022-09-11T17:00:00Z"))
    facts = json.loads(lines[0])
    done = verified(verifier, "\n".join(lines), facts["head"])
    assert (done.returncode, done.stdout) == (0, "11 rows, every hash and link holds\n"), done.stderr
    for forged in (lines[:-1], lines[:4] + lines[5:], [*lines[:4], lines[4].replace("0.4", "0.5"), *lines[5:]]):
        assert verified(verifier, "\n".join(forged), facts["head"]).returncode == 1
    assert verified(verifier, "\n".join(lines), "11:" + "0" * 64).returncode == 1


@pytest.mark.parametrize("seq", [1, 3, 8, 10, 11])
def test_a_proof_holds_under_its_root_only(verifier, seq):
    proof = proof_of(ROWS, ROWS[seq - 1]["prediction_id"])
    done = verified(verifier, json.dumps(proof, indent=1), proof["merkle_root"])
    assert (done.returncode, done.stdout[:11]) == (0, f"row {seq} of 11"[:11]), done.stderr
    assert verified(verifier, json.dumps(proof), "0" * 64).returncode == 1
    other = proof | {"prediction": proof["prediction"].replace("0.4", "0.6", 1)}
    assert verified(verifier, json.dumps(other), proof["merkle_root"]).returncode == 1
