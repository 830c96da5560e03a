"""What is measured: each operation of the portal that must cost the same however much is stored."""

import itertools
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from dingtalk import feed, inbox, retention
from dingtalk.foundation.audit import Actor
from dingtalk.foundation.models import ActorKind
from dingtalk.models import ReceivedEvent, ReceivedPush, Suite
from dingtalk.work import registered_queues
from tenants import api_keys, failed_pushes, sweeps
from tenants.login.retention import prune_logins
from tenants.models import AccessToken, ApiClient, FailedPushFetch, Scope, Tenant
from tenants.notifications import retention as notification_retention
from tests.growth.filling import DAYS, corp_id_of, id_of
from tests.support.callback_signer import Signer
from tests.support.callbacks import ENCODING_AES_KEY, TOKEN, Callbacks, make_suite, sync_push, sync_row

# In percent: what a cost may grow by from the small to the large size.
HOT, LIST = 10, 25
DUE = 50
CHANGED_LATELY = 60
PUSHED_AT_MOST = 3
SECOND_SUITE_KEY = "suite8xk2m4qz7ab"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Place:
    """A filled database, and who asks."""

    tenants: int
    events: int
    suite: Suite
    callbacks: Callbacks
    operator: Client
    app: Client
    key: str = field(repr=False)
    filled_at: Any = None

    def api(self, path: str) -> None:
        """Call the REST API; anything but 200 is an error."""
        answer = self.app.get(f"/api/v1{path}", headers={"authorization": f"Bearer {self.key}"})
        _expect_ok(answer, path)

    def access_token(self) -> None:
        """Ask for a warm token, which is answered before Django and so is not seen by its test client."""
        path = f"/api/v1{_of_company(self)}/access-token"
        answer = self.callbacks.client.send("GET", path, HTTP_AUTHORIZATION=f"Bearer {self.key}")
        _expect_ok(answer, path)

    def page(self, path: str) -> None:
        """Open a page of the admin; anything but 200 is an error."""
        _expect_ok(self.operator.get(f"/admin/{path}"), path)

    def tenant_in_the_middle(self) -> UUID:
        """Return the id of a tenant with as many before it as after it."""
        return id_of(self.tenants // 2, of=self.tenants, now=self.filled_at)

    def time_of_tenant(self, number: int) -> datetime:
        """Return when the tenant with that number was changed."""
        days = timedelta(days=DAYS)
        return self.filled_at - days + number * days / (self.tenants + 1)

    def event_in_the_middle(self) -> UUID:
        """Return the id of an event (and push) with as many before it as after it."""
        return id_of(self.events // 2, of=self.events, now=self.filled_at)


@dataclass(frozen=True)
class Operation:
    """`prepare` makes what is worked on, untimed; `run` is given it, and timed."""

    name: str
    goal_percent: int
    run: Callable[[Place, Any], object]
    prepare: Callable[[Place], Any] = lambda _place: None


def make_suites_and_client() -> tuple[Suite, Suite, ApiClient]:
    """Make what the rows belong to."""
    first, second = make_suite(), make_suite(suite_key=SECOND_SUITE_KEY, suite_id="31415002", name="审批助手")
    client = ApiClient.objects.create(name="growth", scopes=[scope.value for scope in Scope])
    client.suites.add(first, second)
    return first, second, client


def enter(*, tenants: int, events: int, filled_at: Any) -> Place:
    """Make who asks: a key, an operator, DingTalk; and one tenant whose token can be decrypted."""
    suite = Suite.objects.order_by("suite_id").first()
    client = ApiClient.objects.get(name="growth")
    actor = Actor(kind=ActorKind.COMMAND, name="growth")
    now = timezone.now()
    _row, key = api_keys.create_key(client=client, label="growth", expires_at=None, now=now, actor=actor)
    AccessToken.objects.filter(tenant__corp__corp_id=corp_id_of(7)).delete()
    tenant = Tenant.objects.get(corp__corp_id=corp_id_of(10))
    AccessToken.objects.filter(tenant=tenant).delete()
    AccessToken.objects.create(
        kind="corp_access_token",
        suite=tenant.suite,
        tenant=tenant,
        token="token-of-growth",
        issued_at=now,
        last_used_at=now,
        expires_at=now + timedelta(hours=2),
        refresh_at=now + timedelta(minutes=110),
    )
    operator, _ = User.objects.get_or_create(username="growth", is_staff=True, is_superuser=True)
    browser = Client()
    browser.force_login(operator)
    assert suite is not None
    callbacks = Callbacks(suite, Signer(TOKEN, ENCODING_AES_KEY, suite.suite_key))
    logging.disable(logging.CRITICAL)
    return Place(
        tenants=tenants,
        events=events,
        suite=suite,
        callbacks=callbacks,
        operator=browser,
        app=Client(),
        key=key,
        filled_at=filled_at,
    )


def leave() -> None:
    """Let the log speak again."""
    logging.disable(logging.NOTSET)


def operations() -> Iterator[Operation]:
    """Return all of them."""
    yield Operation("receive a push", HOT, lambda place, push: _send(place, push), _signed_push)
    yield Operation("split a push", HOT, lambda _place, push_id: _split(push_id), _unsplit_push)
    yield Operation("claim due events", HOT, lambda _p, _v: _claim("events"), _waiting_events)
    yield Operation("handle an event", HOT, lambda _p, event_id: inbox.handle_lane(event_id), _waiting_event)
    yield Operation(
        "number events for the feed", HOT, lambda _p, _v: feed.number_events(), _unnumbered_events
    )
    yield Operation("access token", HOT, lambda place, _v: place.access_token())
    yield Operation(
        "sweep: due tokens", HOT, lambda _p, now: sweeps.mark_tokens_to_refresh(now=now), _due_tokens
    )
    yield Operation(
        "claim due tokens", HOT, lambda _p, _v: _claim("renew_requested_token"), _requested_tokens
    )
    yield Operation(
        "sweep: unfinished tenants",
        HOT,
        lambda _p, _v: sweeps.mark_unconverged_tenants(now=timezone.now()),
        _forgotten_tenants,
    )
    yield Operation("claim due tenants", HOT, lambda _p, _v: _claim("reconcile_tenant"), _due_tenants)
    yield Operation(
        "sweep: failed pushes",
        LIST,
        lambda _p, _v: failed_pushes.ask_for_active_tenants(now=timezone.now()),
        _unasked_tenants,
    )
    yield Operation("prune", LIST, lambda _p, _v: retention.prune(now=timezone.now()), _old_rows)
    yield Operation(
        "tidy notifications", LIST, lambda _p, _v: notification_retention.tidy(now=timezone.now())
    )
    yield Operation("prune logins", LIST, lambda _p, _v: prune_logins(now=timezone.now()))
    yield from _api_operations()
    yield from _admin_operations()
    yield Operation("/readyz", LIST, lambda place, _v: _expect_ok(place.app.get("/readyz"), "/readyz"))


def _api_operations() -> Iterator[Operation]:
    def cursor_of(place: Place) -> str:
        from rest_framework.pagination import Cursor

        from tenants.api.pagination import NewestFirst

        pages = NewestFirst()
        pages.base_url = "/"
        link = pages.encode_cursor(Cursor(0, False, str(place.tenant_in_the_middle())))
        return link.partition("cursor=")[2]

    lists = {
        "API tenants, first page": "/tenants",
        "API tenants, by state": "/tenants?state=relieved",
        "API tenants, of a suite": f"/tenants?suite_key={SECOND_SUITE_KEY}",
        "API tenants, by name": "/tenants?name=%E4%B8%84%E4%B8%80",
        "API tenants, waiting": "/tenants?waiting_for=retry",
    }
    for name, path in lists.items():
        yield Operation(name, LIST, lambda place, _v, path=path: place.api(path))
    yield Operation(
        "API tenants, in the middle",
        LIST,
        lambda place, cursor: place.api(f"/tenants?cursor={cursor}"),
        cursor_of,
    )
    yield Operation(
        "API tenants, changed lately",
        LIST,
        lambda place, since: place.api(f"/tenants?updated_since={since}"),
        lambda place: place.time_of_tenant(place.tenants - CHANGED_LATELY).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    yield Operation("API one tenant", LIST, lambda place, _v: place.api(_of_company(place)))
    yield Operation("API events, first page", LIST, lambda place, _v: place.api("/events?limit=50"))


def _admin_operations() -> Iterator[Operation]:
    yield Operation("admin: index", LIST, lambda place, _v: place.page(""))
    pages = {
        "tenants/tenant/": ("state__exact=relieved", f"q={corp_id_of(9)}", "q=%E4%B8%84%E4%B8%80"),
        "tenants/accesstoken/": ("kind__exact=suite_access_token", f"q={corp_id_of(9)}"),
        "tenants/failedpushfetch/": (f"q={corp_id_of(9)}",),
        "tenants/notification/": ("state__exact=failed", "q=4711"),
        "dingtalk/receivedevent/": (
            "state__exact=dead",
            "is_known__exact=0",
            f"q={corp_id_of(9)}",
            "stored_since=1",
        ),
        "dingtalk/receivedpush/": ("source__exact=failed_list", "q=nothing", "stored_since=1"),
        "foundation/auditentry/": ("q=wang", "actor_kind__exact=api_client"),
        "dingtalk/suite/": (),
    }
    for path, queries in pages.items():
        yield Operation(f"admin: {path}", LIST, lambda place, _v, path=path: place.page(path))
        for query in queries:
            address = f"{path}?{query}"
            yield Operation(f"admin: {address}", LIST, lambda place, _v, address=address: place.page(address))
        if path != "dingtalk/suite/":
            yield Operation(
                f"admin: {path} in the middle",
                LIST,
                lambda place, row_id, path=path: place.page(f"{path}?older_than={row_id}"),
                Place.event_in_the_middle if "dingtalk" in path else Place.tenant_in_the_middle,
            )


def _expect_ok(answer: Any, path: str) -> None:
    if answer.status_code != 200:
        raise RuntimeError(f"{path}: {answer.status_code} {answer.content[:300]!r}")


def _of_company(place: Place) -> str:
    return f"/tenants/{place.suite.suite_key}/{corp_id_of(10)}"


def _signed_push(place: Place) -> tuple[dict[str, str], bytes]:
    number = next(_numbers)
    row = sync_row(
        {"syncAction": "user_add_org", "userid": f"u{number}"},
        corp_id=corp_id_of(number % 900 + 1),
        biz_id=f"grown{number}",
        gmt_modified=int(timezone.now().timestamp() * 1000),
    )
    return place.callbacks.signer.push(sync_push(row))


def _send(place: Place, push: tuple[dict[str, str], bytes]) -> None:
    # Again as DingTalk does: of a database that has just been filled a checkpoint may take too long.
    for _ in range(PUSHED_AT_MOST):
        answer = place.callbacks.send(*push)
        if answer.status_code == 200:
            return
    _expect_ok(answer, "callback")


def _unsplit_push(place: Place) -> UUID:
    _send(place, _signed_push(place))
    return ReceivedPush.objects.order_by("-pk").values_list("pk", flat=True)[0]


def _split(push_id: UUID) -> None:
    if not inbox.split_push(push_id, now=timezone.now()):
        raise RuntimeError("the push was not split")


def _waiting_event(place: Place) -> UUID:
    _split(_unsplit_push(place))
    return ReceivedEvent.objects.order_by("-pk").values_list("pk", flat=True)[0]


def _waiting_events(place: Place) -> None:
    waiting = ReceivedEvent.objects.filter(state="pending")
    for _ in range(DUE - waiting.count()):
        _waiting_event(place)
    waiting.update(dispatched_at=None)


def _unnumbered_events(place: Place) -> None:
    for _ in range(5):
        _waiting_event(place)


def _claim(name: str) -> None:
    queue = next(queue for queue in registered_queues() if queue.name == name)
    if not queue.claim_due(DUE):
        raise RuntimeError(f"nothing was due in {name}")


def _some_tenants(place: Place) -> list[UUID]:
    """Active ones of the first suite, whose tokens are not used."""
    numbers = (number for number in range(20, place.tenants) if number % 100 >= 60 and number % 10 != 7)
    chosen = itertools.islice(numbers, DUE)
    return [id_of(number, of=place.tenants, now=place.filled_at) for number in chosen]


def _due_tokens(place: Place) -> Any:
    now = timezone.now()
    AccessToken.objects.filter(pk__in=_some_tenants(place)).update(
        issued_at=now - timedelta(minutes=111),
        last_used_at=now - timedelta(minutes=100),
        expires_at=now + timedelta(minutes=9),
        refresh_at=now - timedelta(minutes=1),
        renewal_requested_at=None,
    )
    return now


def _requested_tokens(place: Place) -> None:
    AccessToken.objects.filter(pk__in=_some_tenants(place)).update(
        renewal_requested_at=timezone.now(), dispatched_at=None
    )


def _forgotten_tenants(place: Place) -> None:
    long_ago = timezone.now() - timedelta(hours=1)
    Tenant.objects.filter(pk__in=_some_tenants(place)).update(
        auth_info_due=True, next_reconcile_at=None, updated_at=long_ago
    )


def _due_tenants(place: Place) -> None:
    Tenant.objects.filter(pk__in=_some_tenants(place)).update(
        auth_info_due=True, next_reconcile_at=timezone.now(), dispatched_at=None
    )


def _unasked_tenants(_place: Place) -> None:
    FailedPushFetch.objects.filter(wanted_at__isnull=False).delete()


def _old_rows(place: Place) -> None:
    """A thousand pushes and events that are just too old, in place of those that were removed."""
    cache.clear()
    long_ago = timezone.now() - timedelta(days=40)
    pushes = [
        ReceivedPush(
            id=id_of(number, of=100_000, now=long_ago),
            suite_id=place.suite.pk,
            digest=f"old{number}",
            received_at=long_ago,
            split_at=long_ago,
            body=b"{}",
        )
        for number in range(500)
    ]
    ReceivedPush.objects.bulk_create(pushes, ignore_conflicts=True)
    # Those of the time before, which pruning leaves without a payload.
    ReceivedEvent.objects.filter(feed_position__lt=0).delete()
    ReceivedEvent.objects.bulk_create(
        ReceivedEvent(
            id=push.pk,
            suite_id=push.suite_id,
            push=push,
            identity=push.digest,
            platform_time=long_ago,
            received_at=long_ago,
            handled_at=long_ago,
            state="handled",
            payload=b"{}",
            event_type="user_add_org",
            feed_position=-number - 1,
        )
        for number, push in enumerate(pushes)
    )
