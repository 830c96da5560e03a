"""
Runs a supervisor over one Python program: `python -m tests.isv_portal.supervised PROGRAM [FILE]`.

With a file the program is wanted from the moment when the file is there.
"""

import sys
from pathlib import Path

from isv_portal.child_process import ProcessSpec
from isv_portal.supervisor import Supervisor


def report(line: str) -> None:
    """Print at once: the test reads along."""
    print(line, flush=True)


if __name__ == "__main__":
    is_wanted = Path(sys.argv[2]).exists if len(sys.argv) > 2 else None
    spec = ProcessSpec("program", [sys.executable, "-c", sys.argv[1]], is_wanted=is_wanted)
    Supervisor([spec], report=report).run()
