"""The API keeps what its OpenAPI document promises, whatever it is asked: schemathesis asks it over the network."""

import subprocess
import sys
from pathlib import Path

from aipro_ml.enums import UserRole
from tests.fixtures_api import World
from tests.soak import size

CONFIG = Path(__file__).with_name("schemathesis.toml")
EXAMPLES = size(1, 150)
PHASES = size("examples,fuzzing", "examples,coverage,fuzzing,stateful")


def test_no_question_breaks_the_schema_or_the_server(world: World, served: str, tmp_path: Path) -> None:
    key = world.key(UserRole.ADMIN, per_minute=20_000)
    config = tmp_path / "schemathesis.toml"
    known = f'[parameters]\n"path.prediction_id" = "{world.slate[0].id}"\n'  # so that what is behind an id is reached
    config.write_text(CONFIG.read_text(encoding="utf-8") + size(known, ""), encoding="utf-8")
    program = str(Path(sys.executable).with_name("schemathesis"))
    command = [program, "--config-file", str(config), "--no-color", "run", f"{served}/openapi.json"]
    options = ["-H", f"X-API-Key: {key}", "--seed", "1", "--checks", "all", "--phases", PHASES]
    done = subprocess.run(
        [*command, *options, "--max-examples", str(EXAMPLES)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "20 selected / 20 total" in done.stdout
    print(done.stdout[-600:])
