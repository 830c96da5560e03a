"""The ISV's side of the conversation for these tests: a client that signs, and a receiver that replies."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests

from dingtalk.simulator.remote import SimulatorRemote
from tests.support.callback_signer import Signer

# What a receiver answers: status and body, made from the signer and the document that came.
Reply = Callable[[Signer, dict[str, Any]], tuple[int, bytes]]


class Isv:
    """One suite as its ISV knows it, and calls that it makes."""

    def __init__(self, remote: SimulatorRemote, suite: dict[str, Any]) -> None:
        self.remote = remote
        self.base_url = remote.base_url
        self.suite_key: str = suite["suite_key"]
        self.secret: str = suite["suite_secret"]
        self.signer = Signer(suite["token"], suite["encoding_aes_key"], self.suite_key)

    @property
    def ticket(self) -> str:
        return str(self.remote._call("GET", f"/_sim/suites/{self.suite_key}")["suite_ticket"])

    def grant(self, corp_id: str) -> dict[str, Any]:
        """The grant of a company as the simulator knows it."""
        return self.remote._call("GET", f"/_sim/suites/{self.suite_key}/companies/{corp_id}")

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> requests.Response:
        return requests.request(method, self.base_url + path, json=body, params=query, timeout=10)

    def post(self, path: str, body: Any = None, **query: Any) -> Any:
        """An oapi call: HTTP 200 whatever happens."""
        answer = self.call("POST", path, body, **query)
        assert answer.status_code == 200
        return answer.json()

    def signed_query(self, **changes: Any) -> dict[str, Any]:
        """The four parameters of a signed request."""
        timestamp = str(changes.pop("timestamp", int(time.time() * 1000)))
        ticket = changes.pop("suiteTicket", None) or self.ticket
        mac = hmac.digest(self.secret.encode(), f"{timestamp}\n{ticket}".encode(), hashlib.sha256)
        query = {
            "accessKey": self.suite_key,
            "timestamp": timestamp,
            "suiteTicket": ticket,
            "signature": base64.b64encode(mac).decode(),
        }
        return {**query, **changes}

    def suite_token(self) -> str:
        body = {"suite_key": self.suite_key, "suite_secret": self.secret, "suite_ticket": self.ticket}
        return str(self.post("/service/get_suite_token", body)["suite_access_token"])

    def corp_token(self, corp_id: str) -> str:
        answer = self.post("/service/get_corp_token", {"auth_corpid": corp_id}, **self.signed_query())
        return str(answer["access_token"])


class Receiver:
    """An HTTP server that takes pushes; `reply` may be changed while it runs."""

    def __init__(self, signer: Signer) -> None:
        self.signer = signer
        self.reply: Reply = success
        self.queries: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self.documents: list[Any] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.url = f"http://127.0.0.1:{self._server.server_port}/callback"

    def __enter__(self) -> "Receiver":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _take(self, target: str, body: bytes) -> tuple[int, bytes]:
        query = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        signature = query.get("signature") or query["msg_signature"]
        encrypt = json.loads(body)["encrypt"]
        assert signature == self.signer.sign(query["timestamp"], query["nonce"], encrypt)
        opened = self.signer.open(
            {
                "msg_signature": signature,
                "timeStamp": query["timestamp"],
                "nonce": query["nonce"],
                "encrypt": encrypt,
            }
        )
        document = json.loads(opened) if opened.startswith(b"{") else {"text": opened.decode()}
        self.queries.append(query)
        self.bodies.append(body)
        self.documents.append(document)
        return self.reply(self.signer, document)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, reply = receiver._take(self.path, body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                try:
                    self.wfile.write(reply)
                except ConnectionError:
                    self.close_connection = True

            def log_message(self, *_arguments: Any) -> None:
                """Stay quiet."""

        return Handler


def saying(text: str, **changes: Any) -> Reply:
    """Reply with a text, properly sealed; `changes` spoil or replace members."""

    def reply(signer: Signer, _document: dict[str, Any]) -> tuple[int, bytes]:
        encrypt = signer.encrypt(signer.frame(text.encode()))
        members = {
            "msg_signature": signer.sign("1700000000", "abc", encrypt),
            "timeStamp": "1700000000",
            "nonce": "abc",
            "encrypt": encrypt,
        }
        return 200, json.dumps({**members, **changes}).encode()

    return reply


def success(signer: Signer, document: dict[str, Any]) -> tuple[int, bytes]:
    """Reply as DingTalk wants it."""
    return saying("success")(signer, document)


def plainly(status: int, body: bytes) -> Reply:
    """Reply with these bytes."""
    return lambda _signer, _document: (status, body)


def eventually(look: Callable[[], Any]) -> Any:
    """Look until there is something to see."""
    deadline = time.monotonic() + 10
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < deadline
        time.sleep(0.02)
