"""Finding companies by a part of their names."""

import pytest

from tenants.company_search import companies_found
from tenants.models import AuthCorp

pytestmark = pytest.mark.django_db

NAMES = {
    "dinga001": "杭州星河科技有限公司",
    "dinga002": "上海河星贸易",
    "dinga003": "Star River Ltd",
    "dinga004": "100%_纯棉",
    "dingb005": "",
}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("星河", {"dinga001"}),
        ("星河科技有限公司", {"dinga001"}),
        ("河", {"dinga001", "dinga002"}),
        ("star r", {"dinga003"}),
        ("RIVER", {"dinga003"}),
        ("%_", {"dinga004"}),
        ("%", {"dinga004"}),
        ("星贸易河", set()),
        ("dinga", {"dinga001", "dinga002", "dinga003", "dinga004"}),
        ("inga001", set()),
        ("'", set()),
    ],
)
def test_companies_are_found_by_a_part_of_a_name_or_the_beginning_of_an_id(text, found):
    for corp_id, name in NAMES.items():
        AuthCorp.objects.create(corp_id=corp_id, name=name)

    assert {corp.corp_id for corp in companies_found(text)} == found


def test_the_full_name_is_searched_too():
    AuthCorp.objects.create(corp_id="ding1", name="星河", full_name="杭州银河网络有限公司")

    assert [corp.corp_id for corp in companies_found("银河")] == ["ding1"]
