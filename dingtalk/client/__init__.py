"""
Calls to DingTalk. Besides the simulator, nothing else in the project opens a socket to it.

Each method makes one call and returns what was asked for, or raises

- HeldBack, an ApiError too, when the call was not sent because it may not go out now (see `discipline`),
- TransportError when there is no usable answer; `retryable` says that DingTalk cannot have acted, or that
  the call may be made again,
- an ApiError when DingTalk says no.

The calls are grouped by what they are about, one module each.
"""

import os
from functools import cache
from typing import Any

from django.conf import settings
from django.core.signals import setting_changed

from dingtalk.client.answers import IssuedToken, PermanentCode, SuiteIdentity, UnactiveCorps
from dingtalk.client.authorization import AuthorizationCalls
from dingtalk.client.callbacks import CallbackCalls
from dingtalk.client.contacts import ContactCalls
from dingtalk.client.corp_tokens import CorpTokenCalls
from dingtalk.client.departments import DepartmentCalls
from dingtalk.client.discipline import Limits, new_gate
from dingtalk.client.forwarding import ForwardingCalls
from dingtalk.client.installations import InstallationCalls
from dingtalk.client.internal_apps import InternalAppCalls
from dingtalk.client.jsapi import JsapiCalls
from dingtalk.client.login import LoginCalls
from dingtalk.client.market import MarketCalls
from dingtalk.client.messages import MessageCalls
from dingtalk.client.roles import RoleCalls
from dingtalk.client.stream import StreamCalls, StreamEndpoint
from dingtalk.client.translation import TranslationCalls
from dingtalk.client.users import UserCalls

__all__ = [
    "DingTalkClient",
    "IssuedToken",
    "PermanentCode",
    "StreamEndpoint",
    "SuiteIdentity",
    "UnactiveCorps",
    "dingtalk_client",
]


class DingTalkClient(
    AuthorizationCalls,
    CorpTokenCalls,
    ContactCalls,
    MessageCalls,
    InstallationCalls,
    InternalAppCalls,
    JsapiCalls,
    LoginCalls,
    UserCalls,
    DepartmentCalls,
    RoleCalls,
    ForwardingCalls,
    StreamCalls,
    CallbackCalls,
    MarketCalls,
    TranslationCalls,
):
    """The server API, as far as we use it. One instance serves all threads of a process."""


@cache
def dingtalk_client() -> DingTalkClient:
    """Return the client of this process, made from the settings when first asked for."""
    return DingTalkClient(
        oapi_base_url=settings.DINGTALK_OAPI_BASE_URL,
        api_base_url=settings.DINGTALK_API_BASE_URL,
        connect_timeout_seconds=settings.DINGTALK_CONNECT_TIMEOUT_SECONDS,
        read_timeout_seconds=settings.DINGTALK_READ_TIMEOUT_SECONDS,
        gate=new_gate(
            limits=_limits(), redis_url=settings.REDIS_URL, processes=settings.DINGTALK_CALLING_PROCESSES
        ),
    )


def _limits() -> Limits:
    return Limits(
        calls_per_second=settings.DINGTALK_CALLS_PER_SECOND,
        calls_per_20_seconds=settings.DINGTALK_CALLS_PER_20_SECONDS,
        calls_per_second_per_api=settings.DINGTALK_CALLS_PER_SECOND_PER_API,
        breaker_failures=settings.DINGTALK_BREAKER_FAILURES,
        breaker_seconds=settings.DINGTALK_BREAKER_SECONDS,
    )


def _forget_client(*, setting: str, **_signal: Any) -> None:
    if setting.startswith("DINGTALK_"):
        dingtalk_client.cache_clear()


# Two processes on one connection would read each other's answers.
os.register_at_fork(after_in_child=dingtalk_client.cache_clear)
setting_changed.connect(_forget_client, dispatch_uid="dingtalk.client")
