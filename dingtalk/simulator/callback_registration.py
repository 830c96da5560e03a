"""
`/call_back/*`: callbacks that are registered for one company, and what could not be pushed.

Sources: `register-callback-events`, `update-event-interface`, `query-subscribed-events`,
`delete-an-event-callback-interface`, `obtain-the-event-list-of-failed-push-messages`
"""

import re
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from dingtalk.simulator.answers import OldFamilyError
from dingtalk.simulator.calls import Call
from dingtalk.simulator.crypto import EnvelopeKeys, aes_key_of
from dingtalk.simulator.delivery import judge, post_envelope
from dingtalk.simulator.identification import plain_grant
from dingtalk.simulator.world import Grant, World

Result = dict[str, Any]

TAGS = frozenset(
    {
        *("user_add_org", "user_modify_org", "user_leave_org", "user_active_org"),
        *("org_admin_add", "org_admin_remove", "org_dept_create", "org_dept_modify", "org_dept_remove"),
        *("org_remove", "org_change", "label_user_change"),
        *("label_conf_add", "label_conf_del", "label_conf_modify"),
        *("bpms_task_change", "bpms_instance_change", "check_in", "chat_add_member", "chat_remove_member"),
        *("chat_quit", "chat_update_owner", "chat_update_title", "chat_disband"),
    }
)
_TOKEN = re.compile(r"[A-Za-z0-9]{6,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Registration:
    """What a company's callbacks are."""

    tags: list[str]
    url: str
    token: str = field(repr=False)
    aes_key: str = field(repr=False)


def register(call: Call) -> Result:
    """Register callbacks after a check of the URL; 71006 when there are some."""
    grant = plain_grant(call)
    if _key(grant) in call.world.callback_registrations:
        raise OldFamilyError(71006, "回调地址已经存在")
    return _put(call, grant)


def update(call: Call) -> Result:
    """Replace what is registered after a check of the URL; 71007 when nothing is."""
    grant = plain_grant(call)
    _registered(call, grant)
    return _put(call, grant)


def get(call: Call) -> Result:
    """What is registered."""
    found = _registered(call, plain_grant(call))
    return {
        "call_back_tag": found.tags,
        "token": found.token,
        "aes_key": found.aes_key,
        "url": found.url,
    }


def delete(call: Call) -> Result:
    """Remove what is registered."""
    grant = plain_grant(call)
    _registered(call, grant)
    del call.world.callback_registrations[_key(grant)]
    return {}


def get_failed(call: Call) -> Result:
    """The next events that were given up; what the last call returned is gone."""
    entries, has_more = call.world.failed_list.next_page(*_key(plain_grant(call)))
    return {"failed_list": entries, "has_more": has_more}


def _put(call: Call, grant: Grant) -> Result:
    wanted = _wanted(call)
    _check_url(wanted, grant, world=call.world)
    call.world.callback_registrations[_key(grant)] = wanted
    return {}


def _wanted(call: Call) -> Registration:
    tags = call.parameters.texts("call_back_tag")
    token, aes_key = call.parameters.text("token"), call.parameters.text("aes_key")
    if not tags or not _TOKEN.fullmatch(token) or not _is_aes_key(aes_key):
        raise OldFamilyError(71010, "POST的JSON数据缺少必填字段或字段格式错误")
    unknown = [tag for tag in tags if tag not in TAGS]
    if unknown:
        raise OldFamilyError(71008, f"call_back_tag不在允许的范围内: {unknown[0]}")
    url = call.parameters.text("url")
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise OldFamilyError(71011, "url不是合法的URL")
    return Registration(tags=tags, url=url, token=token, aes_key=aes_key)


def _check_url(wanted: Registration, grant: Grant, *, world: World) -> None:
    """
    Push a `check_url`; 71012 when nobody answers with 200, 71009 when the answer is no `success`.

    For the app that a company made for itself the owner in the envelope is the company.
    """
    suite = world.find_suite(grant)
    owner_key = suite.suite_key if suite else grant.corp_id
    keys = EnvelopeKeys(token=wanted.token, encoding_aes_key=wanted.aes_key, owner_key=owner_key)
    envelope = keys.seal(
        '{"EventType":"check_url"}', timestamp=str(world.clock.now_ms()), nonce=secrets.token_hex(4)
    )
    reply = post_envelope(
        callback_url=wanted.url,
        envelope=envelope,
        signature_parameter=suite.signature_parameter if suite else "signature",
        deadline_ms=world.options.deadline_ms,
    )
    verdict = judge(reply, keys=keys, expected=frozenset({"success"}))
    if verdict.accepted:
        return
    if reply.failure or reply.http_status != 200:
        raise OldFamilyError(71012, f"url地址访问异常, {verdict.reason}")
    raise OldFamilyError(71009, "返回的文本不是success")


def _registered(call: Call, grant: Grant) -> Registration:
    found: Registration | None = call.world.callback_registrations.get(_key(grant))
    if found is None:
        raise OldFamilyError(71007, "回调地址已不存在")
    return found


def _key(grant: Grant) -> tuple[str, str]:
    return grant.suite_key, grant.corp_id


def _is_aes_key(text: str) -> bool:
    try:
        aes_key_of(text)
    except ValueError:
        return False
    return True
