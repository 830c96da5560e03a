"""A suite and DingTalk's side of its callbacks, for tests of what is received."""

import json
from typing import Any
from urllib.parse import urlencode

from dingtalk.models import PushMode, Suite
from tests.support.callback_signer import Signer
from tests.support.wsgi import Answer, WsgiClient

SUITE_KEY = "suitekq7ymx3wq2ulr9vd"
TOKEN = "callbacktoken0001"
# Its last character has stray bits, as those of three in four keys.
ENCODING_AES_KEY = "4g5j64qlyl3zvetqxz5jiocdr586fn2zvjpa8zls3ij"
OTHER_AES_KEY = "Yq8s0x2mE7uRkT4bN9pVfW3hJ6cLzA1dGoXiQ5tKrSv"
CORP_ID = "ding7f3c91a05be842d6a1e0"
# 2023-11-14T22:13:20Z, as platform times are given.
PLATFORM_TIME_MS = 1_700_000_000_000


def make_suite(**changes: Any) -> Suite:
    """A suite that gets its events by SyncHTTP."""
    columns = {
        "name": "考勤助手",
        "suite_id": "31415001",
        "suite_key": SUITE_KEY,
        "suite_secret": "suite-secret-0001",
        "callback_token": TOKEN,
        "encoding_aes_key": ENCODING_AES_KEY,
        "push_mode": PushMode.SYNC_HTTP,
    }
    return Suite.objects.create(**{**columns, **changes})


def sync_row(data: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A row of a SyncHTTP push."""
    row = {
        "id": 9001,
        "gmt_create": PLATFORM_TIME_MS,
        "gmt_modified": PLATFORM_TIME_MS,
        "biz_type": 13,
        "biz_id": "user0001",
        "biz_data": json.dumps(data, ensure_ascii=False),
        "corp_id": CORP_ID,
        "open_cursor": 0,
        "subscribe_id": "31415001_0",
        "status": 0,
    }
    return {**row, **changes}


def sync_push(*rows: dict[str, Any]) -> dict[str, Any]:
    """A SyncHTTP push with these rows."""
    return {"EventType": "SYNC_HTTP_PUSH_HIGH", "bizData": list(rows)}


def ticket_push(ticket: str, *, time_ms: int = PLATFORM_TIME_MS) -> dict[str, Any]:
    """A SyncHTTP push of a suite ticket."""
    data = {"syncAction": "suite_ticket", "suiteTicket": ticket, "syncSeq": "5A01"}
    return sync_push(
        sync_row(data, biz_type=2, biz_id="31415001", corp_id="dingisv0c4e6a8", gmt_modified=time_ms)
    )


class Callbacks:
    """DingTalk pushing to one suite: signs, sends, and checks what is answered."""

    def __init__(self, suite: Suite, signer: Signer) -> None:
        self.client = WsgiClient()
        self.suite = suite
        self.signer = signer

    def push(self, document: dict[str, Any] | bytes, **how: Any) -> Answer:
        """Push a document, signed and encrypted."""
        return self.send(*self.signer.push(document, **how))

    def send(self, query: dict[str, str] | str, body: bytes, **headers: Any) -> Answer:
        """Send a request as it is."""
        slug = headers.pop("slug", self.suite.path_slug)
        text = query if isinstance(query, str) else urlencode(query)
        return self.client.post(f"/callback/{slug}/?{text}", body, **headers)

    def is_acknowledged(self, response: Answer) -> bool:
        """Whether DingTalk would take the answer for the encrypted success."""
        return response.status_code == 200 and self.signer.open(response.json()) == b"success"
