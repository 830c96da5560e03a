"""Orders and translations: what is sent, and what is read of answers as loose as DingTalk's samples."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import responses

from dingtalk.client.market import OrderStatus
from dingtalk.client.translation import TranslationStatus
from dingtalk.protocol.errors import TransportError
from tests.dingtalk.client.client_calls import API, CASE, CORP_ID, OAPI, SUITE_TOKEN, make_client

ORDERS = f"{OAPI}/topapi/appstore/internal"


@pytest.fixture
def dingtalk() -> Any:
    with responses.RequestsMock() as platform:
        yield platform


def test_an_order_is_read_whether_its_numbers_are_numbers_or_text(dingtalk: Any) -> None:
    dingtalk.get(
        f"{API}/v1.0/appMarket/orders/2100001",
        json={
            "bizOrderId": "2100001",
            "corpId": CORP_ID,
            "goodsCode": "FW_GOODS-1",
            "goodsName": "考勤助手",
            "totalActualPayFee": "19900",
            "status": 3,
            "quantity": "10",
            "inAppOrder": "false",
            "startTimestamp": 1_700_000_000_000,
        },
    )

    order = make_client().get_order(suite_access_token=SUITE_TOKEN, order_id="2100001")

    assert (order.order_id, order.corp_id, order.fee_fen, order.quantity) == ("2100001", CORP_ID, 19_900, 10)
    assert (order.status, order.is_in_app, order.ends_at) == (OrderStatus.PAID, False, None)
    assert order.starts_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


def test_an_in_app_order_is_named_by_its_number(dingtalk: Any) -> None:
    dingtalk.post(f"{ORDERS}/order/finish", json={"errcode": "0"})

    CASE["finish_internal_order"].make(make_client())

    assert json.loads(dingtalk.calls[0].request.body) == {"biz_order_id": 2_100_001}


def test_one_unfinished_order_may_come_without_its_list(dingtalk: Any) -> None:
    dingtalk.post(
        f"{ORDERS}/unfinishedorder/list",
        json={"errcode": 0, "result": {"items": {"biz_order_id": 7, "item_code": "basic"}}},
    )

    page = make_client().list_unfinished_orders(suite_access_token=SUITE_TOKEN, item_code="basic")

    assert (page.total, [order.item_code for order in page.orders]) == (1, ["basic"])
    assert json.loads(dingtalk.calls[0].request.body) == {"page": 1, "page_size": 100, "item_code": "basic"}


@pytest.mark.parametrize(
    "answer", [{"errcode": 0, "result": ""}, {"errcode": 0, "result": "javascript:alert(1)"}]
)
def test_what_is_no_address_is_no_page_to_buy_on(dingtalk: Any, answer: dict[str, Any]) -> None:
    dingtalk.post(f"{ORDERS}/skupage/get", json=answer)

    with pytest.raises(TransportError, match="no address"):
        CASE["get_sku_page"].make(make_client())


@pytest.mark.parametrize("status", ["0", 1, "2"])
def test_a_translation_is_running_done_or_failed(dingtalk: Any, status: Any) -> None:
    dingtalk.get(f"{API}/v1.0/contact/files/translateResults", json={"status": status})

    found = CASE["get_translation"].make(make_client())

    assert (found.status, found.url) == (TranslationStatus(int(status)), "")


@pytest.mark.parametrize("status", [None, "9", "done"])
def test_a_translation_whose_status_is_unknown_is_no_answer(dingtalk: Any, status: Any) -> None:
    dingtalk.get(f"{API}/v1.0/contact/files/translateResults", json={"status": status})

    with pytest.raises(TransportError, match="no status"):
        CASE["get_translation"].make(make_client())
