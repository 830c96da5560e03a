"""What is stored of the conversation with DingTalk: suites, and what came from them by which way."""

from dingtalk.models.event import WAITING_STATES, EventState, ReceivedEvent
from dingtalk.models.feed import FeedHead
from dingtalk.models.heartbeat import ProcessHeartbeat, ProcessKind
from dingtalk.models.outage import Outage, OutageKind, SignOfLife
from dingtalk.models.push import PushSource, ReceivedPush
from dingtalk.models.rds import RdsPosition
from dingtalk.models.refusal import CallbackRefusal
from dingtalk.models.stream import ConnectionState, StreamConnection
from dingtalk.models.suite import (
    Activation,
    CorpTokenMethod,
    Generation,
    PushMode,
    Suite,
    SuiteKind,
    new_path_slug,
)
from dingtalk.models.ticket import SuiteTicket

__all__ = [
    "WAITING_STATES",
    "Activation",
    "CallbackRefusal",
    "ConnectionState",
    "CorpTokenMethod",
    "EventState",
    "FeedHead",
    "Generation",
    "Outage",
    "OutageKind",
    "ProcessHeartbeat",
    "ProcessKind",
    "PushMode",
    "PushSource",
    "RdsPosition",
    "ReceivedEvent",
    "ReceivedPush",
    "SignOfLife",
    "StreamConnection",
    "Suite",
    "SuiteKind",
    "SuiteTicket",
    "new_path_slug",
]
