"""What the platform takes as a message of each type (`message-types-and-data-format`)."""

import json
from typing import Any

from dingtalk.simulator.answers import OldFamilyError

MAX_BYTES = 2_048
Message = dict[str, Any]

_TYPES: dict[str, dict[str, type]] = {
    "text": {"content": str},
    "image": {"media_id": str},
    "voice": {"media_id": str, "duration": str},
    "file": {"media_id": str},
    "link": {"messageUrl": str, "picUrl": str, "title": str, "text": str},
    "oa": {"message_url": str, "head": dict, "body": dict},
    "markdown": {"title": str, "text": str},
    "action_card": {"title": str, "markdown": str},
}
# The code of a member that is missing, where it has one of its own.
_MISSING = {"image": 34008, "link": 34009, "file": 34010, "voice": 34011}
_INCOMPLETE, _UNKNOWN_TYPE, _TOO_LONG, _TOO_LARGE = 34014, 40008, 34016, 45002


def check_message(message: Message, *, has_few_receivers: bool) -> None:
    """Raise OldFamilyError for what is no message; only few receivers can have a status bar."""
    kind = message.get("msgtype")
    if not isinstance(kind, str) or kind not in _TYPES:
        raise OldFamilyError(_UNKNOWN_TYPE, "不合法的消息类型")
    body = message.get(kind)
    if not isinstance(body, dict):
        raise OldFamilyError(_INCOMPLETE, "消息JSON不完整或与msgtype不一致")
    for name, wanted in _TYPES[kind].items():
        if not isinstance(body.get(name), wanted) or not body[name]:
            raise OldFamilyError(_MISSING.get(kind, _INCOMPLETE), f"消息缺少{name}")
    if kind == "voice" and not (body["duration"].isdecimal() and 0 < int(body["duration"]) < 60):
        raise OldFamilyError(_INCOMPLETE, "语音时长必须小于60秒")
    if kind == "action_card":
        _check_card(body)
    if kind == "oa":
        _check_oa(body, has_few_receivers=has_few_receivers)
    if (
        len(json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"))
        > MAX_BYTES
    ):
        raise OldFamilyError(_TOO_LARGE, "消息长度超过限制")


def _check_card(body: Message) -> None:
    if "single_title" in body or "single_url" in body:
        if not (body.get("single_title") and body.get("single_url")) or "btn_json_list" in body:
            raise OldFamilyError(_INCOMPLETE, "整体跳转与独立跳转不能混用")
        if len(body["single_title"]) > 20 or len(body["single_url"]) > 500:
            raise OldFamilyError(_TOO_LONG, "single_title或single_url过长")
        return
    buttons = body.get("btn_json_list")
    if body.get("btn_orientation") not in ("0", "1") or not isinstance(buttons, list) or not buttons:
        raise OldFamilyError(_INCOMPLETE, "缺少btn_json_list或btn_orientation")
    if not all(isinstance(each, dict) and each.get("title") and each.get("action_url") for each in buttons):
        raise OldFamilyError(_INCOMPLETE, "按钮缺少title或action_url")


def _check_oa(body: Message, *, has_few_receivers: bool) -> None:
    if not (body["head"].get("bgcolor") and "text" in body["head"]):
        raise OldFamilyError(_INCOMPLETE, "head缺少bgcolor或text")
    if "status_bar" in body and not has_few_receivers:
        raise OldFamilyError(41052, "状态栏只支持5个以内的接收者")
