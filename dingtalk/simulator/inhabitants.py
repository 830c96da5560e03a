"""People whom a seed does not name: `headcount` of them, so that pages of a department are real."""

from collections.abc import Sequence

from dingtalk.simulator import invention
from dingtalk.simulator.world import Person

_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
_GIVEN_NAMES = ("秀英", "建国", "志强", "丽娟", "雨桐", "子涵", "浩然", "晓明", "文博", "思远", "嘉怡")
_TITLES = ("工程师", "专员", "主管", "助理", "顾问")
_INACTIVE_EVERY = 10


def invent_people(count: int, *, dept_ids: Sequence[int]) -> list[Person]:
    """
    Make people `emp0001`, `emp0002`, …: every second in the first department, the others spread.

    Every tenth has never signed in.
    """
    return [_invented(number, dept_ids) for number in range(1, count + 1)]


def _invented(number: int, dept_ids: Sequence[int]) -> Person:
    home = dept_ids[0] if number % 2 else dept_ids[number // 2 % len(dept_ids)]
    surname = _SURNAMES[number % len(_SURNAMES)]
    return Person(
        userid=f"emp{number:04d}",
        name=surname + _GIVEN_NAMES[number % len(_GIVEN_NAMES)],
        unionid=invention.alphanumeric(22),
        dept_ids=[home],
        title=_TITLES[number % len(_TITLES)],
        mobile=f"139{number:08d}",
        is_active=number % _INACTIVE_EVERY != 0,
    )
