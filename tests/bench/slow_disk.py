"""An ordinary disk: a library in front of PostgreSQL that adds some milliseconds to each fsync."""

import shutil
import subprocess
from pathlib import Path

_SOURCE = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>
static int slowly(const char *name, int fd) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
    usleep(ADDED_MICROSECONDS);
    return real(fd);
}
int fsync(int fd) { return slowly("fsync", fd); }
int fdatasync(int fd) { return slowly("fdatasync", fd); }
"""


def build_slow_disk(folder: Path, *, milliseconds: float) -> Path | None:
    """Return the library, made by the C compiler of this machine; None where there is none."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        return None
    # PostgreSQL may run as another user.
    folder.chmod(0o755)
    library, source = folder / "slow_disk.so", folder / "slow_disk.c"
    source.write_text(_SOURCE, encoding="utf-8")
    subprocess.run(
        [
            *(compiler, "-shared", "-fPIC", "-O2", f"-DADDED_MICROSECONDS={int(1000 * milliseconds)}"),
            *("-o", library, source, "-ldl"),
        ],
        check=True,
    )
    library.chmod(0o755)
    return library
