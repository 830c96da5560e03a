"""Runs a supervisor over one Python program: `python -m tests.isv_portal.supervised PROGRAM`."""

import sys

from isv_portal.child_process import ProcessSpec
from isv_portal.supervisor import Supervisor


def report(line: str) -> None:
    """Print at once: the test reads along."""
    print(line, flush=True)


if __name__ == "__main__":
    Supervisor([ProcessSpec("program", [sys.executable, "-c", sys.argv[1]])], report=report).run()
