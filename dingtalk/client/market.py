"""
Orders of the application market, and goods that are bought inside an app.

Money is in fen (a hundredth of a yuan). After an in-app order is fulfilled it has to be finished, or it stays
among the unfinished ones, which are the only way to learn of an order whose push was lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

from dingtalk.client.answers import read_nothing, read_object, read_objects
from dingtalk.client.call import Call, Family, Request
from dingtalk.client.caller import Caller
from dingtalk.client.refusals import UnusableAnswer
from dingtalk.protocol.fields import clean_text, first_of, read_bool, read_identifier, read_int, read_time

_PATH = "/topapi/appstore/internal"
GET_ORDER = Call("/v1.0/appMarket/orders/{orderId}", family=Family.NEW, method="GET")
GET_SKU_PAGE = Call(f"{_PATH}/skupage/get")
GET_INTERNAL_ORDER = Call(f"{_PATH}/order/get")
FINISH_INTERNAL_ORDER = Call(f"{_PATH}/order/finish")
CONSUME_INTERNAL_ORDER = Call(f"{_PATH}/order/consume")
LIST_UNFINISHED_ORDERS = Call(f"{_PATH}/unfinishedorder/list")

MAX_PAGE_SIZE = 100
_ID_LENGTH = 64
_TEXT_LENGTH = 200
_URL_LENGTH = 2_048


class OrderStatus(IntEnum):
    """Where an order stands. Source: check-the-order-details-app-store."""

    CLOSED = 0
    PAID = 3
    CREATED = 4


@dataclass(frozen=True)
class Order:
    """
    One order. `fee_fen`: what was paid. `status` is one of OrderStatus; samples show others too.

    What an answer does not have is empty: the list of unfinished orders has no service period.
    """

    order_id: str
    corp_id: str
    goods_code: str
    goods_name: str
    item_code: str
    item_name: str
    quantity: int | None
    fee_fen: int | None
    status: int | None
    is_in_app: bool | None
    created_at: datetime | None
    paid_at: datetime | None
    starts_at: datetime | None
    ends_at: datetime | None


@dataclass(frozen=True)
class UnfinishedOrders:
    """A page of in-app orders that were not finished; `total` counts those of all pages."""

    total: int
    orders: list[Order]


class MarketCalls(Caller):
    """Each may be repeated: asking changes nothing, and finishing or consuming twice counts once."""

    def get_order(self, *, suite_access_token: str, order_id: str) -> Order:
        """
        Get an order of the market.

        Refusals: order.not.exist; illegal.order.principle (another ISV's); goods.not.app.
        Source: check-the-order-details-app-store.
        """
        return self.ask(Request(GET_ORDER, path={"orderId": order_id}, token=suite_access_token), _read_order)

    def get_sku_page(
        self, *, corp_access_token: str, goods_code: str, callback_page: str = "", extend_param: str = ""
    ) -> str:
        """
        Get the address of the page on which goods are bought inside the app.

        `extend_param`: JSON text, needed for goods without a fixed price, such as `{"outDefinedPrice":199}`
        in fen. Source: obtain-the-address-of-the-product-sku-details-page.
        """
        body = {"goods_code": goods_code, "callback_page": callback_page, "extend_param": extend_param}
        request = Request(
            GET_SKU_PAGE,
            query={"access_token": corp_access_token},
            body={name: value for name, value in body.items() if value},
        )
        return self.ask(request, _read_address)

    def get_internal_order(self, *, corp_access_token: str, order_id: str) -> Order:
        """
        Get an in-app order; not for orders of the market.

        Source: obtain-information-about-internal-purchase-orders.
        """
        return self.ask(self._of_order(GET_INTERNAL_ORDER, corp_access_token, order_id), _read_result)

    def finish_internal_order(self, *, corp_access_token: str, order_id: str) -> None:
        """Say that an in-app order is fulfilled. Source: internal-purchase-order-processing-completed."""
        self.ask(self._of_order(FINISH_INTERNAL_ORDER, corp_access_token, order_id), read_nothing)

    def consume_internal_order(
        self, *, corp_access_token: str, order_id: str, request_id: str, quantity: int, user_id: str
    ) -> None:
        """
        Use up some of what an in-app order bought.

        `request_id` is ours: the same one again counts once. Source:
        application-of-in-house-purchase-verification.
        """
        used = {"request_id": request_id, "quantity": quantity, "userid": user_id}
        self.ask(self._of_order(CONSUME_INTERNAL_ORDER, corp_access_token, order_id, **used), read_nothing)

    def list_unfinished_orders(
        self, *, suite_access_token: str, page: int = 1, page_size: int = MAX_PAGE_SIZE, item_code: str = ""
    ) -> UnfinishedOrders:
        """
        List in-app orders that were not finished; pages count from 1, and have at most 100.

        The suite's token goes where a company's usually does. Source:
        obtaining-isv-unfinished-processing-order.
        """
        body = {"page": page, "page_size": page_size, **({"item_code": item_code} if item_code else {})}
        request = Request(LIST_UNFINISHED_ORDERS, query={"access_token": suite_access_token}, body=body)
        return self.ask(request, _read_unfinished)

    def _of_order(self, call: Call, token: str, order_id: str, **more: Any) -> Request:
        # A number in DingTalk's tables, a text in its pushes.
        number = int(order_id) if order_id.isdigit() else order_id
        return Request(call, query={"access_token": token}, body={"biz_order_id": number, **more})


def _read_order(members: Mapping[str, Any]) -> Order:
    """Read an order of either family: the names differ in their case only."""
    order_id = read_identifier(first_of(members, "bizOrderId", "biz_order_id"), _ID_LENGTH)
    if not order_id:
        raise UnusableAnswer("no order id in the answer")

    def text(new: str, old: str) -> str:
        return clean_text(first_of(members, new, old), _TEXT_LENGTH)

    def time(new: str, old: str) -> datetime | None:
        return read_time(first_of(members, new, old))

    return Order(
        order_id=order_id,
        corp_id=text("corpId", "corp_id"),
        goods_code=text("goodsCode", "goods_code"),
        goods_name=text("goodsName", "goods_name"),
        item_code=text("itemCode", "item_code"),
        item_name=text("itemName", "item_name"),
        quantity=read_int(members.get("quantity")),
        fee_fen=read_int(first_of(members, "totalActualPayFee", "total_actual_pay_fee")),
        status=read_int(members.get("status")),
        is_in_app=read_bool(members.get("inAppOrder")),
        created_at=time("createTimestamp", "create_timestamp"),
        paid_at=time("paidTimestamp", "paid_timestamp"),
        starts_at=time("startTimestamp", "start_timestamp"),
        ends_at=time("endTimestamp", "end_timestamp"),
    )


def _read_result(members: Mapping[str, Any]) -> Order:
    return _read_order(read_object(members, "result"))


def _read_unfinished(members: Mapping[str, Any]) -> UnfinishedOrders:
    result = read_object(members, "result")
    orders = [_read_order(item) for item in read_objects(result, "items")]
    return UnfinishedOrders(total=read_int(result.get("total")) or len(orders), orders=orders)


def _read_address(members: Mapping[str, Any]) -> str:
    address = clean_text(members.get("result"), _URL_LENGTH)
    if not address.startswith("https://"):
        raise UnusableAnswer("no address in the answer")
    return address
