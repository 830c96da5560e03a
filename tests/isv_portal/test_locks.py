import re
from itertools import combinations

import pytest

from tests.support.checkout import ROOT

EXTRAS = ["requirements-simulator", "requirements-stream", "requirements-rds"]
LOCKS = ["requirements", *EXTRAS, "requirements-dev"]


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted(text: str) -> list[tuple[str, str]]:
    """The direct requirements: name and, where one is pinned, version."""
    lines = [line.strip() for line in text.splitlines()]
    parsed = (re.fullmatch(r"([\w.-]+)(?:\[[\w,]+\])?(?:==([\w.]+))?", line) for line in lines)
    return [(normalised(match[1]), match[2] or "") for match in parsed if match]


def locked(text: str) -> dict[str, str]:
    return {
        normalised(name): version for name, version in re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)
    }


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_holds_every_direct_requirement_at_its_version(name):
    versions = locked((ROOT / f"{name}.txt").read_text())

    for package, version in wanted((ROOT / f"{name}.in").read_text()):
        assert package in versions
        assert version in ("", versions[package])


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_hashes(name):
    text = (ROOT / f"{name}.txt").read_text()
    entries = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]

    assert all("--hash=sha256:" in entry for entry in entries)


@pytest.mark.parametrize("name", LOCKS)
def test_the_lock_names_no_index_and_no_folder(name):
    text = (ROOT / f"{name}.txt").read_text()

    assert not re.search(r"https?://|file:|--(extra-)?index|--find-links", text)


def test_the_locks_agree_with_each_other():
    locks = [locked((ROOT / f"{name}.txt").read_text()) for name in LOCKS]

    for one, other in combinations(locks, 2):
        common = one.keys() & other.keys()
        assert {name: one[name] for name in common} == {name: other[name] for name in common}
