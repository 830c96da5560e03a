"""
The simulated world: suites, companies, and which company has authorised which suite.

Plain data in memory. All of it is read and changed in the server's event loop only, so nothing is locked.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from dingtalk.simulator import invention
from dingtalk.simulator.clock import Clock
from dingtalk.simulator.codes import CodeStore
from dingtalk.simulator.crypto import EnvelopeKeys
from dingtalk.simulator.failed_list import FailedList
from dingtalk.simulator.mailroom import Mailroom, Template
from dingtalk.simulator.options import SimulatorOptions
from dingtalk.simulator.stream_connections import StreamConnections
from dingtalk.simulator.tokens import JsapiTicket, TokenStore

ROOT_DEPARTMENT = 1
SCHOOL_DEPARTMENT = -7


class PushMode(StrEnum):
    """How a suite is told of events."""

    SYNC_HTTP = "sync_http"
    HTTP = "http"
    STREAM = "stream"
    RDS = "rds"


class AppState(StrEnum):
    """The company's own switch for the app."""

    NORMAL = "normal"
    STOPPED = "stopped"
    REMOVED = "removed"


@dataclass(slots=True)
class Ticket:
    """One suite ticket; `replaced_at_ms` is set when a newer one was made."""

    text: str
    issued_at_ms: int
    replaced_at_ms: int | None = None


@dataclass(slots=True)
class Suite:
    """One app of the ISV with its credentials and callback settings."""

    suite_id: str
    suite_key: str
    suite_secret: str = field(repr=False)
    token: str = field(repr=False)
    encoding_aes_key: str = field(repr=False)
    name: str
    app_id: int
    isv_corp_id: str
    sso_secret: str = field(default="", repr=False)
    push_mode: PushMode = PushMode.SYNC_HTTP
    callback_url: str = ""
    signature_parameter: str = "signature"
    wants_random: bool = False
    deadline_ms: int | None = None
    tickets: list[Ticket] = field(default_factory=list, repr=False)
    template_only: bool = False
    is_custom: bool = False
    templates: dict[str, Template] = field(default_factory=dict)

    @property
    def keys(self) -> EnvelopeKeys:
        """The key material of its callbacks."""
        return EnvelopeKeys(
            token=self.token, encoding_aes_key=self.encoding_aes_key, owner_key=self.suite_key
        )

    @property
    def ticket(self) -> Ticket:
        """The current ticket."""
        return self.tickets[-1]

    @property
    def subscribe_id(self) -> str:
        """What names the suite in synchronisation rows."""
        return f"{self.suite_id}_0"


@dataclass(slots=True)
class Department:
    """A department of a company; the root is 1 and has no parent."""

    dept_id: int
    name: str
    parent_id: int | None = ROOT_DEPARTMENT


@dataclass(slots=True)
class Person:
    """A member of a company."""

    userid: str
    name: str
    unionid: str
    dept_ids: list[int]
    title: str = ""
    is_admin: bool = False
    mobile: str = field(default="", repr=False)
    is_active: bool = True
    led_dept_ids: list[int] = field(default_factory=list)
    role_ids: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Role:
    """A role that people of a company may have, in its group."""

    role_id: int
    name: str
    group_id: int
    group_name: str


@dataclass(slots=True)
class Scope:
    """What of the company the app may see; department 1 is everybody."""

    dept_ids: list[int]
    user_ids: list[str]


@dataclass(slots=True)
class Company:
    """An organisation on DingTalk with its people."""

    corp_id: str
    name: str
    industry: str
    admin_userid: str
    departments: dict[int, Department]
    people: dict[str, Person]
    roles: dict[int, Role] = field(default_factory=dict)
    auth_level: int = 0


@dataclass(slots=True)
class Grant:
    """One company's authorisation of one suite, from the administrator's consent until it is withdrawn."""

    suite_key: str
    corp_id: str
    permanent_code: str = field(repr=False)
    agent_id: int
    scope: Scope
    is_activated: bool
    authorized_at_ms: int
    is_relieved: bool = False
    ip_whitelist: list[str] = field(default_factory=list)
    app_state: AppState = AppState.NORMAL
    jsapi_ticket: JsapiTicket | None = field(default=None, repr=False)


@dataclass(slots=True)
class InternalApp:
    """An app that a company made for itself: it may see everything there, and nobody has to authorise it."""

    app_key: str
    app_secret: str = field(repr=False)
    grant: Grant
    token: str = field(default="", repr=False)


@dataclass(slots=True)
class OneTimeCode:
    """A temporary code that buys the permanent code once."""

    code: str = field(repr=False)
    suite_key: str
    corp_id: str
    is_spent: bool = False


class World:
    """Everything that exists, with look-ups; the moves are in `grants.py`."""

    def __init__(self, *, options: SimulatorOptions, clock: Clock) -> None:
        self.options = options
        self.clock = clock
        self.suites: dict[str, Suite] = {}
        self.companies: dict[str, Company] = {}
        self.grants: dict[tuple[str, str], Grant] = {}
        self.internal_apps: dict[str, InternalApp] = {}
        self.codes: dict[str, OneTimeCode] = {}
        self.tokens = TokenStore(clock=clock)
        self.stream = StreamConnections(clock=clock)
        self.login_codes = CodeStore(clock=clock)
        self.mailroom = Mailroom()
        self.rows: dict[tuple[str, str, str, int], dict[str, Any]] = {}
        self.failed_list = FailedList()
        self.callback_registrations: dict[tuple[str, str], Any] = {}
        self._last_row_id = 7000
        self._last_event_ms = 0

    def find_grant(self, *, suite_key: str, corp_id: str) -> Grant | None:
        """The grant in force, also that of an internal app; None when there is none or it was withdrawn."""
        app = self.internal_apps.get(suite_key)
        if app is not None:
            return app.grant if app.grant.corp_id == corp_id else None
        grant = self.grants.get((suite_key, corp_id))
        return None if grant is None or grant.is_relieved else grant

    def find_suite(self, grant: Grant) -> Suite | None:
        """The suite that a grant is of, or None for that of an internal app."""
        return self.suites.get(grant.suite_key)

    def unactivated_corp_ids(self, suite_key: str) -> list[str]:
        """Companies that have authorised the suite and wait for `activate_suite`."""
        return [
            grant.corp_id
            for grant in self.grants.values()
            if grant.suite_key == suite_key and not grant.is_relieved and not grant.is_activated
        ]

    def new_ticket(self, suite: Suite) -> Ticket:
        """Make a new ticket; it ends the one before it, at once or after the grace."""
        now_ms = self.clock.now_ms()
        if suite.tickets:
            suite.ticket.replaced_at_ms = now_ms
        suite.tickets.append(Ticket(text=invention.alphanumeric(64), issued_at_ms=now_ms))
        del suite.tickets[:-20]
        return suite.ticket

    def is_valid_ticket(self, suite: Suite, text: str) -> bool:
        """
        Whether a ticket is the current one, or was replaced within the grace.

        A customised app may send any text. Source:
        `the-signature-calculation-method-of-the-third-party-access-interface`.
        """
        if suite.is_custom:
            return bool(text)
        earliest_ms = self.clock.now_ms() - self.options.ticket_grace_seconds * 1000
        return any(
            ticket.text == text and (ticket.replaced_at_ms is None or ticket.replaced_at_ms > earliest_ms)
            for ticket in suite.tickets
        )

    def next_event_ms(self) -> int:
        """The time of a new event: now, and later than that of the event before it."""
        self._last_event_ms = max(self.clock.now_ms(), self._last_event_ms + 1)
        return self._last_event_ms

    def number_row(self, row: dict[str, Any]) -> dict[str, Any]:
        """A synchronisation row with the next id."""
        self._last_row_id += 1
        return {**row, "id": self._last_row_id}

    def put_row(self, row: dict[str, Any]) -> dict[str, Any]:
        """Store a synchronisation row under its key: the one before it is gone, and the id is a new one."""
        stored = self.number_row(row)
        self.rows[row_key(stored)] = stored
        return stored

    def is_latest_row(self, row: dict[str, Any]) -> bool:
        """Whether a row is still the one stored under its key."""
        return bool(self.rows.get(row_key(row), {}).get("id") == row["id"])


def row_key(row: dict[str, Any]) -> tuple[str, str, str, int]:
    """The key of a synchronisation row: at most one row exists for it (`configure-rds-push-table`)."""
    return row["subscribe_id"], row["corp_id"], row["biz_id"], row["biz_type"]
