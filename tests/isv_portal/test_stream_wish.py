import pytest

from isv_portal import stream_wish
from isv_portal.stream_wish import StreamWish
from tests.support.callbacks import make_suite


@pytest.fixture
def lines(monkeypatch) -> list[str]:
    monkeypatch.setattr(stream_wish, "LOOK_SECONDS", 0.0)
    return []


def test_stream_is_wanted_from_the_moment_when_a_suite_has_this_mode(transactional_db, lines):
    wish = StreamWish(report=lines.append)
    before = wish()

    make_suite(push_mode="stream")

    assert (before, wish()) == (False, True)


def test_without_the_extra_it_is_not_run_and_said_once(transactional_db, lines, monkeypatch):
    monkeypatch.setattr("dingtalk.stream.extra.PACKAGE", "no_such_package")
    make_suite(push_mode="stream")
    wish = StreamWish(report=lines.append)

    assert (wish(), wish()) == (False, False)
    (line,) = lines
    assert "requirements-stream.txt" in line


def test_without_suites_of_this_mode_nothing_is_said(transactional_db, lines, monkeypatch):
    monkeypatch.setattr("dingtalk.stream.extra.PACKAGE", "no_such_package")
    make_suite()

    assert not StreamWish(report=lines.append)()
    assert not lines
