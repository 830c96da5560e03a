"""
The simulator's own interface below `/_sim/`: JSON in, JSON out.

Triggers whatever the platform or an administrator does, shows what happened, and orders misbehaviour.
Described in `docs/simulator.md`.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dingtalk.simulator import login_control, message_control, snapshot
from dingtalk.simulator.administrator import ACTIONS, Deed, NotAuthorized, push_ticket
from dingtalk.simulator.answers import json_response
from dingtalk.simulator.control_input import (
    BadRequest,
    Conflict,
    ControlError,
    NotFound,
    read_body,
    read_deed,
    read_fault,
    read_limits,
    read_number,
)
from dingtalk.simulator.documents import url_check
from dingtalk.simulator.pushes import Push
from dingtalk.simulator.seed import add_company
from dingtalk.simulator.seed_values import SeedError
from dingtalk.simulator.suite_settings import add_suite, change_suite
from dingtalk.simulator.world import Company, Person, Suite

if TYPE_CHECKING:
    from dingtalk.simulator.server import Simulator

URL_CHECKS = ("check_url", "check_create_suite_url", "check_update_suite_url")

Body = dict[str, Any]
Operation = Callable[[Request, Body], Awaitable[Any]]


class Control:
    """Every operation of the interface, on one simulator."""

    def __init__(self, simulator: "Simulator") -> None:
        self._simulator = simulator
        self._world = simulator.world
        self._pusher = simulator.pusher

    def routes(self) -> list[Route]:
        """The routes; every answer is JSON and every refusal says why."""
        suite = "/_sim/suites/{suite_key}"
        table: list[tuple[str, str, Operation]] = [
            ("GET", "/_sim/state", self.state),
            ("GET", "/_sim/suites", self.suites),
            ("POST", "/_sim/suites", self.register_suite),
            ("GET", suite, self.suite),
            ("PUT", suite, self.change_suite),
            ("POST", f"{suite}/check-url", self.check_url),
            ("POST", f"{suite}/push-ticket", self.push_ticket),
            ("POST", f"{suite}/push", self.push),
            ("POST", f"{suite}/redeliver", self.redeliver),
            ("GET", f"{suite}/companies/{{corp_id}}", self.grant),
            ("POST", f"{suite}/companies/{{corp_id}}/{{action}}", self.act),
            ("GET", f"{suite}/companies/{{corp_id}}/messages", self.messages),
            ("POST", f"{suite}/companies/{{corp_id}}/messages/read", self.read_messages),
            ("POST", f"{suite}/companies/{{corp_id}}/people/{{userid}}/login-code", self.login_code),
            ("POST", "/_sim/companies", self.make_company),
            ("DELETE", "/_sim/companies/{corp_id}/people/{userid}", self.dismiss),
            ("GET", "/_sim/pushes", self.pushes),
            ("GET", "/_sim/calls", self.calls),
            ("GET", "/_sim/faults", self.faults),
            ("POST", "/_sim/faults", self.add_fault),
            ("DELETE", "/_sim/faults", self.clear_faults),
            ("POST", "/_sim/tokens/expire", self.expire_tokens),
            ("POST", "/_sim/clock", self.set_clock),
            ("GET", "/_sim/limits", self.limits),
            ("PUT", "/_sim/limits", self.set_limits),
        ]
        return [Route(path, self._endpoint(operation), methods=[method]) for method, path, operation in table]

    async def state(self, _request: Request, _body: Body) -> Any:
        """The whole world."""
        return self._simulator.describe()

    async def suites(self, _request: Request, _body: Body) -> Any:
        """All suites."""
        return {"suites": [snapshot.describe_suite(suite) for suite in self._world.suites.values()]}

    async def register_suite(self, _request: Request, body: Body) -> Any:
        """A new suite; what is missing is invented."""
        return snapshot.describe_suite(add_suite(self._world, body))

    async def suite(self, request: Request, _body: Body) -> Any:
        """One suite."""
        return snapshot.describe_suite(self._suite(request))

    async def change_suite(self, request: Request, body: Body) -> Any:
        """Change callback URL, push mode or credentials of a suite."""
        suite = self._suite(request)
        change_suite(suite, body)
        return snapshot.describe_suite(suite)

    async def check_url(self, request: Request, body: Body) -> Any:
        """Have the callback URL checked once, and say what was made of the reply."""
        event = body.get("event", "check_url")
        if event not in URL_CHECKS:
            raise BadRequest(f"event is one of: {', '.join(URL_CHECKS)}")
        suite = self._suite(request)
        push = self._pusher.send(suite, url_check(event, suite), retry_delays=())
        return await self._result([push], wait=True)

    async def push_ticket(self, request: Request, body: Body) -> Any:
        """Make a new ticket and push it."""
        push = push_ticket(self._world, self._pusher, self._suite(request))
        return await self._result([push], wait=bool(body.get("wait")))

    async def push(self, request: Request, body: Body) -> Any:
        """Push any document, or any text, as an event."""
        document = body.get("document")
        if not isinstance(document, dict | str):
            raise BadRequest("document is an object or a text")
        delays = None if body.get("retry", True) else ()
        corp_id = str(body.get("corp_id", ""))
        push = self._pusher.send(self._suite(request), document, corp_id=corp_id, retry_delays=delays)
        return await self._result([push], wait=bool(body.get("wait")))

    async def redeliver(self, request: Request, body: Body) -> Any:
        """Send an earlier push once more."""
        suite = self._suite(request)
        earlier = self._pusher.find_one(read_number(body, "push_id"))
        if earlier is None or earlier.suite_key != suite.suite_key:
            raise NotFound("no such push of this suite")
        if earlier.envelope is None and not body.get("fresh_envelope"):
            raise Conflict("it was not sent yet")
        push = self._pusher.redeliver(suite, earlier, fresh_envelope=bool(body.get("fresh_envelope", False)))
        return await self._result([push], wait=bool(body.get("wait")))

    async def grant(self, request: Request, _body: Body) -> Any:
        """What a company has granted a suite, also when it was withdrawn."""
        grant = self._world.grants.get((self._suite(request).suite_key, self._company(request).corp_id))
        if grant is None:
            raise NotFound("the company has never authorised this suite")
        return snapshot.describe_grant(self._world, grant)

    async def act(self, request: Request, body: Body) -> Any:
        """Do what an administrator of the company does."""
        suite, company = self._suite(request), self._company(request)
        action, deed = request.path_params["action"], read_deed(body)
        if action not in ACTIONS:
            raise NotFound(f"an action is one of: {', '.join(sorted(ACTIONS))}")
        pushes = self._act(action, suite, company, deed)
        result = await self._result(pushes, wait=bool(body.get("wait")) and not deed.unsent)
        grant = self._world.grants.get((suite.suite_key, company.corp_id))
        result["grant"] = snapshot.describe_grant(self._world, grant) if grant else None
        return result

    async def messages(self, request: Request, _body: Body) -> Any:
        """Work notifications of a suite to a company's people, and what became of each copy."""
        suite, company = self._suite(request), self._company(request)
        userid = request.query_params.get("userid", "")
        return {"messages": message_control.list_messages(self._world, suite, company, userid=userid)}

    async def read_messages(self, request: Request, body: Body) -> Any:
        """Have somebody read what has arrived."""
        suite, company = self._suite(request), self._company(request)
        return {"read": message_control.read_messages(self._world, suite, company, body)}

    async def login_code(self, request: Request, body: Body) -> Any:
        """A code as a person's client gets it: inside DingTalk, from the login page, or the admin console."""
        suite, company = self._suite(request), self._company(request)
        return login_control.login_code(self._world, suite, company, self._person(request), body)

    async def dismiss(self, request: Request, _body: Body) -> Any:
        """Have a person leave the company."""
        company, person = self._company(request), self._person(request)
        del company.people[person.userid]
        return snapshot.describe_company(company)

    async def make_company(self, _request: Request, body: Body) -> Any:
        """A new company; what is missing is invented."""
        return snapshot.describe_company(add_company(self._world, body))

    async def pushes(self, request: Request, _body: Body) -> Any:
        """The ledger of pushes."""
        found = self._pusher.find(**_filters(request, "suite_key", "corp_id", "event_type", "state"))
        return {"pushes": [push.describe() for push in found]}

    async def calls(self, request: Request, _body: Body) -> Any:
        """The ledger of API calls."""
        found = self._simulator.calls.find(**_filters(request, "suite_key", "corp_id", "endpoint"))
        return {"calls": found}

    async def faults(self, _request: Request, _body: Body) -> Any:
        """The standing orders to misbehave."""
        return {"faults": self._simulator.faults.list()}

    async def add_fault(self, _request: Request, body: Body) -> Any:
        """Order misbehaviour."""
        return self._simulator.faults.add(read_fault(body))

    async def clear_faults(self, _request: Request, _body: Body) -> Any:
        """Behave again."""
        return {"cleared": self._simulator.faults.clear()}

    async def expire_tokens(self, _request: Request, body: Body) -> Any:
        """Let tokens reach their expiry: of one company, of one suite, or all."""
        count = self._world.tokens.expire(corp_id=body.get("corp_id"), suite_key=body.get("suite_key"))
        return {"expired": count}

    async def set_clock(self, _request: Request, body: Body) -> Any:
        """Move the simulator's clock away from real time, or on from where it is."""
        if "advance_seconds" in body:
            self._simulator.advance(read_number(body, "advance_seconds"))
        else:
            self._world.clock.offset_seconds = read_number(body, "offset_seconds")
        return {"now_ms": self._world.clock.now_ms()}

    async def limits(self, _request: Request, _body: Body) -> Any:
        """How many calls are answered, and who is blocked."""
        return self._simulator.counter.describe()

    async def set_limits(self, _request: Request, body: Body) -> Any:
        """Change limits, those not named stay as they are, and begin to count anew."""
        counter = self._simulator.counter
        counter.limits = read_limits(body, counter.limits)
        counter.forget()
        return counter.describe()

    def _act(self, action: str, suite: Suite, company: Company, deed: Deed) -> list[Push]:
        try:
            return self._simulator.administrator.act(action, suite=suite, company=company, deed=deed)
        except NotAuthorized as error:
            raise Conflict("the company has not authorised this suite") from error

    async def _result(self, pushes: list[Push], *, wait: bool) -> dict[str, Any]:
        """`accepted`: whether every first delivery was; null when nothing was pushed or nobody waited."""
        if wait:
            for push in pushes:
                await push.first_attempt.wait()
        accepted = all(push.attempts[0].accepted for push in pushes) if wait and pushes else None
        return {"accepted": accepted, "pushes": [push.describe() for push in pushes]}

    def _endpoint(self, operation: Operation) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            try:
                content = await operation(request, await read_body(request))
            except ControlError as error:
                return json_response({"error": str(error)}, status=error.status)
            except SeedError as error:
                return json_response({"error": str(error)}, status=400)
            if request.method != "GET":
                self._simulator.save_state()
            return json_response(content)

        return answer

    def _suite(self, request: Request) -> Suite:
        suite = self._world.suites.get(request.path_params["suite_key"])
        if suite is None:
            raise NotFound("no such suite")
        return suite

    def _company(self, request: Request) -> Company:
        company = self._world.companies.get(request.path_params["corp_id"])
        if company is None:
            raise NotFound("no such company")
        return company

    def _person(self, request: Request) -> Person:
        person = self._company(request).people.get(request.path_params["userid"])
        if person is None:
            raise NotFound("no such person")
        return person


def _filters(request: Request, *names: str) -> dict[str, Any]:
    """Filters of a ledger from the query; `since_id` leaves out what was seen before."""
    filters: dict[str, Any] = {name: request.query_params.get(name, "") for name in names}
    since = request.query_params.get("since_id", "0")
    if not (since.isascii() and since.isdigit()):
        raise BadRequest("since_id is a number")
    return {**filters, "since_id": int(since)}
