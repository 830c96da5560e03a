"""Which tests pytest-xdist gives to the same worker."""

from xdist.scheduler import LoadScopeScheduling

# What these start, or fill, takes long, and is started once for all tests of a file.
_FOLDERS = ("tests/journeys/", "tests/growth/", "tests/faults/")


class FilesTogether(LoadScopeScheduling):
    """Sends such files as a whole, the largest first, and every other test by itself."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file.startswith(_FOLDERS) else nodeid
