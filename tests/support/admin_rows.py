"""Rows of every kind that the admin shows, with a canary in each secret and hostile names."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from django.contrib.auth.models import User

from dingtalk.foundation.audit import Actor
from dingtalk.foundation.models import ActorKind
from dingtalk.models import (
    ConnectionState,
    EventState,
    Outage,
    OutageKind,
    ProcessHeartbeat,
    ProcessKind,
    RdsPosition,
    ReceivedEvent,
    ReceivedPush,
    StreamConnection,
    Suite,
    SuiteTicket,
)
from dingtalk.protocol.json_guard import canonical_json
from tenants.api_keys import create_key
from tenants.models import (
    AccessToken,
    ApiClient,
    ApiKey,
    AuthCorp,
    CodeState,
    FailedPushFetch,
    Notification,
    NotificationKind,
    NotificationState,
    Scope,
    Tenant,
    TenantState,
    TenantTransition,
    TmpAuthCode,
    TokenKind,
    WaitingFor,
)

OPERATOR = Actor(kind=ActorKind.OPERATOR, name="wang")
HOSTILE_NAME = '<script>alert("杭州")</script>\u202e科技'
AES_KEYS = ("CANARYaesKEY0jiocdr586fn2zvjpa8zls3ij00000A", "CANARYaesKEY1jiocdr586fn2zvjpa8zls3ij00000A")
CANARIES = (
    "canary-suite-secret",
    "canary-previous-suite-secret",
    "canarycallbacktoken",
    "canarypreviouscallbacktoken",
    *AES_KEYS,
    "canary-ticket",
    "canary-permanent-code",
    "canary-corp-token",
    "canary-suite-token",
    "canary-tmp-auth-code",
    "canary-pushed-ticket",
    "canary-nested-code",
    "canary-person",
)


@dataclass(frozen=True)
class AdminRows:
    """One row of each kind, and the text of the API key."""

    suite: Suite
    tenant: Tenant
    event: ReceivedEvent
    push: ReceivedPush
    ticket: SuiteTicket
    token: AccessToken
    client: ApiClient
    key: ApiKey
    key_text: str

    @property
    def secrets(self) -> tuple[str, ...]:
        """Everything that no page may show."""
        return (*CANARIES, self.key_text.split("_", 2)[2])


def make_rows(*, now: datetime) -> AdminRows:
    """Store one row of each kind."""
    suite = make_suite(now=now)
    ticket = SuiteTicket.objects.create(
        suite=suite,
        ticket="canary-ticket",
        digest="d" * 64,
        platform_time=now - timedelta(hours=2),
        received_at=now - timedelta(hours=2),
    )
    tenant = make_tenant(suite, now=now)
    push = ReceivedPush.objects.create(
        suite=suite, digest="e" * 64, received_at=now, body=b"{}", split_at=now
    )
    StreamConnection.objects.create(
        suite=suite,
        state=ConnectionState.CONNECTED,
        holder="portal-1:4711",
        connected_since=now - timedelta(hours=5),
        last_frame_at=now - timedelta(minutes=1),
        lease_until=now + timedelta(seconds=15),
    )
    make_failed_pushes(tenant, now=now)
    client = ApiClient.objects.create(name="oa-app", scopes=[Scope.TOKENS_READ])
    client.suites.add(suite)
    key, key_text = create_key(client=client, label="server 1", expires_at=None, now=now, actor=OPERATOR)
    make_notification(tenant, key, now=now)
    return AdminRows(
        suite=suite,
        tenant=tenant,
        event=make_event(push, now=now),
        push=push,
        ticket=ticket,
        token=make_tokens(tenant, now=now),
        client=client,
        key=key,
        key_text=key_text,
    )


def make_failed_pushes(tenant: Tenant, *, now: datetime) -> None:
    """A push table that cannot be read, an outage, and what was fetched after it."""
    RdsPosition.objects.create(
        database="rds.example:3306/push",
        table="open_sync_biz_data",
        last_id=7001,
        last_error="rds.example:3306/push: 2003 Can't connect",
    )
    Outage.objects.create(kind=OutageKind.SILENCE, began_at=now - timedelta(minutes=9), ended_at=now)
    FailedPushFetch.objects.create(tenant=tenant, tried_at=now, found=3)
    ProcessHeartbeat.objects.create(
        kind=ProcessKind.WORKER, host=HOSTILE_NAME, pid=7, version="1", started_at=now, last_progress_at=now
    )


def make_suite(*, now: datetime, suite_key: str = "suitekq7ymx3wq2ulr9vd", name: str = "考勤助手") -> Suite:
    """A suite whose secrets were changed a moment ago."""
    return Suite.objects.create(
        name=name,
        suite_id="31415001",
        suite_key=suite_key,
        suite_secret="canary-suite-secret",
        suite_secret_previous="canary-previous-suite-secret",
        suite_secret_previous_until=now + timedelta(hours=48),
        callback_token="canarycallbacktoken",
        callback_token_previous="canarypreviouscallbacktoken",
        callback_token_previous_until=now + timedelta(hours=48),
        encoding_aes_key=AES_KEYS[0],
        encoding_aes_key_previous=AES_KEYS[1],
        encoding_aes_key_previous_until=now + timedelta(hours=48),
        callback_verified_at=now - timedelta(hours=3),
    )


def make_tenant(
    suite: Suite,
    *,
    now: datetime,
    corp_id: str = "ding7f3c91a05be842d6",
    name: str = HOSTILE_NAME,
    state: TenantState = TenantState.ACTIVE,
    **columns: object,
) -> Tenant:
    """A tenant with a history, a spent code, and an error of DingTalk's table."""
    corp = AuthCorp.objects.create(corp_id=corp_id, name=name, full_name=f"{name}有限公司", industry="互联网")
    defaults: dict[str, object] = {
        "permanent_code": None if state == TenantState.RELIEVED else "canary-permanent-code",
        "waiting_for": WaitingFor.RETRY,
        "last_error": "/service/get_corp_token: 40089 不合法的corpid或corpsecret (request 5x1)",
        "last_error_code": "40089",
        "agents": [{"agent_id": 1001, "app_id": 55, "name": "考勤", "admin_user_ids": ["manager01"]}],
        "auth_scope": {"user_ids": ["u1"], "dept_ids": [1], "user_fields": ["name"]},
        "authorized_at": now - timedelta(days=1),
    }
    tenant = Tenant.objects.create(suite=suite, corp=corp, state=state, **{**defaults, **columns})
    steps = ["", "authorizing", "activating", state]
    for minutes, (before, after) in enumerate(pairwise(steps)):
        TenantTransition.objects.create(
            tenant=tenant,
            at=now - timedelta(days=1, minutes=-minutes),
            from_state=before,
            to_state=after,
            generation=1,
            reason="org_suite_auth",
        )
    TmpAuthCode.objects.create(
        tenant=tenant,
        code="canary-tmp-auth-code",
        digest="f" * 64,
        generation=1,
        received_at=now - timedelta(days=1),
        state=CodeState.SPENT,
    )
    return tenant


def make_notification(tenant: Tenant, key: ApiKey, *, now: datetime) -> Notification:
    """One that DingTalk refused; the warnings name a person."""
    return Notification.objects.create(
        tenant=tenant,
        client=key.client,
        key_prefix=key.prefix,
        idempotency_key="order-4711",
        request_digest="a" * 64,
        content_digest="b" * 64,
        kind=NotificationKind.MESSAGE,
        message_type="text",
        agent_id=1001,
        user_count=2,
        dept_count=1,
        warnings='[{"code": "daily_limit", "user_ids": ["canary-person"]}]',
        state=NotificationState.FAILED,
        attempt_started_at=now,
        created_at=now,
        dingtalk_code="41029",
    )


def make_tokens(tenant: Tenant, *, now: datetime) -> AccessToken:
    """The suite's token and the tenant's; returns the tenant's."""
    times = {"issued_at": now, "expires_at": now + timedelta(hours=2), "refresh_at": now + timedelta(hours=1)}
    AccessToken.objects.create(
        kind=TokenKind.SUITE, suite=tenant.suite, token="canary-suite-token", method="suite_ticket", **times
    )
    return AccessToken.objects.create(
        kind=TokenKind.CORP,
        suite=tenant.suite,
        tenant=tenant,
        token="canary-corp-token",
        method="v1",
        **times,
    )


def make_event(
    push: ReceivedPush, *, now: datetime, state: EventState = EventState.DEAD, identity: str = "a"
) -> ReceivedEvent:
    """A legacy authorisation whose payload holds secrets, one of them in a nested text."""
    data = {
        "EventType": "tmp_auth_code",
        "AuthCode": "canary-tmp-auth-code",
        "AuthCorpId": "ding7f3c91a05be842d6",
        "suiteTicket": "canary-pushed-ticket",
        "biz_data": '{"permanent_code":"canary-nested-code","corp_name":"杭州云栖"}',
        "corp_name": HOSTILE_NAME,
    }
    return ReceivedEvent.objects.create(
        suite=push.suite,
        push=push,
        identity=identity * 64,
        event_type="tmp_auth_code",
        corp_id="ding7f3c91a05be842d6",
        platform_time=now,
        received_at=now,
        payload=canonical_json({"data": data}),
        state=state,
        attempts=6,
        last_error="TransportError: no answer within 8 s" if state == EventState.DEAD else "",
    )


def make_superuser() -> User:
    """Somebody who may do everything."""
    return User.objects.create_superuser("wang", password="a-long-password-1")
