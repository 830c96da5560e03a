"""A seeded corpus of wrong requests, for the callback endpoint, the REST API and the admin's login."""

import json
import random
import secrets
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from tests.support.callback_signer import Signer

JUNK = (
    *(
        b"\x00",
        b"\xff\xfe",
        b"\xed\xa0\x80",
        b"%",
        b"%00",
        b"%ff",
        b"&",
        b"=",
        b'"',
        b"'",
        b"{",
        b"]",
        b"[" * 70,
    ),
    *(
        b"9" * 5000,
        b"\r\n",
        b"..",
        b"\xe2\x80\xae",
        b"$where",
        b"' OR 1=1 --",
        b"{{7*7}}",
        b"<script>",
        b"\\u0000",
    ),
)
IN_TARGET = frozenset(f"{string.ascii_letters}{string.digits}-._~!$&'()*+,;=:@/?%")
METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "get", "X")
ODD_HEADERS: tuple[tuple[str, str], ...] = (
    ("Content-Type", "text/html; charset=utf-7"),
    ("Content-Type", "multipart/form-data; boundary="),
    ("Content-Type", "application/json; charset=no-such"),
    ("Content-Encoding", "gzip"),
    ("Accept", "text/html"),
    ("Accept", "application/json; q=no"),
    ("Accept-Language", "zh-hans" + ",x" * 500),
    ("Accept-Language", "../../etc"),
    ("Host", "evil.example.com"),
    ("Host", "a..b:99999"),
    ("X-Forwarded-For", "' OR 1=1"),
    ("X-Forwarded-Host", "evil.example.com"),
    ("X-Request-ID", "x" * 4000),
    ("X-HTTP-Method-Override", "DELETE"),
    ("Cookie", "sessionid=" + "a" * 3000 + "; csrftoken=\x01"),
    ("Cookie", "sessionid=gASVAA==; messages=[[0,0,20,1]]; django_language=../x"),
    ("Referer", "http://[::1"),
    ("Origin", "null"),
    ("Range", "bytes=0-99999999999"),
    ("If-Modified-Since", "yesterday"),
    ("Transfer-Encoding", "identity"),
    ("Expect", "nothing"),
)


@dataclass(frozen=True)
class Wrong:
    """One request; `kind` says in a failure of what sort it is."""

    kind: str
    method: str
    target: str
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def damaged(chance: random.Random, text: bytes) -> bytes:
    """The text with a few bytes changed, removed, repeated or put in somewhere."""
    result = bytearray(text)
    for _ in range(chance.randint(1, 4)):
        position = chance.randrange(len(result) + 1)
        how = chance.randrange(4)
        if how == 0:
            result[position:position] = chance.choice(JUNK)
        elif how == 1:
            del result[position : position + chance.randint(1, 40)]
        elif how == 2:
            result[position : position + 1] = bytes([chance.randrange(256)])
        else:
            result[position:position] = result[: chance.randint(1, 60)]
    return bytes(result)


def in_target(raw: bytes) -> str:
    """Bytes for the first line of a request: the server itself refuses what may not stand there."""
    return "".join(chr(each) if chr(each) in IN_TARGET else f"%{each:02x}" for each in raw)


@dataclass(frozen=True)
class CallbackCorpus:
    """What is no message for a suite: `signer` is its own, `foreign` knows other secrets."""

    path: str
    signer: Signer
    foreign: Signer
    other_path: str

    def requests(self, chance: random.Random, count: int) -> Iterator[Wrong]:
        """Requests of all kinds, one after another."""
        kinds: list[Callable[[random.Random], Wrong]] = [
            *(self._unsigned, self._damaged_query, self._damaged_body, self._foreign, self._misdirected),
            *(self._odd_request, self._undecryptable, self._shifted),
        ]
        for number in range(count):
            yield kinds[number % len(kinds)](chance)

    def undecryptable(self, chance: random.Random) -> Iterator[Wrong]:
        """Rightly signed, and wrong inside in each way that a decryption can fail."""
        fine = self.signer.frame(b'{"EventType":"suite_ticket"}' + b" " * chance.randint(2, 8))
        frames = [
            *(fine[:-1] + bytes([last]) for last in (0, 1, 33, 255)),
            *(chance.randbytes(16 * blocks) for blocks in (1, 2, 3, 9)),
            fine[:16] + b"\xff\xff\xff\xff" + fine[20:],
            fine[:16] + b"\x00\x00\x00\x00" + fine[20:],
            fine[:16] + b"\x80\x00\x00\x00" + fine[20:],
            self.signer.frame(b"{}", owner_key=self.foreign.owner_key),
            self.signer.frame(b"{}", owner_key=""),
            self.signer.frame(b"{}", owner_key="suite4xxxxxxxxxxxxxxx"),
            self.signer.frame(b"\xff" * 20, owner_key="\x00"),
        ]
        texts = [self.signer.encrypt(frame) for frame in frames]
        texts += [texts[0][:-4], texts[0] + "=", texts[0][:20], "A" * 24, "====", "A", texts[0] * 2]
        texts += [self.foreign.encrypt(self.foreign.frame(b"{}"))]
        for text in texts:
            yield self._sent("undecryptable", *self.signer.envelope(text))

    def _sent(self, kind: str, query: dict[str, str], body: bytes, path: str = "") -> Wrong:
        return Wrong(kind, "POST", f"{path or self.path}?{urlencode(query)}", body)

    def _message(self, chance: random.Random, signer: Signer) -> tuple[dict[str, str], bytes]:
        return signer.push({"EventType": "suite_ticket", "SuiteTicket": chance.randbytes(12).hex()})

    def _unsigned(self, chance: random.Random) -> Wrong:
        query, body = self._message(chance, self.signer)
        missing = chance.choice(list(query))
        wrong = [
            {},
            {**query, "signature": chance.randbytes(20).hex()},
            {**query, "signature": query["signature"].upper()},
            {**query, "signature": query["signature"][:-1]},
            {name: value for name, value in query.items() if name != missing},
            {**query, "timestamp": "1" * chance.choice([1, 64, 65, 5000])},
            {**query, "nonce": chance.choice(["", "\x00", "\u202e", "x" * 65])},
        ]
        return self._sent("unsigned", chance.choice(wrong), body)

    def _damaged_query(self, chance: random.Random) -> Wrong:
        query, body = self._message(chance, self.signer)
        text = in_target(
            damaged(chance, f"signature={query['signature'][:30]}x&timestamp=1&nonce=2".encode())
        )
        return Wrong("damaged query", "POST", f"{self.path}?{text}", body)

    def _damaged_body(self, chance: random.Random) -> Wrong:
        query, body = self._message(chance, self.signer)
        start = chance.randrange(12, 60)
        # Always damaged within the ciphertext too, or it might still be the message.
        broken = body[:start] + (b"A" if body[start : start + 1] != b"A" else b"B") + body[start + 1 :]
        return self._sent("damaged body", query, damaged(chance, broken))

    def _foreign(self, chance: random.Random) -> Wrong:
        return self._sent("foreign", *self._message(chance, self.foreign))

    def _misdirected(self, chance: random.Random) -> Wrong:
        slug = chance.choice(["nobody", "x" * 300, "%00", "..%2f", "%ff", "a/b", "%E6%9D%AD"])
        path = chance.choice([self.other_path, f"/callback/{slug}/"])
        return self._sent("misdirected", *self._message(chance, self.signer), path)

    def _odd_request(self, chance: random.Random) -> Wrong:
        query, body = self._message(chance, self.signer)
        query["signature"] = chance.randbytes(20).hex()
        name, value = chance.choice(ODD_HEADERS)
        bodies = [
            body,
            b"",
            b"null",
            b"[]",
            b"[" * 100_000,
            b'{"encrypt":1}',
            b'{"encrypt":""}',
            b'{"a":' * 80,
        ]
        bodies += [b'{"encrypt":"A","encrypt":"B"}', b'{"encrypt":' + b"9" * 9000 + b"}", b"x" * 1_100_000]
        target = f"{self.path}?{urlencode(query)}"
        return Wrong("odd", chance.choice(("POST", *METHODS)), target, chance.choice(bodies), {name: value})

    def _undecryptable(self, chance: random.Random) -> Wrong:
        return chance.choice(list(self.undecryptable(chance)))

    def _shifted(self, chance: random.Random) -> Wrong:
        """The ciphertext begins or ends in a neighbour: the signature still fits, the message does not."""
        encrypt = self.signer.encrypt(self.signer.frame(b"{}"))
        query, _ = self.signer.envelope(encrypt, timestamp="1700000000000", nonce="zzzz")
        cut = chance.randint(1, 8)
        moved = {**query, "nonce": encrypt[-cut:] + query["nonce"]}
        return self._sent("shifted", moved, json.dumps({"encrypt": encrypt[:-cut]}).encode())


def api_requests(chance: random.Random, count: int, *, key: str, tenant: str) -> Iterator[Wrong]:
    """Requests to the REST API with something odd in one place; none of them may write anything."""
    paths = ["tenants", f"tenants/{tenant}", f"tenants/{tenant}/access-token"]
    names = ("state", "suite_key", "corp_id", "limit", "cursor", "min_ttl", "format", "id__in", "a[]", "\x00")
    for number in range(count):
        path, method, body = chance.choice(paths), "GET", b""
        headers = {"Authorization": f"Bearer {key}"}
        match number % 5:
            case 0:
                headers = {"Authorization": _odd_authorization(chance, key)}
            case 1:
                path = in_target(damaged(chance, f"tenants/nobody{chance.randrange(99)}/nobody/x".encode()))
            case 2:
                junk = [chance.choice(JUNK).decode("latin-1") for _ in range(2)]
                values = [*junk, "0", "-1", "1e9", "9" * 400, "true", "", " ", "\u0660", "null"]
                path += "?" + urlencode([(chance.choice(names), chance.choice(values)) for _ in range(3)])
            case 3:
                method = chance.choice(METHODS)
                body = chance.choice([b"", b"{}", b"{", b"\xff" * 100, b"[" * 5000, b"a=1", b"x" * 70_000])
            case 4:
                name, value = chance.choice(ODD_HEADERS)
                headers[name] = value
        yield Wrong(f"api {number % 5}", method, f"/api/v1/{path}", body, headers)


def _odd_authorization(chance: random.Random, key: str) -> str:
    prefix, secret = key.rsplit("_", 1) if chance.random() < 0.5 else key.split("_", 2)[1:]
    forms = [
        *(
            "",
            "Bearer",
            "Bearer ",
            "Basic Og==",
            "Basic \xff",
            f"Token {key}",
            f"bearer{key}",
            f"Bearer {key}x",
        ),
        *(f"Bearer {prefix}_", f"Bearer {secret}", f"Bearer isv_{prefix}_", "Bearer " + "x" * 4000),
        *(f"Bearer {key[:-1]}", f"Bearer {key},{key}", f"Bearer isv_{'%' * 10}_{'_' * 43}", "Bearer null"),
        f"Bearer {quote(chance.choice(JUNK).decode('latin-1'))}",
    ]
    return chance.choice(forms)


def login_requests(chance: random.Random, count: int) -> Iterator[Wrong]:
    """Requests to the admin by who is nobody: no token against forgery, no right password, odd forms."""
    paths = (
        "login/",
        "",
        "dingtalk/suite/",
        "tenants/tenant/x/change/",
        "logout/",
        "jsi18n/",
        "autocomplete/",
    )
    token = secrets.token_hex(16)
    for number in range(count):
        fields = [(name, chance.choice(JUNK).decode("latin-1")) for name in ("username", "password", "next")]
        fields += [("csrfmiddlewaretoken", chance.choice(("", token, "x" * 5000)))]
        body = urlencode(fields).encode() if number % 3 else damaged(chance, urlencode(fields).encode())
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": f"csrftoken={token}"}
        if number % 4 == 0:
            name, value = chance.choice(ODD_HEADERS)
            headers[name] = value
        if number % 7 == 0:
            body = b"&".join(b"a=1" for _ in range(2000))
        query = in_target(damaged(chance, b"next=/admin/&q=1&o=-1.2&p=9"))
        method = chance.choice(("POST", "POST", "GET", chance.choice(METHODS)))
        yield Wrong("admin", method, f"/admin/{chance.choice(paths)}?{query}", body, headers)
