"""What is left out of an event's content, and that nothing else is changed."""

import json

import pytest

from tenants.feed.content import without_secrets

SECRETS = [
    *("permanent_code", "permanentCode", "ch_permanent_code", "chPermanentCode", "AuthCode", "authCode"),
    *("tmp_auth_code", "tmpAuthCode", "suiteTicket", "SuiteTicket", "suite_ticket", "LicenseCode"),
    *("license_code", "access_token", "accessToken", "suiteSecret", "refreshToken"),
]
HARMLESS = [
    *("openTicketId", "spiTicketModel", "processCode", "goodsCode", "coolAppCode", "stateCode", "operator"),
    *("leave_code", "orderId", "signature_image", "bizCode", "invite_code"),
]


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_left_out_however_deep_it_is(name):
    secret = {name: "s3cr3t", "kept": 1}
    data = {**secret, "a": [{"b": secret}], "text": json.dumps({"c": json.dumps([secret])})}

    cleaned = without_secrets(data)

    assert "s3cr3t" not in json.dumps(cleaned)
    assert cleaned["a"] == [{"b": {"kept": 1}}]
    assert json.loads(json.loads(cleaned["text"])["c"]) == [{"kept": 1}]


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_no_secret_stays(name):
    assert without_secrets({name: "x"}) == {name: "x"}


@pytest.mark.parametrize(
    "text",
    [
        "{1:false,2:true}",
        '["u1", "u2"]',
        ' { "a" :  1.0 } ',
        "{",
        "ticket: none",
        "https://files.example.com/a?token=kept&signature=kept",
        '{"a":1,"a":2}',
    ],
)
def test_a_text_without_a_secret_stays_to_the_letter(text):
    assert without_secrets({"text": text}) == {"text": text}


@pytest.mark.parametrize(
    "text",
    ['{"permanent_code": "s3cr3t", broken', '[{"suiteTicket":"s3cr3t"', '{"a":1,"a":{"AuthCode":"s3cr3t"}}'],
)
def test_a_secret_in_a_text_that_is_almost_json_is_masked(text):
    assert "s3cr3t" not in without_secrets({"text": text})["text"]


def test_deeply_nested_texts_end_somewhere():
    text = json.dumps({"permanent_code": "s3cr3t"})
    for _ in range(8):
        text = json.dumps({"text": text})

    assert "s3cr3t" not in json.dumps(without_secrets({"text": text}))
