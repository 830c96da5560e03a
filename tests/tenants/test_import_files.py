"""Reading files of companies: CSV as spreadsheets write it, and JSON."""

import json

import pytest

from tenants.import_files import ImportRow, UnreadableFile, format_of, read_rows

HEADER = "suite,corp_id,permanent_code\n"


def read_csv(text: str) -> list[ImportRow]:
    return read_rows(text.encode(), file_format="csv")


def read_json(value: object) -> list[ImportRow]:
    return read_rows(json.dumps(value).encode(), file_format="json")


def test_csv_rows_are_numbered_as_a_spreadsheet_numbers_them():
    assert read_csv(HEADER + "s1,c1,p1\n\ns2,c2,p2\n") == [
        ImportRow(2, "s1", "c1", "p1"),
        ImportRow(4, "s2", "c2", "p2"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + HEADER + "s1,c1,p1\n",
        HEADER.replace("\n", "\r\n") + "s1,c1,p1\r\n",
        HEADER + '"s1"," c1 ","p1"',
        "Corp_ID, Permanent_Code ,SUITE\nc1,p1,s1\n",
        HEADER + "s1,c1,p1\n,,\n   \n",
    ],
    ids=["byte order mark", "windows lines", "quoted", "other order and case", "empty rows at the end"],
)
def test_csv_as_spreadsheets_write_it_is_read(text):
    assert read_csv(text) == [ImportRow(2, "s1", "c1", "p1")]


def test_json_items_are_numbered_from_one_and_ids_may_be_numbers():
    assert read_json([{"suite": 900001, "corp_id": "c1", "permanent_code": "p1"}]) == [
        ImportRow(1, "900001", "c1", "p1")
    ]


@pytest.mark.parametrize("row", ["s1,c1\n", "s1,c1,p1,extra\n"])
def test_a_csv_row_with_the_wrong_number_of_values_is_damaged_and_the_rest_is_read(row):
    rows = read_csv(HEADER + row + "s2,c2,p2\n")

    assert rows[0].number == 2 and rows[0].damage
    assert rows[1] == ImportRow(3, "s2", "c2", "p2")


@pytest.mark.parametrize(
    "item",
    [
        None,
        5,
        "x",
        [],
        {},
        {"suite": "s", "corp_id": "c"},
        {"suite": 1, "corp_id": 2, "permanent_code": 3, "x": 4},
    ],
)
def test_a_json_item_of_another_form_is_damaged(item):
    assert read_json([item])[0].damage


@pytest.mark.parametrize("value", [None, True, 1.5, -1, 10**40, [], {}])
def test_a_json_value_of_another_kind_reads_as_nothing(value):
    assert read_json([{"suite": "s", "corp_id": value, "permanent_code": "p"}])[0].corp_id == ""


@pytest.mark.parametrize(
    ("content", "file_format"),
    [
        (b"", "csv"),
        (HEADER.encode(), "csv"),
        (b"s1,c1,p1\n", "csv"),
        (b"suite,corp_id\ns1,c1\n", "csv"),
        (b"suite,corp_id,permanent_code,suite\n1,2,3,4\n", "csv"),
        (HEADER.encode() + b'"s1,c1,p1\n', "csv"),
        (HEADER.encode() + b"s1,c1," + b"x" * 200_000 + b"\n", "csv"),
        ("企业".encode("gbk"), "csv"),
        (b"\x00\xff\x00", "csv"),
        (b"", "json"),
        (b"[]", "json"),
        (b"{}", "json"),
        (b"[" * 100_000, "json"),
        (b'[{"suite": NaN', "json"),
    ],
)
def test_a_file_that_is_none_is_refused_and_shows_nothing_of_itself(content, file_format):
    with pytest.raises(UnreadableFile) as refused:
        read_rows(content, file_format=file_format)

    assert len(str(refused.value)) < 200


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a.csv", "csv"), ("a.json", "json"), ("A.JSON", "json"), ("a", "csv"), ("-", "csv")],
)
def test_the_name_tells_the_format(name, expected):
    assert format_of(name) == expected


def test_a_row_does_not_show_its_permanent_code():
    assert "p1" not in repr(ImportRow(2, "s1", "c1", "p1"))
