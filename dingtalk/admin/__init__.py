"""Admin pages of what is stored of the conversation with DingTalk."""

from dingtalk.admin import events, pushes, refusals, stream, suites, tickets

__all__ = ["events", "pushes", "refusals", "stream", "suites", "tickets"]
