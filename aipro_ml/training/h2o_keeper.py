"""Keeps H2O's JVM no longer than the process that wants it: a small program of its own, run by its path.

`keeper.py FOLDER COMMAND…` runs the command with its output in FOLDER/jvm.log and writes its exit code into
FOLDER/ended when it ends. When standard input closes, which even a killed owner cannot prevent, the command is
killed and FOLDER removed.
"""

import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import FrameType


def main(folder: Path, command: list[str]) -> None:
    """Run `command` until it ends or standard input closes; then remove `folder`."""
    with (folder / "jvm.log").open("wb") as log:
        jvm = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, cwd=folder)

    def end(_signal: int = 0, _frame: FrameType | None = None) -> None:
        jvm.kill()

    def outlive_the_owner_not() -> None:
        sys.stdin.buffer.read()
        end()

    signal.signal(signal.SIGTERM, end)
    owner = threading.Thread(target=outlive_the_owner_not)
    owner.start()
    (folder / "ended").write_text(str(jvm.wait()), encoding="utf-8")
    owner.join()  # until then the owner may want to read the log
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
