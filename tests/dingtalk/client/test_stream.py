import json

import pytest
import responses

from dingtalk.protocol.errors import ApiError, TransportError
from tests.dingtalk.client.client_calls import API, SUITE_KEY, SUITE_SECRET, make_client

URL = f"{API}/v1.0/gateway/connections/open"


@responses.activate
def test_the_suite_identifies_itself_and_subscribes_to_events():
    responses.post(URL, json={"endpoint": "wss://stream.example.com/connect", "ticket": "ticket-1"})

    endpoint = make_client().open_stream_connection(suite_key=SUITE_KEY, suite_secret=SUITE_SECRET)

    sent = json.loads(responses.calls[0].request.body)
    assert (sent["clientId"], sent["clientSecret"]) == (SUITE_KEY, SUITE_SECRET)
    assert sent["subscriptions"] == [{"type": "EVENT", "topic": "*"}]
    assert (endpoint.url, endpoint.ticket) == ("wss://stream.example.com/connect", "ticket-1")
    assert "ticket-1" not in repr(endpoint)


@responses.activate
def test_a_wrong_secret_is_a_refusal():
    responses.post(URL, status=401, json={"code": "authFailed", "message": "鉴权失败", "requestid": "r1"})

    with pytest.raises(ApiError) as refusal:
        make_client().open_stream_connection(suite_key=SUITE_KEY, suite_secret=SUITE_SECRET)

    assert (refusal.value.code, refusal.value.http_status) == ("authFailed", 401)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"ticket": "ticket-1"},
        {"endpoint": "wss://stream.example.com/connect"},
        {"endpoint": "https://stream.example.com/connect", "ticket": "ticket-1"},
        {"endpoint": "wss://stream.example.com/connect?a=1", "ticket": "ticket-1"},
        {"endpoint": "wss:///connect", "ticket": "ticket-1"},
        {"endpoint": "wss://[::1/connect", "ticket": "ticket-1"},
        {"endpoint": 7, "ticket": "ticket-1"},
        {"endpoint": "wss://stream.example.com/connect", "ticket": "a b"},
    ],
)
@responses.activate
def test_an_answer_that_names_no_websocket_or_ticket_cannot_be_used(answer):
    responses.post(URL, json=answer)

    with pytest.raises(TransportError):
        make_client().open_stream_connection(suite_key=SUITE_KEY, suite_secret=SUITE_SECRET)
