import subprocess
import sys

PROGRAM = """
import importlib, pkgutil, random, sys
state = random.getstate()
import dingtalk.protocol
for module in pkgutil.iter_modules(dingtalk.protocol.__path__):
    importlib.import_module("dingtalk.protocol." + module.name)
from dingtalk.protocol.error_table import find_error
find_error("88", 200)
forbidden = {"django", "requests", "celery", "environs", "secrets"}
print(sorted(forbidden & set(sys.modules)), state == random.getstate())
"""


def test_the_protocol_is_imported_whole_without_django_or_an_http_library():
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False
    )

    assert result.stdout.strip() == "[] True", result.stderr
