"""Callbacks as DingTalk would send them, prepared as whole HTTP requests, and the check of their answers."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from tests.bench.client import Sample
from tests.support.callback_signer import Signer
from tests.support.protocol_fixtures import load_event

EVENT = "org_suite_auth"


class PushMaker:
    """
    Makes distinct SyncHTTP pushes of one suite: a company authorises, each time another company.

    `rows`: how many rows a push has, all of that company.
    """

    def __init__(self, seed: Mapping[str, Any], *, rows: int = 1) -> None:
        self._signer = Signer(seed["callback_token"], seed["encoding_aes_key"], seed["suite_key"])
        self._path = seed["callback_path"]
        event = load_event(EVENT)
        event["bizData"] *= rows
        self._corp_id = event["bizData"][0]["corp_id"]
        self._text = json.dumps(event, ensure_ascii=False)
        self.message_bytes = len(self._text.encode())

    def requests(self, count: int) -> list[bytes]:
        """Return that many pushes, no two alike."""
        return [self._request(number) for number in range(count)]

    def is_acknowledged(self, sample: Sample) -> bool:
        """Whether DingTalk would take the answer for the encrypted success."""
        return self._signer.open(json.loads(sample.body)) == b"success"

    def _request(self, number: int) -> bytes:
        corp_id = f"ding{number:0{len(self._corp_id) - 4}x}"
        query, body = self._signer.push(self._text.replace(self._corp_id, corp_id).encode())
        head = (
            f"POST {self._path}?{urlencode(query)} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body
