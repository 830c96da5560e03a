"""Events being pushed while things happen, an app that reads them, and what came of it all."""

import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any

import requests

from tests.faults.checker import (
    Histories,
    Limits,
    acknowledged_keys,
    check,
    expected_states,
)
from tests.faults.ledger import Ledger, Record
from tests.faults.model import ABSENT
from tests.faults.outcome import Outcome, Run
from tests.faults.plan import Item, Mix, make_plan
from tests.faults.pusher import Company, Deliver, Pusher, Target
from tests.faults.receiver import Receiver
from tests.faults.schedule import moments
from tests.faults.world import World
from tests.journeys.stack import LEGACY, SYNC_HTTP

RATE = 120.0
# SQLite has one writer, and what handles events writes more than what receives them.
EMBEDDED_RATE = 30.0
_EVENTS_PER_COMPANY = 50
_LOOK_SECONDS = 0.5


class Traffic:
    """
    `run.events` pushes from entering until leaving the block, read by a tenant app.

    Leaving waits for the last push. `outcome` then waits until everything is done, and judges.
    """

    def __init__(
        self,
        world: World,
        run: Run,
        *,
        events: int | None = None,
        companies: int | None = None,
        rate: float | None = None,
        mix: Mix | None = None,
        plan: list[Item] | None = None,
        deliver: Deliver | None = None,
        pusher: type[Pusher] = Pusher,
    ) -> None:
        """`plan`: what is pushed, in place of a mix chosen by the seed. `deliver`: see Pusher."""
        self.world, self.run = world, run
        self._events = run.events if events is None else events
        self._mix = mix or Mix()
        self._company_count = companies or max(8, self._events // _EVENTS_PER_COMPANY)
        number = world.next_number()
        self._ledgers = {
            name: Ledger(run.folder / f"{number:02d}-{name}.jsonl") for name in ("pushed", "given", "ended")
        }
        self._seen_calls = world.last_call_id()
        self._seen_pushes = world.last_push_id()
        plan = plan or make_plan(
            run.random, pushes=self._events, companies=self._company_count, mix=self._mix
        )
        self.companies = self._make_companies(number)
        self.pusher = pusher(
            plan,
            self.companies,
            simulator=world.simulator,
            ledger=self._ledgers["pushed"],
            rate=rate or (EMBEDDED_RATE if world.options.embedded else RATE),
            deliver=deliver,
        )
        self.receiver = Receiver(world.base_url, world.app_key, ledger=self._ledgers["given"])

    def __enter__(self) -> "Traffic":
        self.receiver.start()
        self.pusher.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc_type is not None:
            self.pusher.stop()
        self.pusher.join()
        if exc_type is not None:
            self._close()

    def moments(self, count: int, *, first: float = 0.05, last: float = 0.95) -> Iterator[int]:
        """Yield at `count` moments chosen by the seed, each when that share of the pushes has begun."""
        for number, share in enumerate(moments(self.run.random, count, first=first, last=last)):
            while self.pusher.progress < share and not self.pusher.is_done:
                time.sleep(0.01)
            yield number

    def outcome(
        self,
        *,
        limits: Limits | None = None,
        figures: dict[str, Any] | None = None,
        problems: list[str] | None = None,
    ) -> Outcome:
        """Wait until everything is done, judge, and add what the scenario found."""
        limits = limits or Limits()
        try:
            self._wait_until_done(limits.drain_seconds)
        finally:
            self._close()
        verdict = check(self.histories(), limits)
        own = [*self.pusher.errors[:5], *self.receiver.refused[:5], *(problems or [])]
        return Outcome({**verdict.figures, **(figures or {})}, [*verdict.problems, *own])

    def tries(self) -> list[Record]:
        """Return what came of each try to push, so far."""
        return [record for record in self._ledgers["pushed"].read() if record["what"] == "try"]

    def histories(self) -> Histories:
        """Return the ledgers."""
        simulator = self.world.simulator
        return Histories(
            pushed=self._ledgers["pushed"].read(),
            given=self._ledgers["given"].read(),
            ended=self._ledgers["ended"].read(),
            faults=self.world.faults.read(),
            upstream=simulator.calls(since_id=self._seen_calls)["calls"],
            pushed_again=[
                push
                for push in simulator.pushes(since_id=self._seen_pushes, event_type="tmp_auth_code")["pushes"]
                if push["attempts"]
            ],
        )

    def _make_companies(self, number: int) -> list[Company]:
        targets = {key: Target.of(self.world.simulator.suite(key)) for key in (SYNC_HTTP, LEGACY)}
        companies = []
        for index in range(self._company_count):
            corp_id = f"dingfault{number:03d}x{index:05d}"
            self.world.simulator.add_company(corp_id=corp_id, name=f"公司 {number}-{index}")
            is_legacy = self.run.random.random() < self._mix.legacy
            companies.append(Company(corp_id, targets[LEGACY if is_legacy else SYNC_HTTP]))
        return companies

    def _wait_until_done(self, seconds: float) -> None:
        pushed = self._ledgers["pushed"].read()
        acknowledged, expected = acknowledged_keys(pushed), expected_states(pushed)
        began = time.monotonic()
        states: dict[str, str] = {}
        while time.monotonic() - began <= seconds:
            if acknowledged <= self.receiver.given:
                states = self._read_states() or states
                if all(states.get(corp_id, ABSENT) in allowed for corp_id, allowed in expected.items()):
                    self._ledgers["ended"].write("settled")
                    break
            time.sleep(_LOOK_SECONDS)
        for corp_id, state in (self._read_states() or states).items():
            self._ledgers["ended"].write("tenant", corp_id=corp_id, state=state)

    def _read_states(self) -> dict[str, str] | None:
        companies = {company.corp_id: company.target.suite_key for company in self.companies}
        try:
            return self.receiver.read_states(companies)
        except requests.RequestException:
            return None

    def _close(self) -> None:
        self.receiver.close()
        for ledger in self._ledgers.values():
            ledger.close()
