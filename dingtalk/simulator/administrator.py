"""
What a company's administrator does, and what the platform then pushes.

The state changes first and the push follows, as on the platform: a push that is lost does not undo the deed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dingtalk.simulator import documents, grants, stream_documents
from dingtalk.simulator.pushes import Push, Pusher
from dingtalk.simulator.world import AppState, Company, Grant, PushMode, Scope, Suite, World

Document = dict[str, Any]

APP_STATES = {
    "stop": ("org_micro_app_stop", AppState.STOPPED),
    "restore": ("org_micro_app_restore", AppState.NORMAL),
    "remove": ("org_micro_app_remove", AppState.REMOVED),
}
ACTIONS = frozenset({"authorize", "change", "scope-update", "relieve", *APP_STATES})


class NotAuthorized(Exception):
    """The company has no grant in force for this suite."""


@dataclass(frozen=True, slots=True)
class Deed:
    """
    How a deed is done.

    `at_ms`: the platform's time of the event, now if None. `silent`: the state changes and nothing is
    pushed. `stale`: the event is pushed and the state stays, as when an old event arrives late.
    `unsent`: the pushes are made and shown, and whoever asked for the deed delivers them.
    `deliveries`: how often it is pushed; None is once, and for a temporary code what the options say.
    """

    at_ms: int | None = None
    silent: bool = False
    stale: bool = False
    unsent: bool = False
    deliveries: int | None = None
    scope: Scope | None = None
    different_codes: bool | None = None


@dataclass(frozen=True, slots=True)
class _Scene:
    suite: Suite
    company: Company
    deed: Deed
    at_ms: int

    @property
    def is_legacy(self) -> bool:
        return self.suite.push_mode is PushMode.HTTP

    @property
    def is_stream(self) -> bool:
        return self.suite.push_mode is PushMode.STREAM


class Administrator:
    """Plays the administrators of all companies."""

    def __init__(self, *, world: World, pusher: Pusher) -> None:
        self._world = world
        self._pusher = pusher

    def act(self, action: str, *, suite: Suite, company: Company, deed: Deed) -> list[Push]:
        """Do one of ACTIONS and start its pushes; NotAuthorized when the company has no grant to act on."""
        at_ms = self._world.next_event_ms() if deed.at_ms is None else deed.at_ms
        scene = _Scene(suite=suite, company=company, deed=deed, at_ms=at_ms)
        made = self._deed(action)(scene)
        return [] if deed.silent else [self._push(scene, document) for document in made]

    def push_grant_again(self, *, suite: Suite, corp_id: str) -> None:
        """Push the grant of a waiting company once more and change nothing in it (`reauth_corp`)."""
        deed = Deed(deliveries=1, stale=True)
        self.act("authorize", suite=suite, company=self._world.companies[corp_id], deed=deed)

    def _deed(self, action: str) -> Callable[[_Scene], list[Document]]:
        if action in APP_STATES:
            event_type, state = APP_STATES[action]
            return lambda scene: self._switch(scene, event_type, state)
        return {
            "authorize": self._authorize,
            "change": self._change,
            "scope-update": self._update_scope,
            "relieve": self._relieve,
        }[action]

    def _authorize(self, scene: _Scene) -> list[Document]:
        if scene.deed.stale:
            grant = self._grant(scene)
        else:
            grant = grants.authorize(self._world, suite=scene.suite, company=scene.company)
            grants.set_app_state(grant, AppState.NORMAL)
        if scene.is_legacy:
            return self._code_events(scene, grant)
        return self._repeat(scene, self._grant_document("org_suite_auth", grant, scene))

    def _code_events(self, scene: _Scene, grant: Grant) -> list[Document]:
        """The temporary code, pushed several times: the same event, or a code of its own each time."""
        options, deed = self._world.options, scene.deed
        count = options.tmp_auth_code_deliveries if deed.deliveries is None else deed.deliveries
        differ = options.different_tmp_auth_codes if deed.different_codes is None else deed.different_codes
        codes = [grants.unspent_code(self._world, grant)]
        while differ and len(codes) < count:
            codes.append(grants.new_code(self._world, grant))
        made = [self._legacy("tmp_auth_code", scene, AuthCode=code.code) for code in codes]
        return made if differ else made * count

    def _change(self, scene: _Scene) -> list[Document]:
        grant = self._grant(scene)
        if not scene.deed.stale:
            grants.change_scope(grant, company=scene.company, scope=scene.deed.scope)
        if scene.is_legacy:
            return self._repeat(scene, self._legacy("change_auth", scene))
        return self._repeat(scene, self._grant_document("org_suite_change", grant, scene))

    def _update_scope(self, scene: _Scene) -> list[Document]:
        grant = self._grant(scene)
        if not scene.deed.stale:
            grants.change_scope(grant, company=scene.company, scope=scene.deed.scope)
        return self._repeat(scene, self._app_document("org_micro_app_scope_update", grant, scene))

    def _switch(self, scene: _Scene, event_type: str, state: AppState) -> list[Document]:
        grant = self._grant(scene)
        if not scene.deed.stale:
            grants.set_app_state(grant, state)
        return self._repeat(scene, self._app_document(event_type, grant, scene))

    def _relieve(self, scene: _Scene) -> list[Document]:
        if not scene.deed.stale:
            grants.relieve(self._world, self._grant(scene))
        if scene.is_legacy:
            return self._repeat(scene, self._legacy("suite_relieve", scene))
        if scene.is_stream:
            event = stream_documents.relieve_event(
                suite=scene.suite, corp_id=scene.company.corp_id, at_ms=scene.at_ms
            )
            return self._repeat(scene, event)
        row = documents.relieve_row(suite=scene.suite, corp_id=scene.company.corp_id, at_ms=scene.at_ms)
        return self._repeat(scene, documents.sync_push(self._stored(row, scene)))

    def _grant(self, scene: _Scene) -> Grant:
        grant = self._world.find_grant(suite_key=scene.suite.suite_key, corp_id=scene.company.corp_id)
        if grant is None:
            raise NotAuthorized
        return grant

    def _legacy(self, event_type: str, scene: _Scene, **more: Any) -> Document:
        return documents.legacy_event(
            event_type, suite=scene.suite, corp_id=scene.company.corp_id, at_ms=scene.at_ms, **more
        )

    def _grant_document(self, action: str, grant: Grant, scene: _Scene) -> Document:
        if scene.is_stream:
            return stream_documents.grant_event(
                action, grant, suite=scene.suite, company=scene.company, at_ms=scene.at_ms
            )
        row = documents.grant_row(action, grant, suite=scene.suite, company=scene.company, at_ms=scene.at_ms)
        return documents.sync_push(self._stored(row, scene))

    def _app_document(self, action: str, grant: Grant, scene: _Scene) -> Document:
        if scene.is_legacy:
            return self._legacy(action, scene, AgentId=grant.agent_id, AppId=scene.suite.app_id)
        if scene.is_stream:
            return stream_documents.app_state_event(action, grant, suite=scene.suite, at_ms=scene.at_ms)
        row = documents.app_state_row(action, grant, suite=scene.suite, at_ms=scene.at_ms)
        return documents.sync_push(self._stored(row, scene))

    def _stored(self, row: Document, scene: _Scene) -> Document:
        return self._world.number_row(row) if scene.deed.stale else self._world.put_row(row)

    def _repeat(self, scene: _Scene, document: Document) -> list[Document]:
        return [document] * (1 if scene.deed.deliveries is None else scene.deed.deliveries)

    def _push(self, scene: _Scene, document: Document) -> Push:
        if scene.deed.unsent:
            return self._pusher.keep(scene.suite, document, corp_id=scene.company.corp_id)
        refresh = None
        if "bizData" in document and not scene.deed.stale:
            refresh = lambda: latest_rows(self._world, document)  # noqa: E731
        return self._pusher.send(scene.suite, document, corp_id=scene.company.corp_id, refresh=refresh)


def push_ticket(world: World, pusher: Pusher, suite: Suite) -> Push:
    """Make a new ticket and push it; the old one is dead from now on."""
    ticket = world.new_ticket(suite)
    if suite.push_mode in (PushMode.HTTP, PushMode.STREAM):
        is_legacy = suite.push_mode is PushMode.HTTP
        document = documents.legacy_ticket(suite) if is_legacy else stream_documents.ticket_event(suite)
        return pusher.send_ticket(
            suite, document, refresh=lambda: document if suite.ticket is ticket else None
        )
    rows = documents.sync_push(world.put_row(documents.ticket_row(suite)))
    return pusher.send_ticket(suite, rows, refresh=lambda: latest_rows(world, rows))


def latest_rows(world: World, document: Document) -> Document | None:
    """A push without the rows that were replaced since; None when no row is left."""
    rows = [row for row in document["bizData"] if world.is_latest_row(row)]
    return {**document, "bizData": rows} if rows else None
